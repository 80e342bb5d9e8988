"""Each family's values and words."""

from collections.abc import Iterable

import pytest

from app.model import (
    Actor,
    Change,
    CheckEvidence,
    CheckResult,
    CheckSpec,
    Conclusion,
    Expression,
    FileChange,
    FileStatus,
    Kind,
    Outcome,
    OutcomeValue,
    People,
    Plan,
    Readable,
    ReportSpec,
    Severity,
    Source,
    Status,
    UnknownCause,
)
from app.policy import decide
from tests.unit.policy.world import (
    CHANGE,
    GROUP,
    PUSH,
    C,
    E,
    F,
    P,
    S,
    check,
    coverage,
    covered,
    ended,
    evidence,
    file,
    finding,
    findings,
    junit,
    plan,
)

MET, UNMET, UNKNOWN, EXEMPT = (
    OutcomeValue.MET,
    OutcomeValue.UNMET,
    OutcomeValue.UNKNOWN,
    OutcomeValue.EXEMPT,
)

ASKED = People()


def judge(
    text: str,
    *,
    checks: Iterable[CheckSpec] = (),
    results: Iterable[CheckResult] = (),
    reports: Iterable[CheckEvidence] = (),
    files: Iterable[FileChange] = (),
    change: Change = CHANGE,
    people: People = ASKED,
    of: Plan | None = None,
    **fields: object,
) -> Outcome:
    given = evidence(*results, reports=reports, files=files, change=change, people=people, **fields)
    return decide(Expression(text=text), of or plan(*checks), given, context="gate")


# checks


@pytest.mark.parametrize(
    ("result", "value", "cause", "says"),
    [
        (ended("lint"), MET, UnknownCause.NONE, "lint passed"),
        (
            ended("lint", C.NOT_NEEDED, reason="nothing under infra/ changed"),
            MET,
            UnknownCause.NONE,
            "lint was not needed: nothing under infra/ changed",
        ),
        (
            ended("lint", C.FAILURE, reason="report missing: out/junit.xml"),
            UNMET,
            UnknownCause.NONE,
            "lint failed: report missing: out/junit.xml",
        ),
        (ended("lint", C.TIMED_OUT), UNMET, UnknownCause.NONE, "lint timed out"),
        (ended("lint", C.CANCELLED), UNMET, UnknownCause.NONE, "lint was cancelled"),
        (ended("lint", C.ERROR), UNKNOWN, UnknownCause.ERROR, "lint could not be judged"),
        (ended("lint", None), UNKNOWN, UnknownCause.OUTSTANDING, "lint is running"),
        (
            ended("lint", None, status=Status.WAITING, reason="held until not pr.draft"),
            UNKNOWN,
            UnknownCause.OUTSTANDING,
            "lint is waiting: held until not pr.draft",
        ),
    ],
)
def test_one_check(result: CheckResult, value: OutcomeValue, cause: UnknownCause, says: str) -> None:
    outcome = judge("checks.lint.passed", checks=[check("lint")], results=[result])
    assert (outcome.value, outcome.cause) == (value, cause)
    assert says in outcome.says
    assert outcome.checks == ("lint",)
    assert outcome.children == ()
    whole = judge("checks.passed", checks=[check("lint")], results=[result])
    assert (whole.value, whole.cause, whole.kind) == (value, cause, "check")
    assert whole.children[0].says == says


def test_a_check_without_a_result_is_outstanding() -> None:
    outcome = judge("checks.passed", checks=[check("lint", source=Source(line=3))])
    assert (outcome.value, outcome.cause) == (UNKNOWN, UnknownCause.OUTSTANDING)
    assert outcome.children[0].says == "lint has not started"
    assert outcome.children[0].source.line == 3


