"""Base runs in the tables: asked for once, shared, told to who waits, dropped when nobody does."""

import msgspec
import pytest
from sqlalchemy import select, update

from app.engine import recompute
from app.engine.base_runs import Base, ask
from app.engine.reruns import rerun
from app.model import (
    BaselineState,
    Conclusion,
    Condition,
    Evidence,
    Expression,
    People,
    RunStatus,
    Sha,
    VerdictState,
)
from app.policy import evaluate as judge
from app.policy import merge_group_verdict
from app.store import (
    baselines,
    changes,
    commits,
    projects,
    runs,
    unpack,
    verdicts,
)
from app.store.evidence import load_evidence
from tests.unit.engine.conftest import Desk
from tests.unit.engine.stories import (
    BASE,
    CLEAN,
    COVER,
    COVERED,
    FOUND,
    LINT,
    TABLES,
    TREE,
    Story,
    check,
    claim,
    close,
    fill,
    needed,
    plan,
    statements,
)
from tests.unit.engine.test_transactions import ALICE
from tests.unit.policy import world


@pytest.fixture
def story(desk: Desk) -> Story:
    return Story(desk)


def test_a_decision_reads_each_evidence_once_though_it_judges_records_and_shows_it(story: Story) -> None:
    run = story.open(1)
    story.end(run.id, "lint", Conclusion.SUCCESS, FOUND)
    base = needed(story.base_run())
    story.end(base.id, "lint", Conclusion.SUCCESS, CLEAN)
    with statements(story.desk) as sent:
        story.settle(run.id)
    assert needed(story.verdict(run)).state is VerdictState.BLOCKED
    assert sum("evidence.body" in one for one in sent) == 2  # the change's and base's
    with story.desk.unit() as unit:
        (own,) = load_evidence(unit.connection, (1,))
        assert load_evidence(unit.connection, (1,))[0] is own
    with story.desk.unit() as unit:
        assert load_evidence(unit.connection, (1,))[0] is not own


def test_three_changes_wait_for_one_base_run_and_are_told_together(story: Story) -> None:
    three = [story.open(number) for number in (1, 2, 3)]
    for run in three:
        story.end(run.id, "lint", Conclusion.SUCCESS, FOUND)
    base = needed(story.base_run())
    assert base.n == 1
    assert story.count("baselines") == 1
    assert story.count("baseline_waiters") == 3
    assert [one.state for run in three for one in story.known(run)] == [BaselineState.OUTSTANDING] * 3
    woken = story.end(base.id, "lint", Conclusion.SUCCESS, FOUND)
    assert {("run", run.id) for run in three} <= set(woken)
    assert story.count("baseline_waiters") == 0
    assert needed(story.base_run()).status is RunStatus.CLOSED
    for run in three:
        story.settle(run.id)
        [one] = story.known(run)
        assert (one.state, one.origin, one.reports) == (
            BaselineState.READY, "base run of main@bbbbbbb", (FOUND,),
        )  # fmt: skip
    assert needed(story.base_run()).n == 1


def test_a_base_run_shows_and_closes_nothing_on_the_forge(story: Story) -> None:
    run = story.open()
    story.end(run.id, "lint", Conclusion.SUCCESS, FOUND)
    with story.desk.unit() as unit:
        connection, repository_id = unit.connection, story.desk.repository_id
        assert commits.live_runs_on(connection, repository_id, BASE) == ()
        assert changes.open_changes_with_head(connection, repository_id, BASE) == ()
        assert commits.targets_of_head(connection, repository_id, BASE) == frozenset()
        shown = unit.connection.execute(select(TABLES["publications"].c.head_sha)).scalars().all()
    assert BASE not in shown


def test_a_run_without_findings_asks_for_nothing_and_looks_nothing_up(story: Story) -> None:
    run = story.open()
    with statements(story.desk) as sent:
        story.end(run.id, "lint", Conclusion.SUCCESS, CLEAN)
    assert not [statement for statement in sent if "baseline" in statement]
    assert story.base_run() is None
    assert story.known(run) == ()


def test_what_is_ready_costs_one_look_up_and_the_reports(story: Story) -> None:
    run = story.open()
    story.end(run.id, "lint", Conclusion.SUCCESS, FOUND)
    story.end(needed(story.base_run()).id, "lint", Conclusion.SUCCESS, FOUND)
    story.settle(run.id)
    with statements(story.desk) as sent:
        story.settle(run.id)
    assert len([statement for statement in sent if "baselines" in statement]) == 1
    assert len([statement for statement in sent if "FROM evidence" in statement]) == 2


def test_evidence_is_never_shared_across_repositories(story: Story, desk: Desk) -> None:
    run = story.open()
    story.end(run.id, "lint", Conclusion.SUCCESS, FOUND)
    story.end(needed(story.base_run()).id, "lint", Conclusion.SUCCESS, FOUND)
    other = msgspec.structs.replace(desk.repository, forge_id=8, full_name="evil/shop")
    with desk.unit() as unit:
        desk.repository_id = projects.upsert_repository(unit, other, desk.now)
        assert baselines.find(unit.connection, desk.repository_id, TREE, [LINT.definition]) == {}
    theirs = story.open()
    story.end(theirs.id, "lint", Conclusion.SUCCESS, FOUND)
    assert [one.state for one in story.known(theirs)] == [BaselineState.OUTSTANDING]


