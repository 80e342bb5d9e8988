"""Formats that many tools write for others to read: Checkstyle, Code Quality, generic issues, rdjson, commands."""

import json
from collections import Counter
from xml.etree import ElementTree as ET

import pytest
from inline_snapshot import snapshot

from app.model import Finding, Kind, ReportSpec, Severity
from app.reports import ReadContext, ingest
from tests.unit.reports.reading import SAMPLES, fault, raw, read, sample


def short(finding: Finding) -> tuple[str, str, str, int, int, int, int]:
    at = (finding.line, finding.column, finding.end_line, finding.end_column)
    return (finding.rule, finding.severity.value, finding.path, *at)


def places(name: str) -> Counter[tuple[str, str, int]]:
    return Counter((found.rule, found.path, found.line) for found in sample(name).findings)


def test_checkstyle():
    read_ = sample("checkstyle.xml")
    assert {finding.tool for finding in read_.findings} == {"checkstyle"}
    assert Counter(finding.rule for finding in read_.findings) == snapshot(
        Counter(
            {
                "JavadocPackage": 1,
                "AvoidStarImport": 1,
                "JavadocVariable": 2,
                "MissingJavadocMethod": 3,
                "FinalParameters": 1,
                "HiddenField": 1,
                "MagicNumber": 4,
                "DesignForExtension": 2,
                "VisibilityModifier": 1,
            }
        )
    )
    assert [short(finding) for finding in read_.findings][:3] == snapshot(
        [
            ("JavadocPackage", "high", "pay/src/main/java/com/acme/shop/Payment.java", 1, 0, 0, 0),
            ("AvoidStarImport", "high", "pay/src/main/java/com/acme/shop/Payment.java", 3, 17, 0, 0),
            ("JavadocVariable", "high", "pay/src/main/java/com/acme/shop/Payment.java", 6, 5, 0, 0),
        ]
    )
    said = ET.parse(SAMPLES / "checkstyle.xml").iter("error")  # noqa: S314 - a sample of ours
    assert [finding.message for finding in read_.findings] == [error.get("message") for error in said]


def test_checkstyle_of_shellcheck():
    """Its places are those of shellcheck's own JSON."""
    read_ = sample("checkstyle_shellcheck.xml")
    assert [(*short(finding), finding.message) for finding in read_.findings] == snapshot(
        [
            (
                "SC1009",
                "low",
                "deploy/build.sh",
                8,
                1,
                0,
                0,
                "The mentioned syntax error was in this if expression.",
            ),
            (
                "SC1073",
                "high",
                "deploy/build.sh",
                8,
                4,
                0,
                0,
                "Couldn't parse this test expression. Fix to allow more checks.",
            ),
            (
                "SC1072",
                "high",
                "deploy/build.sh",
                8,
                17,
                0,
                0,
                "Expected test to end here (don't wrap commands in []/[[]]). Fix any mentioned problems and try again.",
            ),
        ]
    )
    assert {finding.tool for finding in read_.findings} == {"shellcheck"}


@pytest.mark.parametrize(
    ("source", "tool", "rule"),
    [
        ("eslint.rules.no-undef", "eslint", "no-undef"),
        ("detekt.MagicNumber", "detekt", "MagicNumber"),
        ("PSR12.Files.FileHeader", "checkstyle", "PSR12.Files.FileHeader"),
        ("com.puppycrawl.tools.checkstyle.Checker", "checkstyle", "Checker"),
        ("", "checkstyle", "checkstyle"),
    ],
)
def test_the_tool_that_a_source_names(source, tool, rule):
    text = f'<checkstyle><file name="a.x"><error line="" column="-1" source="{source}"/></file></checkstyle>'
    (finding,) = read(text).findings
    assert (finding.tool, finding.rule, finding.message, finding.line) == (tool, rule, rule, 0)
    assert finding.severity is Severity.MEDIUM


def test_checkstyle_that_could_not_read_a_file_says_so():
    read_ = read('<checkstyle><file name="a.java"><exception>stack</exception></file></checkstyle>')
    assert read_.dropped == ("once: file that the tool could not read (first: 'a.java')",)
    assert "outside of a file" in fault('<checkstyle><error line="1"/></checkstyle>')
    assert fault("<report/>", "checkstyle") == "its root element is 'report', not 'checkstyle'"


