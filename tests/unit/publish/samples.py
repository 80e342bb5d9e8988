"""Sample judgements: one of each kind that people meet, used by the tests of words and of pages."""

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
    Diagnostic,
    DiagnosticSeverity,
    Evidence,
    FileChange,
    FileCoverage,
    FileStatus,
    Finding,
    GateSettings,
    Hunk,
    Judgement,
    Kind,
    Outcome,
    OutcomeValue,
    People,
    Plan,
    ReportContent,
    Repository,
    Severity,
    Sha,
    Source,
    Status,
    TestCase,
    TestOutcome,
    UnknownCause,
    UsedWaiver,
    Verdict,
    VerdictState,
    Waiver,
)

NOW = 1_795_000_000.0
"""2026-11-18 11:06:40 UTC."""
HEAD = Sha("ab12" * 10)
BASE = Sha("cd34" * 10)
GATE = ".portcullis.yml"
PAGE = "https://gate.example/runs/41?t=tok"

REPOSITORY = Repository(
    forge="github",
    forge_id=1,
    full_name="acme/pay",
    installation_id=7,
    default_branch="main",
    private=True,
    clone_url="https://github.com/acme/pay.git",
)
CHANGE = Change(
    kind=ChangeKind.PULL_REQUEST,
    key="pr-12",
    number=12,
    title="Refund twice, <b>quickly</b>",
    url="https://github.com/acme/pay/pull/12",
    author=Actor(login="dana", id=5),
    base_ref="main",
    head_ref="refund",
    head_sha=HEAD,
)
COMPARISON = Comparison(
    base_sha=BASE,
    head_sha=HEAD,
    tested_sha=Sha("ef56" * 10),
    base_tree=Sha("1" * 40),
    tested_tree=Sha("2" * 40),
    files=(
        FileChange(
            path="src/pay/refund.py",
            status=FileStatus.MODIFIED,
            hunks=(Hunk(10, 0, 11, 20), Hunk(40, 2, 60, 4)),
            added=24,
            removed=2,
            added_nonblank=22,
        ),
        FileChange(
            path="tests/test_refund.py",
            status=FileStatus.ADDED,
            hunks=(Hunk(0, 0, 1, 30),),
            added=30,
            added_nonblank=28,
        ),
    ),
    to_head=(
        FileChange(
            path="src/pay/refund.py", status=FileStatus.MODIFIED, hunks=(Hunk(1, 2, 0, 0), Hunk(61, 1, 58, 0))
        ),
    ),
)


def source(line: int, layer: str = "repository") -> Source:
    return Source(layer=layer, path=GATE, line=line, column=5)


def check(key: str, **fields: object) -> CheckResult:
    values: dict[str, object] = {
        "id": key.split(" ", maxsplit=1)[0],
        "key": key,
        "status": Status.COMPLETED,
        "conclusion": Conclusion.SUCCESS,
        "attempt": 1,
        "seconds": 12.5,
        "exit_code": 0,
        "since": NOW - 60,
    }
    return CheckResult(**(values | fields))  # type: ignore[arg-type]


def spec(key: str, **fields: object) -> CheckSpec:
    values: dict[str, object] = {
        "id": key.split(" ", maxsplit=1)[0],
        "key": key,
        "script": "true",
        "source": source(4),
    }
    return CheckSpec(**(values | fields))  # type: ignore[arg-type]


