"""Kinds of values that settings have: how each is written, and what can be wrong with one."""

import re
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

SECRET_KEY_LENGTH = 32
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _duration(value: object) -> object:
    """`90s`, `10m`, `1h`, `2d` as in a gate file, or seconds."""
    if isinstance(value, str) and (match := re.fullmatch(r"(\d+)([smhd]?)", value.strip())):
        return timedelta(seconds=int(match[1]) * _UNITS[match[2] or "s"])
    if isinstance(value, str):
        raise ValueError("is not a duration such as 90s, 10m, 1h")  # noqa: TRY004 - pydantic wants ValueError
    return value


def separated(by: str) -> BeforeValidator:
    """A tuple, written in one line with `by` between its parts."""

    def split(value: object) -> object:
        return (
            tuple(part.strip() for part in value.split(by) if part.strip())
            if isinstance(value, str)
            else value
        )

    return BeforeValidator(split)


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is not an http(s) address")
    if parts.username or parts.query or parts.fragment:
        raise ValueError("must not hold a user, a query or a fragment")
    return value.rstrip("/")


def _database_address(value: SecretStr | str) -> SecretStr:
    """Accept the usual spellings of PostgreSQL; they all mean psycopg here."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    scheme, separator, rest = text.partition("://")
    if scheme in {"postgres", "postgresql", "postgresql+psycopg"} and separator:
        return SecretStr(f"postgresql+psycopg://{rest}")
    if scheme == "sqlite" and rest.startswith("/") and rest.strip("/"):
        return SecretStr(text)
    raise ValueError("is neither sqlite:///PATH nor postgresql://USER:PASSWORD@HOST/NAME")


def _network(value: object) -> object:
    try:
        return str(ip_network(str(value)))
    except ValueError as error:
        raise ValueError(f"is not a network such as 10.1.2.0/24: {error}") from error


def _node_label(value: object) -> object:
    """`KEY=VALUE` as a pair."""
    if not isinstance(value, str):
        return value
    key, equals, label = value.partition("=")
    if not equals or not key.strip():
        raise ValueError(f"names {value!r}, which is no label such as pool=checks")
    return key.strip(), label.strip()


def _toolchain(value: Path) -> Path:
    if not value.is_absolute() or value == Path("/"):
        raise ValueError(f"names {value}, which is not an absolute path to a tool chain")
    if not value.is_dir():
        raise ValueError(f"names {value}, which is not a directory")
    return value


def _long_enough(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < SECRET_KEY_LENGTH:
        raise ValueError(f"is shorter than {SECRET_KEY_LENGTH} characters")
    return value


def _pem(value: SecretStr) -> SecretStr:
    text = value.get_secret_value().replace("\\n", "\n")  # as many systems write it on one line
    if "PRIVATE KEY-----" not in text:
        raise ValueError("is not a private key in PEM form (-----BEGIN … PRIVATE KEY-----)")
    return SecretStr(text)


AbsolutePath = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]
Toolchain = Annotated[Path, AfterValidator(_toolchain)]
SecretKey = Annotated[SecretStr, AfterValidator(_long_enough)]
PrivateKey = Annotated[SecretStr, AfterValidator(_pem)]
Network = Annotated[str, BeforeValidator(_network)]
NodeLabel = Annotated[tuple[str, str], BeforeValidator(_node_label)]
WebAddress = Annotated[str, BeforeValidator(_web_address)]
DatabaseAddress = Annotated[SecretStr, BeforeValidator(_database_address)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]
