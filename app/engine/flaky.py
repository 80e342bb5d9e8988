"""Which tests are flaky: remembered where evidence comes in, asked for where a change is judged."""

from typing import Final

from sqlalchemy import Connection

from app.engine.days import utc_day
from app.model import CheckEvidence, CheckSpec, Evidence, Kind, KnownFlaky, Run
from app.policy import FLAKY_WINDOW, failed_keys, seen_flaky
from app.store import Unit, evidence, flaky

EARLIER: Final = 3
"""How much earlier evidence of the same tree new evidence is held against."""
ASKED: Final = 500
"""Of how many failed tests history is asked at most: where more fail, it is no flake."""


def remember_flaky(
    unit: Unit, run: Run, spec: CheckSpec, tree: str, origin: str, body: CheckEvidence, now: float
) -> None:
    """Keep which tests new evidence shows to be flaky, before it joins the evidence of this tree."""
    if not any(report.tests for report in body.reports):
        return
    earlier = evidence.earlier_evidence(unit.connection, run.repository_id, tree, spec.definition, EARLIER)
    seen = tuple(
        flaky.Seen(test=test, tree=tree, trusted=run.trusted, origin=origin, at=now)
        for test in seen_flaky(spec.id, body, earlier)
    )
    flaky.keep_seen(unit, run.repository_id, seen)


def known_flaky(connection: Connection, run: Run, judged: Evidence, now: float) -> tuple[KnownFlaky, ...]:
    """What history says of the tests that failed, and of those of this very tree."""
    if not any(Kind.TESTS.value in result.delivered for result in judged.checks):
        return ()
    failed, tree = failed_keys(judged)[:ASKED], judged.comparison.tested_tree
    found: dict[str, list[flaky.Seen]] = {}
    for one in flaky.seen_of(connection, run.repository_id, failed, tree, now - FLAKY_WINDOW):
        found.setdefault(one.test, []).append(one)
    return tuple(
        KnownFlaky(
            test=test,
            times=len(seen),
            last=utc_day(seen[-1].at),
            origin=seen[-1].origin,
            here=any(one.tree == tree for one in seen),
        )
        for test, seen in sorted(found.items())
    )
