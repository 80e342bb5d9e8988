"""Workers on both databases take what is next in turns, and hold quotas exactly while many ask at once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import msgspec
from sqlalchemy import delete, select, update

from app.engine import rules
from app.engine.able import ABLE, Able, leaves_untrusted
from app.engine.admission import Quotas
from app.engine.attempts import lose
from app.engine.claiming import Work, claim_next
from app.engine.queueing import queue
from app.model import Actor, AttemptStatus, Change, ChangeKind, CheckSpec, Comparison, Plan, RunStatus, Sha
from app.store import Asking, Key, admission, attempts, changes, checks, leader, metadata, projects, runs
from tests.unit.engine.conftest import Desk

ATTEMPTS = metadata.tables["attempts"]
RUNS = metadata.tables["runs"]
TREE = Sha("f" * 40)


def queued(desk: Desk, owner: str, name: str, count: int, *, author: str = "", priority: int = 1) -> None:
    """A planned run of a repository with so many checks, all queued."""
    now = desk.now
    forge_id = abs(hash((owner, name))) % 10**9
    repository = msgspec.structs.replace(desk.repository, forge_id=forge_id, full_name=f"{owner}/{name}")
    change = Change(
        kind=ChangeKind.PULL_REQUEST,
        key="pr-1",
        number=1,
        base_ref="main",
        head_sha=TREE,
        head_ref="topic",
        author=Actor(login=author or "alice", id=1),
    )
    specs = tuple(CheckSpec(id=f"c{n}", key=f"c{n}", argv=("true",)) for n in range(count))
    plan = Plan(path=".portcullis.yml", policy_sha="", gate_hash="", checks=specs)
    same = Comparison(
        base_sha=TREE, head_sha=TREE, tested_sha=TREE, base_tree=TREE, tested_tree=TREE, files=()
    )
    with desk.unit() as unit:
        repository_id = projects.upsert_repository(unit, repository, now)
        change_id = changes.upsert_change(unit, repository_id, change, now)
        run_id = runs.open_run(
            unit, repository_id=repository_id, change_id=change_id, head_sha=TREE, base_ref="main", now=now
        )
        run = runs.load_run(unit.connection, run_id)
        assert run is not None
        ready = msgspec.structs.replace(
            run, status=RunStatus.PLANNED, plan=plan, comparison=same, base_sha=TREE, tested_sha=TREE
        )
        runs.save_preparation(unit, ready, b"")
        checks.insert_checks(unit, run_id, rules.first_results(plan, now))
        whose = Asking(repository_id=repository_id, owner=owner, author=author)
        for row in checks.load_checks(unit.connection, run_id):
            attempts.queue_attempt(unit, row, whose, not_before=0, priority=priority, now=now)


def trust(desk: Desk, owner: str) -> None:
    with desk.unit() as unit:
        of_owner = select(ATTEMPTS.c.run_id).where(ATTEMPTS.c.owner == owner)
        unit.connection.execute(update(RUNS).where(RUNS.c.id.in_(of_owner)).values(trusted=True))


def owner_of(work: Work) -> str:
    return work.repository.full_name.partition("/")[0]


def claimed(desk: Desk, worker: str = "", at: float = 0.0) -> Work | None:
    services = msgspec.structs.replace(desk.services, worker=worker or desk.services.worker)
    with desk.unit() as unit:
        return claim_next(unit, services, 0, desk.now + 60, desk.now + at)


def ended(desk: Desk, work: Work) -> None:
    with desk.unit() as unit:
        unit.connection.execute(
            update(ATTEMPTS)
            .where(ATTEMPTS.c.id == work.attempt.id)
            .values(status=AttemptStatus.COMPLETED.value)
        )


def limited(desk: Desk, **quotas: int) -> None:
    options = msgspec.structs.replace(desk.services.options, quotas=Quotas(**quotas))
    desk.services.options = options


def test_a_busy_owner_delays_another_by_one_check_at_most(desk: Desk) -> None:
    queued(desk, "busy", "shop", 40, priority=2)
    queued(desk, "busy", "till", 40, priority=2)
    first = claimed(desk, at=1)
    queued(desk, "quiet", "tool", 3, priority=0)
    order = []
    running = [first]
    for turn in range(8):  # one place only
        ended(desk, running.pop())
        work = claimed(desk, at=2 + turn)
        assert work is not None
        order.append(owner_of(work))
        running.append(work)
    assert order[:6] == ["quiet", "busy", "quiet", "busy", "quiet", "busy"]


def test_within_an_owner_merge_groups_go_first_and_starve_nobody(desk: Desk) -> None:
    queued(desk, "acme", "shop", 20, priority=2)
    queued(desk, "acme", "till", 20, priority=1)
    queued(desk, "acme", "tool", 20, priority=0, author="eve")
    order = []
    for turn in range(14):
        work = claimed(desk, at=1 + turn)
        assert work is not None
        order.append(work.repository.full_name.partition("/")[2])
        ended(desk, work)
    assert Counter(order) == {"shop": 8, "till": 4, "tool": 2}


def test_quotas_hold_while_many_workers_ask_at_once(desk: Desk) -> None:
    limited(desk, repository=2, owner=3, untrusted_author=1)
    queued(desk, "busy", "shop", 10)
    queued(desk, "busy", "till", 10)
    queued(desk, "open", "tool", 10, author="eve")
    with ThreadPoolExecutor(8) as threads:
        found = [work for work in threads.map(lambda n: claimed(desk, f"worker-{n}"), range(16)) if work]
    assert sorted(owner_of(work) for work in found) == ["busy", "busy", "busy", "open"]
    assert len({work.attempt.id for work in found}) == 4
    per = {"shop": 0, "till": 0, "tool": 0}
    for work in found:
        per[work.repository.full_name.partition("/")[2]] += 1
    assert max(per.values()) == 2
    assert claimed(desk) is None


def test_whoever_was_over_a_quota_is_looked_at_again_when_a_place_is_free(desk: Desk) -> None:
    limited(desk, repository=1)
    queued(desk, "busy", "shop", 2)
    work = claimed(desk)
    assert work is not None
    assert claimed(desk) is None
    with desk.unit() as unit:
        assert attempts.cancel_attempts(unit, work.run.id, desk.now, work.check.id)
        (waiting,) = [key for key in unit.wakes if key[0] == "attempt"]
    again = claimed(desk)
    assert again is not None
    assert waiting == ("attempt", again.attempt.id)


def test_rows_of_an_older_version_are_claimed_too(desk: Desk) -> None:
    queued(desk, "busy", "shop", 1)
    with desk.unit() as unit:
        unit.connection.execute(update(ATTEMPTS).values(repository_id=0, owner="", author="", group=""))
    assert claimed(desk) is not None


def test_a_lease_that_was_renewed_meanwhile_has_not_lapsed(desk: Desk) -> None:
    queued(desk, "busy", "shop", 1)
    work = claimed(desk)
    assert work is not None
    then = desk.now + 61
    with desk.unit() as unit:
        (lapsed,) = attempts.lapsed_attempts(unit.connection, then)
        assert attempts.renew_lease(unit, lapsed.id, lapsed.worker, then + 30)
    with desk.unit() as unit:
        assert not lose(unit, desk.services, lapsed, "its worker stopped", lapsed_by=then)
        assert lose(unit, desk.services, lapsed, "its worker stopped", lapsed_by=then + 31)
        assert not lose(unit, desk.services, lapsed, "its worker stopped", lapsed_by=then + 31)


def test_a_worker_that_may_not_run_untrusted_work_leaves_it_to_one_that_may(desk: Desk) -> None:
    unable = msgspec.structs.replace(desk.services, untrusted_refused="no namespaces")
    queued(desk, "open", "tool", 1, author="eve")
    queued(desk, "shop", "till", 1)
    trust(desk, "shop")

    with desk.unit() as unit:
        (offered, *_) = unit.connection.execute(select(ATTEMPTS.c.id).order_by(ATTEMPTS.c.id)).scalars()

    def claim(at: float) -> tuple[str, dict[Key, float]]:
        with desk.unit() as unit:
            work = claim_next(unit, unable, offered, desk.now + 60, desk.now + at)
            return "" if work is None else owner_of(work), unit.later

    with desk.unit() as unit:
        leader.lead(unit, ABLE, "able", desk.now + 30, desk.now)
    if unable.database.is_sqlite:  # one process: nobody else is there
        assert {claim(1)[0], claim(2)[0]} == {"open", "shop"}
        return
    queued(desk, "open", "other", 1, author="eve")
    assert claim(1) == ("shop", {})
    for at, again in ((0.5, 1.5), (2, 4), (9, 12), (25, 28)):
        assert claim(at) == ("", {("attempt", offered): desk.now + again}), "one place, ever later"
    with desk.unit() as unit:
        resigned = desk.now - desk.services.options.lease - 1
        leader.resign(unit, ABLE, "able")
        leader.lead(unit, ABLE, "able", resigned, resigned)
    assert claim(3)[0] == "open", "nobody is able: it is taken, and refused in words"


async def test_an_able_worker_says_so_before_it_takes_work(desk: Desk) -> None:
    unable = msgspec.structs.replace(desk.services, untrusted_refused="no namespaces")
    able = Able(desk.services)
    await able.start()
    with desk.unit() as unit:
        fleet = not desk.services.database.is_sqlite
        assert leaves_untrusted(unit.connection, unable) is fleet
        assert not leaves_untrusted(unit.connection, desk.services)
        assert leader.is_held(unit.connection, ABLE, desk.now) is fleet
    await able.stop()


def test_a_repository_that_is_being_decided_on_holds_up_no_other(desk: Desk) -> None:
    if desk.services.database.is_sqlite:
        return  # one writer at a time
    queued(desk, "first", "shop", 1)
    queued(desk, "second", "till", 1)
    with desk.unit() as deciding:
        waiting = admission.first_waiting(deciding.connection, desk.now)
        (held,) = [one.repository_id for one in waiting if one.owner == "first"]
        projects.lock_repository(deciding, held)
        work = claimed(desk)
        assert work is not None
        assert owner_of(work) == "second"
        with ThreadPoolExecutor(1) as threads:
            waits = threads.submit(claimed, desk)
            while not blocked(desk):
                assert not waits.done(), "nothing else is there: it waits"
            deciding.connection.commit()
            last = waits.result()
    assert last is not None
    assert owner_of(last) == "first"


def blocked(desk: Desk) -> bool:
    """Whether some transaction waits for a row that another one holds."""
    with desk.program.database.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0"
        )
        return bool(rows.scalar_one())


def test_what_is_queued_for_now_is_due_by_a_slower_clock_too(desk: Desk) -> None:
    queued(desk, "busy", "shop", 1)
    with desk.unit() as unit:
        (attempt_id,) = unit.connection.execute(select(ATTEMPTS.c.id)).scalars()
        attempt = attempts.load_attempt(unit.connection, attempt_id)
        assert attempt is not None
        run = runs.load_run(unit.connection, attempt.run_id)
        assert run is not None
        change = changes.load_change(unit.connection, run.change_id).change
        unit.connection.execute(delete(ATTEMPTS))
        queue(unit, desk.services, run, change, attempt.check_id)
    assert claimed(desk, at=-3) is not None


def test_what_a_faster_clock_offered_too_early_is_offered_again_when_it_is_due(desk: Desk) -> None:
    queued(desk, "busy", "shop", 2)
    with desk.unit() as unit:
        first, second = unit.connection.execute(select(ATTEMPTS.c.id).order_by(ATTEMPTS.c.id)).scalars()
        for attempt_id, ahead in ((first, 4), (second, 2)):
            due = update(ATTEMPTS).where(ATTEMPTS.c.id == attempt_id).values(not_before=desk.now + ahead)
            unit.connection.execute(due)

    def offered(at: float) -> dict[Key, float]:
        with desk.unit() as unit:
            assert claim_next(unit, desk.services, first, desk.now + 60, desk.now + at) is None
            return unit.later

    both = {("attempt", second): desk.now + 2, ("attempt", first): desk.now + 4}
    assert offered(1) == both, "each would come too early for the other, and is offered to nobody else"
    assert offered(-60) == {}
    assert claimed(desk, at=2) is not None
