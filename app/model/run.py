"""The rows of the state machine as values: runs, their checks, their attempts."""

from enum import StrEnum

import msgspec

from app.model.change import Comparison, Sha
from app.model.event import ExternalPosted
from app.model.evidence import CheckResult, Conclusion
from app.model.plan import Diagnostic, Plan
from app.model.upload import UploadReading
from app.model.verdict import Verdict


class RunStatus(StrEnum):
    """Where a run is. Only SUPERSEDED and CLOSED are terminal: all others may be judged again.

    NEW: to be prepared. PLANNED: has a plan. REFUSED: judged without one (conflict, broken gate file,
    too large). NEUTRAL: shown as neutral (first gate file, gate file removed). UNGATED: nothing shown.
    """

    NEW = "new"
    PLANNED = "planned"
    REFUSED = "refused"
    NEUTRAL = "neutral"
    UNGATED = "ungated"
    SUPERSEDED = "superseded"
    CLOSED = "closed"

    @property
    def live(self) -> bool:
        """Whether the run may still change."""
        return self not in {RunStatus.SUPERSEDED, RunStatus.CLOSED}


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What preparing a run found out besides the plan.

    `authors` are (name, e-mail) of commit authors and co-authors; `diagnostics` are the judging file's,
    `head_diagnostics` those of the head's edited version; `edits_gate` when the change touches the file;
    `neutral` is `first` or `removed` for a NEUTRAL run; `base_ref` is the target it was judged against;
    `trailers` are those of its commits, as `ai_authored` reads them; `holds_back` when a push to the branch
    waits for the end of this base run. `fresh`: somebody asked for everything to be run, so no earlier
    result may serve. `configuring`: see `Evidence`.
    """

    notes: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    head_diagnostics: tuple[Diagnostic, ...] = ()
    edits_gate: bool = False
    authors: tuple[tuple[str, str], ...] = ()
    reverts: bool = False
    title_note: str = ""
    neutral: str = ""
    base_ref: str = ""
    trailers: tuple[str, ...] = ()
    holds_back: bool = False
    fresh: bool = False
    configuring: dict[str, tuple[str, ...] | None] = {}


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One execution for one head. Times are epoch seconds; `spent` are the seconds that its attempts took,
    `saved` those that the results it reused had taken.
    """

    id: int
    repository_id: int
    change_id: int
    head_sha: Sha
    base_sha: Sha = Sha("")
    tested_sha: Sha = Sha("")
    policy_sha: Sha = Sha("")
    n: int = 1
    status: RunStatus = RunStatus.NEW
    trusted: bool = False
    plan: Plan | None = None
    comparison: Comparison | None = None
    facts: RunFacts = RunFacts()
    verdict: Verdict | None = None
    opened_at: float = 0.0
    settled_at: float | None = None
    touched_at: float = 0.0
    wake_at: float | None = None
    crashes: int = 0
    error: str = ""
    spent: float = 0.0
    saved: float = 0.0


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """What a check's result depends on, as SHA-256 in hexadecimal digits: `files`, all that it is given to
    read ('' = nothing to know it by); `changed`, which of them it is told were changed ('' = all of them).
    """

    files: str = ""
    changed: str = ""


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """A success on a first attempt that may serve again.

    `attempt` is its id, `at` when it ended, `seconds` what it took, `secrets` whether there are secrets among
    its findings, `artifacts` how many it kept. `given` are the attempts whose artifacts it was given, by
    their check's key. `evidence` is its row in the store, `origin` says for people where it came from.
    """

    attempt: int
    at: float
    seconds: float = 0.0
    exit_code: int | None = 0
    outputs: dict[str, str | int | float | bool] = {}
    delivered: tuple[str, ...] = ()
    secrets: bool = False
    artifacts: int = 0
    given: dict[str, int] = {}
    evidence: int = 0
    origin: str = ""


class StartRequest(msgspec.Struct, frozen=True, kw_only=True):
    """That another system is to run a check: `again`, or for the first time. It counts from `at` (epoch
    seconds); `posts` are those that are to be run again, which say nothing any more. Where the forge refuses,
    `refused` says why.
    """

    key: str
    at: float
    again: bool = False
    posts: tuple[ExternalPosted, ...] = ()
    sent: bool = False
    refused: str = ""


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How long another system's check usually takes, in seconds: until it begins, and from then on."""

    begins: float
    takes: float


class CheckRow(msgspec.Struct, frozen=True, kw_only=True):
    """One check of a run. `attempt` 0 = never queued; `retries` and `crashes` count spent extras; `reading`
    is what its uploaded reports say. `inputs` is None until they were looked at.
    """

    id: int
    run_id: int
    attempt: int = 0
    retries: int = 0
    crashes: int = 0
    result: CheckResult
    evidence_id: int | None = None
    reading: UploadReading | None = None
    inputs: Inputs | None = None


class AttemptStatus(StrEnum):
    """Where an attempt is. LOST is our crash, never the change's failure."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    LOST = "lost"
    CANCELLED = "cancelled"


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt went, as kept. `cause` says what a retry rule may react to ('' = nothing); `artifacts`
    is how many files it kept.
    """

    conclusion: Conclusion
    reason: str = ""
    cause: str = ""
    ended: str = ""
    exit_code: int | None = None
    seconds: float = 0.0
    log_bytes: int = 0
    log_dropped: int = 0
    failed_tests: tuple[str, ...] = ()
    artifacts: int = 0


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try of one check."""

    id: int
    check_id: int
    run_id: int
    n: int
    status: AttemptStatus
    worker: str = ""
    lease_until: float = 0.0
    not_before: float = 0.0
    priority: int = 0
    queued_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None
    ending: Ending | None = None
