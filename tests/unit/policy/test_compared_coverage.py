"""Coverage compared with base: differences, reports that are lost, what is carried forward."""

from collections.abc import Iterable

import msgspec
import pytest

from app.model import (
    Baseline,
    CheckEvidence,
    FileChange,
    FileCoverage,
    FileStatus,
    Kind,
    Outcome,
    ReportContent,
    ReportSpec,
    UnknownCause,
    Verdict,
    VerdictState,
)
from app.policy import baselines_wanted, evaluate
from tests.unit.policy.compared import COV, EDITED, impossible, judge, outstanding, ready
from tests.unit.policy.decided import EXEMPT, MET, UNKNOWN, UNMET
from tests.unit.policy.world import C, check, coverage, covered, ended, evidence, file, outcome_of, plan


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


def test_a_report_that_is_still_delivered_excuses_no_other_by_its_deleted_files() -> None:
    def at(path: str, *files: str) -> ReportContent:
        return msgspec.structs.replace(measured(*(covered(one, "1+") for one in files)), path=path)

    there = ready("test", at("out/cov-a.xml", "a.py"), at("out/cov-b.xml", "b.py", "c.py"))
    changes = [file("a.py", status=FileStatus.REMOVED)]
    outcome = cover(DELTA, there, here=[at("out/cov-a.xml", "x.py")], files=changes)
    assert outcome.cause is UnknownCause.MISSING
    assert "main has a coverage report out/cov-b.xml, this change has not" in outcome.says
    whole = cover(DELTA, there, here=[at("out/cov-1.xml", "x.py", "b.py")], files=changes)
    assert whole.cause is not UnknownCause.MISSING, "a report that is called otherwise follows by its files"


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