def test_a_skipped_check_takes_the_value_of_what_blocked_it() -> None:
    checks = [check("lint"), check("test"), check("deploy")]
    skipped = [ended("test", C.SKIPPED, blocked_by="lint"), ended("deploy", C.SKIPPED, blocked_by="test")]
    for conclusion, value, cause in (
        (C.FAILURE, UNMET, UnknownCause.NONE),
        (C.ERROR, UNKNOWN, UnknownCause.ERROR),
        (None, UNKNOWN, UnknownCause.OUTSTANDING),
        (C.SUCCESS, UNKNOWN, UnknownCause.OUTSTANDING),
        (C.NOT_NEEDED, UNKNOWN, UnknownCause.OUTSTANDING),
    ):
        results = [ended("lint", conclusion), *skipped]
        outcome = judge("checks.deploy.passed", checks=checks, results=results)
        assert (outcome.value, outcome.cause, outcome.checks) == (value, cause, ("deploy", "lint"))
        assert "deploy was skipped (blocked by lint)" in outcome.says


def test_a_skipped_check_that_names_no_blocker_or_itself_fails_closed() -> None:
    for blocked_by in ("", "lint", "test"):
        results = [
            ended("lint", C.SKIPPED, blocked_by=blocked_by),
            ended("test", C.SKIPPED, blocked_by="lint"),
        ]
        outcome = judge("checks.lint.passed", checks=[check("lint"), check("test")], results=results)
        assert outcome.value is UNMET
    gone = judge(
        "checks.lint.passed", checks=[check("lint")], results=[ended("lint", C.SKIPPED, blocked_by="x")]
    )
    assert (gone.value, gone.cause) == (UNKNOWN, UnknownCause.OUTSTANDING)


def test_a_matrix_passes_when_all_its_cells_do() -> None:
    checks = [check("test", cell="3.11"), check("test", cell="3.12")]
    good = [ended("test (3.11)"), ended("test (3.12)", C.NOT_NEEDED)]
    outcome = judge("checks.test.passed", checks=checks, results=good)
    assert (outcome.value, outcome.says, len(outcome.children)) == (MET, "test passed", 2)
    bad = judge("checks.test.passed", checks=checks, results=[good[0], ended("test (3.12)", C.FAILURE)])
    assert (bad.value, bad.says) == (UNMET, "test (3.12) failed")
    missing = judge("checks.test.passed", checks=checks, results=good[:1])
    assert (missing.value, missing.cause) == (UNKNOWN, UnknownCause.OUTSTANDING)


def test_only_required_checks_count_and_none_is_passed() -> None:
    advisory = check("docs", required=False)
    failed = judge("checks.passed", checks=[advisory], results=[ended("docs", C.FAILURE)])
    assert (failed.value, failed.says) == (MET, "no required checks")
    assert judge("checks.passed").says == "no checks declared"
    assert judge("checks.docs.passed", checks=[advisory], results=[ended("docs", C.FAILURE)]).value is UNMET


def test_an_empty_matrix_has_nothing_to_fail() -> None:
    empty = plan(empty_checks=("suite",))
    assert judge("checks.suite.passed", of=empty).says == "suite had nothing to run on"
    for name in ("conclusion == 'success'", "seconds < 5m", "out.level == 'high'"):
        assert judge(f"checks.suite.{name}", of=empty).value is EXEMPT
    for name in ("passed", "conclusion == 'success'", "seconds < 5m", "out.level == 'high'"):
        outcome = judge(f"checks.other.{name}", of=empty)
        assert (outcome.value, outcome.cause) == (UNKNOWN, UnknownCause.ERROR)


def test_conclusions_and_durations() -> None:
    checks = [check("test", cell="1"), check("test", cell="2")]
    results = [ended("test (1)", seconds=12.5), ended("test (2)", C.TIMED_OUT, seconds=400.0)]
    assert judge("checks.test.conclusion == 'timed_out'", checks=checks, results=results).value is MET
    slow = judge("checks.test.seconds < 5m", checks=checks, results=results)
    assert (slow.value, slow.says) == (UNMET, "duration of test 6m 40s ≥ 5m")
    waiting = judge("checks.test.conclusion == 'success'", checks=checks, results=results[:1])
    assert (waiting.value, waiting.checks) == (UNKNOWN, ("test (2)",))
    assert waiting.says == "conclusion of test: waits for test (2)"
    idle = judge("checks.test.seconds < 5m", checks=checks[:1], results=[ended("test (1)", C.NOT_NEEDED)])
    assert idle.says == "duration of test: test did not run"


