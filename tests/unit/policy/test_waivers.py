"""What waivers cover, and what a verdict says of them."""

import msgspec
import pytest

from app.model import (
    Baseline,
    BaselineState,
    Finding,
    Kind,
    ReportContent,
    UnknownCause,
    UsedWaiver,
    Verdict,
    VerdictState,
    Waiver,
)
from app.model import CheckEvidence as Delivered
from app.policy import evaluate, merge_group_verdict, new_findings
from tests.unit.policy.world import (
    GROUP,
    C,
    check,
    ended,
    evidence,
    file,
    finding,
    findings,
    outcome_of,
    plan,
    when,
)

NONE_NEW = "findings('high', 'new') == 0"
LINT = check("lint", Kind.FINDINGS)
TODAY = "2026-11-21"
FILES = (file("a.py", (1, 20)), file("tests/b.py", (1, 20)))


def waiver(**fields: object) -> Waiver:
    given = {
        "reason": "reviewed",
        "owner": "@dana",
        "granted": "2026-11-01",
        "expires": "2026-11-30",
    } | fields
    return Waiver(**given)  # type: ignore[arg-type]


def area(rule: str, path: str, most: int = 1, **fields: object) -> Waiver:
    return waiver(rule=rule, path=path, max=most, **fields)


def judge(
    waivers: tuple[Waiver, ...],
    *found: Finding,
    gate: object = (NONE_NEW,),
    today: str = TODAY,
    twice: bool = False,
) -> Verdict:
    checks = (LINT, check("more", Kind.FINDINGS)) if twice else (LINT,)
    judging = msgspec.structs.replace(plan(*checks, gate=gate), waivers=waivers)  # type: ignore[arg-type]
    return evaluate(
        judging,
        evidence(
            *(ended(spec.key, C.SUCCESS, Kind.FINDINGS) for spec in checks),
            reports=[findings(spec.key, *found) for spec in checks],
            files=FILES,
            today=today,
        ),
    )


ONE = finding("a.py", 3, fingerprint="ab:1")


@pytest.mark.parametrize(
    ("one", "covers"),
    [
        (waiver(fingerprint="ab:1"), True),
        (waiver(fingerprint="ab:2"), False),
        (area("F821", "a.py"), True),
        (area("ruff/F*", "*.py"), True),
        (area("F8*", "tests/**"), False),
        (area("E501", "**"), False),
        (area("bandit/F821", "**"), False),
    ],
)
def test_a_waiver_covers_what_it_names(one, covers):
    verdict = judge((one,), ONE)
    assert verdict.state is (VerdictState.PASSED if covers else VerdictState.BLOCKED)
    assert verdict.waivers == ((UsedWaiver(waiver=one, findings=1),) if covers else ())


@pytest.mark.parametrize(
    ("today", "note"),
    [
        ("2026-10-31", "the waiver of @dana for fingerprint ab:1 counts from 2026-11-01 on"),
        ("2026-11-01", ""),
        ("2026-11-30", ""),
        ("2026-12-01", "the waiver of @dana for fingerprint ab:1 expired on 2026-11-30"),
        ("", "the waiver of @dana for fingerprint ab:1 counts from 2026-11-01 on"),
    ],
)
def test_it_counts_from_its_first_day_to_its_last_both_included(today, note):
    verdict = judge((waiver(fingerprint="ab:1"),), ONE, today=today)
    assert verdict.state is (VerdictState.BLOCKED if note else VerdictState.PASSED)
    assert (note in verdict.notes) is bool(note)
    # nobody is told of a waiver that has nothing to do with the change
    assert not any("waiver" in one for one in judge((waiver(fingerprint="x"),), ONE, today=today).notes)


def test_one_finding_more_than_max_and_none_is_covered():
    some = [finding("tests/b.py", line, fingerprint=f"x:{line}") for line in (1, 2, 3)]
    allowed = judge((area("F821", "tests/**", 2),), *some[:2])
    assert (allowed.state, allowed.waivers[0].findings) == (VerdictState.PASSED, 2)
    more = judge((area("F821", "tests/**", 2),), *some)
    assert (more.state, more.waivers) == (VerdictState.BLOCKED, ())
    assert outcome_of(more, NONE_NEW).used == {"findings('high', 'new')": 3}
    assert any(one.endswith("covers nothing: 3 new findings match, it allows 2") for one in more.notes)


def test_a_fingerprint_stands_for_one_finding():
    same = finding("tests/b.py", 3, fingerprint="ab:1")
    verdict = judge((waiver(fingerprint="ab:1"),), ONE, same)
    assert (verdict.state, verdict.waivers) == (VerdictState.BLOCKED, ())
    assert any("2 new findings have it, it stands for one" in one for one in verdict.notes)


def test_what_two_checks_report_alike_is_one_finding():
    verdict = judge((area("F821", "a.py", 1),), ONE, twice=True)
    assert (verdict.state, verdict.waivers[0].findings) == (VerdictState.PASSED, 1)


@pytest.mark.parametrize("other", ["undefined", "something else"])
@pytest.mark.parametrize("one", [area("F821", "a.py", 1), waiver(fingerprint="ab:1")])
def test_two_on_one_line_are_two(one, other):
    verdict = judge((one,), ONE, msgspec.structs.replace(ONE, message=other), twice=True)
    assert (verdict.state, verdict.waivers) == (VerdictState.BLOCKED, ())
    both = judge((area("F821", "a.py", 2),), ONE, msgspec.structs.replace(ONE, message=other), twice=True)
    assert (both.state, both.waivers[0].findings) == (VerdictState.PASSED, 2)


