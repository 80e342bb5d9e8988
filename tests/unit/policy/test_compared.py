"""Conditions that compare with base: what is new, what is fixed, what is gone, and what is not known yet."""

from collections.abc import Iterable

import msgspec
import pytest

from app.model import (
    Baseline,
    BaselineState,
    CheckEvidence,
    CheckResult,
    FileChange,
    FileCoverage,
    FileStatus,
    Finding,
    Kind,
    Outcome,
    OutcomeValue,
    Plan,
    ReportContent,
    ReportSpec,
    Severity,
    UnknownCause,
    Verdict,
    VerdictState,
)
from app.model import TestCase as Case
from app.model import TestOutcome as Ended
from app.policy import Age, Tracking, baselines_wanted, evaluate, new_findings
from tests.unit.policy.world import (
    C,
    F,
    P,
    check,
    coverage,
    covered,
    ended,
    evidence,
    file,
    finding,
    findings,
    outcome_of,
    plan,
)

MET, UNMET, UNKNOWN, EXEMPT = (
    OutcomeValue.MET,
    OutcomeValue.UNMET,
    OutcomeValue.UNKNOWN,
    OutcomeValue.EXEMPT,
)
NEW = "findings('high', 'new') == 0"
LINT = check("lint", Kind.FINDINGS)
TEST = check("test", Kind.TESTS)
COV = check("test", Kind.COVERAGE)
EDITED = file("a.py", (1, 3))


def ready(key: str, *reports: ReportContent) -> Baseline:
    return Baseline(key=key, state=BaselineState.READY, origin="base run of main@abc1234", reports=reports)


def outstanding(key: str) -> Baseline:
    return Baseline(key=key, state=BaselineState.OUTSTANDING)


def impossible(key: str, reason: str = "ruff fails on main") -> Baseline:
    return Baseline(key=key, state=BaselineState.IMPOSSIBLE, reason=reason)


def content(*some: Finding, **fields: object) -> ReportContent:
    given = {"format": "ruff", "kind": "findings", "tool": "ruff", "findings": some} | fields
    return ReportContent(**given)  # type: ignore[arg-type]


def judge(
    text: str,
    *baselines: Baseline,
    reports: Iterable[CheckEvidence],
    of: Plan,
    results: tuple[CheckResult, ...] = (),
    files: Iterable[FileChange] = (EDITED,),
) -> Verdict:
    ran = results or tuple(ended(spec.key, C.SUCCESS, *spec.produces) for spec in of.checks)
    given = evidence(*ran, reports=reports, files=files, baselines=baselines)
    return evaluate(msgspec.structs.replace(of, gate=plan(gate=[text]).gate), given)


def linted(text: str, *some: Finding, base: Baseline | None = None, **fields: object) -> Verdict:
    reports = [CheckEvidence(key="lint", reports=(content(*some, **fields),))]
    return judge(text, *([base] if base else []), reports=reports, of=plan(LINT))


# findings


def test_what_base_has_is_not_new_though_its_line_was_edited() -> None:
    known, fresh = finding(line=2, line_hash="k"), finding(line=3, line_hash="f")
    base = ready("lint", content(finding(line=50, line_hash="k")))
    verdict = linted(NEW, known, fresh, base=base)
    assert outcome_of(verdict, NEW).says == "new high+ findings 1 > 0"
    assert verdict.notes == ()
    given = evidence(reports=[findings("lint", known, fresh)], files=[EDITED], baselines=(base,))
    assert [one.finding for one in new_findings(plan(LINT), given)] == [fresh]


def test_what_the_change_causes_elsewhere_is_new_and_told_apart() -> None:
    given = evidence(
        reports=[findings("lint", finding(line=9), finding(line=1, line_hash="x"))],
        files=[EDITED],
        baselines=(ready("lint", content()),),
    )
    assert [(one.age, one.by, one.on_changed_line) for one in Tracking(given).of("lint").findings] == [
        (Age.NEW, "base", False),
        (Age.NEW, "base", True),
    ]