@pytest.mark.parametrize(
    ("outputs", "text", "value", "cause"),
    [
        ({"level": "high"}, "level == 'high'", MET, UnknownCause.NONE),
        ({"level": "low"}, "level == 'high'", UNMET, UnknownCause.NONE),
        ({"level": 3}, "level == 'high'", UNKNOWN, UnknownCause.MISSING),
        ({"level": True}, "level", MET, UnknownCause.NONE),
        ({"level": 1}, "level", UNKNOWN, UnknownCause.MISSING),
        ({"level": 0.1}, "level * 10 == 1", MET, UnknownCause.NONE),
        ({"level": 81.5}, "level >= 80%", MET, UnknownCause.NONE),
        ({"level": float("inf")}, "level > 1", UNKNOWN, UnknownCause.MISSING),
        ({"level": 10**30}, "level > 1", UNKNOWN, UnknownCause.MISSING),
        ({}, "level == 'high'", UNKNOWN, UnknownCause.MISSING),
    ],
)
def test_outputs(outputs: dict[str, object], text: str, value: OutcomeValue, cause: UnknownCause) -> None:
    result = ended("risk", outputs=outputs)
    outcome = judge(f"checks.risk.out.{text}", checks=[check("risk")], results=[result])
    assert (outcome.value, outcome.cause) == (value, cause)


def test_outputs_of_checks_that_did_not_deliver() -> None:
    def of(*results: CheckResult) -> Outcome:
        checks = [check("risk", cell=str(n)) for n in range(len(results))]
        return judge("checks.risk.out.level == 'high'", checks=checks, results=results)

    assert of(ended("risk (0)", C.NOT_NEEDED)).says == "level of risk: risk was not needed"
    assert of(ended("risk (0)", C.ERROR)).cause is UnknownCause.ERROR
    assert of(ended("risk (0)", None)).cause is UnknownCause.OUTSTANDING
    differing = of(ended("risk (0)", outputs={"level": "a"}), ended("risk (1)", outputs={"level": "b"}))
    assert differing.says == "level of risk: the cells of risk gave different 'level'"
    odd = of(ended("risk (0)", outputs={"level": 1}), ended("risk (1)", outputs={"level": True}))
    assert odd.cause is UnknownCause.MISSING
    same = of(ended("risk (0)", outputs={"level": "high"}), ended("risk (1)", outputs={"level": "high"}))
    assert same.value is MET
    flag = judge(
        "checks.risk.out.flag", checks=[check("risk")], results=[ended("risk", outputs={"flag": False})]
    )
    assert (flag.value, flag.says) == (UNMET, "flag of risk: no")


def test_an_output_of_what_an_error_blocked_is_an_error() -> None:
    checks = [check("lint"), check("risk")]
    results = [ended("lint", C.ERROR), ended("risk", C.SKIPPED, blocked_by="lint")]
    outcome = judge("checks.risk.out.level == 'x'", checks=checks, results=results)
    assert outcome.cause is UnknownCause.ERROR


def test_what_this_version_cannot_tell_is_an_error_of_ours() -> None:
    for text in (
        "measure('a', 'b') == 0",
        "checks.lint == 1",
    ):
        outcome = judge(text, checks=[check("lint")], results=[ended("lint")])
        assert (outcome.value, outcome.cause) == (UNKNOWN, UnknownCause.ERROR)
        assert "this version cannot tell" in outcome.says


# tests and completeness

TESTED = check("test", Kind.TESTS)
DONE = ended("test", C.SUCCESS, Kind.TESTS)


def test_counts_of_tests() -> None:
    reports = [junit("test", P, P, F, E, S, flaky=1)]
    expected = {"passed": 3, "failed": 2, "new_failed": 2, "skipped": 1, "total": 6, "flaky": 1}
    for name, count in expected.items():
        outcome = judge(f"tests.{name} == {count}", checks=[TESTED], results=[DONE], reports=reports)
        assert (outcome.value, outcome.checks) == (MET, ("test",)), name


