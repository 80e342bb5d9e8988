"""Real reports of real tools: what they say is what we read, totals equal the tools' own."""

import pytest
from inline_snapshot import snapshot
from msgspec import to_builtins

from app import model
from app.model import Finding, Severity
from app.reports import ReadContext
from tests.unit.reports.reading import SAMPLES, sample


def short(finding: Finding) -> tuple[str, str, str, int]:
    return (finding.rule, finding.severity.value, finding.path, finding.line)


def test_every_sample_is_read_and_nothing_is_left_out():
    files = [path.name for path in SAMPLES.iterdir() if path.is_file()]
    assert len(files) >= 10
    for name in files:
        read = sample(name)
        assert read.dropped == ()
        assert read.path == f"out/{name}"


def test_ruff():
    read = sample("ruff.sarif")
    assert (read.format, read.kind, read.tool, read.tool_version) == snapshot(
        ("sarif", "findings", "ruff", "0.17.5")
    )
    assert [short(finding) for finding in read.findings] == snapshot(
        [
            ("F401", "high", "src/shop/prices.py", 3),
            ("F841", "high", "src/shop/prices.py", 20),
            ("F821", "high", "src/shop/prices.py", 20),
            ("F841", "high", "src/shop/prices.py", 21),
        ]
    )
    assert to_builtins(read.findings[0]) == snapshot(
        {
            "tool": "ruff",
            "rule": "F401",
            "message": "`os` imported but unused",
            "severity": "high",
            "path": "src/shop/prices.py",
            "line": 3,
            "column": 8,
            "end_line": 3,
            "end_column": 10,
            "rule_url": "https://docs.astral.sh/ruff/rules/unused-import",
            "fingerprint": "e34ca672c6f21b00:1",
            "line_hash": "0bc74ae3e502004a",
            "domain": "maintainability",
        }
    )


def test_ruff_in_preview_names_its_rules_by_words():
    assert [short(finding) for finding in sample("ruff_preview.sarif").findings] == snapshot(
        [("unused-import", "high", "src/shop/prices.py", 3)]
    )


def test_bandit():
    assert [short(finding) for finding in sample("bandit.sarif").findings] == snapshot(
        [
            ("B404", "low", "src/shop/prices.py", 4),
            ("B105", "low", "src/shop/prices.py", 21),
            ("B602", "high", "src/shop/prices.py", 22),
        ]
    )


def test_zizmor():
    assert [short(finding) for finding in sample("zizmor.sarif").findings] == snapshot(
        [
            ("zizmor/dangerous-triggers", "high", ".github/workflows/ci.yml", 2),
            ("zizmor/template-injection", "high", ".github/workflows/ci.yml", 10),
            ("zizmor/unpinned-uses", "high", ".github/workflows/ci.yml", 7),
        ]
    )


def test_typos_breaks_the_schema_and_offers_a_fix():
    read = sample("typos.sarif")
    assert [(*short(finding), finding.message, finding.fix) for finding in read.findings] == snapshot(
        [("typos", "high", "src/shop/prices.py", 23, "`recieve` should be `receive`", '    return "receive"')]
    )


def test_mypy():
    read = sample("mypy.jsonl")
    assert [short(finding) for finding in read.findings] == snapshot(
        [
            ("assignment", "high", "src/shop/stock.py", 11),
            ("arg-type", "high", "src/shop/stock.py", 15),
            ("no-untyped-def", "high", "src/shop/prices.py", 7),
            ("name-defined", "high", "src/shop/prices.py", 20),
            ("return-value", "high", "src/shop/prices.py", 23),
        ]
    )
    assert to_builtins(read.findings[0]) == snapshot(
        {
            "tool": "mypy",
            "rule": "assignment",
            "message": 'Incompatible types in assignment (expression has type "str", variable has type "int")',
            "severity": "high",
            "path": "src/shop/stock.py",
            "line": 11,
            "column": 17,
            "end_line": 11,
            "end_column": 22,
            "rule_url": "https://mypy.readthedocs.io/en/stable/_refs.html#code-assignment",
            "fingerprint": "97b6154667f32e89:1",
            "line_hash": "df59699fd3a0de49",
            "domain": "reliability",
        }
    )


@pytest.mark.parametrize("name", ["pytest.xml", "pytest_xunit1.xml"])
def test_pytest_counts_as_its_last_line_does(name):
    """2 failed, 4 passed, 1 skipped, 1 xfailed, 1 error."""
    read = sample(name)
    outcomes = [test.outcome for test in read.tests]
    counts = {outcome.value: outcomes.count(outcome) for outcome in model.TestOutcome}
    assert counts == {"passed": 4, "failed": 2, "errored": 1, "skipped": 2}
    assert read.tool == "pytest"
    by_name = {test.name: test for test in read.tests}
    assert by_name["test_discount"].message == "assert 90.0 == 91\n +  where 90.0 = total([100], discount=10)"
    assert by_name["test_discount"].output.endswith("tests/test_shop.py:11: AssertionError")
    assert by_name["test_out"].classname == "tests.test_shop.TestShelf"
    assert "no database red" in by_name["test_needs"].message


def test_pytest_in_its_older_family_says_where_tests_are():
    assert {test.name: (test.path, test.line) for test in sample("pytest_xunit1.xml").tests}[
        "test_discount"
    ] == ("tests/test_shop.py", 10)


def test_coverage_in_both_formats_says_the_same_as_the_terminal():
    """28 statements, 9 missed; 8 branches, 1 partial; paths found again below src/shop."""
    cobertura, lcov = sample("cobertura.xml"), sample("coverage.lcov")
    assert cobertura.coverage == lcov.coverage
    assert cobertura.roots == ("src/shop",)
    assert cobertura.tool_version == "7.17.3"
    lines = [hits for file in cobertura.coverage for hits in file.lines.values()]
    branches = [counts for file in cobertura.coverage for counts in file.branches.values()]
    assert (len(lines), lines.count(0)) == (28, 9)
    assert (sum(total for _, total in branches), sum(covered for covered, _ in branches)) == (8, 7)
    assert [file.path for file in cobertura.coverage] == [
        "src/shop/__init__.py",
        "src/shop/prices.py",
        "src/shop/stock.py",
    ]
    assert cobertura.coverage[2].branches == {5: (1, 2)}


def test_severities_of_a_preset_beat_the_level():
    context = ReadContext(
        severities={"F*": Severity.LOW, "F82*": Severity.CRITICAL, "unused-*": Severity.INFO}
    )
    found = {finding.rule: finding.severity for finding in sample("ruff.sarif", context).findings}
    assert found == {"F401": Severity.LOW, "F821": Severity.CRITICAL, "F841": Severity.LOW}
    preview = sample("ruff_preview.sarif", context).findings
    assert {finding.severity for finding in preview} == {Severity.INFO}