def test_a_changes_own_evidence_never_speaks_for_its_base(story: Story) -> None:
    """One whose tree equals base's: its check may have looked at changed files only."""
    first = story.open(1, tree=Sha(f"{4097:040x}"))  # compared with what it is itself
    story.end(first.id, "lint", Conclusion.SUCCESS, FOUND)
    assert [one.state for one in story.known(first)] == [BaselineState.OUTSTANDING]


def test_another_definition_is_asked_for_apart(story: Story) -> None:
    strict = check("lint", script="make strict")
    one, other = story.open(1), story.open(2, strict)
    story.end(one.id, "lint", Conclusion.SUCCESS, FOUND)
    story.end(other.id, "lint", Conclusion.SUCCESS, FOUND)
    assert story.count("baselines") == 2
    assert needed(story.base_run()).n == 2  # one key, two meanings: two runs
    both = story.open(3, LINT, check("types"))
    story.end(both.id, "types", Conclusion.SUCCESS, FOUND)
    with story.desk.unit() as unit:
        found = unit.connection.execute(select(TABLES["baselines"].c.key, TABLES["baselines"].c.run_id)).all()
    assert len({row.run_id for row in found}) == 2  # the third joined one that is under way


def test_impossible_says_why_and_is_not_asked_for_again(story: Story) -> None:
    run = story.open()
    story.end(run.id, "lint", Conclusion.SUCCESS, FOUND)
    base = needed(story.base_run())
    story.end(base.id, "lint", Conclusion.FAILURE, reason="exit 2")
    story.settle(run.id)
    [one] = story.known(run)
    assert (one.state, one.reason) == (
        BaselineState.IMPOSSIBLE, "lint left no report on main@bbbbbbb: exit 2",
    )  # fmt: skip
    second = story.open(2)
    story.end(second.id, "lint", Conclusion.SUCCESS, FOUND)
    assert story.known(second)[0].state is BaselineState.IMPOSSIBLE
    assert needed(story.base_run()).id == base.id


def test_an_error_of_ours_is_tried_again_by_a_later_run_only(story: Story, desk: Desk) -> None:
    run = story.open()
    story.end(run.id, "lint", Conclusion.SUCCESS, FOUND)
    base = needed(story.base_run())
    story.end(base.id, "lint", Conclusion.ERROR, reason="no space left")
    story.settle(run.id)
    assert story.known(run)[0].state is BaselineState.IMPOSSIBLE
    with desk.unit() as unit:
        unit.connection.execute(update(TABLES["baselines"]).values(at=desk.now - 1))
    later = story.open(2)
    story.end(later.id, "lint", Conclusion.SUCCESS, FOUND)
    assert story.known(later)[0].state is BaselineState.OUTSTANDING
    assert needed(story.base_run()).n == 2


def test_nothing_found_on_base_is_evidence_too(story: Story) -> None:
    run = story.open()
    story.end(run.id, "lint", Conclusion.SUCCESS, FOUND)
    story.end(needed(story.base_run()).id, "lint", Conclusion.NOT_NEEDED)
    story.settle(run.id)
    [one] = story.known(run)
    assert (one.state, one.reports) == (BaselineState.READY, ())
    assert one.evidence_id


def test_a_superseded_asker_takes_nothing_from_who_waits_too(story: Story) -> None:
    one, other = story.open(1), story.open(2)
    for run in (one, other):
        story.end(run.id, "lint", Conclusion.SUCCESS, FOUND)
    close(story, 1)
    base = needed(story.base_run())
    story.settle(base.id)
    assert claim(story, base) is True
    story.end(base.id, "lint", Conclusion.SUCCESS, FOUND)
    story.settle(other.id)
    assert story.known(other)[0].state is BaselineState.READY


def test_what_nobody_waits_for_any_more_is_not_begun(story: Story) -> None:
    run = story.open(1)
    story.end(run.id, "lint", Conclusion.SUCCESS, FOUND)
    base = needed(story.base_run())
    story.settle(base.id)
    close(story, 1)
    assert claim(story, base) is False
    story.settle(base.id)
    assert needed(story.base_run()).status is RunStatus.CLOSED
    assert story.count("baselines") == 0
    again = story.open(2)
    story.end(again.id, "lint", Conclusion.SUCCESS, FOUND)
    assert needed(story.base_run()).n == 2


def test_what_runs_goes_on_though_nobody_waits(story: Story) -> None:
    run = story.open(1)
    story.end(run.id, "lint", Conclusion.SUCCESS, FOUND)
    base = needed(story.base_run())
    story.settle(base.id)
    assert claim(story, base) is True
    close(story, 1)
    story.settle(base.id)
    story.end(base.id, "lint", Conclusion.SUCCESS, FOUND)
    later = story.open(2)
    story.end(later.id, "lint", Conclusion.SUCCESS, FOUND)
    assert story.known(later)[0].state is BaselineState.READY


