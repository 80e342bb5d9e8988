"""Duplication, complexity, licences: their values, and what stands behind them."""

from collections.abc import Iterable
from decimal import Decimal

import pytest

from app.model import (
    Baseline,
    BaselineState,
    CheckEvidence,
    Clone,
    CloneBlock,
    Evidence,
    Expression,
    FileChange,
    FileStatus,
    FunctionComplexity,
    GateSettings,
    Kind,
    Licences,
    Measure,
    Outcome,
    OutcomeValue,
    Package,
    ReportContent,
    UnknownCause,
)
from app.policy import decide, denied_packages, new_duplication, touched_functions
from tests.unit.policy.world import C, check, ended, evidence, file, plan

MET, UNMET, UNKNOWN, EXEMPT = OutcomeValue.MET, OutcomeValue.UNMET, OutcomeValue.UNKNOWN, OutcomeValue.EXEMPT


def told(
    text: str,
    kind: Kind,
    *reports: ReportContent,
    files: Iterable[FileChange] = (),
    conclusion: C | None = C.SUCCESS,
    baselines: tuple[Baseline, ...] = (),
    **settings: object,
) -> Outcome:
    """What one condition says of the reports of one check."""
    delivered = (kind,) if reports else ()
    given = evidence(
        ended("scan", conclusion, *delivered),
        reports=[CheckEvidence(key="scan", reports=reports)],
        files=files,
        baselines=baselines,
    )
    return decide(Expression(text=text), plan(check("scan", kind), **settings), given, context="gate")


# duplication


def block(text: str) -> CloneBlock:
    path, lines = text.split(":")
    first, last = lines.split("-")
    return CloneBlock(path=path, line=int(first), end_line=int(last))


def clones(*some: str, sizes: dict[str, int] | None = None) -> ReportContent:
    """Clones as `a.py:1-4 b.py:5-8`."""
    found = tuple(Clone(blocks=tuple(map(block, one.split()))) for one in some)
    return ReportContent(format="jscpd", kind="duplication", clones=found, sizes=sizes or {})


def duplication(text: str, *reports: ReportContent, **more: object) -> Outcome:
    return told(text, Kind.DUPLICATION, *reports, **more)  # type: ignore[arg-type]


SIZES = {"a.py": 100, "b.py": 100}


def test_new_lines_in_a_clone_of_all_new_lines() -> None:
    report = clones("a.py:11-20 b.py:1-10", sizes=SIZES)
    outcome = duplication("duplication.new <= 3%", report, files=[file("a.py", (1, 40))])
    assert (outcome.value, outcome.says) == (UNMET, "duplication of new code 25 % > 3 %")
    assert duplication("duplication.new <= 25%", report, files=[file("a.py", (1, 40))]).value is MET


@pytest.mark.parametrize(
    ("some", "percent"),
    [
        # a clone that is wholly old
        (["a.py:50-60 b.py:1-11"], 0),
        # lines in two clones count once
        (["a.py:1-10 b.py:1-10", "a.py:6-15 b.py:50-59"], "37.5"),
        # both places are new
        (["a.py:1-10 a.py:31-40"], 50),
        # half of it is new
        (["a.py:36-45 b.py:1-10"], "12.5"),
        ([], 0),
    ],
)
def test_which_lines_count(some: list[str], percent: object) -> None:
    outcome = duplication(
        f"duplication.new == {percent}%", clones(*some, sizes=SIZES), files=[file("a.py", (1, 40))]
    )
    assert outcome.value is MET, outcome.says


def test_several_hunks_and_several_clones() -> None:
    report = clones("a.py:3-12 b.py:1-10", "a.py:30-31 b.py:40-41", sizes=SIZES)
    found = new_duplication(
        plan(check("scan", Kind.DUPLICATION)),
        evidence(
            reports=[CheckEvidence(key="scan", reports=(report,))],
            files=[file("a.py", (1, 5), (10, 20), (31, 40)), file("b.py", (40, 40))],
        ),
    )
    assert [(one.path, one.new, one.duplicated, one.ranges) for one in found.files] == [
        ("a.py", 26, 7, ((3, 5), (10, 12), (31, 31))),
        ("b.py", 1, 1, ((40, 40),)),
    ]
    assert found.files[0].elsewhere == (block("b.py:1-10"), block("b.py:40-41"))
    assert (found.duplicated, found.new, found.small_change) == (8, 27, False)


