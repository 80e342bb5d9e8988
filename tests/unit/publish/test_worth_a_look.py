"""What is shown though it is no outcome: suggested fixes, lines not changed, flaky and slow tests."""

from app.model import CheckEvidence, Finding, KnownFlaky, ReportContent
from app.model import TestCase as Case
from app.policy.flaky import test_key as key_of
from app.publish import clean, tables
from app.publish.annotations import _finding, _placed
from app.publish.ran import test_sections as sections_of
from app.publish.shown import Place, ShownFinding
from tests.unit.policy.world import F, ended, evidence, finding


def shown(one: Finding, **fields: object) -> ShownFinding:
    return ShownFinding(finding=one, check="lint", required=True, head=None, **fields)  # type: ignore[arg-type]


def test_a_suggested_fix_cannot_leave_its_fence() -> None:
    hostile = "x = 1\n```\n@everyone <script>\n````\n"
    fenced = clean.suggestion(hostile)
    assert fenced.startswith("`````suggestion\n")
    assert fenced.endswith("\n`````")
    assert clean.suggestion("    indented = 1") == "```suggestion\n    indented = 1\n```"
    (block,) = tables.suggestions([shown(finding(fix=hostile))])
    assert block.startswith("ruff F821 suggests at `a.py:1`:")
    many = tables.suggestions([shown(finding(fix="x"))] * 25)
    assert (len(many), many[-1]) == (21, "… and 5 more suggestions.")
    long = [shown(finding(fix="x" * (tables.FIX_CHARS + 1))), shown(finding(fix="y"))]
    assert len(tables.suggestions(long)) == 2
    assert tables.suggestions(long)[-1] == "… and 1 more suggestion."
    assert tables.suggestions([shown(finding())]) == []


def test_backticks_of_a_message_open_no_code() -> None:
    table = tables.findings_table([shown(finding(message="`os` imported | ``and`` unused"))])
    assert "\\`os\\` imported &#124; \\`\\`and\\`\\` unused" in table


def test_flaky_and_slow_tests_are_listed() -> None:
    cases = [Case(name=f"t{n}", seconds=float(n)) for n in range(8)]
    cases.append(Case(name="shaky", flaky=True, message="timed out"))
    cases.append(Case(name="red", classname="c", outcome=F, message="1 != 2"))
    report = ReportContent(format="junit", kind="tests", tests=tuple(cases))
    history = KnownFlaky(test=key_of("test", cases[-1]), times=3, last="2026-11-20", origin="run 7")
    flaky, slow = sections_of(
        evidence(ended("test"), reports=[CheckEvidence(key="test", reports=(report,))], flaky=(history,))
    )
    known = "passed and failed for the same code 3 times in 30 days, last on 2026-11-20 (run 7)"
    assert flaky.summary == "2 flaky tests: 1 passed only when tried again, 1 failed and is known to be flaky"
    assert flaky.rows == (
        ("shaky", "test", "passed only when tried again", "timed out"),
        ("c::red", "test", known, "1 != 2"),
    )
    assert [row[0] for row in slow.rows] == ["t7", "t6", "t5", "t4", "t3"]
    assert sections_of(evidence()) == ()


def test_an_annotation_tells_rule_fix_and_fingerprint() -> None:
    place = Place(path="a.py", first=1, last=1)
    one = finding(fix="import os", rule_url="https://x.y/r", fingerprint="ab12:1")
    item = ShownFinding(finding=one, check="lint", required=True, head=place, on_changed_line=False)
    (annotation,) = _placed(_finding(item))
    assert annotation.message == (
        "undefined\n(not on a changed line: new through this change all the same)\n\n"
        "ruff F821 suggests:\nimport os\n\nhttps://x.y/r\n\nfingerprint ab12:1"
    )
