"""What goes with time, and what never does."""

from pathlib import Path

import msgspec
from sqlalchemy import delete, func, insert, select, update

from app.engine import Keep
from app.engine.retention import BATCH, forget_dropped, prune
from app.engine.sweep import sweep
from app.model import Actor, AuditEntry, CheckEvidence, CheckResult, Reused
from app.store import (
    EvidenceSource,
    audit_chain,
    checks,
    evidence,
    keep_evidence,
    metadata,
    records,
    retention,
)
from tests.unit.engine.conftest import Desk

TABLES = metadata.tables
DAY = 86_400.0
LINT = msgspec.json.encode(CheckResult(id="lint", key="lint"))
OLD, NEW = 400 * DAY, 0.5 * DAY


def count(desk: Desk, table: str) -> int:
    with desk.unit() as unit:
        return int(unit.connection.execute(select(func.count()).select_from(TABLES[table])).scalar_one())


def row(desk: Desk, table: str, **values: object) -> int:
    with desk.unit() as unit:
        made = unit.connection.execute(insert(TABLES[table]).values(**values).returning(TABLES[table].c.id))
        return int(made.scalar_one())


class Past:
    """Rows of a given age."""

    def __init__(self, desk: Desk, tmp_path: Path) -> None:
        self.desk, self.folder = desk, tmp_path

    def ago(self, age: float) -> float:
        return self.desk.now - age

    def post(self, age: float, sha: str) -> None:
        row(
            self.desk,
            "posts",
            repository_id=self.desk.repository_id,
            sha=sha,
            kind="status",
            name=f"{age}",
            poster="ci",
            suite_id=0,
            document=b"{}",
            seen_at=self.ago(age),
        )

    def delivery(self, age: float, status: str) -> None:
        row(
            self.desk,
            "deliveries",
            forge="github",
            delivery_id=f"{age}{status}",
            event="push",
            received_at=self.ago(age),
            body=b"",
            status=status,
        )

    def attempt(self, age: float, *, kind: str = "pull_request", live: bool = False) -> tuple[int, int, int]:
        """A change with one run, check and attempt; gives the ids of the last three."""
        known = {"repository_id": self.desk.repository_id, "head_sha": "1" * 40}
        change = row(
            self.desk,
            "changes",
            key=f"{kind}-{age}-{live}",
            kind=kind,
            state="open" if live else "closed",
            base_ref="main",
            document=b"{}",
            seen_at=self.ago(age),
            **known,
        )
        run = row(
            self.desk,
            "runs",
            change_id=change,
            n=1,
            status="planned" if live else "closed",
            base_sha="b" * 40,
            opened_at=self.ago(age),
            touched_at=self.ago(age),
            **known,
        )
        check = row(self.desk, "checks", run_id=run, key="lint", status="completed", result=LINT)
        attempt = row(
            self.desk,
            "attempts",
            check_id=check,
            run_id=run,
            n=1,
            status="completed",
            queued_at=self.ago(age),
            ended_at=self.ago(age),
        )
        return run, check, attempt

    def log(self, attempt: int) -> None:
        with self.desk.unit() as unit:
            for seq in range(3):
                chunk = {"attempt_id": attempt, "seq": seq, "offset": seq, "t_ms": 0, "size": 1, "data": b"x"}
                unit.connection.execute(insert(TABLES["log_chunks"]).values(chunk))

    def artifact(self, attempt: int) -> Path:
        place = self.folder / "artifacts" / str(attempt) / "deep" / "a.txt"
        place.parent.mkdir(parents=True)
        place.write_text("kept")
        row(self.desk, "artifacts", attempt_id=attempt, path="out/deep/a.txt", size=4, stored=str(place))
        return place

    def evidence(self, age: float, tree: str = "e" * 40) -> int:
        with self.desk.unit() as unit:
            return keep_evidence(
                unit,
                repository_id=self.desk.repository_id,
                definition="d",
                base_tree=tree,
                tested_tree=tree,
                source=EvidenceSource.BASE,
                origin="",
                body=CheckEvidence(key="lint"),
                now=self.ago(age),
            )

    def baseline(self, age: float, evidence_id: int | None, sha: str, tree: str = "e" * 40) -> None:
        row(
            self.desk,
            "baselines",
            repository_id=self.desk.repository_id,
            tree=tree,
            definition="d",
            base_sha=sha,
            key="lint",
            state="ready" if evidence_id else "outstanding",
            evidence_id=evidence_id,
            at=self.ago(age),
        )


