"""Judge a change of a local repository: the same planner, executors, reports and policy, no database."""

import asyncio
import itertools
import os
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import msgspec

from app.engine import rules
from app.engine.conclude import after_attempt, conclude, mark_flaky, wants_retry
from app.engine.prepare import looks_ai_authored, looks_reverting, reads_reverts
from app.engine.specs import attempt_spec, input_name, needs_base_tree
from app.executors import (
    AttemptOutcome,
    Executor,
    LogChunk,
    ReportReader,
    ReportsRead,
    Workspaces,
    read_reports,
)
from app.model import (
    AuthorFault,
    Change,
    CheckEvidence,
    CheckResult,
    CheckRow,
    CheckSpec,
    Comparison,
    Conclusion,
    Diagnostic,
    Ending,
    Judgement,
    People,
    Plan,
    Readable,
    Repository,
    Sha,
    Status,
)
from app.plan import Catalogue, GateFile, compile_plan, parse
from app.policy import blocked_verdict

Progress = Callable[[CheckResult], None]
"""Told of each check whenever it moves."""
Output = Callable[[str, bytes], None]
"""Told of each piece of a check's output: (key, masked bytes)."""


class Invalid(AuthorFault):
    """The gate file is invalid; `diagnostics` say where and why."""

    def __init__(self, message: str, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__(message)
        self.diagnostics = diagnostics


def read_gate(gate: bytes, path: str, catalogue: Catalogue) -> GateFile:
    """The gate file in these bytes. Raises Invalid."""
    parsed = parse(gate, path, catalogue)
    if parsed.gatefile is None:
        raise Invalid(f"{path} is invalid", parsed.diagnostics)
    return parsed.gatefile


class LocalRun:
    """Runs the plan of one local change in this process."""

    def __init__(
        self,
        workspaces: Workspaces,
        executor: Executor,
        catalogue: Catalogue,
        *,
        parallel: int,
        progress: Progress,
        output: Output,
    ) -> None:
        self._workspaces = workspaces
        self._executor = executor
        self._catalogue = catalogue
        self._progress = progress
        self._output = output
        self._slots = asyncio.Semaphore(parallel)
        self._rows: dict[str, CheckRow] = {}
        self._evidence: dict[str, CheckEvidence] = {}
        self._failed: dict[str, set[str]] = {}
        self._artifacts: dict[str, Path] = {}
        self._ids = itertools.count(1)

    async def judge(self, repository: Repository, change: Change, gate: bytes, gate_path: str) -> Judgement:
        """The judgement of a change by a gate file; `repository` is as `borrowed` gives it.

        Raises Invalid, AuthorFault, Misconfigured, Outage.
        """
        started = time.time()
        fetched = await self._workspaces.fetch(
            repository,
            base_ref="base",
            head_refspec="refs/heads/head",
            head_sha=change.head_sha,
            credential=_no_credential,
        )
        base_sha = fetched.base_sha or Sha("")
        gatefile = read_gate(gate, gate_path, self._catalogue)
        merged = await self._workspaces.merge(repository, base_sha, change.head_sha)
        if merged.conflicts:
            verdict = blocked_verdict(
                f"conflicts with {change.base_ref} in {', '.join(merged.conflicts[:3])}"
            )
            return Judgement(
                run_id=0, repository=repository, change=change, verdict=verdict, opened_at=started
            )
        comparison = await self._workspaces.compare(repository, base_sha, change.head_sha, merged.tested_sha)
        entries = await self._workspaces.entries(repository, merged.tested_sha)
        plan = compile_plan(
            gatefile,
            comparison=comparison,
            tree_paths=tuple(entry.path for entry in entries),
            policy_sha=change.head_sha,
        )
        commits = await self._workspaces.commits(repository, base_sha, change.head_sha)
        ai_authored = looks_ai_authored(plan, change, commits)
        reverts = reads_reverts(plan) and await looks_reverting(self._workspaces, repository, comparison)
        with ReportReader() as reader:
            decision = await self._run(
                repository, change, plan, comparison, ai_authored=ai_authored, reverts=reverts, reader=reader
            )
        return Judgement(
            run_id=0,
            repository=repository,
            change=change,
            verdict=decision.verdict,
            plan=plan,
            evidence=decision.evidence,
            diagnostics=gatefile.warnings,
            opened_at=started,
            settled_at=time.time(),
        )

    async def _run(
        self,
        repository: Repository,
        change: Change,
        plan: Plan,
        comparison: Comparison,
        *,
        ai_authored: bool,
        reverts: bool,
        reader: ReportReader,
    ) -> rules.Decision:
        """Decide, run what is queued, decide again, until nothing is outstanding."""
        specs = {spec.key: spec for spec in plan.checks}
        for number, first in enumerate(rules.first_results(plan, time.time())):
            external = specs[first.key].external is not None
            self._rows[first.key] = CheckRow(
                id=number,
                run_id=0,
                attempt=int(external),
                result=_not_here(first) if external else first,
            )
        running: set[asyncio.Task[None]] = set()
        while True:
            state = rules.Standings(
                plan=plan,
                change=change,
                comparison=comparison,
                rows=tuple(self._rows.values()),
                reports=self._evidence,
                people=People(state=Readable.NOT_APPLICABLE),
                trusted=True,
                ai_authored=ai_authored,
                reverts=reverts,
            )
            decision = rules.decide(state, time.time())
            for row in decision.rows:
                self._move(row)
            for key in decision.queue:
                work = self._attempt(repository, change, specs[key], comparison, reader)
                running.add(asyncio.create_task(work))
            if not running:
                return decision
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()

    def _move(self, row: CheckRow) -> None:
        self._rows[row.result.key] = row
        self._progress(row.result)

    async def _attempt(
        self,
        repository: Repository,
        change: Change,
        spec: CheckSpec,
        comparison: Comparison,
        reader: ReportReader,
    ) -> None:
        while True:
            async with self._slots:
                row = self._rows[spec.key]
                result = msgspec.structs.replace(row.result, status=Status.RUNNING, since=time.time())
                self._move(msgspec.structs.replace(row, result=result))
                outcome, read = await self._execute(repository, change, spec, comparison, reader)
            row = self._rows[spec.key]
            evidence = mark_flaky(
                CheckEvidence(key=spec.key, reports=read.contents),
                frozenset(self._failed.get(spec.key, ())),
            )
            ending = conclude(spec, outcome, read, evidence)
            delay = wants_retry(spec, row, ending)
            self._move(after_attempt(spec, row, ending, None, read.outputs, evidence, time.time()))
            if delay is None:
                self._keep(spec, outcome, evidence)
                return
            self._remember(spec, ending)
            await asyncio.sleep(delay)

    def _keep(self, spec: CheckSpec, outcome: AttemptOutcome, evidence: CheckEvidence) -> None:
        if evidence.reports:
            self._evidence[spec.key] = evidence
        for artifact in outcome.artifacts:
            depth = len(PurePosixPath(artifact.path).parts)
            self._artifacts[spec.key] = Path(artifact.stored).parents[depth - 1]

    def _remember(self, spec: CheckSpec, ending: Ending) -> None:
        self._failed.setdefault(spec.key, set()).update(ending.failed_tests)

    async def _execute(
        self,
        repository: Repository,
        change: Change,
        spec: CheckSpec,
        comparison: Comparison,
        reader: ReportReader,
    ) -> tuple[AttemptOutcome, ReportsRead]:
        spaces = self._workspaces
        tested = await spaces.checkout(repository, comparison.tested_sha)
        base = None
        if needs_base_tree(spec, trusted=True):
            base = await spaces.checkout(repository, comparison.base_sha)
        needed = {need.check for need in spec.needs}
        inputs = {
            input_name(row.result.id, key): self._artifacts[key]
            for key, row in self._rows.items()
            if row.result.id in needed and key in self._artifacts
        }
        attempt = attempt_spec(
            spec,
            attempt_id=f"local-{os.getpid()}-{next(self._ids)}",
            comparison=comparison,
            base_ref=change.base_ref,
            trusted=True,
            tested=tested,
            base=base,
            inputs=inputs,
        )

        async def log(chunk: LogChunk) -> None:
            self._output(spec.key, chunk.data)

        outcome = await self._executor.run(attempt, log)
        read = await read_reports(spec, outcome.files, reader=reader, tree=tested)
        return outcome, read


def _not_here(result: CheckResult) -> CheckResult:
    """Nobody posts external results for a working tree."""
    return msgspec.structs.replace(
        result,
        status=Status.COMPLETED,
        conclusion=Conclusion.NOT_NEEDED,
        reason="external checks do not run here",
    )


async def _no_credential() -> str:
    return ""