PLAN = Plan(
    path=GATE,
    policy_sha=BASE,
    gate_hash="0" * 64,
    checks=(
        spec("lint", preset="ruff", produces=(Kind.FINDINGS,)),
        spec("test (3.11)", produces=(Kind.TESTS, Kind.COVERAGE)),
        spec("test (3.12)", produces=(Kind.TESTS,)),
        spec("docs", required=False),
    ),
    gate_declared=True,
)
FINDINGS = (
    Finding(
        tool="ruff",
        rule="F821",
        message="Undefined name `refnd`, ask @acme/security or see #42",
        severity=Severity.HIGH,
        path="src/pay/refund.py",
        line=14,
        column=8,
        rule_url="https://docs.astral.sh/ruff/rules/undefined-name",
    ),
    Finding(
        tool="ruff",
        rule="E501",
        message="Line too long (130 > 110)",
        severity=Severity.LOW,
        path="src/pay/refund.py",
        line=14,
    ),
    Finding(
        tool="bandit",
        rule="B602",
        message="subprocess call with shell=True\nis </details><script>alert(1)</script> dangerous",
        severity=Severity.CRITICAL,
        path="src/pay/refund.py",
        line=61,
    ),
)
TESTS = (
    TestCase(
        name="test_plain", classname="tests.test_refund", seconds=0.1, path="tests/test_refund.py", line=3
    ),
    TestCase(
        name="test_twice[<img src=x>|`a`]",
        classname="tests.test_refund",
        outcome=TestOutcome.FAILED,
        seconds=0.2,
        message="assert 10 == 20\n```\n@everyone \x1b[31mred\x1b[0m \u202eevil",
        output="captured stdout\n\x1b[1;31mE   assert 10 == 20\x1b[0m\n",
        path="tests/test_refund.py",
        line=12,
    ),
    TestCase(
        name="test_import",
        classname="tests.test_other",
        outcome=TestOutcome.ERRORED,
        message="ImportError: no pay",
    ),
)
COVERAGE = FileCoverage(
    path="src/pay/refund.py", lines={11: 1, 12: 1, 13: 0, 14: 0, 15: 0, 20: 4, 60: 0, 62: 2, 90: 0}
)
REPORTS = (
    CheckEvidence(
        key="lint",
        reports=(ReportContent(format="sarif", kind="findings", path="out/ruff.sarif", findings=FINDINGS),),
    ),
    CheckEvidence(
        key="test (3.11)",
        reports=(
            ReportContent(format="junit", kind="tests", path="out/junit.xml", tests=TESTS),
            ReportContent(format="cobertura", kind="coverage", path="out/coverage.xml", coverage=(COVERAGE,)),
        ),
    ),
)
CHECKS = (
    check("lint", conclusion=Conclusion.SUCCESS, exit_code=1),
    check("test (3.11)", conclusion=Conclusion.FAILURE, reason="exit code 1", exit_code=1, seconds=200.0),
    check("test (3.12)", conclusion=Conclusion.SUCCESS, attempt=3, flaky=True),
    check(
        "package", conclusion=Conclusion.SKIPPED, reason="", blocked_by="test (3.11)", seconds=None, attempt=0
    ),
    check(
        "infra",
        conclusion=Conclusion.NOT_NEEDED,
        reason="nothing under infra/ changed",
        seconds=None,
        attempt=0,
    ),
    check("docs", required=False, conclusion=Conclusion.TIMED_OUT, reason="over its limit of 10 m"),
)
EVIDENCE = Evidence(
    change=CHANGE, comparison=COMPARISON, trusted=False, checks=CHECKS, reports=REPORTS, people=People()
)