def test_worked_off_deliveries_go(desk: Desk, tmp_path: Path) -> None:
    past = Past(desk, tmp_path)
    for status in ("done", "ignored", "failed", "stored"):
        past.delivery(OLD, status)
        past.delivery(NEW, status)
    with desk.unit() as unit:
        assert retention.prune_deliveries(unit, past.ago(DAY), 1) == 1  # in batches
        assert retention.prune_deliveries(unit, past.ago(DAY), 100) == 1
        left = unit.connection.execute(select(TABLES["deliveries"].c.status)).scalars().all()
    assert sorted(left) == ["done", "failed", "failed", "ignored", "stored", "stored"]


async def test_output_and_artifacts_of_old_attempts_go(desk: Desk, tmp_path: Path) -> None:
    past = Past(desk, tmp_path)
    attempts = [past.attempt(age)[2] for age in (OLD, NEW)]
    places = [past.artifact(attempt) for attempt in attempts]
    for attempt in attempts:
        past.log(attempt)
    await prune(desk.services)
    assert count(desk, "log_chunks") == 3
    assert count(desk, "artifacts") == 1
    assert not places[0].parent.parent.exists()
    assert places[1].read_text() == "kept"
    assert count(desk, "attempts") == 2  # that they ran stays known


async def test_where_all_take_too_much_room_the_oldest_go(desk: Desk, tmp_path: Path) -> None:
    past = Past(desk, tmp_path)
    _, check, attempt = past.attempt(DAY, live=True)
    with desk.unit() as unit:
        table = TABLES["checks"]
        unit.connection.execute(update(table).where(table.c.id == check).values(attempt=1))
    places = [past.artifact(attempt), *(past.artifact(past.attempt(age)[2]) for age in (3000, 2000, 1000))]
    options = msgspec.structs.replace(desk.services.options, keep=Keep(artifact_bytes=9))
    services = msgspec.structs.replace(desk.services, options=options)
    for _ in range(2):
        await prune(services)
        assert [place.is_file() for place in places] == [True, False, False, True]
    assert count(desk, "artifacts") == 2


async def test_what_cannot_be_removed_holds_up_nothing(desk: Desk, tmp_path: Path) -> None:
    """More of them than go at once, and the audit trail is sealed all the same."""
    past = Past(desk, tmp_path)
    attempt = past.attempt(OLD)[2]
    stuck = tmp_path / "artifacts" / "stuck"
    (stuck / "a folder where a file was").mkdir(parents=True)
    for _ in range(BATCH + 1):
        row(desk, "artifacts", attempt_id=attempt, path="out/a.txt", size=4, stored=str(stuck))
    place = past.artifact(past.attempt(OLD + DAY)[2])
    past.log(attempt)
    with desk.unit() as unit:
        records.append_audit(unit, AuditEntry(at=desk.now, actor=Actor(login="alice"), verb="run.opened"))
    await sweep(desk.services)
    assert not place.exists()
    assert count(desk, "artifacts") == BATCH + 1
    assert count(desk, "log_chunks") == 0
    with desk.unit() as unit:
        assert audit_chain.unsealed(unit.connection) == 0


async def test_artifacts_stay_that_a_live_runs_check_may_be_given(desk: Desk, tmp_path: Path) -> None:
    past = Past(desk, tmp_path)
    _, check, attempt = past.attempt(OLD, live=True)
    place = past.artifact(attempt)
    ended = past.artifact(past.attempt(OLD)[2])
    with desk.unit() as unit:
        table = TABLES["checks"]
        unit.connection.execute(update(table).where(table.c.id == check).values(attempt=1))
        assert len(retention.old_artifacts(unit.connection, past.ago(DAY), 0, 1)) == 1, "none blocks others"
    await prune(desk.services)
    assert (place.is_file(), ended.is_file()) == (True, False)
    with desk.unit() as unit:
        unit.connection.execute(update(table).where(table.c.id == check).values(attempt=2))
    await prune(desk.services)
    assert not place.is_file(), "of an attempt that another followed nobody is given anything"


async def test_artifacts_stay_of_a_result_that_a_live_run_reuses(desk: Desk, tmp_path: Path) -> None:
    past = Past(desk, tmp_path)
    _, _, made = past.attempt(OLD, kind="base")
    place = past.artifact(made)
    run, check, _ = past.attempt(OLD, live=True)
    with desk.unit() as unit:
        row = checks.load_check(unit.connection, check)
        reused = msgspec.structs.replace(row.result, reused=Reused(attempt=made, at=0.0))
        checks.save_check(unit, msgspec.structs.replace(row, result=reused))
    await prune(desk.services)
    await prune(desk.services)
    assert place.is_file()
    with desk.unit() as unit:
        unit.connection.execute(delete(TABLES["artifacts"]))
    await prune(desk.services)
    assert count(desk, "attempts") == 2, "how many it kept stays known"
    with desk.unit() as unit:
        table = TABLES["runs"]
        unit.connection.execute(update(table).where(table.c.id == run).values(status="closed"))
    await prune(desk.services)
    assert count(desk, "attempts") == 1


