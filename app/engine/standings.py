"""What the decision on a run rests on, and what it gives."""

from collections.abc import Mapping

import msgspec

from app.model import (
    Baseline,
    Change,
    CheckEvidence,
    CheckRow,
    Comparison,
    Earlier,
    Evidence,
    ExternalPosted,
    KnownFlaky,
    Override,
    Pace,
    People,
    Plan,
    Readable,
    RunFacts,
    StartRequest,
    Upload,
    Verdict,
    Waiver,
)


class Standings(msgspec.Struct, frozen=True, kw_only=True):
    """All that a decision about one planned run rests on. `baselines` are what is known of base for the
    checks that `move` wanted it of, `flaky` what history says of tests that failed, `earlier` the results
    that may serve for checks that have not begun; `requests` and `paces` are what was asked of others'
    systems and what is usual there, by key; `shared` is whether another open change has this head too.
    """

    plan: Plan
    change: Change
    comparison: Comparison
    rows: tuple[CheckRow, ...]
    reports: Mapping[str, CheckEvidence]
    posts: tuple[ExternalPosted, ...] = ()
    uploads: tuple[Upload, ...] = ()
    people: People = People(state=Readable.NOT_APPLICABLE)
    trusted: bool = False
    ai_authored: bool = False
    facts: RunFacts = RunFacts()
    subject: Verdict | None = None
    overrides: tuple[Override, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    baselines: tuple[Baseline, ...] = ()
    flaky: tuple[KnownFlaky, ...] = ()
    earlier: Mapping[str, tuple[Earlier, ...]] = {}
    shared: bool = False
    requests: Mapping[str, StartRequest] = {}
    paces: Mapping[str, Pace] = {}


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """Where the checks are now: those that moved, and keys whose (already counted) attempt is to be queued.

    `start` are the keys of checks that others' systems are to be asked for, `took` how long those took that
    have just ended, `read` the keys whose uploaded reports are to be read, `reused` those that an earlier
    result serves from now on. `wants` are those of checks whose evidence on base the verdict rests on,
    `carries` those of checks that were not needed: what base has of them counts, but is no reason to run them
    there. `evidence` is without baselines.
    """

    rows: tuple[CheckRow, ...]
    queue: tuple[str, ...]
    read: tuple[str, ...]
    start: tuple[str, ...]
    took: Mapping[str, Pace]
    reused: tuple[str, ...]
    wants: tuple[str, ...]
    carries: tuple[str, ...]
    evidence: Evidence
    wake_at: float | None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What to write: where the checks are now, and the verdict with all that it rests on."""

    moved: Moved
    verdict: Verdict
    evidence: Evidence