@pytest.mark.parametrize(
    ("base", "note"),
    [
        (None, "findings of lint were not compared with main: "),
        (impossible("lint"), "ruff fails on main: "),
        (impossible("lint", ""), "lint cannot be run on main: "),
        (ready("lint", content(finding(line=1), tool_version="0.1")), "ruff is 0.2 here and 0.1 on main: "),
        (ready("lint"), "ruff reported nothing on main: "),
    ],
)
def test_the_weaker_rule_is_named_with_its_reason(base: Baseline | None, note: str) -> None:
    verdict = linted(NEW, finding(line=1), finding(line=9), base=base, tool_version="0.2")
    assert outcome_of(verdict, NEW).says == "new high+ findings 1 > 0"
    assert note + "new ones are those on changed lines" in verdict.notes[0]


def test_a_report_without_a_version_or_without_findings_can_be_compared() -> None:
    verdict = linted(NEW, finding(line=9), base=ready("lint", content()), tool_version="0.2")
    assert (outcome_of(verdict, NEW).value, verdict.notes) == (UNMET, ())


@pytest.mark.parametrize(
    ("text", "some", "value", "says"),
    [
        (NEW, 0, MET, "new high+ findings 0 = 0"),
        (NEW, 2, UNKNOWN, "new high+ findings: waits for lint on main"),
        ("findings('high', 'new') <= 2", 2, MET, "new high+ findings at most 2 ≤ 2"),
        ("findings('high', 'new') < 2", 2, UNKNOWN, "new high+ findings: waits for lint on main"),
        ("findings('high', 'all') < 2", 2, UNMET, "high+ findings 2 ≥ 2"),
        ("findings('high', 'fixed') >= 0", 2, MET, "fixed high+ findings at least 0 ≥ 0"),
        ("findings('high', 'fixed') > 0", 2, UNKNOWN, "fixed high+ findings: waits for lint on main"),
    ],
)
def test_while_base_is_waited_for_a_count_is_an_interval(
    text: str, some: int, value: OutcomeValue, says: str
) -> None:
    verdict = linted(text, *(finding(line=n + 1) for n in range(some)), base=outstanding("lint"))
    outcome = outcome_of(verdict, text)
    assert (outcome.value, outcome.says) == (value, says)
    waits = value is UNKNOWN
    assert verdict.state is (VerdictState.PENDING if waits else verdict.state)
    assert verdict.waits_for == (("lint on main",) if waits else ())


def test_what_is_certainly_new_is_known_before_the_rest() -> None:
    docs = check("docs", Kind.FINDINGS)
    reports = [findings("lint", finding(line=1)), findings("docs", finding("b.md", 3))]
    base = (outstanding("lint"), ready("docs", content()))
    verdict = judge(NEW, *base, reports=reports, of=plan(LINT, docs))
    assert outcome_of(verdict, NEW).says == "new high+ findings at least 1 > 0"


def test_fixed_findings() -> None:
    was = [finding(line=1, line_hash="1"), finding("b.py", 4, line_hash="2"), finding("", 0)]
    was += [
        finding(line=2, severity=Severity.LOW, line_hash="3"),
        finding(line=3, secret=True, line_hash="4"),
    ]

    def fixed(text: str, *now: Finding) -> int:
        verdict = linted(text + " >= 0", *now, base=ready("lint", content(*was)))
        return int(outcome_of(verdict, text + " >= 0").used[text] or 0)

    # of b.py, which neither changed nor was reported on, nothing is known
    assert fixed("findings('info', 'fixed')") == 3
    assert fixed("findings('high', 'fixed')") == 2
    assert fixed("findings('high', 'fixed')", finding("b.py", 9, rule="X")) == 3
    assert fixed("findings('high', 'fixed')", finding("", 0)) == 1
    assert fixed("findings('info', 'fixed', path='nowhere')") == 0
    hidden = finding(line=40, line_hash="1", suppressed=True)
    assert fixed("findings('high', 'fixed')", hidden) == 1


