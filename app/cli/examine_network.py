"""Examinations of the way between the forge and us."""

import asyncio
import time
from contextlib import suppress
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

from app.cli.connected import connections
from app.cli.examined import Examined, broken, good, skipped, warning
from app.model import PortcullisError
from app.settings import Settings

_TIMEOUT = 10.0
_MUCH_SKEW = 30.0  # GitHub refuses an app's token whose times are a minute off


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


async def clock(settings: Settings) -> tuple[Examined, ...]:
    """Whether our clock agrees with each forge's: tokens are signed with the time in them."""
    addresses = await asyncio.to_thread(_addresses, settings)
    return tuple([line for url in addresses for line in await _clock(url)])


def _addresses(settings: Settings) -> tuple[str, ...]:
    """Where the forges are that we act on; GitHub's, where there is none yet."""
    with suppress(PortcullisError):
        found = connections(settings)
        there = tuple(one.url for one in found.all if found.account(one.name) is not None)
        return there or (settings.github_api_url,)
    return (settings.github_api_url,)


async def _clock(url: str) -> tuple[Examined, ...]:
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT) as client:
            sent = time.time()
            answer = await client.get(url + "/")
            received = time.time()
        theirs = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except httpx.HTTPError as error:
        return broken(
            f"{url} does not answer: {_reason(error)}",
            "check the network, a proxy (HTTPS_PROXY) and the address the forge is connected by",
        )
    except ValueError:
        return skipped(f"{url} sends no date")
    skew = theirs + 0.5 - (sent + received) / 2  # the header has whole seconds, cut off
    if abs(skew) > _MUCH_SKEW:
        way = "behind" if skew > 0 else "ahead"
        return broken(f"our clock is {abs(skew):.0f} s {way}", "synchronise the clock (NTP)")
    return good(f"within {max(1, round(abs(skew)))} s of {urlsplit(url).hostname}")


def _near(url: str) -> bool:
    return _only_here(urlsplit(url).hostname or "")


def _only_here(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_private or address.is_link_local or address.is_unspecified


async def webhook(settings: Settings) -> tuple[Examined, ...]:
    """Whether the public address leads to this service."""
    url = f"{settings.base_url}/healthz"
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT) as client:
            answer = await client.get(url)
    except httpx.HTTPError as error:
        return broken(
            f"{url} does not answer: {_reason(error)}",
            "start `portcullis serve`, and let PORTCULLIS_PUBLIC_URL name the address it is reached under",
        )
    if answer.status_code != httpx.codes.OK:
        return broken(
            f"{url} answers {answer.status_code}",
            "something else answers there: check the proxy in front and PORTCULLIS_PUBLIC_URL",
        )
    host = urlsplit(url).hostname or ""
    outside = [each for each in await asyncio.to_thread(_addresses, settings) if not _near(each)]
    if _only_here(host) and outside:
        forge = (urlsplit(outside[0]).hostname or "").removeprefix("api.")
        return warning(
            f"{url} answers, but {forge} cannot reach {host}",
            "set PORTCULLIS_PUBLIC_URL to an address of the internet that leads here",
        )
    return good(f"{url} answers")
