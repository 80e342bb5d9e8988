"""mypy's JSON lines."""

from inline_snapshot import snapshot

from app.model import ReportSpec, Severity
from app.reports import ReadContext, ingest
from tests.unit.reports.reading import fault, read

NOTE = '{"file": "c.py", "line": 1, "column": 12, "message": "Revealed type is \\"int\\"", "hint": "See docs", "code": "misc", "severity": "note"}'


def test_a_clean_run_is_one_empty_line():
    assert read("\n", "mypy").findings == ()
    assert read("", "mypy").findings == ()


def test_without_a_declared_format_nothing_says_it_is_mypy():
    assert fault("\n") == "it is empty"


def test_notes_and_hints():
    (finding,) = read(NOTE).findings
    assert (finding.severity, finding.message, finding.column) == (
        Severity.LOW,
        'Revealed type is "int"\nSee docs',
        13,
    )


def test_a_stopped_run_is_not_a_clean_one():
    """What it says when a file it was told to check is not there."""
    summary = "Found 1 error in 1 file (errors prevented further checking)\n"
    assert fault(summary, "mypy") == snapshot(
        "line 1: 'Found 1 error in 1 file (errors prevented further checking)', of which 0 are in it"
    )
    assert len(read(f"{NOTE.replace('note', 'error')}\n{summary}").findings) == 1


def test_text_instead_of_json():
    assert fault("a.py:1: error: Bad  [misc]\n", "mypy") == snapshot(
        "line 1: 'a.py:1: error: Bad [misc]' is no JSON object of mypy (JSON is malformed: invalid character (byte 0))"
    )
    assert "line 2" in fault(NOTE + "\n[[[[\n", "mypy")
    assert "line 1" in fault("[" * 200_000, "mypy")


def test_severities_of_the_preset():
    context = ReadContext(severities={"misc": Severity.CRITICAL})
    assert (
        ingest(NOTE.encode(), ReportSpec(path="out/m"), context=context).findings[0].severity
        is Severity.CRITICAL
    )