def test_advisory_evidence_enters_no_count() -> None:
    checks = [TESTED, check("slow", Kind.TESTS, required=False)]
    results = [DONE, ended("slow", C.SUCCESS, Kind.TESTS)]
    outcome = judge(
        "tests.failed == 0", checks=checks, results=results, reports=[junit("test", P), junit("slow", F)]
    )
    assert (outcome.value, outcome.used) == (MET, {"tests.failed": 0})


@pytest.mark.parametrize(
    ("second", "value", "cause", "says"),
    [
        (ended("more", C.SUCCESS, Kind.TESTS), MET, UnknownCause.NONE, "failed tests 0 = 0"),
        (ended("more", C.FAILURE, Kind.TESTS), MET, UnknownCause.NONE, "failed tests 0 = 0"),
        (ended("more", C.NOT_NEEDED), MET, UnknownCause.NONE, "failed tests 0 = 0"),
        (ended("more", None), UNKNOWN, UnknownCause.OUTSTANDING, "failed tests: waits for more"),
        (ended("more", C.ERROR), UNKNOWN, UnknownCause.ERROR, "failed tests: more could not be judged"),
        (
            ended("more", C.FAILURE),
            UNKNOWN,
            UnknownCause.MISSING,
            "failed tests: more delivered no complete test report",
        ),
        (
            ended("more", C.TIMED_OUT, Kind.TESTS),
            UNKNOWN,
            UnknownCause.MISSING,
            "failed tests: more delivered no complete test report",
        ),
        (
            ended("more", C.SKIPPED, blocked_by="lint"),
            UNKNOWN,
            UnknownCause.MISSING,
            "failed tests: lint delivered no complete test report, which blocks more",
        ),
        (
            ended("more", C.SKIPPED, blocked_by="types"),
            UNKNOWN,
            UnknownCause.ERROR,
            "failed tests: types could not be judged, which blocks more",
        ),
        (
            ended("more", C.SKIPPED, blocked_by="test"),
            UNKNOWN,
            UnknownCause.OUTSTANDING,
            "failed tests: waits for more",
        ),
    ],
)
def test_a_count_is_complete_when_every_needed_producer_delivered(
    second: CheckResult, value: OutcomeValue, cause: UnknownCause, says: str
) -> None:
    checks = [TESTED, check("more", Kind.TESTS), check("lint"), check("types")]
    results = [DONE, second, ended("lint", C.FAILURE), ended("types", C.ERROR)]
    outcome = judge("tests.failed == 0", checks=checks, results=results, reports=[junit("test", P)])
    assert (outcome.value, outcome.cause, outcome.says) == (value, cause, says)
    # what was delivered already decides
    worse = judge("tests.failed == 0", checks=checks, results=results, reports=[junit("test", F)])
    assert worse.value is UNMET
    assert judge("tests.failed == 0", checks=checks, reports=[junit("test", P)]).checks == ("test", "more")


def test_a_count_of_what_nobody_needed_is_not_applicable() -> None:
    outcome = judge("tests.failed == 0", checks=[TESTED], results=[ended("test", C.NOT_NEEDED)])
    assert (outcome.value, outcome.says) == (EXEMPT, "failed tests: no check with a test report was needed")
    none = judge("tests.failed == 0")
    assert (none.cause, none.says) == (
        UnknownCause.MISSING,
        "failed tests: no required check declares a test report",
    )


def test_an_optional_report_may_be_left_out_by_a_success() -> None:
    optional = check(
        "test", Kind.TESTS, reports=(ReportSpec(path="out/j.xml", kind=Kind.TESTS, optional=True),)
    )
    assert judge("tests.failed == 0", checks=[optional], results=[ended("test")]).value is EXEMPT
    assert judge("tests.failed == 0", checks=[optional], results=[ended("test", C.FAILURE)]).value is UNKNOWN
    there = judge("tests.failed == 0", checks=[optional], results=[DONE], reports=[junit("test", F)])
    assert there.value is UNMET


# findings

