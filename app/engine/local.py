"""Judge a change of a local repository: the same planner, executors, reports and policy, no database."""

import asyncio
import time

import msgspec

from app.engine import rules
from app.engine.asked import with_asked
from app.engine.base_plan import on_base, with_itself
from app.engine.base_runs import name_of
from app.engine.base_settling import why_impossible
from app.engine.borrowed import fetch_borrowed
from app.engine.local_checks import LocalChecks, Machine, Output, Progress
from app.engine.prepare import (
    authors_of,
    looks_ai_authored,
    trailers_of,
)
from app.engine.standings import Decision
from app.executors import Executor, ReportReader, Workspaces
from app.model import (
    AuthorFault,
    Baseline,
    BaselineState,
    Change,
    ChangeKind,
    Comparison,
    Diagnostic,
    Judgement,
    Plan,
    Repository,
    RunFacts,
    Sha,
)
from app.plan import Catalogue, GateFile, compile_plan, parse
from app.policy import blocked_verdict


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

    async def judge(self, repository: Repository, change: Change, gate: bytes, gate_path: str) -> Judgement:
        """The judgement of a change by a gate file; `repository` is as `borrowed` gives it.

        Raises Invalid, AuthorFault, Misconfigured, Outage.
        """
        started = time.time()
        fetched = await fetch_borrowed(self._workspaces, repository, change.head_sha)
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
        facts = RunFacts(
            authors=authors_of(commits),
            trailers=trailers_of(commits),
        )
        facts = await with_asked(self._workspaces, repository, plan, comparison, facts)
        decision = await self._decide(repository, change, plan, comparison, facts)
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

    async def _decide(
        self, repository: Repository, change: Change, plan: Plan, comparison: Comparison, facts: RunFacts
    ) -> Decision:
        """Run the plan's checks on the change, and on base those that have something to be compared with."""
        with ReportReader() as reader:
            machine = Machine(
                workspaces=self._workspaces,
                executor=self._executor,
                reader=reader,
                slots=self._slots,
                progress=self._progress,
                output=self._output,
            )
            head = LocalChecks(
                machine,
                repository,
                change,
                plan,
                comparison,
                ai_authored=looks_ai_authored(plan, change, facts),
                facts=facts,
            )
            base = _base_checks(machine, repository, change, plan, comparison)
            try:
                return await self._run(head, base, plan, name_of(change.base_ref, comparison.base_sha))
            finally:
                await asyncio.gather(head.stop(), base.stop())

    async def _run(self, head: LocalChecks, base: LocalChecks, plan: Plan, where: str) -> Decision:
        """Decide, run what is queued, decide again, until nothing is outstanding."""
        while True:
            moved = head.advance()
            base.add(on_base(plan, moved.wants))
            base.advance()
            running = head.running | base.running
            if not running:
                known = tuple(_baseline(base, key, where) for key in moved.wants)
                state = msgspec.structs.replace(head.standings(), baselines=known)
                return rules.judge(state, moved)
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)


def _base_checks(
    machine: Machine, repository: Repository, change: Change, plan: Plan, comparison: Comparison
) -> LocalChecks:
    """The checks of the same plan on base: none yet."""
    return LocalChecks(
        machine,
        repository,
        msgspec.structs.replace(change, kind=ChangeKind.BASE),
        msgspec.structs.replace(plan, checks=(), gate=(), ignore_paths=()),
        with_itself(comparison.base_sha, comparison.base_tree),
        place="on base",
        whole=True,
    )


def _baseline(base: LocalChecks, key: str, where: str) -> Baseline:
    row, delivered = base.rows.get(key), base.evidence.get(key)
    if row is None:  # somebody else's system
        return Baseline(key=key, state=BaselineState.IMPOSSIBLE, reason=f"{key} is not run here")
    if reason := why_impossible(row, where, delivered=delivered is not None):
        return Baseline(key=key, state=BaselineState.IMPOSSIBLE, reason=reason)
    reports = () if delivered is None else delivered.reports
    return Baseline(key=key, state=BaselineState.READY, origin=f"base run of {where}", reports=reports)