def test_code_quality_of_ruff():
    """The same as its SARIF, each fingerprint the tool's own."""
    assert places("ruff.sarif") <= places("codequality.json")
    found = sample("codequality.json").findings
    assert [(*short(finding), finding.message) for finding in found][:2] == snapshot(
        [
            ("F401", "medium", "src/shop/prices.py", 3, 8, 3, 10, "`os` imported but unused"),
            (
                "F841",
                "medium",
                "src/shop/prices.py",
                20,
                5,
                20,
                9,
                "Local variable `line` is assigned to but never used",
            ),
        ]
    )
    assert [finding.fingerprint for finding in found] == [
        one["fingerprint"] for one in raw("codequality.json")
    ]


def test_code_quality_of_hadolint():
    assert places("codequality_hadolint.json") == places("hadolint.json")
    assert [finding.severity.value for finding in sample("codequality_hadolint.json").findings] == snapshot(
        ["medium", "critical", "info", "medium", "medium", "info", "medium", "info", "critical"]
    )


def test_a_stream_of_code_climate():
    """One object after another, each ended by a NUL; one that was cut is refused."""
    assert places("hadolint.codeclimate") == places("hadolint.json")
    content = (SAMPLES / "hadolint.codeclimate").read_bytes()
    assert fault(content[:-30]).startswith("issue 9: ")


@pytest.mark.parametrize(
    ("location", "line"),
    [
        ({"path": "a.py"}, 0),
        ({"path": "a.py", "lines": {"begin": 3, "end": 4}}, 3),
        ({"path": "a.py", "positions": {"begin": {"line": 5, "column": 2}}}, 5),
        ({"path": "a.py", "positions": {"begin": {"offset": 70}}}, 0),
    ],
)
def test_places_of_code_quality(location, line):
    one = {"description": "bad", "fingerprint": "not one word", "location": location}
    (finding,) = read(json.dumps([one])).findings
    assert (finding.rule, finding.path, finding.line) == ("codequality", "a.py", line)
    assert " " not in finding.fingerprint


def test_generic_issues_of_hadolint():
    assert places("sonar.json") == places("hadolint.json")
    found = sample("sonar.json").findings
    assert [short(finding) for finding in found][:2] == snapshot(
        [
            ("DL3006", "medium", "deploy/Dockerfile", 1, 1, 1, 2),
            ("DL4000", "high", "deploy/Dockerfile", 2, 1, 2, 2),
        ]
    )
    assert {finding.tool for finding in found} == {"Hadolint"}
    assert Counter(finding.domain for finding in found) == snapshot(
        Counter({"maintainability": 7, "reliability": 2})
    )


def test_generic_issues_since_10_3_say_it_in_rules():
    """The example of SonarQube's own documentation, cut to what matters."""
    report = {
        "rules": [
            {
                "id": "rule1",
                "name": "Do not",
                "engineId": "test",
                "cleanCodeAttribute": "FORMATTED",
                "type": "CODE_SMELL",
                "severity": "CRITICAL",
                "impacts": [
                    {"softwareQuality": "MAINTAINABILITY", "severity": "MEDIUM"},
                    {"softwareQuality": "SECURITY", "severity": "BLOCKER"},
                ],
            },
            {"id": "rule2", "engineId": "test", "type": "BUG", "severity": "MINOR"},
        ],
        "issues": [
            {
                "ruleId": "rule1",
                "effortMinutes": 40,
                "primaryLocation": {
                    "message": "fix the issue here",
                    "filePath": "src/a.php",
                    "textRange": {"startLine": 30, "endLine": 30, "startColumn": 9, "endColumn": 14},
                },
                "secondaryLocations": [],
            },
            {"ruleId": "rule2", "primaryLocation": {"message": "about the file", "filePath": "src/b.php"}},
        ],
    }
    first, second = read(json.dumps(report)).findings
    assert short(first) == ("rule1", "critical", "src/a.php", 30, 10, 30, 15)
    assert (first.domain, first.effort, first.tool) == ("security", 40, "test")
    assert short(second) == ("rule2", "low", "src/b.php", 0, 0, 0, 0)
    assert (second.domain, second.effort) == ("reliability", 0)
    report["issues"] = []
    assert read(json.dumps(report)).findings == ()


