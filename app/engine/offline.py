"""Judge reports that exist already: the same comparison, reading and policy, no check is run."""

import fnmatch
import time
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import msgspec

from app.engine.borrowed import fetch_borrowed
from app.executors import Collected, ReportReader, ReportsRead, Workspaces, read_reports
from app.model import (
    AuthorFault,
    Baseline,
    BaselineState,
    Change,
    CheckEvidence,
    CheckResult,
    CheckSpec,
    Comparison,
    Conclusion,
    Evidence,
    Judgement,
    Kind,
    Plan,
    ReportContent,
    ReportSpec,
    Repository,
    Sha,
    Status,
)
from app.plan import GateFile, compile_plan
from app.policy import evaluate

ALONE = "reports"
"""The check that stands for reports of which no check is named."""


class GivenReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report file as given: its bytes, the check (id or key) and the flag named with it ('' = none)."""

    path: str
    content: bytes
    check: str = ""
    flag: str = ""


class _Read(msgspec.Struct, frozen=True, kw_only=True):
    """Reports by the key of their check, and what could not be read."""

    contents: Mapping[str, tuple[ReportContent, ...]]
    problems: Mapping[str, tuple[str, ...]]


class OfflineJudge:
    """Judges given reports of head_sha, and base's if there are any, in this process."""

    def __init__(self, workspaces: Workspaces, reader: ReportReader, *, root: Path) -> None:
        self._workspaces = workspaces
        self._reader = reader
        self._roots = (str(root), "/workspace")

    async def judge(
        self,
        repository: Repository,
        change: Change,
        base_sha: Sha,
        *,
        reports: Sequence[GivenReport],
        base_reports: Sequence[GivenReport],
        gatefile: GateFile | None,
        gate_path: str = "",
    ) -> Judgement:
        """The judgement of `change` on top of base_sha; `repository` is as `borrowed` gives it.

        Without a gate file the built-in gate judges the kinds that the reports hold. Raises AuthorFault for
        a report of a check that is not there, Outage.
        """
        started = time.time()
        await fetch_borrowed(self._workspaces, repository, change.head_sha)
        head_sha = change.head_sha
        comparison = await self._workspaces.compare(repository, base_sha, head_sha, head_sha)
        plan = await self._plan(repository, comparison, gatefile, gate_path)
        read = await self._read(plan, reports, await self._workspaces.checkout(repository, head_sha))
        baselines: tuple[Baseline, ...] = ()
        if base_reports:
            tree = await self._workspaces.checkout(repository, base_sha)
            baselines = _baselines(await self._read(plan, base_reports, tree))
        plan = _with_reports(plan, read, written=gatefile is not None)
        evidence = Evidence(
            change=change,
            comparison=comparison,
            trusted=True,
            checks=tuple(_result(spec, read) for spec in plan.checks),
            reports=tuple(CheckEvidence(key=key, reports=some) for key, some in read.contents.items()),
            baselines=baselines,
        )
        return Judgement(
            run_id=0,
            repository=repository,
            change=change,
            verdict=evaluate(plan, evidence),
            plan=plan,
            evidence=evidence,
            diagnostics=gatefile.warnings if gatefile is not None else (),
            opened_at=started,
            settled_at=time.time(),
        )

    async def _plan(
        self, repository: Repository, comparison: Comparison, gatefile: GateFile | None, gate_path: str
    ) -> Plan:
        if gatefile is None:
            return Plan(path=gate_path, policy_sha=comparison.head_sha, gate_hash="")
        entries = await self._workspaces.entries(repository, comparison.tested_sha)
        return compile_plan(
            gatefile,
            comparison=comparison,
            tree_paths=tuple(entry.path for entry in entries),
            policy_sha=comparison.head_sha,
        )

    async def _read(self, plan: Plan, given: Sequence[GivenReport], tree: Path) -> _Read:
        """Each report by the check it is named for, that declares its file, or alone declares its kind."""
        contents: dict[str, list[ReportContent]] = {}
        problems: dict[str, list[str]] = {}
        for report in given:
            spec, declared = _place(plan, report)
            read = await self._one(spec, declared, report, tree)
            if not report.check and spec.id == ALONE and len(read.contents) == 1:
                kind = Kind(read.contents[0].kind)
                only = [one for one in plan.checks if kind in one.produces]
                if len(only) == 1:
                    spec = only[0]
                    read = await self._one(spec, declared, report, tree)
            contents.setdefault(spec.key, []).extend(read.contents)
            problems.setdefault(spec.key, []).extend(read.problems)
        return _Read(
            contents={key: tuple(some) for key, some in contents.items()},
            problems={key: tuple(some) for key, some in problems.items()},
        )

    async def _one(
        self, spec: CheckSpec, declared: ReportSpec, report: GivenReport, tree: Path
    ) -> ReportsRead:
        reading = msgspec.structs.replace(spec, reports=(declared,), outputs="")
        file = Collected(declared=declared.path, path=report.path, content=report.content)
        return await read_reports(reading, (file,), reader=self._reader, tree=tree, roots=self._roots)