async def test_files_of_results_that_were_dropped_go(desk: Desk, tmp_path: Path) -> None:
    past = Past(desk, tmp_path)
    kept, dropped, running = (past.attempt(age)[2] for age in (NEW, NEW + 1, NEW + 2))
    with desk.unit() as unit:
        table = TABLES["attempts"]
        unit.connection.execute(update(table).where(table.c.id == running).values(status="running"))
    past.artifact(kept)
    unknown = running + 1
    for name in (str(dropped), str(running), str(unknown), "of somebody else"):
        (past.folder / "artifacts" / name / "deep").mkdir(parents=True)
        (past.folder / "artifacts" / name / "deep" / "app").write_text("x")
    desk.services.artifacts = past.folder / "artifacts"
    await forget_dropped(desk.services)
    left = {place.name for place in desk.services.artifacts.iterdir()}
    assert left == {str(kept), str(running), "of somebody else"}
    desk.services.artifacts = past.folder / "nowhere"
    await forget_dropped(desk.services)


async def test_evidence_goes_that_nothing_rests_on(desk: Desk, tmp_path: Path) -> None:
    past = Past(desk, tmp_path)
    unused, fresh, recorded, live, ended, of_base = (
        past.evidence(age) for age in (OLD, NEW, OLD, OLD, OLD, OLD)
    )
    _, check, _ = past.attempt(OLD, live=True)
    _, other, _ = past.attempt(OLD)
    with desk.unit() as unit:
        evidence.keep_for_record(unit, (recorded,))
        for row_id, evidence_id in ((check, live), (other, ended)):
            table = TABLES["checks"]
            unit.connection.execute(update(table).where(table.c.id == row_id).values(evidence_id=evidence_id))
    past.baseline(OLD, of_base, "b" * 40)  # a live run is compared with it
    await prune(desk.services)
    with desk.unit() as unit:
        left = set(unit.connection.execute(select(TABLES["evidence"].c.id)).scalars())
        told = unit.connection.execute(select(TABLES["checks"].c.evidence_id)).scalars().all()
    assert left == {fresh, recorded, live, of_base}
    assert unused not in left
    assert sorted(told, key=bool) == [None, live]


async def test_baselines_go_with_the_last_run_compared_with_them(desk: Desk, tmp_path: Path) -> None:
    past = Past(desk, tmp_path)
    past.attempt(OLD, live=True)
    past.baseline(OLD, past.evidence(OLD), "b" * 40)
    past.baseline(OLD, past.evidence(OLD), "c" * 40, tree="f" * 40)
    past.baseline(OLD, None, "c" * 40, tree="a" * 40)  # still being made
    await prune(desk.services)
    with desk.unit() as unit:
        left = unit.connection.execute(select(TABLES["baselines"].c.tree)).scalars().all()
    assert sorted(left) == ["a" * 40, "e" * 40]
    assert count(desk, "evidence") == 1


async def test_base_runs_go_and_judged_ones_stay(desk: Desk, tmp_path: Path) -> None:
    past = Past(desk, tmp_path)
    keep = msgspec.structs.replace(desk.services.options.keep, artifacts=1000 * DAY)
    desk.services.options = msgspec.structs.replace(desk.services.options, keep=keep)
    for age in (OLD, NEW):
        past.attempt(age, kind="base")
    past.attempt(OLD, kind="base", live=True)
    past.attempt(OLD)
    _, _, attempt = past.attempt(OLD + 1, kind="base")
    past.artifact(attempt)
    assert count(desk, "runs") == 5
    await prune(desk.services)
    assert count(desk, "runs") == 4  # the one with a kept artifact stays with it
    assert count(desk, "changes") == 4


async def test_posts_go_once_nobody_judges_their_head(desk: Desk, tmp_path: Path) -> None:
    past = Past(desk, tmp_path)
    past.attempt(OLD, live=True)
    for age, sha in ((OLD, "1" * 40), (OLD, "2" * 40), (NEW, "2" * 40)):
        past.post(age, sha)
    await prune(desk.services)
    with desk.unit() as unit:
        left = unit.connection.execute(select(TABLES["posts"].c.sha, TABLES["posts"].c.name)).all()
    assert sorted(left) == [("1" * 40, str(OLD)), ("2" * 40, str(NEW))]
