"""Plans and evidence in few words."""

from collections.abc import Iterable

import msgspec

from app.model import (
    Actor,
    Change,
    ChangeKind,
    CheckEvidence,
    CheckResult,
    CheckSpec,
    Comparison,
    Conclusion,
    Condition,
    Conditional,
    Evidence,
    Expression,
    FileChange,
    FileCoverage,
    FileStatus,
    Finding,
    GateItem,
    GateSettings,
    Group,
    Hunk,
    Kind,
    Outcome,
    People,
    Plan,
    ReportContent,
    Severity,
    Sha,
    Status,
    TestCase,
    TestOutcome,
    Verdict,
)

SHA = Sha("1" * 40)
C = Conclusion
P, F, E, S = TestOutcome.PASSED, TestOutcome.FAILED, TestOutcome.ERRORED, TestOutcome.SKIPPED

CHANGE = Change(
    kind=ChangeKind.PULL_REQUEST,
    key="pr-7",
    number=7,
    title="feat: refunds",
    author=Actor(login="Dana"),
    base_ref="main",
    head_ref="refunds",
    head_sha=SHA,
    labels=("Large", "api"),
)
PUSH = msgspec.structs.replace(CHANGE, kind=ChangeKind.PUSH, key="push-main", number=None)
GROUP = msgspec.structs.replace(CHANGE, kind=ChangeKind.MERGE_GROUP, key="mg-1", number=None, title="")


def file(path: str, *new: tuple[int, int], **fields: object) -> FileChange:
    """A modified file whose new lines are the ranges (first, last)."""
    hunks = tuple(Hunk(first - 1, 0, first, last - first + 1) for first, last in new)
    lines = sum(last - first + 1 for first, last in new)
    given = {"status": FileStatus.MODIFIED, "hunks": hunks, "added": lines, "added_nonblank": lines}
    return FileChange(path=path, **(given | fields))  # type: ignore[arg-type]


def compare(*files: FileChange, to_head: tuple[FileChange, ...] = ()) -> Comparison:
    return Comparison(
        base_sha=SHA,
        head_sha=SHA,
        tested_sha=SHA,
        base_tree=SHA,
        tested_tree=SHA,
        files=files,
        to_head=to_head,
    )


def check(check_id: str, *produces: Kind, cell: str = "", **fields: object) -> CheckSpec:
    key = f"{check_id} ({cell})" if cell else check_id
    return CheckSpec(id=check_id, key=key, produces=produces, **fields)  # type: ignore[arg-type]


def ended(
    key: str, conclusion: Conclusion | None = C.SUCCESS, *delivered: Kind, **fields: object
) -> CheckResult:
    """A result; None is one that still runs."""
    status = Status.RUNNING if conclusion is None else Status.COMPLETED
    return CheckResult(
        id=key.split(" ", maxsplit=1)[0],
        key=key,
        status=fields.pop("status", status),  # type: ignore[arg-type]
        conclusion=conclusion,
        delivered=tuple(kind.value for kind in delivered),
        **fields,  # type: ignore[arg-type]
    )


def junit(key: str, *outcomes: TestOutcome, flaky: int = 0) -> CheckEvidence:
    cases = [TestCase(name=f"t{n}", outcome=outcome) for n, outcome in enumerate(outcomes)]
    cases += [TestCase(name=f"f{n}", flaky=True) for n in range(flaky)]
    return CheckEvidence(key=key, reports=(ReportContent(format="junit", kind="tests", tests=tuple(cases)),))


def finding(
    path: str = "a.py", line: int = 1, severity: Severity = Severity.HIGH, **fields: object
) -> Finding:
    given = {"tool": "ruff", "rule": "F821", "message": "undefined"} | fields
    return Finding(path=path, line=line, severity=severity, **given)  # type: ignore[arg-type]


def findings(key: str, *some: Finding) -> CheckEvidence:
    return CheckEvidence(key=key, reports=(ReportContent(format="sarif", kind="findings", findings=some),))


def covered(path: str, lines: str, **branches: tuple[int, int]) -> FileCoverage:
    """Lines as `1+ 2- 3+`: hit or not; branches by `b<line>=(covered, total)`."""
    hits = {int(word[:-1]): int(word[-1] == "+") for word in lines.split()}
    return FileCoverage(
        path=path, lines=hits, branches={int(name[1:]): pair for name, pair in branches.items()}
    )


def coverage(key: str, *files: FileCoverage, roots: tuple[str, ...] = ()) -> CheckEvidence:
    content = ReportContent(format="cobertura", kind="coverage", coverage=files, roots=roots)
    return CheckEvidence(key=key, reports=(content,))


def condition(text: str, **fields: object) -> Condition:
    return Condition(expression=Expression(text=text), **fields)  # type: ignore[arg-type]


def item(value: GateItem | str) -> GateItem:
    return condition(value) if isinstance(value, str) else value


def any_of(*values: GateItem | str, **fields: object) -> Group:
    return Group(mode="any", items=tuple(map(item, values)), **fields)  # type: ignore[arg-type]


def all_of(*values: GateItem | str, **fields: object) -> Group:
    return Group(mode="all", items=tuple(map(item, values)), **fields)  # type: ignore[arg-type]


def when(text: str, *require: GateItem | str, **fields: object) -> Conditional:
    return Conditional(when=Expression(text=text), require=tuple(map(item, require)), **fields)  # type: ignore[arg-type]


def plan(*checks: CheckSpec, gate: Iterable[GateItem | str] | None = (), **fields: object) -> Plan:
    """A plan; `gate=None` is a file without one. Further words are settings or the plan's own."""
    own = {name: fields.pop(name) for name in ("blocked", "empty_checks") if name in fields}
    return Plan(
        path=".portcullis.yml",
        policy_sha=SHA,
        gate_hash="",
        checks=checks,
        gate=tuple(map(item, gate or ())),
        gate_declared=gate is not None,
        settings=GateSettings(**fields),  # type: ignore[arg-type]
        **own,  # type: ignore[arg-type]
    )


def evidence(
    *checks: CheckResult,
    reports: Iterable[CheckEvidence] = (),
    change: Change = CHANGE,
    files: Iterable[FileChange] = (),
    people: People = People(),  # noqa: B008  frozen
    **fields: object,
) -> Evidence:
    return Evidence(
        change=change,
        comparison=compare(*files),
        checks=checks,
        reports=tuple(reports),
        people=people,
        **fields,  # type: ignore[arg-type]
    )


def outcome_of(verdict: Verdict, text: str) -> Outcome:
    return next(outcome for outcome in verdict.outcomes if outcome.text == text)