def _place(plan: Plan, report: GivenReport) -> tuple[CheckSpec, ReportSpec]:
    """The check that a report belongs to, and how it is declared there."""
    if report.check:
        named = [spec for spec in plan.checks if report.check in {spec.id, spec.key}]
        if not named and plan.checks:
            known = ", ".join(dict.fromkeys(spec.key for spec in plan.checks))
            raise AuthorFault(
                f"{report.path} is given for the check {report.check!r}, which the gate file has not",
                hint=f"its checks are {known}",
            )
        spec = named[0] if named else CheckSpec(id=report.check, key=report.check)
        declared = next((one for one in spec.reports if _names(one, report)), ReportSpec(path=report.path))
    else:
        fitting = [(spec, one) for spec in plan.checks for one in spec.reports if _names(one, report)]
        alone = CheckSpec(id=ALONE, key=ALONE), ReportSpec(path=report.path)
        spec, declared = fitting[0] if fitting else alone
    flag = report.flag or declared.flag
    return spec, msgspec.structs.replace(declared, path=report.path, flag=flag, only={})


def _names(declared: ReportSpec, report: GivenReport) -> bool:
    """Whether the file's name is the one that is declared; it may lie elsewhere."""
    return fnmatch.fnmatchcase(PurePosixPath(report.path).name, PurePosixPath(declared.path).name)


def _with_reports(plan: Plan, read: _Read, *, written: bool) -> Plan:
    """The plan with a check for each name that stands in no gate file, of the kinds its reports hold."""
    known = {spec.key for spec in plan.checks}
    others = tuple(
        CheckSpec(
            id=key,
            key=key,
            produces=tuple(dict.fromkeys(Kind(kind) for report in some for kind in report.kinds)),
        )
        for key, some in read.contents.items()
        if key not in known
    )
    return msgspec.structs.replace(
        plan, checks=(*plan.checks, *others), gate_declared=written and plan.gate_declared
    )


def _kinds(some: Sequence[ReportContent]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(kind for report in some for kind in report.kinds))


def _result(spec: CheckSpec, read: _Read) -> CheckResult:
    """How a check counts: by the reports given for it; what declares none has nothing to be judged by."""
    problems = read.problems.get(spec.key, ())
    some = read.contents.get(spec.key, ())
    conclusion, reason = Conclusion.SUCCESS, "judged by its reports alone; it was not run"
    if problems:
        conclusion, reason = Conclusion.FAILURE, "; ".join(problems[:3])
    elif not some and not spec.produces:
        conclusion, reason = Conclusion.NOT_NEEDED, "not run here, and it declares no report"
    elif not some:
        reason = "not run here, and no report of it was given"
    return CheckResult(
        id=spec.id,
        key=spec.key,
        required=spec.required,
        status=Status.COMPLETED,
        conclusion=conclusion,
        reason=reason,
        produces=tuple(kind.value for kind in spec.produces),
        delivered=_kinds(some),
    )


def _baselines(read: _Read) -> tuple[Baseline, ...]:
    return tuple(
        Baseline(
            key=key,
            state=BaselineState.IMPOSSIBLE if read.problems.get(key) else BaselineState.READY,
            origin="reports given for the base",
            reason="; ".join(read.problems.get(key, ())),
            reports=some,
        )
        for key, some in read.contents.items()
    )