def test_fixed_findings_that_cannot_be_told_are_missing() -> None:
    text = "findings('high', 'fixed') > 0"
    outcome = outcome_of(linted(text, finding(), base=impossible("lint")), text)
    assert (outcome.cause, outcome.says) == (UnknownCause.MISSING, "fixed high+ findings: ruff fails on main")


def test_an_ignore_that_is_taken_away_makes_a_finding_new() -> None:
    base = ready("lint", content(finding(line=6, suppressed=True)))
    assert outcome_of(linted(NEW, finding(line=9), base=base), NEW).value is UNMET
    assert outcome_of(linted(NEW, finding(line=9, suppressed=True), base=base), NEW).value is MET


def test_a_scanner_that_reported_on_base_only_is_missing_evidence() -> None:
    base = ready("lint", content(finding(line=6)), content(tool="bandit", format="bandit", path="out/b.json"))
    verdict = linted(NEW, finding(line=9), base=base)
    outcome = outcome_of(verdict, NEW)
    why = "lint: main has a findings report of bandit out/b.json, this change has not"
    assert (outcome.value, outcome.cause, outcome.says) == (
        UNKNOWN,
        UnknownCause.MISSING,
        f"new high+ findings: {why}",
    )
    assert why in verdict.notes
    assert verdict.state is VerdictState.BLOCKED


def shared(*tools: str) -> ReportContent:
    """A report of a format whose findings name their tools."""
    return content(
        *(finding(line=at, tool=tool, line_hash=tool) for at, tool in enumerate(tools, 40)),
        format="checkstyle",
        tool="",
    )


@pytest.mark.parametrize(
    ("was", "now", "new"),
    [
        (("eslint", "shellcheck"), ("shellcheck",), 0),
        (("eslint",), (), 0),
        ((), ("eslint",), 1),
        (("eslint",), ("eslint", "shellcheck"), 1),
    ],
)
def test_who_found_something_does_not_matter_where_many_share_a_report(
    was: tuple[str, ...], now: tuple[str, ...], new: int
) -> None:
    reports = [CheckEvidence(key="lint", reports=(shared(*now),))]
    verdict = judge(NEW, ready("lint", shared(*was)), reports=reports, of=plan(LINT))
    assert (says(verdict, NEW), verdict.notes) == (
        f"new high+ findings {new} {'= 0' if not new else '> 0'}",
        (),
    )


# tests


def case(name: str, outcome: Ended = P, **fields: object) -> Case:
    given = {"classname": "tests.test_pay"} | fields
    return Case(name=name, outcome=outcome, **given)  # type: ignore[arg-type]


def suite(*cases: Case) -> ReportContent:
    return ReportContent(format="junit", kind="tests", tests=cases)


def run_tests(text: str, *cases: Case, base: Baseline | None, files: Iterable[FileChange] = ()) -> Verdict:
    reports = [CheckEvidence(key="test", reports=(suite(*cases),))]
    return judge(text, *([base] if base else []), reports=reports, of=plan(TEST), files=files)


def says(verdict: Verdict, text: str) -> str:
    return outcome_of(verdict, text).says


NEW_FAILED = "tests.new_failed == 0"
REMOVED = "tests.removed == 0"


def test_what_fails_alike_on_base_is_not_new() -> None:
    base = ready("test", suite(case("a", F), case("b", Ended.ERRORED), case("c"), case("d", flaky=True)))
    verdict = run_tests(
        NEW_FAILED, case("a", F), case("b", F), case("c", F), case("d", F), case("e", F), base=base
    )
    assert says(verdict, NEW_FAILED) == "failed tests 3 > 0"
    assert verdict.notes == (
        "2 tests (tests.test_pay::a, tests.test_pay::b) of test fail alike on main",
        "1 test (tests.test_pay::d) of test passed on main only when tried again",
    )
    assert (
        says(run_tests("tests.failed <= 2", case("a", F), base=base), "tests.failed <= 2")
        == "failed tests 1 ≤ 2"
    )