def test_a_new_file_is_new_in_all_its_lines() -> None:
    added = FileChange(path="a.py", status=FileStatus.ADDED, added=40, added_nonblank=40)
    report = clones("a.py:1-10 b.py:1-10", sizes=SIZES)
    assert duplication("duplication.new == 25%", report, files=[added]).value is MET


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([], "no new line in the files searched for clones"),
        ([file("README.md", (1, 40))], "no new line in the files searched for clones"),
        ([file("gen/a.py", (1, 40))], "no new line in the files searched for clones"),
        ([file("a.py", (1, 40), binary=True)], "no new line in the files searched for clones"),
        (
            [FileChange(path="a.py", status=FileStatus.REMOVED)],
            "no new line in the files searched for clones",
        ),
        ([file("a.py", (1, 7))], "7 new lines"),
        ([file("a.py", (1, 1))], "1 new line"),
    ],
)
def test_what_is_exempt(files: list[FileChange], says: str) -> None:
    report = clones("a.py:1-10 b.py:1-10", "gen/a.py:1-10 b.py:1-10", sizes=SIZES | {"gen/a.py": 50})
    outcome = duplication("duplication.new <= 3%", report, files=files, generated=("gen/**",))
    assert (outcome.value, outcome.says) == (EXEMPT, f"duplication of new code: {says}")


def test_files_of_the_same_kind_where_the_report_lists_none() -> None:
    files = [file("a.py", (1, 20)), file("c.py", (1, 20)), file("README.md", (1, 200))]
    outcome = duplication("duplication.new == 25%", clones("a.py:1-10 b.py:1-10"), files=files)
    assert outcome.value is MET, outcome.says
    assert duplication("duplication.new == 0%", clones(sizes={"": 900}), files=files).value is MET
    nothing = duplication("duplication.new == 0%", clones(sizes={"": 900}))
    assert nothing.value is EXEMPT


@pytest.mark.parametrize(
    ("reports", "value", "says"),
    [
        ([clones("a.py:11-20 b.py:1-10", sizes=SIZES)], UNMET, "overall duplication 10 % > 5 %"),
        ([clones("a.py:11-20 b.py:1-10", sizes={"": 1000})], MET, "overall duplication 2 % ≤ 5 %"),
        ([clones("a.py:1-9 a.py:1-9", sizes={"": 3})], UNMET, "overall duplication 100 % > 5 %"),
        (
            [clones("gen/a.py:1-90 b.py:1-1", sizes=SIZES | {"gen/a.py": 900})],
            MET,
            "overall duplication 0.5 % ≤ 5 %",
        ),
        (
            [clones("a.py:1-10 b.py:1-10", sizes=SIZES), clones(sizes={"c.js": 200})],
            MET,
            "overall duplication 5 % ≤ 5 %",
        ),
        ([clones(sizes={"a.py": 0})], EXEMPT, "overall duplication: no line was searched for clones"),
        (
            [clones()],
            UNKNOWN,
            "overall duplication: the duplication report does not tell how many lines were searched",
        ),
    ],
)
def test_overall(reports: list[ReportContent], value: OutcomeValue, says: str) -> None:
    outcome = duplication("duplication.overall <= 5%", *reports, generated=("gen/**",))
    assert (outcome.value, outcome.says) == (value, says)


@pytest.mark.parametrize("name", ["duplication.new", "duplication.overall"])
def test_a_missing_report_has_no_bound(name: str) -> None:
    outcome = duplication(f"{name} <= 100%", conclusion=C.FAILURE)
    assert (outcome.value, outcome.cause) == (UNKNOWN, UnknownCause.MISSING)
    assert "delivered no complete duplication report" in outcome.says


# complexity


def functions(*some: str) -> ReportContent:
    """Functions as `a.py:1-9=12`."""
    found = []
    for one in some:
        place, complexity = one.split("=")
        at = block(place)
        found.append(
            FunctionComplexity(
                path=at.path,
                name=f"f{at.line}",
                line=at.line,
                end_line=at.end_line,
                complexity=int(complexity),
            )
        )
    return ReportContent(format="lizard", kind="complexity", functions=tuple(found))


def complexity(text: str, *reports: ReportContent, **more: object) -> Outcome:
    return told(text, Kind.COMPLEXITY, *reports, **more)  # type: ignore[arg-type]


def test_the_worst_touched_function() -> None:
    report = functions("a.py:1-9=4", "a.py:11-30=17", "a.py:40-90=99", "b.py:1-9=50", "gen/a.py:1-9=70")
    files = [file("a.py", (5, 6), (30, 30)), file("gen/a.py", (1, 9))]
    outcome = complexity("complexity.new_max <= 15", report, files=files, generated=("gen/**",))
    assert outcome.value is UNMET
    assert outcome.says == "complexity of the worst written or edited function 17 > 15"
    touched = touched_functions(
        plan(check("scan", Kind.COMPLEXITY), generated=("gen/**",)),
        evidence(reports=[CheckEvidence(key="scan", reports=(report,))], files=files),
    )
    assert [(one.check, one.function.name) for one in touched] == [("scan", "f11"), ("scan", "f1")]


