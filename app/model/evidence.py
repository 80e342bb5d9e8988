"""Evidence: all that a policy may read about one change."""

from enum import StrEnum
from typing import Final, Literal

import msgspec

from app.model.change import Actor, Change, Comparison, Sha
from app.model.measured import Clone, FunctionComplexity, Measure, Package
from app.model.override import Override
from app.model.waiver import Waiver


class Severity(StrEnum):
    """How bad a finding is, worst last; compare with `rank`."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info … 4 for critical."""
        return _RANKS[self._value_]  # not `value`: a descriptor, asked for every finding by every condition


NOT_SCANNED: Final = "portcullis/not-scanned"
"""The rule of a finding that says: a tool did not look into this file. Whatever tool says it, it is high."""

_RANKS = {severity.value: rank for rank, severity in enumerate(Severity)}


class Status(StrEnum):
    """Where a check is."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"


class Conclusion(StrEnum):
    """How a check ended. `NOT_NEEDED` counts as passed, `ERROR` is ours and makes it unknown."""

    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    SKIPPED = "skipped"
    NOT_NEEDED = "not_needed"


Harm = Literal["security", "reliability", "maintainability"]
"""What a finding harms: SonarQube's software qualities."""


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One located problem. Lines and columns are 1-based, 0 = none; `path` is repository-relative
    in tested_sha ('' = the whole project). `fingerprint` is the tool's own or GitHub's line hash,
    `line_hash` a hash of the line without its blanks ('' = the source could not be read, or the line is
    trivial: too short to be told from others). `suppressed` is the tool's own in-source ignore. `fix` is
    a replacement for the lines. `domain` is what it harms ('' = the tool does not say), `effort` the
    minutes its repair takes (0 = unknown). `impacts` are how bad it is for each of several domains, where
    the report tells them apart.
    """

    tool: str
    rule: str
    message: str
    severity: Severity = Severity.MEDIUM
    path: str = ""
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0
    rule_url: str = ""
    fingerprint: str = ""
    secret: bool = False
    suppressed: bool = False
    fix: str = ""
    line_hash: str = ""
    domain: Literal["", "security", "reliability", "maintainability"] = ""
    effort: int = 0
    impacts: tuple[tuple[Harm, Severity], ...] = ()


class TestOutcome(StrEnum):
    """How a test case ended. failure = an assertion, error = it could not be run."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    SKIPPED = "skipped"