def test_a_more_urgent_asker_hurries_what_is_queued(story: Story, desk: Desk) -> None:
    fill(story, BASE, TREE)
    attempts = TABLES["attempts"]
    queued = select(attempts.c.priority).where(attempts.c.run_id == needed(story.base_run()).id)
    story.settle(needed(story.base_run()).id)
    with desk.unit() as unit:
        assert unit.connection.execute(queued).scalars().all() == [-1]
    run = story.open(1)
    story.end(run.id, "lint", Conclusion.SUCCESS, FOUND)
    with desk.unit() as unit:
        assert unit.connection.execute(queued).scalars().all() == [1]


def test_what_was_not_needed_waits_for_what_base_makes_and_has_it_in_the_end(story: Story) -> None:
    fill(story, BASE, TREE, COVER)
    base = needed(story.base_run())
    run = story.open(1, COVER)
    assert [(one.key, one.state) for one in story.known(run)] == [("cover", BaselineState.OUTSTANDING)]
    verdict = story.verdict(run)
    assert verdict.state == "pending"
    assert "waits for cover on main" in str(verdict.outcomes)
    assert ("run", run.id) in story.end(base.id, "cover", Conclusion.SUCCESS, COVERED)
    story.settle(run.id)
    assert [(one.state, one.reports) for one in story.known(run)] == [(BaselineState.READY, (COVERED,))]
    assert story.verdict(run).state == "passed"


def test_what_was_not_needed_asks_for_nothing(story: Story) -> None:
    run = story.open(1, COVER)
    assert story.base_run() is None
    assert story.known(run) == ()


def test_who_is_less_urgent_slows_nothing_down(story: Story, desk: Desk) -> None:
    with desk.unit() as unit:
        base = Base(repository_id=desk.repository_id, ref="main", sha=BASE, tree=TREE, plan=plan(LINT))
        ask(unit, desk.services, base, ("lint",), priority=2)
        more = msgspec.structs.replace(base, plan=plan(check("types", script="make types")))
        ask(unit, desk.services, more, ("types",), priority=1)
        found = unit.connection.execute(select(TABLES["baselines"].c.key, TABLES["baselines"].c.priority))
        assert {row.key: row.priority for row in found} == {"lint": 2, "types": 1}


def test_a_verdict_on_record_gives_the_same_bytes_with_its_baselines(story: Story, desk: Desk) -> None:
    run = story.open()
    story.end(run.id, "lint", Conclusion.SUCCESS, FOUND)
    story.end(needed(story.base_run()).id, "lint", Conclusion.SUCCESS, FOUND)
    story.settle(run.id)
    with desk.unit() as unit:
        again = recompute(unit.connection, run.id, desk.services.page_link)
        kept = unit.connection.execute(select(TABLES["evidence"].c.kept)).scalars().all()
        stored = unit.connection.execute(select(TABLES["verdicts"].c.inputs)).scalars().all()
    assert again is not None
    assert again.same
    assert again.judgement.evidence is not None
    assert again.judgement.evidence.baselines[0].reports == (FOUND,)
    assert again.judgement.verdict.state == "passed"
    assert all(kept)
    assert all(one.reports == () for row in stored for one in unpack(Evidence, row).baselines)


def test_a_group_on_record_from_before_its_subject_was_kept_gives_the_same_bytes(
    story: Story, desk: Desk
) -> None:
    """What it copied from its change stands in its own outcomes."""
    run = story.open()
    asks = Condition(expression=Expression(text="approvals >= 1"))
    judging = msgspec.structs.replace(plan(LINT), gate=(*plan(LINT).gate, asks))
    of_change = world.evidence(world.ended("lint"), people=People(approvals=("bob",)))
    of_group = world.evidence(world.ended("lint"), change=world.GROUP)
    verdict = merge_group_verdict(judging, of_group, judge(judging, of_change))
    assert world.outcome_of(verdict, "approvals >= 1").says == "approvals 1 ≥ 1"
    with desk.unit() as unit:
        planned = msgspec.structs.replace(run, plan=judging)
        runs.save_preparation(unit, planned, None)
        recorded = verdicts.Recorded(verdict=verdict, evidence=of_group)
        verdicts.record_verdict(unit, planned, recorded, (), desk.now)
    with desk.unit() as unit:
        again = recompute(unit.connection, run.id, desk.services.page_link)
    assert again is not None
    assert again.same, again.now


def test_a_check_run_again_keeps_its_baseline(story: Story, desk: Desk) -> None:
    run = story.open()
    story.end(run.id, "lint", Conclusion.FAILURE, FOUND)
    base = needed(story.base_run())
    story.end(base.id, "lint", Conclusion.SUCCESS, FOUND)
    with desk.unit() as unit:
        rerun(unit, desk.services, run, check="lint", actor=ALICE)
    story.settle(run.id)
    story.end(run.id, "lint", Conclusion.SUCCESS, FOUND)
    assert story.known(run)[0].state is BaselineState.READY
    assert needed(story.base_run()).id == base.id