def test_how_many_waivers_are_used_is_not_known_while_base_is_waited_for():
    used = "waivers.used == 0"
    judging = msgspec.structs.replace(plan(LINT, gate=(used,)), waivers=(area("F821", "a.py", 1),))
    given = evidence(
        ended("lint", C.SUCCESS, Kind.FINDINGS),
        reports=[findings("lint", ONE)],
        files=FILES,
        today=TODAY,
        baselines=(Baseline(key="lint", state=BaselineState.OUTSTANDING),),
    )
    verdict = evaluate(judging, given)
    assert outcome_of(verdict, used).says == "waivers used: waits for lint on main"
    assert (verdict.state, verdict.waits_for) == (VerdictState.PENDING, ("lint on main",))


def test_the_first_of_several_waivers_covers_and_all_that_match_count_for_max():
    other = finding("a.py", 4, fingerprint="cd:1")
    by_name, by_area = waiver(fingerprint="ab:1"), area("F821", "a.py", 2)
    verdict = judge((by_name, by_area), ONE, other)
    assert [(used.waiver, used.findings) for used in verdict.waivers] == [(by_name, 1), (by_area, 1)]
    unused = judge((by_area, by_name), ONE, other)
    assert [used.waiver for used in unused.waivers] == [by_area]
    assert judge((by_name, area("F821", "a.py", 1)), ONE, other).state is VerdictState.BLOCKED


def test_old_suppressed_and_advisory_findings_use_up_no_waiver():
    old = finding("a.py", 99)
    ignored = finding("a.py", 5, suppressed=True)
    verdict = judge((area("F821", "a.py", 1),), ONE, old, ignored)
    assert (verdict.state, verdict.waivers[0].findings) == (VerdictState.PASSED, 1)
    advisory = check("extra", Kind.FINDINGS, required=False)
    judging = msgspec.structs.replace(
        plan(LINT, advisory, gate=(NONE_NEW,)), waivers=(area("F821", "a.py", 1),)
    )
    given = evidence(
        ended("lint", C.SUCCESS, Kind.FINDINGS),
        ended("extra", C.SUCCESS, Kind.FINDINGS),
        reports=[findings("lint", ONE), findings("extra", finding("a.py", 9))],
        files=FILES,
        today=TODAY,
    )
    assert evaluate(judging, given).state is VerdictState.PASSED
    shown = [(one.check, one.waiver is not None) for one in new_findings(judging, given, advisory=True)]
    assert shown == [("lint", True), ("extra", False)]


def test_waived_findings_still_count_among_all():
    verdict = judge((waiver(fingerprint="ab:1"),), ONE, gate=(NONE_NEW, "findings('high', 'all') == 1"))
    assert verdict.state is VerdictState.PASSED


def test_secrets_are_waived_like_findings():
    report = ReportContent(
        format="gitleaks",
        kind="secrets",
        findings=(finding("a.py", 3, rule="aws", fingerprint="s:1", secret=True),),
    )
    judging = msgspec.structs.replace(
        plan(check("leaks", Kind.SECRETS), gate=("secrets.new == 0", "waivers.used == 1")),
        waivers=(waiver(fingerprint="s:1"),),
    )
    given = evidence(
        ended("leaks", C.SUCCESS, Kind.SECRETS),
        reports=[Delivered(key="leaks", reports=(report,))],
        files=FILES,
        today=TODAY,
    )
    verdict = evaluate(judging, given)
    assert verdict.state is VerdictState.PASSED
    (shown,) = new_findings(judging, given)
    assert shown.waiver is not None


@pytest.mark.parametrize(
    ("waivers", "found", "value"),
    [((), (), 0), ((waiver(fingerprint="ab:1"),), (), 0), ((waiver(fingerprint="ab:1"),), (ONE,), 1)],
)
def test_waivers_used_counts_them(waivers, found, value):
    verdict = judge(waivers, *found, gate=(f"waivers.used == {value}",))
    assert verdict.state is VerdictState.PASSED


def test_waivers_used_is_not_known_before_all_have_reported():
    judging = plan(LINT, gate=("waivers.used == 0",))
    given = evidence(ended("lint", None), files=FILES, today=TODAY)
    known = outcome_of(evaluate(judging, given), "waivers.used == 0")
    assert known.used == {"waivers.used": 0}
    judging = msgspec.structs.replace(judging, waivers=(waiver(fingerprint="ab:1"),))
    assert outcome_of(evaluate(judging, given), "waivers.used == 0").cause is UnknownCause.OUTSTANDING


def test_a_merge_group_copies_what_names_waivers_and_uses_them_itself():
    gate = (NONE_NEW, when("waivers.used > 0", "approvals >= 1"))
    judging = msgspec.structs.replace(plan(LINT, gate=gate), waivers=(waiver(fingerprint="ab:1"),))
    given = evidence(
        ended("lint", C.SUCCESS, Kind.FINDINGS),
        reports=[findings("lint", ONE)],
        files=FILES,
        change=GROUP,
        today=TODAY,
    )
    subject = judge((waiver(fingerprint="ab:1"),), ONE, gate=gate)
    assert subject.state is VerdictState.BLOCKED  # nobody has approved
    verdict = merge_group_verdict(judging, given, subject)
    assert [used.waiver.fingerprint for used in verdict.waivers] == ["ab:1"]
    assert outcome_of(verdict, "when waivers.used > 0: [approvals >= 1]") in subject.outcomes
    assert verdict.state is VerdictState.BLOCKED