class TestCase(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One test of a report. `seconds` is its duration; `path`/`line` may be unknown ('' / 0)."""

    name: str
    classname: str = ""
    outcome: TestOutcome = TestOutcome.PASSED
    seconds: float = 0.0
    message: str = ""
    output: str = ""
    path: str = ""
    line: int = 0
    flaky: bool = False


class FileCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """Coverage of one file: line → hits, line → (covered, total) branches. Lines are 1-based."""

    path: str
    lines: dict[int, int] = {}
    branches: dict[int, tuple[int, int]] = {}


EvidenceKind = Literal[
    "tests", "findings", "coverage", "secrets", "duplication", "complexity", "licences", "measures"
]
"""The values of `Kind`."""


class ReportContent(msgspec.Struct, frozen=True, kw_only=True):
    """What one report file says once read. `dropped` tells what was left out and why.

    `roots` are the folders that a coverage report says it measured (Cobertura's sources), from the
    repository's root ('' = all of it); empty where the format names none. `sizes` are the lines of each
    file that was searched for clones (path → lines; '' = all files together, where the tool lists none).
    `also` are further kinds of evidence that it delivers: trivy looks for secrets too. `tool` is '' where
    each finding of the format names its own.
    """

    format: str
    kind: EvidenceKind
    path: str = ""
    flag: str = ""
    tool: str = ""
    tool_version: str = ""
    findings: tuple[Finding, ...] = ()
    tests: tuple[TestCase, ...] = ()
    coverage: tuple[FileCoverage, ...] = ()
    dropped: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    clones: tuple[Clone, ...] = ()
    functions: tuple[FunctionComplexity, ...] = ()
    packages: tuple[Package, ...] = ()
    sizes: dict[str, int] = {}
    also: tuple[EvidenceKind, ...] = ()
    measures: tuple[Measure, ...] = ()

    @property
    def kinds(self) -> tuple[EvidenceKind, ...]:
        """All kinds of evidence in it."""
        return (self.kind, *self.also)


class Reused(msgspec.Struct, frozen=True, kw_only=True):
    """The attempt of another run that a result was taken from: its id, and when that run's check ended."""

    attempt: int
    at: float


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """Where one check of the plan (one cell) stands.

    `reason` is one sentence for people ("report missing: out/junit.xml", "nothing under infra/
    changed", "blocked by lint"). `blocked_by` is the key of the check a skipped one waits on for
    its value. `outputs` are the flat scalars of its outputs file. `delivered` are the kinds of
    evidence its last attempt delivered. `since` is when it entered its status (epoch seconds). `reused` is
    set where an earlier result serves: nothing was run, `seconds` are those it took then. `fresh`: somebody
    asked for it to be run, so no earlier result may serve.
    """

    id: str
    key: str
    required: bool = True
    status: Status = Status.QUEUED
    conclusion: Conclusion | None = None
    reason: str = ""
    blocked_by: str = ""
    attempt: int = 0
    seconds: float | None = None
    exit_code: int | None = None
    outputs: dict[str, str | int | float | bool] = {}
    produces: tuple[str, ...] = ()
    delivered: tuple[str, ...] = ()
    since: float = 0.0
    flaky: bool = False
    origin: str = ""
    external_url: str = ""
    reused: Reused | None = None
    fresh: bool = False


class CheckEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """The reports that the last attempt of one check (by key) delivered."""

    key: str
    reports: tuple[ReportContent, ...] = ()


class BaselineState(StrEnum):
    """Whether base's evidence is there. OUTSTANDING: a base run makes it. IMPOSSIBLE: it cannot be had."""

    READY = "ready"
    OUTSTANDING = "outstanding"
    IMPOSSIBLE = "impossible"


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """What the same check (by key, of the same definition) says of base_sha's tree.

    `origin` tells where READY evidence came from ("base run of main@abc1234"); `reason` why it is
    IMPOSSIBLE ("ruff fails on main"), so that the weaker rule is used. `evidence_id` is its row (0 = none).
    A check without a Baseline needed none so far: it delivered nothing that could be compared.
    """

    key: str
    state: BaselineState
    origin: str = ""
    reason: str = ""
    evidence_id: int = 0
    reports: tuple[ReportContent, ...] = ()


class KnownFlaky(msgspec.Struct, frozen=True, kw_only=True):
    """What history says of a test that passed and failed for the same code. `test` is the hash that it is
    known by, `times` on how many trees that was seen lately, `last` the newest time's UTC date (`2026-11-21`)
    and `origin` which evidence showed it; `here`: this change's own tree is among them.
    """

    test: str
    times: int
    last: str
    origin: str = ""
    here: bool = False


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """A person's latest decisive review. `commit` is the head it was given on."""

    author: Actor
    decision: Literal["approved", "changes_requested"]
    commit: Sha
    at: str = ""


class Readable(StrEnum):
    """Whether facts about people could be read: unreadable is *unknown*, never zero."""

    KNOWN = "known"
    LATER = "later"
    REFUSED = "refused"
    NOT_APPLICABLE = "not_applicable"


class People(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about people, as last read from the forge.

    `approvals` are the logins (lower case) whose approval counts now; `vetoes` those whose standing
    veto counts; `teams` maps `@org/team` (lower case) to its members (None = could not be read);
    `unreadable` says why when `state` is not KNOWN; `doubted` maps logins whose approval does not count to
    the author without an account (`Name <e-mail>`) whom they could be.
    """

    state: Readable = Readable.KNOWN
    approvals: tuple[str, ...] = ()
    vetoes: tuple[str, ...] = ()
    teams: dict[str, tuple[str, ...] | None] = {}
    unreadable: str = ""
    doubted: dict[str, str] = {}


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a verdict is computed from (with the plan). Stored whole with each verdict.

    `today` is the UTC date of judging (`2026-11-21`): waivers expire by it. `flaky` is what history says of
    tests that failed here, or differ from an earlier run on this tree. `waivers` were granted to this change
    alone, by comment; `overrides` are in force for its head. `configuring` says, by check id, which
    touched files are its configuration or are extended, imported or plugged in by it, where a condition asks
    for that; None where it cannot be told.
    """

    change: Change
    comparison: Comparison
    trusted: bool = False
    ai_authored: bool = False
    reverts: bool = False
    checks: tuple[CheckResult, ...] = ()
    reports: tuple[CheckEvidence, ...] = ()
    baselines: tuple[Baseline, ...] = ()
    people: People = People(state=Readable.NOT_APPLICABLE)
    today: str = ""
    flaky: tuple[KnownFlaky, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    overrides: tuple[Override, ...] = ()
    configuring: dict[str, tuple[str, ...] | None] = {}