def test_of_tests_of_one_name_as_many_fail_alike_as_on_base() -> None:
    verdict = run_tests(
        NEW_FAILED, case("a", F), case("a", F), base=ready("test", suite(case("a", F), case("a")))
    )
    assert says(verdict, NEW_FAILED) == "failed tests 1 > 0"
    assert verdict.notes == ("1 test (tests.test_pay::a) of test fails alike on main",)


def test_failed_tests_that_were_not_compared_all_count() -> None:
    verdict = run_tests(NEW_FAILED, case("a", F), base=impossible("test", "test fails on main"))
    assert says(verdict, NEW_FAILED) == "failed tests 1 > 0"
    assert verdict.notes == ("test fails on main: every failed test counts as new",)
    assert run_tests(NEW_FAILED, case("a"), base=None).notes == ()


def test_failed_tests_while_base_is_waited_for() -> None:
    waiting = run_tests(NEW_FAILED, case("a", F), base=outstanding("test"))
    assert (says(waiting, NEW_FAILED), waiting.waits_for) == (
        "failed tests: waits for test on main",
        ("test on main",),
    )
    assert run_tests(NEW_FAILED, case("a"), base=outstanding("test")).state is VerdictState.PASSED


@pytest.mark.parametrize(
    ("now", "renamed", "removed"),
    [
        ([case("a")], None, 1),
        ([case("a"), case("b", F)], None, 0),
        ([case("a"), case("c")], None, 1),
        ([case("a"), case("b", classname="tests.test_other")], None, 0),
        ([case("b", classname="tests.x"), case("b", classname="tests.y")], None, 1),
        ([], None, 2),
        (
            [case("a", classname="tests.test_buy"), case("b", classname="tests.test_buy.TestIt")],
            "tests/test_buy.py",
            0,
        ),
    ],
)
def test_tests_that_are_gone(now: list[Case], renamed: str | None, removed: int) -> None:
    base = ready(
        "test",
        suite(case("a"), case("b", classname="tests.test_pay.TestIt" if renamed else "tests.test_pay")),
    )
    files = [file(renamed, old_path="tests/test_pay.py", status=FileStatus.RENAMED)] if renamed else []
    verdict = run_tests(REMOVED, *now, base=base, files=files)
    assert outcome_of(verdict, REMOVED).used == {"tests.removed": removed}
    assert bool(verdict.notes) is bool(removed)


def test_a_renamed_file_keeps_what_fails_alike() -> None:
    base = ready(
        "test", suite(case("a", F, classname="pkg.tests.test_pay.TestIt", path="lib/pkg/tests/test_pay.py"))
    )
    files = [
        file("lib/pkg/tests/test_buy.py", old_path="lib/pkg/tests/test_pay.py", status=FileStatus.RENAMED)
    ]
    now = case("a", F, classname="pkg.tests.test_buy.TestIt", path="lib/pkg/tests/test_buy.py")
    assert outcome_of(run_tests(NEW_FAILED, now, base=base, files=files), NEW_FAILED).value is MET
    elsewhere = case("a", F, classname="pkg.tests.test_sell.TestIt")
    assert outcome_of(run_tests(NEW_FAILED, elsewhere, base=base, files=files), NEW_FAILED).value is UNMET


def test_removed_tests_need_both_sides() -> None:
    assert outcome_of(run_tests(REMOVED, base=None), REMOVED).cause is UnknownCause.MISSING
    assert run_tests(REMOVED, base=outstanding("test")).state is VerdictState.PENDING
    cut = ended("test", C.TIMED_OUT)
    verdict = judge(REMOVED, ready("test", suite(case("a"))), reports=[], of=plan(TEST), results=(cut,))
    assert "at least" not in says(verdict, REMOVED)


