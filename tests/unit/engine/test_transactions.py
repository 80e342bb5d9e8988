"""One transaction per fact: what two at a time leave behind, and what is still known after a crash.

Nothing here is started: every wake-up that is only in memory is lost, as when the process dies.
"""

import threading

import msgspec
import pytest
from sqlalchemy import event, select, update

from app.engine.events import apply_event
from app.engine.opening import accept_change, start_run
from app.engine.publishing import republish
from app.engine.reconcile import _of_live_run
from app.engine.settling import _people, settle
from app.engine.sweep import _due
from app.model import (
    Actor,
    Change,
    ChangeKind,
    CheckRunStatus,
    Comparison,
    Condition,
    Expression,
    ExternalPosted,
    InstallationChanged,
    People,
    Plan,
    Publication,
    PublishedConclusion,
    PullRequestChanged,
    Pushed,
    Readable,
    ReviewChanged,
    Run,
    RunStatus,
    Sha,
    Verdict,
    VerdictState,
)
from app.store import Database, Key, changes, metadata, projects, publications, records, runs, verdicts, wakes
from tests.unit.engine.conftest import Desk

ALICE = Actor(login="alice", id=1)
A, B, C = Sha("1" * 40), Sha("2" * 40), Sha("3" * 40)
RUNS, CHANGES = metadata.tables["runs"], metadata.tables["changes"]


def change(number: int = 1, head: Sha = A, base: str = "main", **fields: object) -> Change:
    given = {"author": ALICE, "head_ref": f"topic-{number}"} | fields
    return Change(
        kind=ChangeKind.PULL_REQUEST,
        key=f"pr-{number}",
        number=number,
        base_ref=base,
        head_sha=head,
        **given,  # type: ignore[arg-type]
    )


def opened(desk: Desk, one: Change) -> tuple[int, Run]:
    """A change taken over: its row and its newest run."""
    with desk.unit() as unit:
        change_id = accept_change(unit, desk.services, desk.repository_id, one, actor=ALICE)
        run = runs.latest_run(unit.connection, change_id)
    assert run is not None
    return change_id, run


def planned(desk: Desk, run: Run, *gate: str) -> Run:
    """The run with a plan without checks."""
    plan = Plan(
        path=".portcullis.yml",
        policy_sha="",
        gate_hash="",
        gate=tuple(Condition(expression=Expression(text=text)) for text in gate),
        gate_declared=True,
    )
    tree = Sha("f" * 40)
    same = Comparison(
        base_sha=tree, head_sha=tree, tested_sha=tree, base_tree=tree, tested_tree=tree, files=()
    )
    ready = msgspec.structs.replace(
        run, status=RunStatus.PLANNED, plan=plan, comparison=same, base_sha=tree, tested_sha=tree
    )
    with desk.unit() as unit:
        runs.save_preparation(unit, ready, b"")
    return ready


def decided(desk: Desk, run: Run, state: VerdictState) -> None:
    with desk.unit() as unit:
        verdicts.save_verdict(unit, run, Verdict(state=state), desk.now)


def due(desk: Desk) -> set[Key]:
    """What the next process's first sweep would wake."""
    with desk.program.database.engine.connect() as connection:
        return {key for key, _ in _due(connection, desk.services, at_start=True)}


def shown(desk: Desk, head: Sha) -> tuple[CheckRunStatus, PublishedConclusion | None]:
    with desk.program.database.engine.connect() as connection:
        (row,) = publications.publications_on(connection, desk.repository_id, head)
    assert isinstance(row.wanted, Publication)
    return row.wanted.status, row.wanted.conclusion


