"""The checks of one plan on one commit of a local repository, run in this process."""

import asyncio
import itertools
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from pathlib import Path

import msgspec

from app.engine import rules
from app.engine.caching import cache_use
from app.engine.conclude import after_attempt, conclude, mark_flaky, wants_retry
from app.engine.specs import attempt_spec, commits_of, files_of, kept_in, needs_base_tree
from app.engine.standings import Moved, Standings
from app.executors import (
    BASE_SCOPE,
    AttemptOutcome,
    AttemptSpec,
    Executor,
    LogChunk,
    ReportReader,
    ReportsRead,
    Workspaces,
    read_reports,
)
from app.model import (
    Change,
    CheckEvidence,
    CheckResult,
    CheckRow,
    CheckSpec,
    Comparison,
    Conclusion,
    Ending,
    People,
    Plan,
    Readable,
    Repository,
    RunFacts,
    Status,
)
from app.plan import input_name

Progress = Callable[[CheckResult], None]
"""Told of each check whenever it moves."""
Output = Callable[[str, bytes], None]
"""Told of each piece of a check's output: (key, masked bytes)."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What local checks run on, and who is told of them. `slots` holds how many run at a time, `groups` who
    runs of each group.
    """

    workspaces: Workspaces
    executor: Executor
    reader: ReportReader
    slots: asyncio.Semaphore
    progress: Progress
    output: Output
    groups: defaultdict[str, asyncio.Lock] = msgspec.field(default_factory=lambda: defaultdict(asyncio.Lock))
    ids: Iterator[int] = msgspec.field(default_factory=lambda: itertools.count(1))