# coverage


def measured(*files: FileCoverage, flag: str = "") -> ReportContent:
    return ReportContent(format="cobertura", kind="coverage", coverage=files, flag=flag)


def cover(text: str, *baselines: Baseline, here: Iterable[ReportContent], **more: object) -> Outcome:
    reports = [CheckEvidence(key="test", reports=tuple(here))]
    verdict = judge(text, *baselines, reports=reports, of=plan(COV, small_change_lines=0), **more)  # type: ignore[arg-type]
    return outcome_of(verdict, text)


DELTA = "coverage.delta >= -0.2%"


def test_the_numbers_behind_a_share_are_told() -> None:
    outcome = cover("coverage.new >= 80%", here=[measured(covered("a.py", "1+ 2- 3+ 9-"))])
    assert (outcome.says, outcome.of) == ("coverage on new code 66.6 % < 80 %", "2 of 3")
    assert cover("coverage.overall >= 50%", here=[measured(covered("a.py", "1+ 2-"))]).of == "1 of 2"


def test_coverage_against_base() -> None:
    base = ready("test", measured(covered("a.py", "1+ 2+ 3+ 4-")))
    outcome = cover(DELTA, base, here=[measured(covered("a.py", "1+ 2+ 3- 4-"))])
    assert (outcome.value, outcome.says) == (UNMET, "overall coverage against base -25 % < -0.2 %")
    assert outcome.of == "2 of 4 here, 3 of 4 on main"
    better = cover(DELTA, base, here=[measured(covered("a.py", "1+ 2+ 3+ 4+"))])
    assert better.value is MET


def test_coverage_against_base_looks_at_flags_that_both_have() -> None:
    base = ready("test", measured(covered("a.py", "1+ 2-"), flag="unit"))
    here = [measured(covered("a.py", "1+ 2-"), flag="unit"), measured(covered("b.py", "1- 2-"), flag="new")]
    assert cover(DELTA, base, here=here).of == "1 of 2 here, 1 of 2 on main"


@pytest.mark.parametrize("text", [DELTA, "coverage.overall >= 10%", "coverage.new >= 10%"])
def test_a_flag_that_base_has_and_the_change_lacks_is_missing(text: str) -> None:
    base = ready(
        "test", measured(covered("a.py", "1+"), flag="unit"), measured(covered("a.py", "1+"), flag="e2e")
    )
    outcome = cover(text, base, here=[measured(covered("a.py", "1+"), flag="unit")])
    assert outcome.cause is UnknownCause.MISSING
    assert "test: main has a coverage report with flag e2e, this change has not" in outcome.says


GLOB = msgspec.structs.replace(COV, reports=(ReportSpec(path="out/cov-*.xml", kind=Kind.COVERAGE),))


def test_where_a_glob_may_hide_a_loss_base_is_wanted_and_waited_for() -> None:
    """As the engine does it: asked for, then on its way, then there."""
    text = "coverage.new >= 80%"
    unit, e2e = (measured(covered("a.py", "1+ 2+ 3+"), flag=flag) for flag in ("unit", "e2e"))
    judging = plan(GLOB, gate=[text], small_change_lines=0)
    given = evidence(
        ended("test", C.SUCCESS, Kind.COVERAGE),
        reports=[CheckEvidence(key="test", reports=(unit,))],
        files=[EDITED],
    )
    assert baselines_wanted(judging, given) == ("test",)
    coming = evaluate(judging, msgspec.structs.replace(given, baselines=(outstanding("test"),)))
    assert (coming.state, coming.waits_for) == (VerdictState.PENDING, ("test on main",))
    short = evaluate(judging, msgspec.structs.replace(given, baselines=(ready("test", unit, e2e),)))
    assert (short.state, outcome_of(short, text).cause) == (VerdictState.BLOCKED, UnknownCause.MISSING)
    for base in (ready("test", unit), impossible("test")):
        whole = evaluate(judging, msgspec.structs.replace(given, baselines=(base,)))
        assert whole.state is VerdictState.PASSED
    why = "ruff fails on main: whether a coverage report of test is lost is not known"
    assert why in whole.notes