def test_no_touched_function_is_exempt() -> None:
    outcome = complexity("complexity.new_max <= 15", functions("a.py:1-9=40"), files=[file("a.py", (12, 20))])
    assert (outcome.value, outcome.says) == (
        EXEMPT,
        "complexity of the worst written or edited function: no function was written or edited",
    )


def test_what_is_not_needed_or_missing() -> None:
    idle = complexity("complexity.new_max <= 15", conclusion=C.NOT_NEEDED)
    assert idle.value is EXEMPT
    missing = complexity("complexity.new_max <= 15", conclusion=C.FAILURE)
    assert (missing.value, missing.cause) == (UNKNOWN, UnknownCause.MISSING)


def test_the_worst_so_far_is_a_bound() -> None:
    checks = (check("one", Kind.COMPLEXITY), check("two", Kind.COMPLEXITY))
    given = evidence(
        ended("one", C.SUCCESS, Kind.COMPLEXITY),
        ended("two", None),
        reports=[CheckEvidence(key="one", reports=(functions("a.py:1-9=17"),))],
        files=[file("a.py", (1, 9))],
    )
    for text, value in (("complexity.new_max <= 15", UNMET), ("complexity.new_max <= 20", UNKNOWN)):
        outcome = decide(Expression(text=text), plan(*checks), given, context="gate")
        assert outcome.value is value


# licences


def bill(*some: str) -> ReportContent:
    """Packages as `pkg:pypi/click@8.1=MIT` or `click 8.1=MIT`."""
    packages = []
    for one in some:
        name, _, licence = one.partition("=")
        purl = name if name.startswith("pkg:") else ""
        bare, _, version = name.removeprefix("pkg:pypi/").replace("@", " ").partition(" ")
        packages.append(Package(name=bare, version=version, purl=purl, licence=licence))
    return ReportContent(format="spdx", kind="licences", packages=tuple(packages))


def base(*some: str, state: BaselineState = BaselineState.READY) -> tuple[Baseline, ...]:
    return (Baseline(key="scan", state=state, reports=(bill(*some),)),)


ALLOW = Licences(allow=("MIT", "BSD-*"))


def denied(text: str, *some: str, licences: Licences = ALLOW, **more: object) -> Outcome:
    return told(text, Kind.LICENCES, bill(*some), licences=licences, **more)  # type: ignore[arg-type]


def test_packages_under_a_licence_that_is_not_allowed() -> None:
    outcome = denied("licences.denied == 0", "a 1=MIT", "b 1=GPL-3.0-only", "c 1=BSD-2-Clause", "d 1=")
    assert outcome.value is UNMET
    assert outcome.says == "new packages under a licence that is not allowed 2 > 0"


def test_a_package_without_a_licence_counts_unless_told_otherwise() -> None:
    for licence in ("", "LicenseRef-Own", "Fancy"):
        assert denied("licences.denied == 1", f"a 1={licence}").value is MET
        lenient = Licences(allow=("MIT",), unknown="allow")
        assert denied("licences.denied == 0", f"a 1={licence}", licences=lenient).value is MET
    assert denied("licences.denied == 1", "a 1=GPL-3.0-only", licences=lenient).value is MET


@pytest.mark.parametrize(
    ("there", "count"),
    [
        (["pkg:pypi/b@1=GPL-3.0-only"], 0),
        # another version of what is there brings no licence
        (["pkg:pypi/b@0.9?os=linux=GPL-3.0-only"], 0),
        (["pkg:pypi/b@1=MIT"], 1),
        (["pkg:pypi/c@1=GPL-3.0-only"], 1),
        ([], 1),
    ],
)
def test_what_base_has_does_not_count(there: list[str], count: int) -> None:
    if there and "?os" in there[0]:
        packages = (Package(name="b", version="0.9", purl="pkg:pypi/b@0.9?os=linux", licence="GPL-3.0-only"),)
        baselines = (
            Baseline(
                key="scan",
                state=BaselineState.READY,
                reports=(ReportContent(format="spdx", kind="licences", packages=packages),),
            ),
        )
    else:
        baselines = base(*there)
    outcome = denied(f"licences.denied == {count}", "pkg:pypi/b@1=GPL-3.0-only", baselines=baselines)
    assert outcome.value is MET, outcome.says


