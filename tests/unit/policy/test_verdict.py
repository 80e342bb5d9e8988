"""The verdict: which of the four it is, what it says beside, and whether a check runs."""

from app.model import Expression, Kind, Outcome, OutcomeValue, Source, Status, Verdict
from app.policy import blocked_verdict, decide, errored_verdict, pending_verdict
from tests.unit.policy.judged import (
    BLOCKED,
    ERRORED,
    LATER,
    LINT,
    NOBODY,
    PASSED,
    PENDING,
    REFUSED,
    TEST,
    judge,
)
from tests.unit.policy.world import (
    GROUP,
    PUSH,
    C,
    all_of,
    any_of,
    check,
    condition,
    ended,
    evidence,
    outcome_of,
    plan,
)


def test_passed() -> None:
    verdict = judge("size.files == 0")
    assert (verdict.state, verdict.fewest, verdict.waits_for, verdict.people_only) == (PASSED, (), (), False)
    assert (verdict.checks_ran, verdict.checks_total, verdict.notes) == (1, 1, ())
    assert [outcome.text for outcome in verdict.outcomes] == ["checks.passed", "size.files == 0"]


def test_what_cannot_be_planned_is_blocked_before_all() -> None:
    verdict = judge("size.files == 1", ended("lint", None), blocked="conflicts with main in a.py")
    assert verdict == blocked_verdict("conflicts with main in a.py")
    assert judge("true", blocked="too large", mode="observe").observed


def test_pending_while_a_required_check_runs_and_says_what_is_certain() -> None:
    verdict = judge(["size.files > 0", "approvals >= 1"], ended("lint", None))
    assert (verdict.state, verdict.waits_for, verdict.people_only) == (PENDING, ("lint",), False)
    assert verdict.fewest == ("changed files 0 ≤ 0", "approvals 0 < 1")


def test_a_check_held_by_after_is_pending() -> None:
    held = ended("lint", None, status=Status.WAITING, reason="held until not pr.draft")
    verdict = judge((), held)
    assert (verdict.state, verdict.waits_for) == (PENDING, ("lint",))
    assert "held until not pr.draft" in outcome_of(verdict, "checks.passed").says


def test_a_failed_check_does_not_end_the_waiting_for_others() -> None:
    checks = (LINT, check("test"))
    verdict = judge((), ended("lint", C.FAILURE), ended("test", None), checks=checks)
    assert (verdict.state, verdict.waits_for) == (PENDING, ("test",))
    assert verdict.fewest == ("lint failed",)
    assert judge((), ended("lint", C.FAILURE), checks=checks).state is PENDING


def test_advisory_items_and_checks_are_left_out_and_shown() -> None:
    docs = check("docs", Kind.TESTS, required=False)
    verdict = judge(
        [condition("size.files == 9", advisory=True, because="nice to have"), "true"],
        ended("lint"),
        ended("docs", None),
        checks=(LINT, docs),
    )
    assert (verdict.state, verdict.waits_for) == (PASSED, ())
    advice = outcome_of(verdict, "size.files == 9")
    assert (advice.advisory, advice.because, advice.value) == (True, "nice to have", OutcomeValue.UNMET)
    unfed = judge(condition("tests.failed == 0", advisory=True))
    assert unfed.state is PASSED


def test_blocked_before_errored() -> None:
    verdict = judge("size.files == 1", ended("lint", C.ERROR))
    assert (verdict.state, verdict.fewest) == (BLOCKED, ("changed files 0 < 1",))


def test_errored_before_missing() -> None:
    results = (ended("lint", C.ERROR, reason="the sandbox could not be set up"), ended("test", C.SUCCESS))
    verdict = judge("tests.failed == 0", *results, checks=(LINT, TEST))
    assert (verdict.state, verdict.fewest) == (
        ERRORED,
        ("lint could not be judged: the sandbox could not be set up",),
    )


def test_an_error_is_never_let_pass_by_missing() -> None:
    for missing in ("fail", "pass", "advisory"):
        results = (ended("lint"), ended("test", C.ERROR))
        verdict = judge("tests.failed == 0", *results, checks=(LINT, TEST), missing=missing)
        assert verdict.state is ERRORED


def test_missing_evidence_follows_the_setting_on_the_whole_item() -> None:
    def of(missing: str, gate: object) -> Verdict:
        return judge(gate, ended("lint"), ended("test"), checks=(LINT, TEST), missing=missing)

    failed = of("fail", "tests.failed == 0")
    assert (failed.state, failed.people_only) == (BLOCKED, False)
    assert failed.fewest == ("failed tests: test delivered no complete test report",)
    passed = of("pass", "tests.failed == 0")
    assert passed.state is PASSED
    assert "settings.missing lets pass: failed tests: test delivered" in passed.notes[-1]
    assert not outcome_of(passed, "tests.failed == 0").advisory
    advised = of("advisory", "tests.failed == 0")
    assert (advised.state, outcome_of(advised, "tests.failed == 0").advisory) == (PASSED, True)
    # inside a group a missing value is unknown, not passed
    assert of("pass", all_of("tests.failed == 0", "size.files == 1")).state is BLOCKED
    assert of("pass", any_of("tests.failed == 0", "size.files == 1")).state is PASSED
    assert of("fail", any_of("tests.failed == 0", "size.files == 0")).state is PASSED