LINT = check("lint", Kind.FINDINGS)
LINTED = ended("lint", C.SUCCESS, Kind.FINDINGS)
SOME = findings(
    "lint",
    finding("a.py", 3, Severity.CRITICAL),
    finding("a.py", 9, Severity.HIGH, tool="bandit", rule="B404"),
    finding("a.py", 1, Severity.LOW, end_line=4),
    finding("b/c.py", 3, Severity.HIGH),
    finding("a.py", 3, Severity.CRITICAL, suppressed=True),
    finding("a.py", 3, Severity.CRITICAL, secret=True),
)


@pytest.mark.parametrize(
    ("call", "count", "words"),
    [
        ("'info', 'all'", 4, "findings"),
        ("'high', 'all'", 3, "high+ findings"),
        ("'critical', 'all'", 1, "critical findings"),
        ("'high', 'new'", 1, "new high+ findings"),
        ("'low', 'new'", 2, "new low+ findings"),
        ("'info', age='all', tool='bandit'", 1, "findings of tool bandit"),
        ("'info', 'all', rule='B*'", 1, "findings of rule B*"),
        ("'info', 'all', rule='ruff/F8*'", 3, "findings of rule ruff/F8*"),
        ("'info', 'all', path='b/'", 1, "findings of path b/"),
        ("'info', 'all', tool='ruff', path='*.py'", 3, "findings of tool ruff, path *.py"),
    ],
)
def test_findings(call: str, count: int, words: str) -> None:
    text = f"findings({call}) == {count}"
    files = [file("a.py", (3, 4))]
    outcome = judge(text, checks=[LINT], results=[LINTED], reports=[SOME], files=files)
    assert (outcome.value, outcome.says) == (MET, f"{words} {count} = {count}")
    assert outcome.used == {f"findings({call})": count}


# coverage

COV = check("test", Kind.COVERAGE)
COVERED = ended("test", C.SUCCESS, Kind.COVERAGE)


def test_coverage_conditions() -> None:
    report = coverage("test", covered("src/a.py", "1+ 2+ 3- 4+", b2=(1, 2)), covered("src/gen/x.py", "1-"))
    settings = plan(COV, coverage_exclude=("src/gen/",), small_change_lines=2)
    files = [file("src/a.py", (1, 3))]

    def of(text: str, **more: object) -> Outcome:
        given = {"files": files, "results": [COVERED], "reports": [report]} | more
        return judge(text, of=settings, **given)  # type: ignore[arg-type]

    new = of("coverage.new >= 80%")
    assert (new.value, new.says, new.checks) == (UNMET, "coverage on new code 60 % < 80 %", ("test",))
    assert of("coverage.overall == coverage.new + 6.5%").says.startswith("overall coverage 66.7 % >")
    assert of("coverage.overall > 66.6%").value is MET
    small = of("coverage.new >= 80%", files=[file("src/a.py", (3, 3))])
    assert (small.value, small.says) == (EXEMPT, "coverage on new code: 1 new line")
    outside = of("coverage.new >= 80%", files=[file("docs/a.md", (1, 90))])
    assert outside.says == "coverage on new code: no coverable new line"
    for text in ("coverage.new >= 80%", "coverage.overall >= 80%"):
        empty = of(text, reports=[coverage("test")])
        assert (empty.cause, empty.says.partition(": ")[2]) == (
            UnknownCause.MISSING,
            "the coverage report names no file",
        )
        waiting = of(text, results=[ended("test", None)])
        assert (waiting.value, waiting.cause) == (UNKNOWN, UnknownCause.OUTSTANDING)
    nothing = of("coverage.overall >= 80%", reports=[coverage("test", covered("src/a.py", ""))])
    assert nothing.says == "overall coverage: no coverable line"


def test_the_default_small_change_is_below_twenty_lines() -> None:
    lines = " ".join(f"{n}-" for n in range(1, 40))
    for last, says in ((19, "19 new lines"), (20, "0 % < 80 %")):
        outcome = judge(
            "coverage.new >= 80%",
            checks=[COV],
            results=[COVERED],
            reports=[coverage("test", covered("a.py", lines))],
            files=[file("a.py", (1, last))],
        )
        assert says in outcome.says


