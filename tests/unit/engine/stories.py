"""Changes and base runs of a service that does nothing by itself: their checks end as told."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from sqlalchemy import event, func, select, update

from app.engine.base_runs import Base
from app.engine.base_settling import fill_ahead
from app.engine.claiming import claim_work
from app.engine.opening import accept_change
from app.engine.rules import first_results
from app.engine.settling import settle
from app.model import (
    Baseline,
    ChangeKind,
    ChangeState,
    CheckEvidence,
    CheckSpec,
    Comparison,
    Conclusion,
    Condition,
    Expression,
    FileCoverage,
    Finding,
    Kind,
    Plan,
    ReportContent,
    Run,
    RunStatus,
    Severity,
    Sha,
    Status,
    Verdict,
)
from app.plan import definition
from app.store import (
    EvidenceSource,
    attempts,
    changes,
    checks,
    keep_evidence,
    metadata,
    runs,
    verdicts,
)
from tests.unit.engine.conftest import Desk
from tests.unit.engine.test_transactions import ALICE, change

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
            settle(unit, self.desk.services, run_id, platform=self.desk.services.executor.platform)
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
        fill_ahead(unit, desk.services, base, desk.services.executor.platform)
