"""Results that may serve again, in the tables of both databases."""

import msgspec
import pytest
from sqlalchemy import delete, select, update

from app.engine import Keep, Options
from app.engine.settling import settle
from app.model import CheckEvidence, Conclusion, Earlier, Inputs, Sha, Status
from app.store import (
    EvidenceSource,
    Reusable,
    Serves,
    Unit,
    attempts,
    changes,
    checks,
    find_reusable,
    keep_evidence,
    metadata,
    records,
    runs,
)
from tests.unit.engine.conftest import Desk
from tests.unit.engine.stories import LINT, Story
from tests.unit.engine.test_transactions import change

TABLES = metadata.tables
FILES = "f" * 64


@pytest.fixture
def story(desk: Desk) -> Story:
    return Story(desk)


def store(unit: Unit, desk: Desk, serves: Serves | None, **fields: object) -> int:
    """Evidence of LINT, as a change's run leaves it unless told otherwise."""
    told: dict[str, object] = {"source": EvidenceSource.CHANGE, "origin": "run 1", **fields}
    return keep_evidence(
        unit,
        repository_id=desk.repository_id,
        definition=LINT.definition,
        base_tree="b",
        tested_tree="t",
        body=CheckEvidence(key="lint"),
        now=desk.now,
        serves=serves,
        **told,
    )


def serving(unit: Unit, desk: Desk, **fields: object) -> Serves:
    """A success of another change, that may serve."""
    row = changes.upsert_change(unit, desk.repository_id, change(9, Sha("9" * 40)), desk.now)
    serves = Serves(
        earlier=Earlier(attempt=1, at=desk.now, seconds=4.0),
        change_id=row,
        trusted=True,
        inputs=Inputs(files=FILES, changed="c"),
        platform="scripted",
    )
    return msgspec.structs.replace(serves, **fields)


def keep(desk: Desk, **fields: object) -> int:
    """A success of a change's run, that may serve."""
    with desk.unit() as unit:
        return store(unit, desk, serving(unit, desk, **fields))


def find(
    desk: Desk, *, platform: str = "scripted", since: float = 0.0, other: int = 0
) -> tuple[Reusable, ...]:
    with desk.unit() as unit:
        return find_reusable(unit.connection, desk.repository_id + other, {FILES}, platform, since)


def test_what_was_kept_is_found_whole_newest_first(desk: Desk) -> None:
    first, second = keep(desk), keep(desk)
    found = find(desk)
    assert [one.serves.earlier.evidence for one in found] == [second, first]
    assert (found[0].serves.earlier.seconds, found[0].serves.earlier.origin) == (4.0, "run 1")
    assert (found[0].definition, found[0].serves.trusted) == (LINT.definition, True)
    assert found[0].serves.inputs == Inputs(files=FILES, changed="c")


def test_another_platform_repository_or_a_result_too_old_is_not_found(desk: Desk) -> None:
    keep(desk)
    assert find(desk, platform="aarch64") == ()
    assert find(desk, other=1) == ()
    assert find(desk, since=desk.now + 1) == ()
    assert len(find(desk, since=desk.now)) == 1


def test_evidence_that_may_not_serve_is_not_found(desk: Desk) -> None:
    with desk.unit() as unit:
        store(unit, desk, None)
        assert find_reusable(unit.connection, desk.repository_id, {""}, "", 0.0) == ()


def test_with_artifacts_that_are_gone_it_does_not_serve(desk: Desk, story: Story) -> None:
    run = story.open()
    with desk.unit() as unit:
        (attempt,) = attempts.attempts_of_run(unit.connection, run.id)
        records.keep_artifact(unit, attempt.id, "out/app", 3, "/nowhere")
    keep(desk, earlier=Earlier(attempt=attempt.id, at=desk.now, artifacts=2))
    assert find(desk) == ()
    with desk.unit() as unit:
        records.keep_artifact(unit, attempt.id, "out/lib", 3, "/nowhere")
    assert len(find(desk)) == 1


def test_what_a_forgotten_change_made_is_nobodys(desk: Desk) -> None:
    keep(desk)
    with desk.unit() as unit:
        unit.connection.execute(delete(TABLES["changes"]))
    assert [one.serves.change_id for one in find(desk)] == [0]


def settled(desk: Desk, run_id: int) -> tuple[Status, Conclusion | None, str]:
    with desk.unit() as unit:
        settle(unit, desk.services, run_id, platform=desk.services.executor.platform)
        (row,) = checks.load_checks(unit.connection, run_id)
    return row.result.status, row.result.conclusion, row.result.reason


