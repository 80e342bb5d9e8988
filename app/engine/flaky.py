"""Which tests are flaky: remembered where evidence comes in, asked for where a change is judged."""

from typing import Final

import msgspec
from sqlalchemy import Connection

from app.engine.days import utc_day
from app.model import CheckEvidence, CheckSpec, Evidence, Kind, KnownFlaky, Run
from app.policy import FLAKY_WINDOW, failed_keys, former_keys, seen_flaky
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
    flaky.keep_seen(unit, run.repository_id, (*_carried(unit, run, spec, body, now), *seen))


def _carried(
    unit: Unit, run: Run, spec: CheckSpec, body: CheckEvidence, now: float
) -> tuple[flaky.Seen, ...]:
    """What is known of tests in files that the change renames, under their new keys: once it is merged no
    diff tells the old ones. Only somebody trusted speaks for other trees than his own.
    """
    if not run.trusted or run.comparison is None:
        return ()
    former = former_keys(spec.id, body, run.comparison)
    if not former:
        return ()
    asked = tuple(former)[:ASKED]
    seen = flaky.seen_of(unit.connection, run.repository_id, asked, "", now - FLAKY_WINDOW)
    return tuple(msgspec.structs.replace(one, test=former[one.test]) for one in seen)


def known_flaky(connection: Connection, run: Run, judged: Evidence, now: float) -> tuple[KnownFlaky, ...]:
    """What history says of the tests that failed, and of those of this very tree."""
    if not any(Kind.TESTS.value in result.delivered for result in judged.checks):
        return ()
    tree, ids = judged.comparison.tested_tree, {result.key: result.id for result in judged.checks}
    failed = frozenset(failed_keys(judged)[:ASKED])
    asked = {test: test for test in failed}
    for body in judged.reports:
        if body.key in ids:
            former = former_keys(ids[body.key], body, judged.comparison)
            asked |= {old: new for old, new in former.items() if new in failed}
    found: dict[str, list[flaky.Seen]] = {}
    for one in flaky.seen_of(connection, run.repository_id, asked, tree, now - FLAKY_WINDOW):
        found.setdefault(asked.get(one.test, one.test), []).append(one)
    return tuple(
        KnownFlaky(
            test=test,
            times=len({one.tree for one in seen}),
            last=utc_day(seen[-1].at),
            origin=seen[-1].origin,
            here=any(one.tree == tree for one in seen),
        )
        for test, seen in sorted(found.items())
    )