MET = Outcome(value=OutcomeValue.MET, text="size.files < 50", says="2 files < 50", source=source(31))
CHECKS_UNMET = Outcome(
    value=OutcomeValue.UNMET,
    text="checks.passed",
    says="test (3.11) failed",
    kind="check",
    checks=("test (3.11)",),
    source=source(30),
    children=(
        Outcome(
            value=OutcomeValue.UNMET,
            text="checks.test.passed",
            says="test (3.11) failed",
            kind="check",
            checks=("test (3.11)",),
        ),
        Outcome(
            value=OutcomeValue.MET,
            text="checks.lint.passed",
            says="lint passed",
            kind="check",
            checks=("lint",),
        ),
    ),
)
COVERAGE_UNMET = Outcome(
    value=OutcomeValue.UNMET,
    text="coverage.new >= 80%",
    says="coverage on new code 50.0 % < 80 %",
    because="new code is tested here",
    source=source(32),
    used={"coverage.new": 50.0},
)
APPROVAL_UNMET = Outcome(
    value=OutcomeValue.UNMET,
    text="approved_by('@acme/platform', 1)",
    says="1 approval from @acme/platform",
    people=True,
    source=source(33, layer="acme/.portcullis"),
)
ADVICE = Outcome(
    value=OutcomeValue.UNMET,
    text="size.added <= 20",
    says="54 added lines > 20",
    advisory=True,
    source=source(34),
)
EXEMPT = Outcome(
    value=OutcomeValue.EXEMPT,
    text="any",
    kind="any",
    says="no migration changed",
    source=source(35),
    children=(Outcome(value=OutcomeValue.EXEMPT, text="changed('**/migrations/**')"),),
)
ANY_UNMET = Outcome(
    value=OutcomeValue.UNMET,
    text="any",
    kind="any",
    says="label large_change, or 54 added lines > 40",
    source=source(36),
    children=(
        Outcome(
            value=OutcomeValue.UNMET, text="has_label('large_change')", says="label large_change", people=True
        ),
        Outcome(value=OutcomeValue.UNMET, text="size.added <= 40", says="54 added lines > 40"),
    ),
)

