"""Base runs in the tables: asked for once, shared, told to who waits, dropped when nobody does."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest
from sqlalchemy import event, func, select, update

from app.engine import recompute
from app.engine.base_runs import Base, ask
from app.engine.base_settling import fill_ahead
from app.engine.claiming import claim_work
from app.engine.opening import accept_change
from app.engine.reruns import rerun
from app.engine.rules import first_results
from app.engine.settling import settle
from app.model import (
    Baseline,
    BaselineState,
    ChangeKind,
    ChangeState,
    CheckEvidence,
    CheckSpec,
    Comparison,
    Conclusion,
    Condition,
    Evidence,
    Expression,
    FileCoverage,
    Finding,
    Kind,
    People,
    Plan,
    ReportContent,
    Run,
    RunStatus,
    Severity,
    Sha,
    Status,
    Verdict,
    VerdictState,
)
from app.plan import definition
from app.policy import evaluate as judge
from app.policy import merge_group_verdict
from app.store import (
    EvidenceSource,
    attempts,
    baselines,
    changes,
    checks,
    commits,
    keep_evidence,
    metadata,
    projects,
    runs,
    unpack,
    verdicts,
)
from app.store.evidence import load_evidence
from tests.unit.engine.conftest import Desk
from tests.unit.engine.test_transactions import ALICE, change
from tests.unit.policy import world

BASE, TREE = Sha("b" * 40), Sha("e" * 40)
TABLES = metadata.tables
FOUND = ReportContent(
    format="sarif",
    kind="findings",
    findings=(
        Finding(tool="ruff", rule="F821", message="undefined", severity=Severity.HIGH, path="a.py", line=1),
    ),
)
CLEAN = ReportContent(format="sarif", kind="findings")


def check(key: str, *, script: str = "make lint", kinds: tuple[Kind, ...] = (Kind.FINDINGS,)) -> CheckSpec:
    spec = CheckSpec(id=key, key=key, script=script, produces=kinds)
    return msgspec.structs.replace(spec, definition=definition(spec))


LINT = check("lint")


COVER = msgspec.structs.replace(
    check("cover", kinds=(Kind.COVERAGE,)), when=Expression(text="changed('src/**')")
)
"""Not needed for the changes told here, which touch no file."""
COVERED = ReportContent(
    format="cobertura", kind="coverage", coverage=(FileCoverage(path="a.py", lines={1: 1, 2: 0}),)
)


def plan(*specs: CheckSpec) -> Plan:
    gate = "coverage.overall >= 40%" if COVER in specs else "findings('high', 'new') == 0"
    condition = Condition(expression=Expression(text=gate))
    return Plan(path="gate", policy_sha="", gate_hash="", checks=specs, gate=(condition,), gate_declared=True)


class Story:
    """Changes whose checks end as told, decided as the service does."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def open(
        self, number: int = 1, *specs: CheckSpec, base: Sha = BASE, tree: Sha = TREE, **fields: object
    ) -> Run:
        """A planned change on base, its checks queued."""
        head = Sha(f"{number:040x}")
        one = change(number, head, **fields)
        with self.desk.unit() as unit:
            row = accept_change(unit, self.desk.services, self.desk.repository_id, one, actor=ALICE)
            run = runs.latest_run(unit.connection, row)
            assert run is not None
            made = msgspec.structs.replace(
                run,
                status=RunStatus.PLANNED,
                base_sha=base,
                tested_sha=head,
                trusted=True,
                plan=plan(*(specs or (LINT,))),
                comparison=Comparison(
                    base_sha=base,
                    head_sha=head,
                    tested_sha=head,
                    base_tree=tree,
                    tested_tree=Sha(f"{number + 4096:040x}"),
                    files=(),
                ),
            )
            runs.save_preparation(unit, made, b"")
            checks.insert_checks(unit, run.id, first_results(made.plan, self.desk.now))
        self.settle(run.id)
        return made

    def settle(self, run_id: int) -> list[tuple[str, int]]:
        """Decide; gives whom that woke."""
        with self.desk.unit() as unit:
            settle(unit, self.desk.services, run_id)
            return list(unit.wakes)

    def end(
        self, run_id: int, key: str, conclusion: Conclusion, *reports: ReportContent, reason: str = ""
    ) -> list[tuple[str, int]]:
        """A check's attempt ends; decided at once."""
        self.settle(run_id)
        with self.desk.unit() as unit:
            row = next(row for row in checks.load_checks(unit.connection, run_id) if row.result.key == key)
            run = runs.load_run(unit.connection, run_id)
            assert run is not None
            assert run.plan is not None
            assert run.comparison is not None
            spec = next(spec for spec in run.plan.checks if spec.key == key)
            kind = changes.load_change(unit.connection, run.change_id).change.kind
            kept = None
            if reports:
                kept = keep_evidence(
                    unit,
                    repository_id=run.repository_id,
                    definition=spec.definition,
                    base_tree=run.comparison.base_tree,
                    tested_tree=run.comparison.tested_tree,
                    source=EvidenceSource.BASE if kind is ChangeKind.BASE else EvidenceSource.CHANGE,
                    origin="base run of main@bbbbbbb",
                    body=CheckEvidence(key=key, reports=reports),
                    now=self.desk.now,
                )
            result = msgspec.structs.replace(
                row.result,
                status=Status.COMPLETED,
                conclusion=conclusion,
                exit_code=0,
                reason=reason,
                delivered=tuple(report.kind for report in reports),
            )
            checks.save_check(unit, msgspec.structs.replace(row, result=result, evidence_id=kept))
            ended = {"status": "completed", "started_at": self.desk.now, "ended_at": self.desk.now}
            attempts = TABLES["attempts"]
            unit.connection.execute(update(attempts).where(attempts.c.check_id == row.id).values(ended))
        return self.settle(run_id)

    def base_run(self, sha: Sha = BASE) -> Run | None:
        """The newest base run of a commit."""
        with self.desk.unit() as unit:
            found = changes.find_change(unit.connection, self.desk.repository_id, f"base-{sha}")
            return None if found is None else runs.latest_run(unit.connection, found.id)

    def verdict(self, run: Run) -> Verdict:
        """The verdict on record."""
        with self.desk.unit() as unit:
            recorded = verdicts.load_verdict(unit.connection, run.id)
        assert recorded is not None
        return recorded.verdict

    def known(self, run: Run) -> tuple[Baseline, ...]:
        """The baselines of the verdict on record."""
        with self.desk.unit() as unit:
            recorded = verdicts.load_verdict(unit.connection, run.id)
        assert recorded is not None
        return recorded.evidence.baselines

    def count(self, table: str) -> int:
        with self.desk.unit() as unit:
            return int(unit.connection.execute(select(func.count()).select_from(TABLES[table])).scalar_one())

    def states(self, run: Run) -> dict[str, str]:
        with self.desk.unit() as unit:
            rows = checks.load_checks(unit.connection, run.id)
        return {row.result.key: row.result.status.value for row in rows}