def planned(desk: Desk, story: Story, number: int = 1) -> int:
    """A planned run whose check has not begun and whose inputs are known."""
    run = story.open(number)
    with desk.unit() as unit:
        unit.connection.execute(delete(TABLES["attempts"]))
        (row,) = checks.load_checks(unit.connection, run.id)
        waiting = msgspec.structs.replace(row.result, status=Status.WAITING, attempt=0)
        checks.save_check(unit, msgspec.structs.replace(row, attempt=0, result=waiting))
        checks.know_inputs(unit, {row.id: Inputs(files=FILES, changed="c")})
        return run.id


def test_a_run_takes_over_what_base_came_to_and_counts_what_that_saved(desk: Desk, story: Story) -> None:
    run_id = planned(desk, story)
    with desk.unit() as unit:
        earlier = Earlier(attempt=1, at=desk.now, seconds=72.5)
        serves = serving(unit, desk, earlier=earlier, inputs=Inputs(files=FILES))
        store(unit, desk, serves, source=EvidenceSource.BASE, origin="base run of main@abcdef0")
    told = (Status.COMPLETED, Conclusion.SUCCESS, "reused from base run of main@abcdef0")
    assert settled(desk, run_id) == told
    assert settled(desk, run_id) == told
    with desk.unit() as unit:
        assert attempts.attempts_of_run(unit.connection, run_id) == ()
        run = runs.load_run(unit.connection, run_id)
    assert run is not None
    assert (run.spent, run.saved) == (0.0, 72.5)


def test_what_a_change_came_to_serves_no_other_change(desk: Desk, story: Story) -> None:
    keep(desk)
    assert settled(desk, planned(desk, story))[0] is Status.QUEUED


def test_what_somebody_asked_to_be_run_is_run(desk: Desk, story: Story) -> None:
    run_id = planned(desk, story)
    with desk.unit() as unit:
        (row,) = checks.load_checks(unit.connection, run_id)
        change_id = unit.connection.execute(select(TABLES["runs"].c.change_id)).scalar_one()
        fresh = msgspec.structs.replace(row.result, fresh=True)
        checks.save_check(unit, msgspec.structs.replace(row, result=fresh))
    keep(desk, change_id=change_id)
    assert settled(desk, run_id)[0] is Status.QUEUED


@pytest.mark.parametrize("before", [False, True])
def test_where_these_inputs_were_seen_to_fail_no_success_serves(
    desk: Desk, story: Story, before: bool
) -> None:
    run_id = planned(desk, story)
    with desk.unit() as unit:
        own = unit.connection.execute(select(TABLES["runs"].c.change_id)).scalar_one()
        failed = serving(unit, desk, earlier=None, change_id=own)
        for serves in [failed, serving(unit, desk)] if before else [serving(unit, desk), failed]:
            store(unit, desk, serves, source=EvidenceSource.BASE)
    assert settled(desk, run_id)[0] is Status.QUEUED


def test_what_failed_for_another_change_says_nothing(desk: Desk, story: Story) -> None:
    run_id = planned(desk, story)
    with desk.unit() as unit:
        store(unit, desk, serving(unit, desk), source=EvidenceSource.BASE)
        store(unit, desk, serving(unit, desk, earlier=None))
    assert settled(desk, run_id)[1] is Conclusion.SUCCESS


def test_a_success_serves_no_longer_than_failures_are_remembered(desk: Desk, story: Story) -> None:
    run_id = planned(desk, story)
    with desk.unit() as unit:
        store(unit, desk, serving(unit, desk), source=EvidenceSource.BASE)
    desk.services.options = Options(keep=Keep(evidence=60.0))
    with desk.unit() as unit:
        unit.connection.execute(update(TABLES["evidence"]).values(at=desk.now - 61))
    assert settled(desk, run_id)[0] is Status.QUEUED


def test_what_checks_run_on_is_not_looked_at_while_the_database_is_held(desk: Desk, story: Story) -> None:
    """It may walk whole tool chains: whoever decides has looked before, and tells."""
    run_id = planned(desk, story)
    nowhere = msgspec.structs.replace(desk.services, executor=object())
    with desk.unit() as unit:
        serves = serving(unit, desk, earlier=Earlier(attempt=1, at=desk.now), inputs=Inputs(files=FILES))
        store(unit, desk, serves, source=EvidenceSource.BASE)
        settle(unit, nowhere, run_id, platform="scripted")
        (row,) = checks.load_checks(unit.connection, run_id)
    assert row.result.conclusion is Conclusion.SUCCESS