def test_of_equally_bad_impacts_security_counts_first_and_each_keeps_its_own():
    def issue(*impacts: tuple[str, str]) -> dict[str, object]:
        return {
            "ruleId": "r",
            "impacts": [{"softwareQuality": quality, "severity": severity} for quality, severity in impacts],
            "primaryLocation": {"message": "m", "filePath": "a.py"},
        }

    report = {
        "issues": [
            issue(("MAINTAINABILITY", "HIGH"), ("RELIABILITY", "LOW"), ("SECURITY", "HIGH")),
            issue(("MAINTAINABILITY", "BLOCKER"), ("SECURITY", "LOW")),
            issue(("RELIABILITY", "LOW")),
            issue(("CLARITY", "LOW"), ("CLARITY", "HIGH")),
        ],
        "rules": [],
    }
    three, two, one, other = read(json.dumps(report)).findings
    assert (three.domain, three.severity) == ("security", "high")
    assert dict(three.impacts) == {"security": "high", "reliability": "low", "maintainability": "high"}
    assert (two.domain, dict(two.impacts)) == (
        "maintainability",
        {"security": "low", "maintainability": "critical"},
    )
    assert (one.domain, one.severity, one.impacts) == ("reliability", "low", ())
    assert (other.domain, other.severity, other.impacts) == ("", "high", ())
    (ruled,) = read(
        json.dumps(report | {"issues": report["issues"][:1]}),
        context=ReadContext(severities={"r": Severity.INFO}),
    ).findings
    assert (ruled.severity, ruled.impacts) == ("info", ())


def test_workflow_commands_of_ruff():
    assert places("ruff.sarif") <= places("ruff.github.txt")
    read_ = sample("ruff.github.txt")
    assert {finding.tool for finding in read_.findings} == {"ruff"}
    assert [(*short(finding), finding.message) for finding in read_.findings][:2] == snapshot(
        [
            (
                "F401",
                "high",
                "src/shop/prices.py",
                3,
                8,
                3,
                10,
                """\
`os` imported but unused
  help: Remove unused import: `os`\
""",
            ),
            (
                "F841",
                "high",
                "src/shop/prices.py",
                20,
                5,
                20,
                9,
                """\
Local variable `line` is assigned to but never used
  help: Remove assignment to unused variable `line`\
""",
            ),
        ]
    )


def test_workflow_commands_of_yamllint():
    assert [
        (*short(finding), finding.message) for finding in sample("yamllint.github.txt").findings
    ] == snapshot(
        [
            (
                "document-start",
                "medium",
                ".github/workflows/ci.yml",
                1,
                1,
                0,
                0,
                'missing document start "---"',
            ),
            (
                "truthy",
                "medium",
                ".github/workflows/ci.yml",
                2,
                1,
                0,
                0,
                "truthy value should be one of [false, true]",
            ),
        ]
    )


COMMANDS = """::group::tests
some output ::error file=a.py::not at the start
  ::warning file=a%2Cb.py,line=3,endLine=x,title=50%25 off%3A now::one%0Atwo
::error::
##[error]an older kind
::stop-commands::pause
::error file=a.py,line=1::while stopped
::other::
::pause::
::NOTICE line=4::[my-rule] said\r
::debug::no finding
"""


def test_workflow_commands_as_github_reads_them():
    found = read(COMMANDS, "github").findings
    assert [
        (finding.rule, finding.severity.value, finding.path, finding.line, finding.message)
        for finding in found
    ] == snapshot(
        [
            (
                "50% off: now",
                "medium",
                "a,b.py",
                3,
                """\
one
two\
""",
            ),
            ("error", "high", "", 0, "error"),
            ("my-rule", "low", "", 0, "said"),
        ]
    )


def test_words_of_a_title_are_no_rule_where_they_may_quote_a_secret():
    spec = ReportSpec(path="out/x", kind=Kind.SECRETS)
    text = (
        b"::error file=a.py,title=found hunter2-secret::[hunter2-secret] here\n::error::[hunter2-secret] x\n"
    )
    found = ingest(text, spec, context=ReadContext()).findings
    assert [(finding.rule, finding.message) for finding in found] == [("error", "error")] * 2


