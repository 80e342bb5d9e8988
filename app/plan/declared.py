"""What a check declares, as read: before presets, defaults and matrices are applied."""

from typing import Literal

import msgspec

from app.model import Cache, CheckSpec, Concurrency, Expression, External, Need, Retry
from app.plan.matrix import Matrix


class Defaults(msgspec.Struct, frozen=True, kw_only=True):
    """`defaults:` as read."""

    timeout: float | None = None
    retry: Retry | None = None
    env: dict[str, str] = {}
    workdir: str | None = None
    shell: str = ""
    resources: dict[str, int | float] = {}


class Codes(msgspec.Struct, frozen=True, kw_only=True):
    """`exit_codes:` as read; None = not written."""

    findings: tuple[int, ...] | None = None
    not_needed: tuple[int, ...] | None = None


class Declared(Defaults, frozen=True, kw_only=True):
    """One check as read."""

    run: str | tuple[str, ...] | None = None
    use: str | None = None
    args: str | tuple[str, ...] = ""
    external: External | None = None
    when: Expression | None = None
    after: Expression | None = None
    needs: tuple[str | Need, ...] = ()
    required: bool = True
    exit_codes: Codes = Codes()
    reports: tuple[str | dict[str, object], ...] | None = None
    outputs: str = ""
    matrix: Matrix | None = None
    tree: Literal["head", "base"] = "head"
    artifacts: tuple[str, ...] = ()
    config: Literal["base", "head"] = "head"
    reuse: tuple[str, ...] = ()
    network: Literal["none", "full"] = "none"
    setup: str = ""
    cache: Cache | None = None
    image: str = ""
    concurrency: Concurrency | None = None


class CheckDecl(msgspec.Struct, frozen=True, kw_only=True):
    """A check before expansion: `template` holds `${matrix.x}` where `matrix` gives it values."""

    template: CheckSpec
    matrix: Matrix | None = None