MODULES = (
    measured(covered("core/a.py", "1+")),
    measured(covered("gone/b.py", "1+"), covered("gone/c.py", "1-")),
)


@pytest.mark.parametrize(
    ("files", "here", "lost"),
    [
        ((), ("core/a.py",), True),
        ((("gone/b.py", None),), ("core/a.py",), True),
        ((("gone/b.py", None), ("gone/c.py", None)), ("core/a.py",), False),
        ((("gone/b.py", "core/b.py"), ("gone/c.py", None)), ("core/a.py", "core/b.py"), False),
        ((("gone/b.py", "core/b.py"), ("gone/c.py", None)), ("core/a.py",), True),
    ],
)
def test_the_report_of_a_module_that_is_gone_is_not_lost(
    files: tuple[tuple[str, str | None], ...], here: tuple[str, ...], lost: bool
) -> None:
    changes = [
        file(new, old_path=old, status=FileStatus.RENAMED) if new else file(old, status=FileStatus.REMOVED)
        for old, new in files
    ]
    now = [measured(*(covered(path, "1+") for path in here))]
    outcome = cover(DELTA, ready("test", *MODULES), here=now, files=changes)
    assert (outcome.cause is UnknownCause.MISSING) is lost


@pytest.mark.parametrize("text", [DELTA, "coverage.overall >= 10%", "coverage.new >= 10%"])
def test_coverage_that_has_lost_all_its_lines_is_missing(text: str) -> None:
    empty, full = measured(covered("a.py", "")), measured(covered("a.py", "1+ 2-"))
    gone = cover(text, ready("test", full), here=[empty])
    assert (gone.value, gone.cause) == (UNKNOWN, UnknownCause.MISSING)
    assert gone.says.endswith("no coverable line here, 2 on main")
    assert cover(text, outstanding("test"), here=[empty]).cause is UnknownCause.OUTSTANDING
    assert cover(text, ready("test", empty), here=[empty]).value is EXEMPT


MAYBE = msgspec.structs.replace(
    COV, reports=(ReportSpec(path="out/cov.xml", kind=Kind.COVERAGE, optional=True),)
)


def test_an_optional_report_that_is_left_out_is_told() -> None:
    text = "coverage.new >= 10%"
    verdict = judge(text, reports=[], of=plan(MAYBE), results=(ended("test", C.SUCCESS),))
    outcome = outcome_of(verdict, text)
    assert (outcome.value, verdict.notes) == (EXEMPT, ("test left out out/cov.xml, which is optional",))
    assert outcome.says.endswith("test left out its coverage report, which is optional")
    there = msgspec.structs.replace(measured(covered("a.py", "1+")), path="out/cov.xml")
    told = judge(text, reports=[CheckEvidence(key="test", reports=(there,))], of=plan(MAYBE))
    assert told.notes == ()
    skipped = judge(text, reports=[], of=plan(MAYBE), results=(ended("test", C.NOT_NEEDED),))
    assert not any("optional" in note for note in skipped.notes)


def test_an_optional_report_that_only_base_has_is_told_and_not_missing() -> None:
    unit, e2e = (measured(covered("a.py", "1+"), flag=flag) for flag in ("unit", "e2e"))
    e2e = msgspec.structs.replace(e2e, path="out/e2e.xml")
    optional = ReportSpec(path="out/e2e.xml", kind=Kind.COVERAGE, flag="e2e", optional=True)
    spec = msgspec.structs.replace(COV, reports=(ReportSpec(path="out/cov.xml"), optional))
    text = "coverage.overall >= 10%"
    reports = [CheckEvidence(key="test", reports=(unit,))]
    verdict = judge(text, ready("test", unit, e2e), reports=reports, of=plan(spec))
    assert outcome_of(verdict, text).value is MET
    assert (
        "test: main has a coverage report with flag e2e, this change has not; it is optional" in verdict.notes
    )