@pytest.fixture
def story(desk: Desk) -> Story:
    return Story(desk)


def needed(run: Run | None) -> Run:
    assert run is not None
    return run


@contextmanager
def statements(desk: Desk) -> Iterator[list[str]]:
    """The SQL that is sent meanwhile."""
    sent: list[str] = []

    def note(_c: object, _cur: object, statement: str, *_rest: object) -> None:
        sent.append(" ".join(statement.split()))

    engine = desk.program.database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


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


def test_a_push_fills_the_store_and_the_next_change_waits_for_nothing(story: Story) -> None:
    fill(story, BASE, TREE)
    base = needed(story.base_run())
    story.settle(base.id)
    story.end(base.id, "lint", Conclusion.SUCCESS, FOUND)
    run = story.open()
    story.end(run.id, "lint", Conclusion.SUCCESS, FOUND)
    assert story.known(run)[0].state is BaselineState.READY
    fill(story, BASE, TREE)
    assert needed(story.base_run()).id == base.id  # what is there is not made again


def test_only_what_can_be_compared_is_made_ahead(story: Story) -> None:
    quiet = check("build", kinds=())
    advisory = msgspec.structs.replace(check("style"), required=False)
    fill(story, BASE, TREE, LINT, quiet, advisory)
    assert set(story.states(needed(story.base_run()))) == {"lint"}


