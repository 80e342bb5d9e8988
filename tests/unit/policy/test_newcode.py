"""What is new: lines, findings, coverage; and where tested lines are on head."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.language import Vocabulary
from app.model import FileChange, FileStatus, Hunk, Kind
from app.policy import (
    CONDITIONS,
    HeadPlaces,
    NewCoverage,
    is_generated,
    new_coverage,
    new_findings,
    new_lines,
    vocabulary,
)
from app.policy.linemap import Forward
from tests.unit.policy.world import (
    check,
    compare,
    coverage,
    covered,
    evidence,
    file,
    finding,
    findings,
    plan,
)


def test_new_lines_are_added_or_edited_ones() -> None:
    comparison = compare(
        file("a.py", (3, 4), (10, 10)),
        FileChange(path="cut.py", status=FileStatus.MODIFIED, hunks=(Hunk(4, 2, 3, 0),)),
        file("new.py", (1, 2), status=FileStatus.ADDED),
        file("img.png", binary=True),
        file("gone.py", status=FileStatus.REMOVED),
        file("moved.py", old_path="was.py", status=FileStatus.RENAMED),
    )
    new = new_lines(comparison)
    assert set(new) == {"a.py", "cut.py", "new.py", "img.png", "moved.py"}
    assert new["a.py"].among(range(1, 14)) == [3, 4, 10]
    assert new["a.py"].touches(5, 10)
    assert not new["a.py"].touches(5, 9)
    assert new["a.py"].touches(1, 3)
    assert new["cut.py"].among(range(1, 14)) == []
    assert new["new.py"].touches(99, 99)
    assert new["img.png"].among([1, 5]) == [1, 5]
    assert not new["moved.py"].touches(1, 99)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 4)), max_size=8))
def test_an_old_line_is_found_where_its_text_is(edits: list[tuple[int, int, int]]) -> None:
    old = [f"line {n}" for n in range(40)]
    new: list[str] = []
    hunks = []
    at = 0
    for index, (keep, cut, add) in enumerate(edits):
        if not cut and not add:
            continue
        kept = keep + 1  # hunks of a real diff never touch
        new += old[at : at + kept]
        at += kept
        start = at + 1 if cut else at
        hunks.append(Hunk(start, cut, len(new) + (1 if add else 0), add))
        new += [f"new {index}.{n}" for n in range(add)]
        at += cut
    new += old[at:]
    forward = Forward(hunks)
    for number, text in enumerate(old, start=1):
        mapped = forward.line(number)
        if mapped is None:
            assert text not in new
        else:
            assert new[mapped - 1] == text


def test_tested_lines_on_head() -> None:
    comparison = compare(
        to_head=(
            file("a.py", hunks=(Hunk(2, 3, 1, 0), Hunk(9, 0, 7, 2))),
            file("gone.py", status=FileStatus.REMOVED),
            file("only-head.py", status=FileStatus.ADDED),
            file("img.png", binary=True),
            file("head-name.py", old_path="tested-name.py", status=FileStatus.RENAMED),
            file("mode.sh"),
        )
    )
    places = HeadPlaces(comparison)

    def line(path: str, number: int) -> int | None:
        place = places.place(path, number)
        return place[1] if place is not None and place[0] == path else None

    assert line("same.py", 5) == 5
    assert line("a.py", 1) == 1
    assert [line("a.py", n) for n in (2, 3, 4)] == [None] * 3
    assert line("a.py", 9) == 6
    assert line("a.py", 10) == 9
    assert line("gone.py", 1) is None
    assert line("img.png", 1) is None
    assert line("mode.sh", 4) == 4
    assert line("tested-name.py", 4) is None
    assert places.place("tested-name.py", 4) == ("head-name.py", 4)
    assert places.place("only-head.py", 4) == ("only-head.py", 4)


@pytest.mark.parametrize(
    ("path", "line", "end", "by"),
    [
        ("a.py", 3, 0, "line"),
        ("a.py", 2, 0, None),
        ("a.py", 2, 3, "line"),
        ("a.py", 5, 3, None),
        ("a.py", 0, 0, "file"),
        ("other.py", 3, 0, None),
        ("other.py", 0, 0, None),
        ("was.py", 0, 0, "file"),
        ("moved.py", 0, 0, "file"),
        ("moved.py", 4, 0, None),
        ("added.py", 77, 0, "line"),
        ("", 0, 0, "project"),
        ("", 4, 0, "project"),
    ],
)
def test_new_findings(path: str, line: int, end: int, by: str | None) -> None:
    changes = [
        file("a.py", (3, 4)),
        file("moved.py", old_path="was.py", status=FileStatus.RENAMED),
        file("added.py", (1, 2), status=FileStatus.ADDED),
    ]
    one = finding(path, line, end_line=end)
    given = evidence(reports=[findings("lint", one), findings("docs", one)], files=changes)
    checks = plan(check("lint", Kind.FINDINGS), check("docs", Kind.FINDINGS, required=False))
    found = new_findings(checks, given)
    assert [(new.check, new.by) for new in found] == ([("lint", by)] if by else [])


def test_suppressed_findings_are_not_new_and_secrets_are_told() -> None:
    given = evidence(
        reports=[findings("lint", finding(suppressed=True), finding(secret=True))],
        files=[file("a.py", (1, 1))],
    )
    (new,) = new_findings(plan(check("lint", Kind.FINDINGS)), given)
    assert new.finding.secret


def test_generated_paths() -> None:
    settings = plan(generated=("*.lock", "src/*_pb2.py"))
    assert is_generated(settings, "a/uv.lock")
    assert is_generated(settings, "src/x_pb2.py")
    assert not is_generated(settings, "src/x.py")


def measure(
    *reports: object, files: list[FileChange], roots: tuple[str, ...] = (), **settings: object
) -> NewCoverage:
    delivered = [coverage(f"test{n}", *report, roots=roots) for n, report in enumerate(reports)]  # type: ignore[misc]
    checks = [check(one.key, Kind.COVERAGE) for one in delivered]
    return new_coverage(plan(*checks, **settings), evidence(reports=delivered, files=files))


def test_coverage_on_new_code_counts_lines_and_branches() -> None:
    report = [covered("src/a.py", "1+ 2+ 3- 4- 5+", b2=(1, 2), b5=(0, 2))]
    found = measure(report, files=[file("src/a.py", (2, 4))])
    assert (found.covered, found.total, found.added, found.percent) == (2, 5, 3, Fraction(40))
    assert found.files[0].missed == (3, 4)
    assert found.small_change
    assert found.measured


def test_a_line_is_run_if_any_report_ran_it() -> None:
    first = [covered("src/a.py", "1+ 2-", b1=(1, 4))]
    second = [covered("src/a.py", "2+ 3-", b1=(2, 4), b2=(0, 2))]
    found = measure(first, second, files=[file("src/a.py", (1, 3))])
    assert (found.covered, found.total) == (2 + 2, 3 + 4 + 2)
    assert found.files[0].missed == (3,)


def test_expected_files_that_no_report_names_are_uncovered() -> None:
    report = [covered("src/a.py", "1+")]
    new = FileStatus.ADDED
    files = [
        file("src/a.py", (1, 1)),
        file("src/deep/b.py", (1, 9), status=new, added_nonblank=7),
        file("src/readme.md", (1, 9), status=new),
        file("src/x.py", status=new, binary=True),
        file("src/gone.py", status=FileStatus.REMOVED),
        file("src/skip/c.py", (1, 9), status=new),
        file("src/pb2.py", (1, 9), status=new),
        file("tools/d.py", (1, 9), status=new),
        file("setup.py", (1, 9), status=new),
        file("Makefile", (1, 9), status=new),
    ]
    found = measure(report, files=files, coverage_exclude=("src/skip/",), generated=("src/pb2.py",))
    assert [(one.path, one.covered, one.total, one.unreported) for one in found.files] == [
        ("src/a.py", 1, 1, False),
        ("src/deep/b.py", 0, 7, True),
    ]
    assert (found.added, found.percent) == (8, Fraction(100, 8))


def test_roots_are_those_that_the_report_names() -> None:
    report = [covered("src/a.py", "1+")]
    files = [file("tools/d.py", (1, 9)), file("setup.py", (1, 2))]
    assert measure(report, files=files).total == 0
    assert measure(report, files=files, roots=("tools/",)).total == 9
    assert measure(report, files=files, roots=("",)).total == 11
    top = [covered("setup.py", "1+"), covered("src/a.py", "1+")]
    assert [one.path for one in measure(top, files=[file("other.py", (1, 2)), *files]).files] == [
        "other.py",
        "setup.py",
    ]


def test_nothing_measured() -> None:
    found = measure(files=[file("a.py", (1, 1))])
    assert (found.measured, found.percent) == (False, None)


@given(st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=20), st.integers(1, 12))
def test_more_hits_never_lower_coverage(lines: list[tuple[int, bool]], extra: int) -> None:
    words = " ".join(f"{line}{'+' if hit else '-'}" for line, hit in dict(lines).items())
    files = [file("a.py", (1, 12))]
    alone = measure([covered("a.py", words)], files=files)
    if not words or extra not in dict(lines):
        return
    more = measure([covered("a.py", words)], [covered("a.py", f"{extra}+")], files=files)
    assert more.total == alone.total
    assert more.covered >= alone.covered


def test_every_name_of_the_language_is_documented_and_distinct() -> None:
    words: Vocabulary = vocabulary()
    declared = [
        name
        for family in CONDITIONS
        for part in (family.facts, family.operations, family.later_names, family.later_functions)
        for name in part
    ]
    assert len(declared) == len(set(declared)) == len(words.names) + len(words.functions)
    for meaning in [*words.names.values(), *words.functions.values(), *words.per_check.values()]:
        assert meaning.doc.endswith(".")
    for family in CONDITIONS:
        assert family.doc.endswith(".")
    assert vocabulary() is words


def test_the_language_knows_every_name_of_the_specification() -> None:
    names = set(vocabulary().names)
    families = {
        "pr": "number title author base head draft labels from_fork trusted ai_authored reverts",
        "size": "added removed files bytes",
        "tests": "passed failed new_failed skipped total removed flaky",
        "coverage": "new overall delta",
        "duplication": "new overall",
        "rating": "security.new reliability.new maintainability.new",
    }
    assert {f"{family}.{name}" for family, some in families.items() for name in some.split()} <= names
    assert {
        "checks.passed", "complexity.new_max", "secrets.new", "suppressions.new", "licences.denied", "approvals",
        "reviews.changes_requested", "waivers.used", "verdict", "waiting_for", "window",
    } <= names  # fmt: skip
    assert set(vocabulary().functions) == {
        "findings", "changed", "only_changed", "has_label", "approved_by", "author_in", "like", "measure", "deployed",
    }  # fmt: skip
    assert set(vocabulary().per_check) == {"passed", "conclusion", "seconds", "config_changed"}
    later = {name for name, meaning in vocabulary().names.items() if meaning.unsupported}
    assert later == {
        "verdict", "waiting_for", "window",
    }  # fmt: skip