def test_names_stand_in_for_package_urls_that_are_missing_or_broken() -> None:
    assert denied("licences.denied == 0", "B 2=Zlib", baselines=base("b 1=Zlib")).value is MET
    broken = Package(name="b", purl="pkg:", licence="Zlib")
    report = ReportContent(format="spdx", kind="licences", packages=(broken,))
    outcome = told("licences.denied == 0", Kind.LICENCES, report, licences=ALLOW, baselines=base("b 1=Zlib"))
    assert outcome.value is MET


def test_all_packages_count_where_base_cannot_be_had() -> None:
    impossible = base(state=BaselineState.IMPOSSIBLE)
    assert denied("licences.denied == 1", "b 1=Zlib", baselines=impossible).value is MET


def test_base_is_waited_for_only_where_it_matters() -> None:
    outstanding = base(state=BaselineState.OUTSTANDING)
    outcome = denied("licences.denied == 0", "b 1=Zlib", baselines=outstanding)
    assert (outcome.value, outcome.cause, outcome.checks) == (UNKNOWN, UnknownCause.OUTSTANDING, ("scan",))
    assert outcome.says.endswith("waits for scan on main")
    assert denied("licences.denied < 2", "b 1=Zlib", baselines=outstanding).value is MET
    assert denied("licences.denied == 0", "b 1=MIT", baselines=outstanding).value is MET


def test_the_same_package_twice_counts_once() -> None:
    assert denied("licences.denied == 1", "b 1=Zlib", "b 1=Zlib").value is MET


def test_an_incomplete_bill_is_a_bound() -> None:
    outcome = denied("licences.denied == 0", "b 1=Zlib", conclusion=C.TIMED_OUT)
    assert outcome.value is UNMET
    assert denied("licences.denied == 0", conclusion=C.TIMED_OUT).value is UNKNOWN


def test_advisory_checks_are_left_out() -> None:
    given: Evidence = evidence(reports=[CheckEvidence(key="scan", reports=(bill("b 1=Zlib"),))])
    of = plan(check("scan", Kind.LICENCES, required=False), licences=ALLOW)
    assert denied_packages(of, given) == ()
    assert GateSettings().licences == Licences()


# numbers that reports tell by name


def measures(**told: str) -> ReportContent:
    found = tuple(Measure(metric=name, value=Decimal(value)) for name, value in told.items())
    return ReportContent(format="metrics", kind="measures", measures=found)


def measure(text: str, *reports: ReportContent, **more: object) -> Outcome:
    return told(text, Kind.MEASURES, *reports, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "value", "says"),
    [
        ("measure('scan', 'p99') <= 0.25", MET, "p99 of scan 0.24 ≤ 0.25"),
        ("measure(source='scan', metric='p99') < 0.234", UNMET, "p99 of scan 0.234 ≥ 0.234"),
        ("measure('scan', 'rows') >= 3 * measure('scan', 'p99')", MET, None),
        ("measure('scan', 'p50') <= 1", UNKNOWN, "p50 of scan: scan does not measure p50"),
    ],
)
def test_a_number_by_name(text: str, value: OutcomeValue, says: str | None) -> None:
    outcome = measure(text, measures(p99="0.234", rows="41"))
    assert outcome.value is value
    assert says is None or outcome.says == says


def test_reports_that_tell_different_numbers_tell_none() -> None:
    one, other = measures(p99="0.234"), measures(p99="0.3", rows="1")
    outcome = measure("measure('scan', 'p99') <= 1", one, other)
    assert (outcome.value, outcome.cause) == (UNKNOWN, UnknownCause.MISSING)
    assert outcome.says == "p99 of scan: scan measures p99 as 0.234 and 0.3"
    assert measure("measure('scan', 'p99') <= 1", one, one).value is MET
    assert measure("measure('scan', 'rows') <= 1", one, other).value is MET


def test_only_the_check_that_is_named_counts() -> None:
    checks = (check("scan", Kind.MEASURES), check("other", Kind.MEASURES))
    given = evidence(
        ended("scan", C.SUCCESS, Kind.MEASURES),
        ended("other", None),
        reports=[CheckEvidence(key="scan", reports=(measures(p99="1"),))],
    )
    for text, value in (("measure('scan', 'p99') == 1", MET), ("measure('other', 'p99') == 1", UNKNOWN)):
        assert decide(Expression(text=text), plan(*checks), given, context="gate").value is value


def test_measures_that_are_not_needed_or_missing() -> None:
    text = "measure('scan', 'p99') <= 1"
    assert measure(text, conclusion=C.NOT_NEEDED).value is EXEMPT
    missing = measure(text, conclusion=C.FAILURE)
    assert (missing.value, missing.cause) == (UNKNOWN, UnknownCause.MISSING)
    assert missing.says == "p99 of scan: scan delivered no complete report of measures"