# size


def test_size_leaves_generated_files_out() -> None:
    files = [
        file("a.py", (1, 3), removed=2, size=100),
        file("b.bin", size=50, status=FileStatus.ADDED, binary=True),
        file("gone.py", removed=7, status=FileStatus.REMOVED),
        file("new.py", status=FileStatus.RENAMED, old_path="old.py", size=900),
        file("moved.bin", status=FileStatus.RENAMED, old_path="old.bin", size=11, binary=True),
        file("uv.lock", (1, 500), size=10_000),
    ]
    settings = plan(generated=("*.lock",))
    for text in ("size.added == 3", "size.removed == 9", "size.files == 5", "size.bytes == 161"):
        outcome = judge(text, of=settings, files=files)
        assert outcome.value is MET, outcome.says


# the pull request


@pytest.mark.parametrize(
    ("text", "value", "says"),
    [
        ("pr.number == 7", MET, "the number 7 = 7"),
        ("pr.title == 'feat: refunds'", MET, "the title 'feat: refunds' = 'feat: refunds'"),
        ("pr.author == 'Dana'", MET, "the author 'Dana' = 'Dana'"),
        ("pr.base == 'main'", MET, "the target branch 'main' = 'main'"),
        ("pr.head == 'x'", UNMET, "the head branch 'refunds' ≠ 'x'"),
        ("pr.draft", UNMET, "not a draft"),
        ("'api' in pr.labels", MET, "'api' in the labels ['Large', 'api']"),
        ("pr.from_fork", UNMET, "not from a fork"),
        ("pr.trusted", MET, "a trusted head"),
        ("pr.ai_authored", UNMET, "not written by a machine"),
        ("pr.reverts", UNMET, "not a revert"),
        ("has_label('large')", MET, "label 'large'"),
        ("has_label('x', 'y')", UNMET, "no label 'x' or 'y'"),
        ("changed('src/**', '*.md')", MET, "src/a.py changed"),
        ("changed('*')", MET, "new.py and 2 more changed"),
        ("changed('infra/**')", UNMET, "nothing under infra/ changed"),
        ("only_changed('src/**', 'old.py', 'new.py')", MET, "only src/, old.py, new.py changed"),
        ("only_changed('src/**')", UNMET, "new.py and 1 more changed too"),
        ("only_changed('src/**', 'new.py')", UNMET, "old.py changed too"),
        ("like(pr.title, 'feat*')", MET, "'feat: refunds' is like 'feat*'"),
        ("like(glob='fix*', text=pr.title)", UNMET, "'feat: refunds' is not like 'fix*'"),
        ("author_in('@dana')", MET, "by dana"),
        ("author_in('eve', '@acme/core')", MET, "dana is in @acme/core"),
        ("author_in('eve', '@acme/none')", UNMET, "dana is not in eve, @acme/none"),
    ],
)
def test_the_pull_request(text: str, value: OutcomeValue, says: str) -> None:
    files = [file("src/a.py", (1, 2)), file("new.py", old_path="old.py", status=FileStatus.RENAMED)]
    people = People(teams={"@acme/core": ("dana",), "@acme/none": ()})
    outcome = judge(text, files=files, people=people, trusted=True)
    assert (outcome.value, outcome.says) == (value, says)


def test_an_empty_change_touches_nothing() -> None:
    assert judge("only_changed('**')").says == "nothing changed"
    assert judge("changed('**')").value is UNMET


PULL_REQUEST_TEXTS = [
    "pr.number == 7", "pr.title == 'x'", "pr.author == 'x'", "pr.head == 'x'", "pr.draft", "'x' in pr.labels",
    "pr.from_fork", "pr.trusted", "pr.ai_authored", "pr.reverts", "has_label('x')", "author_in('x')",
    "like(pr.title, 'x')",
]  # fmt: skip