def test_people_that_cannot_be_read_keep_pending_or_block() -> None:
    later = judge("approvals >= 1", people=LATER)
    assert (later.state, later.waits_for) == (PENDING, ("approvals",))
    for missing in ("fail", "pass", "advisory"):
        refused = judge("approvals >= 1", people=REFUSED, missing=missing)
        assert (refused.state, refused.people_only) == (BLOCKED, False)
        assert refused.fewest == ("approvals: no permission to read reviews",)
    assert judge("approvals >= 1", people=NOBODY).state is PASSED
    assert judge(condition("approvals >= 1", advisory=True), people=LATER).state is PASSED


def test_required_means_required_listed_or_not() -> None:
    for gate in ([], [condition("checks.passed", advisory=True)], [any_of("checks.passed", "true")]):
        verdict = judge(gate, ended("lint", C.FAILURE))
        assert (verdict.state, verdict.fewest) == (BLOCKED, ("lint failed",))
        assert verdict.outcomes[0].text == "checks.passed"
        assert verdict.outcomes[0].source == Source(layer="built-in")
    listed = judge(["true", "checks.passed"], ended("lint", C.FAILURE))
    assert [outcome.text for outcome in listed.outcomes] == ["true", "checks.passed"]


def test_observe_tells_what_would_have_been() -> None:
    verdict = judge("size.files == 1", mode="observe")
    assert (verdict.state, verdict.observed) == (BLOCKED, True)
    assert not judge("size.files == 1").observed


def test_only_people_are_waited_for() -> None:
    assert judge(["approvals >= 1", "has_label('x')", "not pr.trusted"], trusted=True).people_only
    assert judge("pr.draft").people_only
    assert not judge(["approvals >= 1", "size.files == 1"]).people_only
    assert not judge("pr.ai_authored").people_only
    either = judge(any_of("size.files == 1", "has_label('large')", "has_label('x')"))
    assert either.state is PASSED
    either = judge(any_of("size.files == 1", "has_label('x')"))
    assert (either.people_only, either.fewest) == (True, ("no label 'x'",))


def test_verdicts_that_rest_on_no_outcome() -> None:
    assert errored_verdict("no valid gate file").state is ERRORED
    pending = pending_verdict("GitHub answers 502", ("lint",))
    assert (pending.state, pending.reason, pending.waits_for) == (PENDING, "GitHub answers 502", ("lint",))


def test_notes() -> None:
    assert judge(checks=(), gate=[]).notes == ("no checks declared",)
    idle = judge((), ended("lint", C.NOT_NEEDED), ended("test", C.SKIPPED, blocked_by="lint"))
    assert (idle.state, idle.notes, idle.checks_ran) == (PASSED, ("0 of 1 checks ran",), 0)
    assert judge((), ended("lint", C.CANCELLED)).notes == ()
    assert judge(checks=(), gate=[], empty_checks=("suite",)).notes == ()
    built_in = judge(None, ended("lint", C.SUCCESS, Kind.FINDINGS), checks=(check("lint", Kind.FINDINGS),))
    assert built_in.notes == ("no gate is written: the built-in gate judges",)
    assert judge("tests.new_failed >= 0", checks=(check("lint", Kind.SECRETS),)).notes == ()


def test_deciding_whether_a_check_runs() -> None:
    def of(text: str, context: str, **more: object) -> Outcome:
        given = evidence(ended("lint"), **more)  # type: ignore[arg-type]
        source = Source(line=7)
        return decide(Expression(text=text, source=source), plan(LINT), given, context=context)  # type: ignore[arg-type]

    nothing = of("changed('infra/**')", "when")
    assert (nothing.value, nothing.says) == (OutcomeValue.UNMET, "nothing under infra/ changed")
    assert nothing.source.line == 7
    assert of("pr.author == 'x'", "when", change=PUSH).value is OutcomeValue.EXEMPT
    assert of("pr.author == 'x'", "when", change=GROUP).value is OutcomeValue.UNKNOWN
    assert of("not pr.draft", "after").value is OutcomeValue.MET
    assert of("approvals >= 1", "after").value is OutcomeValue.UNMET
    assert of("approvals >= 1", "after", people=LATER).value is OutcomeValue.UNKNOWN
    assert of("approvals >= 1", "after", change=GROUP).value is OutcomeValue.MET
    assert of("checks.lint.passed", "when").value is OutcomeValue.MET
