"""Conditions on findings, coverage and size: values and words."""

import pytest

from app.model import FileStatus, Kind, Outcome, Severity, UnknownCause
from tests.unit.policy.decided import EXEMPT, MET, UNKNOWN, UNMET, judge
from tests.unit.policy.world import C, check, coverage, covered, ended, file, finding, findings, plan

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