def test_ten_quick_pushes_run_twice(story: Story, desk: Desk) -> None:
    """The first runs; of the others the newest, once the first has ended."""
    tips = [(Sha(f"{number:x}" * 40), Sha(f"{number:x}" * 39 + "f")) for number in range(1, 11)]
    fill(story, *tips[0])
    first = needed(story.base_run(tips[0][0]))
    story.settle(first.id)
    assert claim(story, first) is True
    for tip in tips[1:]:
        fill(story, *tip)
    assert [story.base_run(sha) for sha, _ in tips[1:]] == [None] * 9
    with desk.unit() as unit:
        projects.know_branch(unit, desk.repository_id, "main", tips[-1][0], "present", "", desk.now)
        branch = projects.branch_id(unit.connection, desk.repository_id, "main")
    assert branch is not None
    assert ("branch", branch) in story.end(first.id, "lint", Conclusion.SUCCESS, FOUND)
    older = story.open(1)  # a change on what is no tip any more
    story.end(older.id, "lint", Conclusion.SUCCESS, FOUND)
    woken = story.end(needed(story.base_run()).id, "lint", Conclusion.SUCCESS, FOUND)
    assert ("branch", branch) not in woken, "no push waits for that one"
    fill(story, *tips[-1])
    assert story.states(needed(story.base_run(tips[-1][0]))) == {"lint": "waiting"}


def test_a_push_replaces_what_an_older_one_has_not_begun(story: Story) -> None:
    older, newer = (Sha("1" * 40), Sha("2" * 40)), (Sha("3" * 40), Sha("4" * 40))
    fill(story, *older)
    fill(story, *newer)
    assert needed(story.base_run(older[0])).status is RunStatus.CLOSED
    assert needed(story.base_run(newer[0])).status is RunStatus.PLANNED


def test_a_push_leaves_what_a_change_waits_for(story: Story) -> None:
    run = story.open()
    story.end(run.id, "lint", Conclusion.SUCCESS, FOUND)
    fill(story, Sha("3" * 40), Sha("4" * 40))
    assert needed(story.base_run()).status is RunStatus.PLANNED
    assert story.states(needed(story.base_run())) == {"lint": "queued"}


def test_a_queues_group_on_another_is_no_trusted_base(story: Story, desk: Desk) -> None:
    def group(number: int, base: Sha) -> Run:
        run = story.open(number, base=base, tree=Sha(base[::-1]))
        with desk.unit() as unit:
            row = changes.load_change(unit.connection, run.change_id)
            merged = msgspec.structs.replace(row.change, kind=ChangeKind.MERGE_GROUP)
            changes.upsert_change(unit, desk.repository_id, merged, desk.now)
        story.end(run.id, "lint", Conclusion.SUCCESS, FOUND)
        return needed(story.base_run(base))

    assert group(1, Sha("c" * 40)).trusted is False
    assert group(2, Sha("a" * 40)).trusted is True  # main's tip


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


def close(story: Story, number: int) -> None:
    desk = story.desk
    closed = change(number, Sha(f"{number:040x}"), state=ChangeState.CLOSED)
    with desk.unit() as unit:
        accept_change(unit, desk.services, desk.repository_id, closed, actor=ALICE)


def claim(story: Story, run: Run) -> bool:
    """Whether a worker that takes the base run's attempt is to run it."""
    desk = story.desk
    with desk.unit() as unit:
        [attempt] = [
            one.id for one in attempts.attempts_of_run(unit.connection, run.id) if one.status == "queued"
        ]
        return claim_work(unit, desk.services, attempt, desk.now + 30, desk.now) is not None


def fill(story: Story, sha: Sha, tree: Sha, *specs: CheckSpec) -> None:
    desk = story.desk
    base = Base(
        repository_id=desk.repository_id, ref="main", sha=sha, tree=tree, plan=plan(*(specs or (LINT,)))
    )
    with desk.unit() as unit:
        fill_ahead(unit, desk.services, base)