class LocalChecks:
    """Moves the checks of a plan on as far as they go, each time it is asked. `place` says in their names
    where they run ('' = on the change); `whole` tells them of all files as changed.
    """

    def __init__(
        self,
        machine: Machine,
        repository: Repository,
        change: Change,
        plan: Plan,
        comparison: Comparison,
        *,
        ai_authored: bool = False,
        facts: RunFacts | None = None,
        place: str = "",
        whole: bool = False,
    ) -> None:
        self._machine = machine
        self._repository = repository
        self._change = change
        self._plan = msgspec.structs.replace(plan, checks=())
        self._comparison = comparison
        self._ai_authored = ai_authored
        self._facts = facts or RunFacts()
        self._place = place
        self._whole = whole
        self.rows: dict[str, CheckRow] = {}
        self.evidence: dict[str, CheckEvidence] = {}
        self.running: set[asyncio.Task[None]] = set()
        self._failed: dict[str, set[str]] = {}
        self._artifacts: dict[str, Path] = {}
        self.add(plan.checks)

    def add(self, specs: tuple[CheckSpec, ...]) -> None:
        """Further checks of the same plan; known ones stay as they are."""
        more = tuple(spec for spec in specs if spec.key not in self.rows)
        added = msgspec.structs.replace(self._plan, checks=more)
        for spec, first in zip(more, rules.first_results(added, time.time()), strict=True):
            external = spec.external is not None
            self.rows[spec.key] = CheckRow(
                id=len(self.rows),
                run_id=0,
                attempt=int(external),
                result=_not_here(first) if external else first,
            )
        self._plan = msgspec.structs.replace(self._plan, checks=(*self._plan.checks, *more))

    def standings(self) -> Standings:
        """Where everything stands."""
        return Standings(
            plan=self._plan,
            change=self._change,
            comparison=self._comparison,
            rows=tuple(self.rows.values()),
            reports=self.evidence,
            people=People(state=Readable.NOT_APPLICABLE),
            trusted=True,
            ai_authored=self._ai_authored,
            facts=self._facts,
        )

    def advance(self) -> Moved:
        """Decide, and begin what is queued: tasks in `running`, whose errors are raised here."""
        for task in [task for task in self.running if task.done()]:
            self.running.discard(task)
            task.result()
        moved = rules.move(self.standings(), time.time())
        specs = {spec.key: spec for spec in self._plan.checks}
        for row in moved.rows:
            self._move(row)
        for key in moved.queue:
            self.running.add(asyncio.create_task(self._attempt(specs[key])))
        return moved

    async def stop(self) -> None:
        """End what still runs, when one of them could not: its error is the one that is told."""
        for task in self.running:
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)

    def _move(self, row: CheckRow) -> None:
        self.rows[row.result.key] = row
        self._machine.progress(msgspec.structs.replace(row.result, key=self._name(row.result.key)))

    def _name(self, key: str) -> str:
        return f"{key} {self._place}".rstrip()

    async def _attempt(self, spec: CheckSpec) -> None:
        while True:
            async with self._alone(spec), self._machine.slots:
                row = self.rows[spec.key]
                result = msgspec.structs.replace(row.result, status=Status.RUNNING, since=time.time())
                self._move(msgspec.structs.replace(row, result=result))
                outcome, read = await self._execute(spec)
            row = self.rows[spec.key]
            evidence = mark_flaky(
                CheckEvidence(key=spec.key, reports=read.contents),
                frozenset(self._failed.get(spec.key, ())),
            )
            ending = conclude(spec, outcome, read, evidence)
            delay = wants_retry(spec, row, ending)
            if delay is None:
                self._keep(spec, outcome, evidence)
            self._move(after_attempt(spec, row, ending, None, read.outputs, evidence, time.time()))
            if delay is None:
                return
            self._remember(spec, ending)
            await asyncio.sleep(delay)

    def _alone(self, spec: CheckSpec) -> AbstractAsyncContextManager[None]:
        """Of a group one runs at a time."""
        return nullcontext() if spec.concurrency is None else self._machine.groups[spec.concurrency.group]

    def _keep(self, spec: CheckSpec, outcome: AttemptOutcome, evidence: CheckEvidence) -> None:
        if evidence.reports:
            self.evidence[spec.key] = evidence
        for artifact in outcome.artifacts:
            self._artifacts[spec.key] = kept_in(artifact.path, artifact.stored)

    def _remember(self, spec: CheckSpec, ending: Ending) -> None:
        self._failed.setdefault(spec.key, set()).update(ending.failed_tests)

    async def _execute(self, spec: CheckSpec) -> tuple[AttemptOutcome, ReportsRead]:
        spaces, repository, comparison = self._machine.workspaces, self._repository, self._comparison
        async with AsyncExitStack() as stack:
            tested = await stack.enter_async_context(spaces.checkout(repository, comparison.tested_sha))
            base = None
            if needs_base_tree(spec, trusted=True):
                base = await stack.enter_async_context(spaces.checkout(repository, comparison.base_sha))
            attempt = await self._specified(spec, tested, base)

            async def log(chunk: LogChunk) -> None:
                self._machine.output(self._name(spec.key), chunk.data)

            outcome = await self._machine.executor.run(attempt, log)
            read = await read_reports(spec, outcome.files, reader=self._machine.reader, tree=tested)
        return outcome, read

    async def _specified(self, spec: CheckSpec, tested: Path, base: Path | None) -> AttemptSpec:
        spaces, repository, comparison = self._machine.workspaces, self._repository, self._comparison
        changed = comparison.paths
        if self._whole:
            changed = files_of(await spaces.entries(repository, comparison.tested_sha))
        needed = {need.check for need in spec.needs}
        inputs = {
            input_name(row.result.id, key): self._artifacts[key]
            for key, row in self.rows.items()
            if row.result.id in needed and key in self._artifacts
        }
        return attempt_spec(
            spec,
            attempt_id=f"local-{os.getpid()}-{next(self._machine.ids)}",
            comparison=comparison,
            changed=changed,
            base_ref=self._change.base_ref,
            trusted=True,
            tested=tested,
            base=base,
            inputs=inputs,
            commits=await commits_of(spaces, repository, spec, comparison),
            cache=await cache_use(
                spaces,
                repository,
                spec,
                comparison,
                platform=self._machine.executor.platform,
                scope=BASE_SCOPE,
                trusted=True,
            ),
        )


def _not_here(result: CheckResult) -> CheckResult:
    """Nobody posts external results for a working tree."""
    return msgspec.structs.replace(
        result,
        status=Status.COMPLETED,
        conclusion=Conclusion.NOT_NEEDED,
        reason="external checks do not run here",
    )