BLOCKED = Judgement(
    run_id=41,
    repository=REPOSITORY,
    change=CHANGE,
    verdict=Verdict(
        state=VerdictState.BLOCKED,
        outcomes=(MET, CHECKS_UNMET, COVERAGE_UNMET, APPROVAL_UNMET, ADVICE, EXEMPT, ANY_UNMET),
        fewest=(
            "test (3.11) failed",
            "coverage on new code 50.0 % < 80 %",
            "1 approval from @acme/platform",
            "label large_change",
        ),
        checks_ran=4,
        checks_total=6,
        notes=("judged on main@cd34cd3, 12 commits behind",),
    ),
    plan=PLAN,
    evidence=EVIDENCE,
    head_diagnostics=(
        Diagnostic(
            code="G012",
            message="checks.test.timout: unknown key 'timout'",
            path=GATE,
            line=22,
            column=5,
            length=6,
            where="checks.test.timout",
            snippet="    timout: 20m",
            label="did you mean 'timeout'?",
            hint="portcullis explain checks",
        ),
    ),
    diagnostics=(
        Diagnostic(
            code="G201",
            severity=DiagnosticSeverity.WARNING,
            message="nothing judges the findings of docs",
            path=GATE,
            line=18,
            column=3,
        ),
    ),
    notes=("only findings on changed lines count as new in this version",),
    opened_at=NOW - 300,
    settled_at=NOW - 10,
    page_url=PAGE,
)
PASSED = msgspec.structs.replace(
    BLOCKED,
    verdict=Verdict(state=VerdictState.PASSED, outcomes=(MET, ADVICE, EXEMPT), checks_ran=2, checks_total=3),
    evidence=Evidence(
        change=CHANGE,
        comparison=COMPARISON,
        trusted=True,
        checks=(check("lint"), check("test (3.11)", seconds=3900.0), CHECKS[4]),
    ),
    diagnostics=(),
    head_diagnostics=(),
    notes=(),
)
RUNNING = (
    check("lint", seconds=1.25),
    check(
        "test (3.11)", status=Status.RUNNING, conclusion=None, seconds=None, exit_code=None, since=NOW - 120
    ),
    check("test (3.12)", status=Status.QUEUED, conclusion=None, seconds=None, exit_code=None, since=NOW - 30),
    check(
        "integration",
        status=Status.WAITING,
        conclusion=None,
        seconds=None,
        reason="held until the draft is ready",
        since=NOW - 90,
    ),
)
PENDING = msgspec.structs.replace(
    BLOCKED,
    verdict=Verdict(
        state=VerdictState.PENDING,
        outcomes=(
            Outcome(
                value=OutcomeValue.UNKNOWN,
                cause=UnknownCause.OUTSTANDING,
                text="tests.new_failed == 0",
                says="waits for test (3.11)",
                source=source(30),
                checks=("test (3.11)",),
            ),
            ANY_UNMET,
            MET,
        ),
        fewest=("label large_change",),
        waits_for=("test (3.11)", "test (3.12)", "integration"),
        checks_ran=1,
        checks_total=4,
    ),
    evidence=Evidence(change=CHANGE, comparison=COMPARISON, checks=RUNNING),
    diagnostics=(),
    head_diagnostics=(),
    notes=(),
    settled_at=None,
)
ERRORED = msgspec.structs.replace(
    BLOCKED,
    verdict=Verdict(
        state=VerdictState.ERRORED,
        outcomes=(
            Outcome(
                value=OutcomeValue.UNKNOWN,
                cause=UnknownCause.ERROR,
                text="checks.passed",
                says="lint: the machine ran out of disk",
                source=source(30),
                checks=("lint",),
            ),
            MET,
        ),
        fewest=("lint: the machine ran out of disk",),
        checks_ran=1,
        checks_total=1,
    ),
    evidence=Evidence(
        change=CHANGE,
        comparison=COMPARISON,
        checks=(check("lint", conclusion=Conclusion.ERROR, reason="the machine ran out of disk", attempt=2),),
    ),
    diagnostics=(),
    head_diagnostics=(),
    notes=(),
)
BROKEN_GATE = msgspec.structs.replace(
    BLOCKED,
    verdict=Verdict(
        state=VerdictState.ERRORED, reason="the gate file on main is invalid and no earlier version was valid"
    ),
    plan=None,
    evidence=None,
    diagnostics=BLOCKED.head_diagnostics,
    head_diagnostics=(),
    notes=(),
)
PEOPLE_ONLY = msgspec.structs.replace(
    PASSED,
    verdict=Verdict(
        state=VerdictState.BLOCKED,
        outcomes=(MET, APPROVAL_UNMET),
        fewest=("1 approval from @acme/platform",),
        people_only=True,
        checks_ran=2,
        checks_total=3,
    ),
)
CONFLICT = msgspec.structs.replace(
    BROKEN_GATE,
    verdict=Verdict(state=VerdictState.BLOCKED, reason="conflicts with main in src/pay/refund.py"),
    diagnostics=(),
)
OBSERVED = msgspec.structs.replace(
    BLOCKED,
    verdict=msgspec.structs.replace(BLOCKED.verdict, observed=True),
    plan=msgspec.structs.replace(PLAN, settings=GateSettings(mode="observe")),
)
SUPERSEDED = msgspec.structs.replace(PENDING, superseded=True)
INVALID_SINCE = msgspec.structs.replace(
    PASSED, title_note="gate file on main is invalid since 3fa92c1, judged by 91be0aa"
)
WAIVER = Waiver(
    rule="B602",
    path="src/**",
    max=2,
    reason="wrapper</li><img src=x> reviewed, see @acme/security",
    owner="@dana\x1b[31m",
    granted="2026-11-01",
    expires="2026-12-01",
    ticket="#42",
    source=source(40),
)
WAIVED = msgspec.structs.replace(
    PASSED,
    plan=msgspec.structs.replace(PLAN, waivers=(WAIVER,)),
    evidence=msgspec.structs.replace(EVIDENCE, checks=CHECKS[:1], today="2026-11-18"),
    verdict=msgspec.structs.replace(PASSED.verdict, waivers=(UsedWaiver(waiver=WAIVER, findings=1),)),
)

SAMPLES = {
    "blocked": BLOCKED,
    "passed": PASSED,
    "pending": PENDING,
    "errored": ERRORED,
    "broken_gate": BROKEN_GATE,
    "people_only": PEOPLE_ONLY,
    "conflict": CONFLICT,
    "observed": OBSERVED,
    "superseded": SUPERSEDED,
    "invalid_since": INVALID_SINCE,
    "waived": WAIVED,
}