@pytest.mark.parametrize("name", ["ruff.rdjson", "ruff.rdjsonl"])
def test_rdjson_of_ruff(name):
    assert places("ruff.sarif") <= places(name)
    found = sample(name).findings
    # ruff says in rdjson that all are warnings, whatever it says elsewhere.
    severity = "medium" if name == "ruff.rdjson" else "high"
    assert {(finding.tool, finding.severity.value) for finding in found} == {("ruff", severity)}
    assert found[0].message == "`os` imported but unused"
    assert (found[0].column, found[0].end_column) == (8, 10)
    assert found[0].rule_url == "https://docs.astral.sh/ruff/rules/unused-import"


def test_rdjson_of_biome_offers_a_fix():
    assert [(*short(finding), finding.fix) for finding in sample("biome.rdjson").findings] == snapshot(
        [
            (
                "lint/correctness/noUnusedVariables",
                "medium",
                "web/cart.js",
                2,
                7,
                2,
                13,
                "  var _unused = 1;",
            ),
            ("lint/suspicious/noRedundantUseStrict", "medium", "web/prices.js", 1, 1, 1, 14, ""),
        ]
    )


def test_rdjson_is_the_json_of_a_protocol_buffer():
    one = {"message": "m", "severity": 3, "location": {"path": "a.py", "range": {"start": {"line": 2}}}}
    report = {"source": {"name": "x"}, "severity": "ERROR", "diagnostics": [one, {"message": "whole"}]}
    assert [(*short(finding), finding.tool) for finding in read(json.dumps(report)).findings] == [
        ("x", "low", "a.py", 2, 0, 0, 0, "x"),
        ("x", "high", "", 0, 0, 0, 0, "x"),
    ]
    assert read('{"source": {"name": "x"}}', "rdjson").findings == ()
    assert "neither 'diagnostics' nor 'source'" in fault("{}", "rdjson")


def test_rdjsonl_names_the_line_that_is_none():
    good = '{"message": "m", "location": {"path": "a.py"}}\n'
    assert len(read(good + "\n" + good).findings) == 2
    assert fault(good + "oops").startswith("line 2: ")
    assert read("", "rdjsonl").findings == ()


def rdjson(*diagnostics: dict[str, object]) -> str:
    named = {"severity": "ERROR", "code": {"value": "R"}, "source": {"name": "t"}}
    return json.dumps({"diagnostics": [{"message": "m", **named, **one} for one in diagnostics]})


def spot(*ends: int) -> dict[str, object]:
    start_line, start_column, line, column = ends
    where = {"start": {"line": start_line, "column": start_column}, "end": {"line": line, "column": column}}
    return {"path": "a.py", "range": where}


@pytest.mark.parametrize(
    ("ends", "kept"),
    [
        ((3, 1, 4, 1), (3, 1, 3, 0)),
        ((3, 1, 5, 1), (3, 1, 4, 0)),
        ((3, 1, 4, 2), (3, 1, 4, 2)),
        ((3, 1, 3, 1), (3, 1, 3, 1)),
    ],
)
def test_what_ends_before_a_line_does_not_touch_it(ends, kept):
    (one,) = read(rdjson({"location": spot(*ends)})).findings
    assert (one.line, one.column, one.end_line, one.end_column) == kept


def test_a_suggestion_for_whole_lines_replaces_just_these():
    source = b"one\ntwo\nthree\nfour\n"
    suggested = {
        "location": spot(2, 1, 3, 1),
        "suggestions": [{"range": spot(2, 1, 3, 1)["range"], "text": "2\n"}],
    }
    joined = {
        "location": spot(2, 1, 3, 1),
        "suggestions": [{"range": spot(2, 1, 3, 1)["range"], "text": "2"}],
    }
    context = ReadContext(sources=lambda _: source)
    two, none = read(rdjson(suggested, joined), context=context).findings
    assert (two.line, two.end_line, two.fix) == (2, 2, "2")
    assert none.fix == ""


def test_of_a_file_with_many_suggestions_the_source_is_read_once_or_twice():
    asked = []

    def source(path: str) -> bytes:
        asked.append(path)
        return b"x = 1\n" * 500

    one = [
        {"location": spot(at, 1, at, 2), "suggestions": [{"range": spot(at, 1, at, 2)["range"], "text": "y"}]}
        for at in range(1, 400)
    ]
    found = read(rdjson(*one), context=ReadContext(sources=source)).findings
    assert {finding.fix for finding in found} == {"y = 1"}
    assert len(asked) <= 2  # once for suggestions, once for fingerprints