def both(*work) -> list[BaseException]:
    """Run these in threads of their own at the same time; gives what they raised."""
    start, raised = threading.Barrier(len(work)), []

    def one(do) -> None:
        start.wait()
        try:
            do()
        except Exception as error:  # noqa: BLE001 - all of them are looked at
            raised.append(error)

    threads = [threading.Thread(target=one, args=(do,)) for do in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return raised


def slow(database: Database, seconds: float = 0.15) -> None:
    """Have every transaction wait a little before it commits, so that two surely overlap."""
    pause = threading.Event()
    event.listen(database.engine, "commit", lambda _connection: pause.wait(seconds) and None)


# --- two at a time


def test_the_worst_verdict_of_a_head_wins_whichever_is_decided_last(desk: Desk) -> None:
    """Two changes with one head end at the same moment: neither may be published without the other."""
    _, first = opened(desk, change(1))
    _, second = opened(desk, change(2, base="main"))
    slow(desk.program.database)

    def end(run: Run, state: VerdictState) -> None:
        with desk.unit() as unit:
            runs.lock_run(unit, run.id, desk.now)
            runs.save_preparation(unit, msgspec.structs.replace(run, status=RunStatus.REFUSED), None)
            verdicts.save_verdict(unit, run, Verdict(state=state), desk.now)
            republish(unit, desk.services, desk.repository_id, A)

    raised = both(lambda: end(first, VerdictState.PASSED), lambda: end(second, VerdictState.BLOCKED))
    assert raised == []
    assert shown(desk, A) == (CheckRunStatus.COMPLETED, PublishedConclusion.FAILURE)


def test_two_deliveries_of_one_change_at_once_open_one_run_each_and_one_stays(desk: Desk) -> None:
    change_id, _ = opened(desk, change(1, A))
    slow(desk.program.database)

    def deliver(head: Sha, before: Sha) -> None:
        brought = PullRequestChanged(
            action="synchronize",
            repository=desk.repository,
            change=change(1, head),
            sender=ALICE,
            brought_head=True,
            before=before,
        )
        with desk.unit() as unit:
            apply_event(unit, desk.services, "github", brought)

    assert both(lambda: deliver(B, A), lambda: deliver(C, A)) == []
    with desk.program.database.engine.connect() as connection:
        live = runs.live_runs(connection, change_id)
        row = changes.load_change(connection, change_id)
    assert [run.head_sha for run in live] == [row.change.head_sha]
    assert ("change", change_id) in due(desk), "one of the two was out of order: the forge is asked"


# --- a process that dies


def test_a_review_that_came_last_is_heard_by_the_next_process(desk: Desk) -> None:
    change_id, run = opened(desk, change())
    run = planned(desk, run, "approvals >= 1")
    with desk.unit() as unit:
        changes.remember_people(unit, change_id, People(approvals=("bob",)), desk.now)
        settle(unit, desk.services, run.id)
    assert shown(desk, A)[1] is PublishedConclusion.SUCCESS
    assert ("run", run.id) not in due(desk)
    with desk.unit() as unit:
        dismissed = ReviewChanged(repository=desk.repository, number=1, sender=ALICE)
        apply_event(unit, desk.services, "github", dismissed)
    assert ("run", run.id) in due(desk)


def test_a_changed_label_is_heard_by_the_next_process(desk: Desk) -> None:
    _, run = opened(desk, change())
    run = planned(desk, run)
    with desk.unit() as unit:
        settle(unit, desk.services, run.id)
    assert ("run", run.id) not in due(desk)
    with desk.unit() as unit:
        held = change(labels=("hold",))
        accept_change(unit, desk.services, desk.repository_id, held, actor=ALICE)
    assert ("run", run.id) in due(desk)


def test_an_event_out_of_order_and_a_push_to_the_base_are_heard_by_the_next_process(desk: Desk) -> None:
    change_id, _ = opened(desk, change())
    with desk.unit() as unit:
        closed = PullRequestChanged(
            action="closed", repository=desk.repository, change=change(), sender=ALICE
        )
        apply_event(unit, desk.services, "github", closed)
        pushed = Pushed(repository=desk.repository, branch="main", before=B, after=C, sender=ALICE)
        apply_event(unit, desk.services, "github", pushed)
        branch_id = projects.branch_id(unit.connection, desk.repository_id, "main")
    assert {("change", change_id), ("branch", branch_id)} <= due(desk)


def test_whoever_asks_while_a_row_is_looked_at_is_not_forgotten(desk: Desk) -> None:
    change_id, _ = opened(desk, change())
    with desk.unit() as unit:
        wakes.want(unit, "change", change_id, desk.now)
        since = wakes.wanted_at(unit.connection, "change", change_id)
        wakes.want(unit, "change", change_id, desk.now + 0.5)
        wakes.done(unit, "change", change_id, since)
        assert wakes.wanted_at(unit.connection, "change", change_id) == desk.now + 0.5
        wakes.done(unit, "change", change_id, desk.now + 0.5)
        assert wakes.wanted_at(unit.connection, "change", change_id) is None


# --- facts about people


def test_approvals_known_before_somebody_asked_anew_count_no_more(desk: Desk) -> None:
    change_id, run = opened(desk, change())
    run = planned(desk, run, "approvals >= 1")
    with desk.unit() as unit:
        changes.remember_people(unit, change_id, People(approvals=("bob",)), desk.now)
        settle(unit, desk.services, run.id)
    assert shown(desk, A)[1] is PublishedConclusion.SUCCESS
    with desk.unit() as unit:
        changes.want_people(unit, change_id)
        settle(unit, desk.services, run.id)
    assert shown(desk, A)[0] is CheckRunStatus.IN_PROGRESS


def test_a_review_that_comes_while_reviews_are_read_is_read_too(desk: Desk) -> None:
    change_id, run = opened(desk, change())
    run = planned(desk, run, "approvals >= 1")
    with desk.unit() as unit:
        changes.want_people(unit, change_id)
        assert _of_live_run(unit, desk.services, run, None)
    with desk.unit() as unit:
        changes.want_people(unit, change_id)  # a dismissal, while the older list is on its way
    with desk.unit() as unit:
        assert _of_live_run(unit, desk.services, run, People(approvals=("bob",)))
        row = changes.load_change(unit.connection, change_id)
    assert row.people_wanted
    assert _people(run, row).state is Readable.LATER


def test_approvals_read_for_a_head_that_was_left_behind_are_dropped(desk: Desk) -> None:
    change_id, run = opened(desk, change(1, A))
    run = planned(desk, run, "approvals >= 1")
    opened(desk, change(1, B))
    with desk.unit() as unit:
        assert not _of_live_run(unit, desk.services, run, People(approvals=("bob",)))
        assert changes.load_change(unit.connection, change_id).people is None


def test_a_crash_between_plan_and_decision_is_found_by_the_sweep(desk: Desk) -> None:
    """`_keep` leaves the run due until it was decided: a planned run without a verdict is in no other list."""
    from app.engine.prepare import Prepared
    from app.engine.reconcile import _keep

    change_id, run = opened(desk, change())
    ready = planned(desk, run)
    with desk.unit() as unit:
        unit.connection.execute(update(RUNS).values(status="new"))
        row = changes.load_change(unit.connection, change_id)
        _keep(unit, desk.services, Prepared(run=ready, gate_text=b"", branch_tip=Sha("a" * 40)), row, None)
        status = unit.connection.execute(select(RUNS.c.status)).scalar_one()
    assert status == "planned"
    assert ("run", run.id) in due(desk)


# --- neutral


def neutral(desk: Desk, run: Run, why: str) -> None:
    """Preparing found no gate file on the target."""
    facts = msgspec.structs.replace(run.facts, neutral=why)
    with desk.unit() as unit:
        runs.save_preparation(unit, msgspec.structs.replace(run, status=RunStatus.NEUTRAL, facts=facts), None)
        republish(unit, desk.services, desk.repository_id, run.head_sha)


@pytest.mark.parametrize("why", ["first", "removed"])
def test_retargeting_to_a_branch_without_a_gate_turns_no_red_verdict_neutral(desk: Desk, why: str) -> None:
    _, run = opened(desk, change())
    run = planned(desk, run, "size.files > 0")
    with desk.unit() as unit:
        settle(unit, desk.services, run.id)
    assert shown(desk, A) == (CheckRunStatus.COMPLETED, PublishedConclusion.FAILURE)
    _, moved = opened(desk, change(base="pages"))
    neutral(desk, moved, why)
    assert shown(desk, A) == (CheckRunStatus.COMPLETED, PublishedConclusion.FAILURE)


def test_retargeting_while_pending_leaves_nothing_that_forges_take_for_success(desk: Desk) -> None:
    opened(desk, change())
    assert shown(desk, A)[0] is CheckRunStatus.IN_PROGRESS
    _, moved = opened(desk, change(base="pages"))
    neutral(desk, moved, "first")
    assert shown(desk, A) == (CheckRunStatus.COMPLETED, PublishedConclusion.CANCELLED)


def test_removing_the_gate_file_turns_what_stands_neutral(desk: Desk) -> None:
    change_id, run = opened(desk, change())
    run = planned(desk, run, "size.files > 0")
    with desk.unit() as unit:
        settle(unit, desk.services, run.id)
        again = start_run(unit, desk.services, desk.repository_id, change_id, change(), actor=ALICE)
        found = runs.load_run(unit.connection, again)
    assert found is not None
    neutral(desk, found, "removed")
    assert shown(desk, A) == (CheckRunStatus.COMPLETED, PublishedConclusion.NEUTRAL)


# --- installations


def test_an_installation_delivery_takes_no_known_default_branch_away(desk: Desk) -> None:
    """Its repositories come in short form; judged by it, main would be no gated branch."""
    short = msgspec.structs.replace(desk.repository, default_branch="")
    back = InstallationChanged(
        action="unsuspend", installation_id=3, account="acme", added=(short,), sender=ALICE
    )
    with desk.unit() as unit:
        apply_event(unit, desk.services, "github", back)
        known = projects.load_repository(unit.connection, desk.repository_id)
    assert known.default_branch == "main"
    assert [kind for kind, _ in due(desk) if kind == "installation"] == ["installation"]


def test_a_post_that_comes_before_the_plan_is_kept(desk: Desk) -> None:
    """Which gate names it is not known yet, and what the forge lists may lag behind what it told."""
    _, run = opened(desk, change())
    post = ExternalPosted(
        repository=desk.repository,
        kind="check_run",
        sha=A,
        name="build",
        poster="ci",
        poster_id=9,
        external_id=5,
    )
    with desk.unit() as unit:
        assert apply_event(unit, desk.services, "github", post)[0] == "done"
        assert ("run", run.id) not in unit.wakes  # it is being planned, or waits until it may be
        assert [one.name for one in records.posts_on(unit.connection, desk.repository_id, A)] == ["build"]
    planned(desk, run)
    with desk.unit() as unit:
        later = msgspec.structs.replace(post, external_id=6, name="other")
        assert apply_event(unit, desk.services, "github", later) == ("ignored", "no gate names it")