@pytest.mark.parametrize("text", PULL_REQUEST_TEXTS)
def test_without_a_pull_request_nothing_about_it_applies(text: str) -> None:
    assert judge(text, change=PUSH).value is EXEMPT
    local = Change(**{**{f: getattr(CHANGE, f) for f in CHANGE.__struct_fields__}, "number": None})
    assert judge(text, change=local).value is EXEMPT
    group = judge(text, change=GROUP)
    assert (group.value, group.cause) == (UNKNOWN, UnknownCause.MISSING)
    assert judge("pr.base == 'main'", change=PUSH).value is MET
    assert judge("pr.base == 'main'", change=GROUP).value is MET


# people

KNOWN = People(
    approvals=("ann", "bob"), vetoes=("cid",), teams={"@acme/platform": ("Ann", "zoe"), "@acme/secret": None}
)


@pytest.mark.parametrize(
    ("text", "value", "says"),
    [
        ("approvals >= 2", MET, "approvals 2 ≥ 2"),
        ("approvals >= 3", UNMET, "approvals 2 < 3"),
        ("reviews.changes_requested == 0", UNMET, "requests for changes 1 > 0"),
        ("approved_by('@acme/platform')", MET, "1 approval from @acme/platform"),
        ("approved_by('@ACME/Platform', 2)", UNMET, "1 more approval from @ACME/Platform"),
        ("approved_by('@acme/platform', n=3)", UNMET, "2 more approvals from @acme/platform"),
        ("approved_by('bob')", MET, "1 approval from bob"),
        ("approved_by('@zed', 1)", UNMET, "1 approval from @zed"),
        ("approved_by('@zed', 0)", MET, "0 approvals from @zed"),
        ("approved_by('@acme/secret', 2)", UNKNOWN, "approval from @acme/secret: the members of @acme/secret could not be read"),
        ("approved_by('@acme/unread', 1)", UNKNOWN, "approval from @acme/unread: the members of @acme/unread could not be read"),
        ("approved_by('@acme/secret', 3)", UNMET, "3 approvals from @acme/secret"),
        ("author_in('@acme/secret')", UNKNOWN, "author in @acme/secret: the members of @acme/secret could not be read"),
        ("author_in('@acme/secret', 'dana')", MET, "by dana"),
    ],
)  # fmt: skip
def test_people(text: str, value: OutcomeValue, says: str) -> None:
    outcome = judge(text, people=KNOWN)
    assert (outcome.value, outcome.says) == (value, says)
    assert outcome.people is not text.startswith("author_in")
    assert outcome.fixed is text.startswith("author_in")
    if value is UNKNOWN:
        assert outcome.cause is UnknownCause.REFUSED


@pytest.mark.parametrize(
    "text", ["approvals >= 1", "reviews.changes_requested == 0", "approved_by('@a/b', 1)"]
)
def test_people_that_cannot_be_read_are_never_zero(text: str) -> None:
    later = judge(text, people=People(state=Readable.LATER, unreadable="GitHub answers 502"))
    assert (later.value, later.cause) == (UNKNOWN, UnknownCause.LATER)
    assert "GitHub answers 502; it is tried again" in later.says
    refused = judge(text, people=People(state=Readable.REFUSED))
    assert (refused.value, refused.cause) == (UNKNOWN, UnknownCause.REFUSED)
    assert "people could not be read" in refused.says
    assert judge(text, people=People(state=Readable.NOT_APPLICABLE)).value is EXEMPT


def test_authors_are_known_by_login_even_when_teams_are_not() -> None:
    later = People(state=Readable.LATER)
    assert judge("author_in('dana', '@a/b')", people=later).value is MET
    assert judge("author_in('@a/b')", people=later).cause is UnknownCause.LATER
    by = Change(**{**{f: getattr(CHANGE, f) for f in CHANGE.__struct_fields__}, "author": Actor(login="eve")})
    assert judge("author_in('@acme/platform')", people=KNOWN, change=by).value is UNMET


def test_conclusions_are_all_told_in_words() -> None:
    for conclusion in Conclusion:
        assert judge(
            "checks.lint.passed", checks=[check("lint")], results=[ended("lint", conclusion)]
        ).says.startswith("lint ") or conclusion in {C.ERROR, C.SKIPPED}