@pytest.mark.parametrize(
    ("kind", "text", "like"),
    [
        (Kind.SECRETS, "secrets.new == 0", "gitleaks"),
        (Kind.DUPLICATION, "duplication.overall <= 3%", "jscpd"),
        (Kind.LICENCES, "licences.denied == 0", "spdx"),
        (Kind.COMPLEXITY, "complexity.new_max <= 10", "lizard"),
    ],
)
def test_whatever_kind_is_lost_is_missing(kind: Kind, text: str, like: str) -> None:
    one = ReportContent(format=like, kind=kind.value, tool=like)
    reports = [CheckEvidence(key="x", reports=(one,))]
    verdict = judge(text, ready("x", one, one), reports=reports, of=plan(check("x", kind)))
    assert outcome_of(verdict, text).cause is UnknownCause.MISSING
    assert [note for note in verdict.notes if "x: main has a" in note]


def test_coverage_that_cannot_be_compared() -> None:
    here = [measured(covered("a.py", "1+"))]
    assert (
        cover(DELTA, here=here).says
        == "overall coverage against base: coverage of test was not compared with main"
    )
    assert cover(DELTA, impossible("test", "no base run"), here=here).says.endswith(": no base run")
    assert cover(DELTA, outstanding("test"), here=here).cause is UnknownCause.OUTSTANDING
    assert cover(DELTA, ready("test"), here=here).value is EXEMPT


IDLE = check("slow", Kind.COVERAGE)


def idle(text: str, *baselines: Baseline, ran: bool = True, files: Iterable[FileChange] = ()) -> Verdict:
    results = (
        ended("test", C.SUCCESS, Kind.COVERAGE) if ran else ended("test", C.NOT_NEEDED),
        ended("slow", C.NOT_NEEDED),
    )
    reports = [coverage("test", covered("a.py", "1+ 2-"))] if ran else []
    return judge(text, *baselines, reports=reports, of=plan(COV, IDLE), results=results, files=files)


def test_what_was_not_needed_is_carried_forward() -> None:
    overall = "coverage.overall >= 50%"
    base = ready("slow", measured(covered("b.py", "1+ 5+ 9-"), covered("gone.py", "1-")))
    files = [
        file("c.py", old_path="b.py", status=FileStatus.RENAMED, hunks=file("x", (1, 1)).hunks),
        file("gone.py", status=FileStatus.REMOVED),
    ]
    verdict = idle(overall, base, files=files)
    assert outcome_of(verdict, overall).of == "3 of 5"
    assert verdict.notes == ("not needed here, so that coverage of main stands in: slow",)
    alone = idle(overall, base, ran=False)
    assert outcome_of(alone, overall).of == "2 of 4"


def test_what_was_not_needed_and_has_no_coverage_on_base_is_left_out() -> None:
    overall = "coverage.overall >= 50%"
    verdict = idle(overall, impossible("slow"))
    assert outcome_of(verdict, overall).of == "1 of 2"
    assert verdict.notes == ("not needed here and without coverage on main, left out: slow",)
    assert idle(overall, outstanding("slow")).state is VerdictState.PENDING
    assert outcome_of(idle(overall, impossible("slow"), ran=False), overall).value is EXEMPT


def test_both_sides_of_a_difference_hold_what_is_carried_forward() -> None:
    base = (
        ready("test", measured(covered("a.py", "1- 2-"))),
        ready("slow", measured(covered("b.py", "1+ 2+"))),
    )
    assert outcome_of(idle(DELTA, *base), DELTA).of == "3 of 4 here, 2 of 4 on main"
