"""Judge reports that exist already: the same comparison, reading and policy, no check is run."""

import fnmatch
import time
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import msgspec

from app.engine.asked import with_asked
from app.engine.borrowed import fetch_borrowed
from app.engine.conclude import conclude_reports, delivered_by, read_into
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
    RunFacts,
    Sha,
    Status,
)
from app.plan import GateFile, built_in_kinds, compile_plan, judged_by
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
    errors: Mapping[str, tuple[str, ...]]


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
        async with self._workspaces.checkout(repository, head_sha) as tree:
            read = await self._read(plan, reports, tree)
        baselines: tuple[Baseline, ...] = ()
        if base_reports:
            async with self._workspaces.checkout(repository, base_sha) as tree:
                baselines = _baselines(await self._read(plan, base_reports, tree))
        plan = _with_reports(plan, read, gatefile)
        facts = await with_asked(self._workspaces, repository, plan, comparison, RunFacts())
        evidence = Evidence(
            change=change,
            comparison=comparison,
            trusted=True,
            checks=tuple(_result(spec, read) for spec in plan.checks),
            reports=tuple(CheckEvidence(key=key, reports=some) for key, some in read.contents.items()),
            baselines=baselines,
            reverts=facts.reverts,
            configuring=facts.configuring,
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
        errors: dict[str, list[str]] = {}
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
            errors.setdefault(spec.key, []).extend(read.errors)
        return _Read(
            contents={key: tuple(some) for key, some in contents.items()},
            problems={key: tuple(some) for key, some in problems.items()},
            errors={key: tuple(some) for key, some in errors.items()},
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


def _with_reports(plan: Plan, read: _Read, gatefile: GateFile | None) -> Plan:
    """The plan with a check for each name that stands in no gate file. Each check is of the kinds that its
    reports hold too: what the gate does not judge of them makes it fail.
    """
    known = {spec.key for spec in plan.checks}
    others = tuple(CheckSpec(id=key, key=key) for key in read.contents if key not in known)
    delivered = {
        key: delivered_by(CheckEvidence(key=key, reports=some)) for key, some in read.contents.items()
    }
    kinds = {
        spec.key: tuple(dict.fromkeys((*spec.produces, *map(Kind, delivered.get(spec.key, ())))))
        for spec in (*plan.checks, *others)
    }
    feeding = frozenset(kind for some in kinds.values() for kind in some)
    judged = built_in_kinds(feeding, "portcullis") if gatefile is None else gatefile.judged
    return msgspec.structs.replace(
        plan,
        checks=tuple(judged_by(spec, kinds[spec.key], judged) for spec in (*plan.checks, *others)),
        gate_declared=gatefile is not None and plan.gate_declared,
    )


def _result(spec: CheckSpec, read: _Read) -> CheckResult:
    """How a check counts: by the reports given for it, as uploaded ones would; what declares none has nothing
    to be judged by.
    """
    some = read.contents.get(spec.key)
    evidence = CheckEvidence(key=spec.key, reports=some or ())
    if some is not None:
        read_of = ReportsRead(problems=read.problems[spec.key], errors=read.errors[spec.key])
        conclusion, reason = conclude_reports(spec, read_into(evidence, read_of))
        reason = reason or "judged by its reports alone; it was not run"
    elif spec.produces:
        conclusion, reason = Conclusion.SUCCESS, "not run here, and no report of it was given"
    else:
        conclusion, reason = Conclusion.NOT_NEEDED, "not run here, and it declares no report"
    return CheckResult(
        id=spec.id,
        key=spec.key,
        required=spec.required,
        status=Status.COMPLETED,
        conclusion=conclusion,
        reason=reason,
        produces=tuple(kind.value for kind in spec.produces),
        delivered=delivered_by(evidence),
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
