"""The plan: what a gate file means for one change, as frozen values."""

from enum import StrEnum
from typing import Literal

import msgspec

from app.model.check import CheckSpec, Expression
from app.model.source import Source
from app.model.waiver import Waiver


class DiagnosticSeverity(StrEnum):
    """An error makes the gate file invalid; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Diagnostic(msgspec.Struct, frozen=True, kw_only=True):
    """One located complaint about a gate file. `code` is stable (`G012`), `where` the key path
    (`checks.test.timout`), `path` the file, `snippet` the source line, `length` the caret's width.
    """

    code: str
    severity: DiagnosticSeverity = DiagnosticSeverity.ERROR
    message: str
    path: str
    line: int
    column: int
    length: int = 1
    where: str = ""
    snippet: str = ""
    label: str = ""
    hint: str = ""


class Condition(msgspec.Struct, frozen=True, kw_only=True, tag="condition"):
    """An expression that must hold."""

    expression: Expression
    because: str = ""
    advisory: bool = False


class Group(msgspec.Struct, frozen=True, kw_only=True, tag="group"):
    """`any:` or `all:` of its items."""

    mode: Literal["any", "all"]
    items: tuple["GateItem", ...]
    source: Source = Source()
    because: str = ""
    advisory: bool = False


class Conditional(msgspec.Struct, frozen=True, kw_only=True, tag="conditional"):
    """`{when: EXPR, require: […]}`: `not when or all(require)`."""

    when: Expression
    require: tuple["GateItem", ...]
    source: Source = Source()
    because: str = ""
    advisory: bool = False


GateItem = Condition | Group | Conditional


class AiAuthored(msgspec.Struct, frozen=True, kw_only=True):
    """Globs that mark a change as machine-written."""

    authors: tuple[str, ...] = ()
    trailers: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


class PublishSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is posted besides the aggregate check run."""

    checks: bool = False
    status: bool = False
    per_base: bool = False


class CommandSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Who may let pass what the gate does not: `@org/team` or logins; none = nobody. `two_person`: an
    override counts once two of them gave it.
    """

    waive: tuple[str, ...] = ()
    override: tuple[str, ...] = ()
    two_person: bool = False


class Licences(msgspec.Struct, frozen=True, kw_only=True):
    """Which licences new packages may have: SPDX identifiers, or globs over them. With `allow` all others are
    denied, with `deny` alone all others are allowed. `unknown` is for what names no licence that SPDX knows.
    """

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    unknown: Literal["deny", "allow"] = "deny"


class GateSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`settings:` of the gate file, defaulted."""

    mode: Literal["enforce", "observe"] = "enforce"
    missing: Literal["fail", "pass", "advisory"] = "fail"
    small_change_lines: int = 20
    generated: tuple[str, ...] = ()
    coverage_exclude: tuple[str, ...] = ()
    max_behind: int | None = None
    comment: Literal["always", "blocked", "never"] = "always"
    publish: PublishSettings = PublishSettings()
    ai_authored: AiAuthored = AiAuthored()
    licences: Licences = Licences()
    gate: Literal["portcullis", "sonar_way"] = "portcullis"
    commands: CommandSettings = CommandSettings()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What one gate file means for one change. `gate_hash` is the SHA-256 of the resolved file.

    `blocked` is set when the change cannot be planned (over `max`, over 200 checks) and says why.
    `gate_declared` tells a written gate from the built-in one.
    """

    path: str
    policy_sha: str
    gate_hash: str
    branches: tuple[str, ...] | None = None
    events: tuple[str, ...] = ("pull_request", "merge_group")
    ignore_paths: tuple[str, ...] = ()
    checks: tuple[CheckSpec, ...] = ()
    gate: tuple[GateItem, ...] = ()
    gate_declared: bool = False
    settings: GateSettings = GateSettings()
    warnings: tuple[Diagnostic, ...] = ()
    notes: tuple[str, ...] = ()
    blocked: str = ""
    empty_checks: tuple[str, ...] = ()
    waivers: tuple[Waiver, ...] = ()
