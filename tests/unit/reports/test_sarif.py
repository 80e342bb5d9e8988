"""SARIF as tools really write it."""

import json

import pytest
from inline_snapshot import snapshot

from app.model import Finding, Severity
from app.reports import Limits, ReadContext
from tests.unit.reports.reading import fault, read


def log(*results: object, rules: object = None, **run: object) -> str:
    tool = {"driver": {"name": "tool", "version": "1.2", "rules": rules}}
    return json.dumps({"version": "2.1.0", "runs": [{"tool": tool, "results": list(results), **run}]})


def result(uri: str | None = "src/a.py", line: int | None = 3, **extra: object) -> dict[str, object]:
    location = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}}
    return {"ruleId": "R1", "message": {"text": "bad"}, "locations": [location], **extra}


def first(text: str, context: ReadContext | None = None) -> Finding:
    return read(text, context=context).findings[0]


@pytest.mark.parametrize(
    ("extra", "rules", "severity"),
    [
        ({}, None, Severity.MEDIUM),
        ({"level": "error"}, None, Severity.HIGH),
        ({"level": "note"}, None, Severity.LOW),
        ({"level": "none"}, None, Severity.INFO),
        ({"level": "banana"}, None, Severity.MEDIUM),
        ({"kind": "informational"}, None, Severity.INFO),
        ({}, [{"id": "R1", "defaultConfiguration": {"level": "error"}}], Severity.HIGH),
        ({"level": "note"}, [{"id": "R1", "defaultConfiguration": {"level": "error"}}], Severity.LOW),
        ({"level": "note"}, [{"id": "R1", "properties": {"security-severity": "9.8"}}], Severity.CRITICAL),
        ({}, [{"id": "R1", "properties": {"security-severity": 7}}], Severity.HIGH),
        ({}, [{"id": "R1", "properties": {"security-severity": "4.0"}}], Severity.MEDIUM),
        ({"level": "error"}, [{"id": "R1", "properties": {"security-severity": "0.1"}}], Severity.LOW),
        ({"level": "error"}, [{"id": "R1", "properties": {"security-severity": "0.0"}}], Severity.HIGH),
        ({"level": "error"}, [{"id": "R1", "properties": {"security-severity": "nan"}}], Severity.HIGH),
        ({"level": "error"}, [{"id": "R1", "properties": {"security-severity": "high"}}], Severity.HIGH),
        ({"ruleId": "R1/sub"}, [{"id": "R1", "defaultConfiguration": {"level": "error"}}], Severity.HIGH),
    ],
)
def test_severity(extra, rules, severity):
    assert first(log(result(**extra), rules=rules)).severity is severity


def test_a_rule_may_be_named_in_four_ways():
    rules = [{"id": "A"}, {"id": "B", "name": "Bee", "helpUri": "https://example.org/b"}]
    ways = [
        {"ruleId": "B"},
        {"ruleId": None, "ruleIndex": 1},
        {"ruleId": None, "rule": {"index": 1}},
        {"ruleId": None, "rule": {"id": "B"}},
    ]
    findings = read(log(*(result(**way) for way in ways), rules=rules)).findings
    assert [(finding.rule, finding.rule_url) for finding in findings] == [("B", "https://example.org/b")] * 4


def test_a_rule_of_an_extension():
    tool = {
        "driver": {"name": "CodeQL", "rules": []},
        "extensions": [
            {"name": "queries", "rules": [{"id": "js/x", "properties": {"security-severity": "8.1"}}]}
        ],
    }
    text = json.dumps(
        {
            "runs": [
                {
                    "tool": tool,
                    "results": [result(ruleId=None, rule={"index": 0, "toolComponent": {"index": 0}})],
                }
            ]
        }
    )
    finding = first(text)
    assert (finding.tool, finding.rule, finding.severity) == ("CodeQL", "js/x", Severity.HIGH)


def test_a_link_that_is_no_web_address_is_no_link():
    assert first(log(result(), rules=[{"id": "R1", "helpUri": "javascript:alert(1)"}])).rule_url == ""


def test_messages_by_id_with_arguments():
    rules = [{"id": "R1", "messageStrings": {"found": {"text": "{0} is not {1}, {7}"}}}]
    extra = {"message": {"id": "found", "arguments": ["a", "b"]}}
    assert first(log(result(**extra), rules=rules)).message == "a is not b, {7}"


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///workspace/src/a%20b.py", "src/a b.py"),
        ("file://localhost/workspace/a.py", "a.py"),
        ("/workspace/./src//a.py", "src/a.py"),
        ("src/../a.py", "a.py"),
        ("./a.py", "a.py"),
        ("c#/a.cs", "c#/a.cs"),
        ("file:///etc/passwd", ""),
        ("file:///workspace/../etc/passwd", ""),
        ("file://evil.example/workspace/a.py", ""),
        ("../a.py", ""),
        ("%2e%2e/%2e%2e/etc/passwd", ""),
        ("https://example.org/a.py", ""),
        ("a\nb.py", ""),
        ("a%00b.py", ""),
        ("/workspace", ""),
        ("x" * 5000, ""),
    ],
)
def test_paths_stay_in_the_repository(uri, path):
    read_ = read(log(result(uri)))
    (finding,) = read_.findings
    assert finding.path == path
    if not path:
        # Still a finding: a gate must not open because a path is odd.
        assert (finding.line, len(read_.dropped)) == (0, 1)
        assert finding.message.startswith("bad (at ")


def test_bases_may_hang_on_bases():
    bases = {"ROOT": {"uri": "file:///workspace/"}, "SRC": {"uri": "src/", "uriBaseId": "ROOT"}}
    location = {"physicalLocation": {"artifactLocation": {"uri": "a.py", "uriBaseId": "SRC"}}}
    assert first(log(result(locations=[location]), originalUriBaseIds=bases)).path == "src/a.py"
    circle = {"SRC": {"uri": "src/", "uriBaseId": "SRC"}}
    assert first(log(result(locations=[location]), originalUriBaseIds=circle)).path.endswith("a.py")


def test_an_artifact_by_index():
    location = {"physicalLocation": {"artifactLocation": {"index": 1}}}
    artifacts = [{"location": {"uri": "x.py"}}, {"location": {"uri": "y.py"}}]
    assert first(log(result(locations=[location]), artifacts=artifacts)).path == "y.py"
    assert first(log(result(locations=[location]), artifacts=[])).path == ""


def test_paths_count_from_where_the_tool_ran():
    context = ReadContext(workdir="api", tree_paths=lambda: {"api/src/a.py", "src/b.py"})
    assert first(log(result("src/a.py")), context).path == "api/src/a.py"
    assert first(log(result("src/b.py")), context).path == "src/b.py"


@pytest.mark.parametrize(
    ("suppressions", "suppressed"),
    [
        (None, False),
        ([], False),
        ([{"kind": "inSource"}], True),
        ([{"kind": "inSource", "status": "accepted"}], True),
        ([{"kind": "external", "status": "underReview"}], False),
        ([{"kind": "inSource"}, {"kind": "external", "status": "rejected"}], False),
    ],
)
def test_suppressions(suppressions, suppressed):
    assert first(log(result(suppressions=suppressions))).suppressed is suppressed


def test_results_that_are_no_findings_are_counted():
    read_ = read(
        log(result(kind="pass"), result(kind="notApplicable"), result(baselineState="absent"), result())
    )
    assert (len(read_.findings), read_.dropped) == (
        1,
        snapshot(("2 times: result that says nothing is wrong", "once: result that the tool says is gone")),
    )


AT = [{"physicalLocation": {"artifactLocation": {"uri": "a.py"}}}]


@pytest.mark.parametrize(
    ("notes", "said"),
    [
        ({}, [("", "tool says that its run failed, and not why")]),
        (
            {"toolExecutionNotifications": [{"message": {"text": "cannot parse a.py"}}]},
            [("", "cannot parse a.py")],
        ),
        (
            {
                "toolExecutionNotifications": [
                    {"level": "note", "message": {"text": "began"}},
                    {"level": "error", "message": {"text": "is not UTF-8"}, "locations": AT},
                ],
                "toolConfigurationNotifications": [{"level": "error", "message": {"text": "no rules"}}],
            },
            [("a.py", "tool did not look into this file: is not UTF-8"), ("", "no rules")],
        ),
    ],
)
def test_a_run_that_its_tool_calls_failed_is_a_finding(notes, said):
    """Whatever the preset's table says of all rules."""
    context = ReadContext(severities={"*": Severity.LOW})
    found = read(log(invocations=[{"executionSuccessful": False, **notes}]), context=context).findings
    assert [(one.path, one.message) for one in found] == said
    assert {(one.rule, one.severity) for one in found} == {("portcullis/not-scanned", Severity.HIGH)}
    assert read(log(invocations=[{"executionSuccessful": True, **notes}])).findings == ()


def test_fingerprints():
    own = {"partialFingerprints": {"zzz": "1234", "primaryLocationLineHash": "abcd:1"}}
    assert first(log(result(**own))).fingerprint == "abcd:1"
    assert first(log(result(fingerprints={"v2": "bbbb", "v1": "aaaa"}))).fingerprint == "aaaa"
    context = ReadContext(sources=lambda _: b"one\ntwo\nthree\n")
    none = {"fingerprints": {"matchBasedId/v1": "requires login"}}
    assert first(log(result(**none)), context).fingerprint == snapshot("bd8bfd8320422591:1")


def test_equal_findings_get_different_fallback_fingerprints():
    fingerprints = [finding.fingerprint for finding in read(log(result(), result(line=9))).findings]
    assert len(set(fingerprints)) == 2
    assert fingerprints[0].partition(":")[0] == fingerprints[1].partition(":")[0]


SOURCE = b"import os\nx = recieve + 1\n"


def fixed(region: dict[str, int], text: str | None, *, line: int = 2, uri: str = "src/a.py") -> str:
    fix = {
        "artifactChanges": [
            {
                "artifactLocation": {"uri": uri},
                "replacements": [{"deletedRegion": region, "insertedContent": {"text": text}}],
            }
        ]
    }
    return first(log(result(line=line, fixes=[fix])), ReadContext(sources=lambda _: SOURCE)).fix


def test_a_simple_fix_is_the_new_text_of_the_lines():
    assert (
        fixed({"startLine": 2, "startColumn": 5, "endLine": 2, "endColumn": 12}, "receive")
        == "x = receive + 1"
    )
    assert fixed({"startLine": 2}, "y = 1") == "y = 1"
    assert fixed({"startLine": 2, "startColumn": 3}, "1") == "x 1"


@pytest.mark.parametrize(
    ("region", "text", "uri"),
    [
        ({"startLine": 1, "startColumn": 1, "endLine": 2, "endColumn": 1}, None, "src/a.py"),
        ({"startLine": 2}, "y = 1", "src/b.py"),
        ({"startLine": 2, "startColumn": 500}, "y", "src/a.py"),
        ({"startLine": 2, "startColumn": 5, "endColumn": 2}, "y", "src/a.py"),
        ({"startLine": 2}, "\x1b[2J\x00", "src/a.py"),
    ],
)
def test_other_fixes_are_left(region, text, uri):
    assert fixed(region, text, uri=uri) == ""


LIST = b"import os\ny = list([1,\n  2])\n"


@pytest.mark.parametrize(
    ("edits", "fix"),
    [
        ([((2, 5, 2, 10), ""), ((3, 5, 3, 6), "")], "y = [1,\n  2]"),
        ([((3, 4, 3, 6), "}"), ((2, 5, 2, 11), "{")], "y = {1,\n  2}"),  # in any order
        ([((2, 1, 2, 2), "x"), ((2, 2, 2, 4), "+"), ((3, 5, 3, 6), "")], "x+ list([1,\n  2]"),
        ([((2, 5, 2, 10), ""), ((2, 8, 3, 6), "")], ""),  # one inside the other
        ([((2, 5, 2, 10), ""), ((2, 12, 9, 1), "")], ""),
        ([((2, 5, 2, 10), ""), ((7, 1, 7, 2), "")], ""),
        ([((1, 1, 1, 7), ""), ((3, 5, 3, 6), "")], ""),  # beside the finding
        ([((2, 5, 0, 0), ""), ((3, 5, 3, 6), "")], ""),
        ([], ""),
    ],
)
def test_a_fix_in_several_places_is_one_new_text(edits, fix):
    names = ("startLine", "startColumn", "endLine", "endColumn")
    replacements = [
        {"deletedRegion": dict(zip(names, at, strict=True)), "insertedContent": {"text": text}}
        for at, text in edits
    ]
    change = {"artifactLocation": {"uri": "src/a.py"}, "replacements": replacements}
    found = result(line=2, fixes=[{"artifactChanges": [change]}])
    found["locations"][0]["physicalLocation"]["region"] |= {"endLine": 3, "endColumn": 6}
    assert first(log(found), ReadContext(sources=lambda _: LIST)).fix == fix


def test_secret_scanners():
    text = log(result()).replace('"tool", "version"', '"gitleaks", "version"')
    assert first(text).secret is True
    assert first(log(result())).secret is False


@pytest.mark.parametrize(
    ("tool", "rule", "secret"),
    [("checkov", "CKV_SECRET_6", True), ("checkov", "CKV_AWS_6", False), ("lint", "CKV_SECRET_6", False)],
)
def test_what_a_tool_for_many_things_says_of_secrets(tool, rule, secret):
    text = log(result(ruleId=rule)).replace('"tool", "version"', f'"{tool}", "version"')
    found = first(text)
    assert (found.rule, found.secret, found.message == "bad") == (rule, secret, not secret)


def test_regions_that_make_no_sense():
    region = {"startLine": 5, "startColumn": -3, "endLine": 2, "endColumn": 10**30}
    location = {"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": region}}
    finding = first(log(result(locations=[location])))
    assert (finding.line, finding.column, finding.end_line, finding.end_column) == (5, 0, 0, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"version": "2.1.0", "runs": [', snapshot("SARIF: Input data was truncated")),
        ('{"version": "2.0.0", "runs": []}', snapshot("$.version: is '2.0.0'")),
        ('{"$schema": "sarif", "version": "2.1.0"}', snapshot("SARIF: Object missing required field `runs`")),
        (
            log({"level": 3}),
            snapshot("$.runs[0].results[0]: Expected `str | null`, got `int` - at `$.level`"),
        ),
        (
            log(result(), result(line="three")),
            snapshot(
                "$.runs[0].results[1]: Expected `int | null`, got `str` - at `$.locations[0].physicalLocation.region.startLine`"
            ),
        ),
        (log("text"), snapshot("$.runs[0].results[0]: Expected `object`, got `str`")),
        (
            log(result()).replace('"bad"', "NaN"),
            snapshot("SARIF: JSON is malformed: invalid character (byte 151)"),
        ),
        ('{"runs": ' + "[" * 100_000, snapshot("SARIF: Expected `object`, got `array` - at `$.runs[0]`")),
        ('{"runs": [], "x": ' + '{"a":' * 100_000, snapshot("SARIF: nested too deeply")),
    ],
)
def test_faults_say_where(text, message):
    assert fault(text, "sarif") == message


def test_broken_text_encodings():
    assert "UTF-8" in fault(log(result()).encode().replace(b'"bad"', b'"b\xff\xfed"'))
    assert "malformed" in fault(log(result()).replace('"bad"', '"\\ud800"'))


def test_too_many():
    assert (
        fault(log(*[result()] * 4), context=ReadContext(limits=Limits(findings=3)))
        == "it holds more than 3 findings"
    )


def test_control_characters_and_length():
    text = "\x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x07link\x07 a\x00b\u202egpj.exe\r\nnext"
    finding = first(log(result(message={"text": text}, ruleId="R\n1\x1b[2J")))
    assert (finding.message, finding.rule) == ("red link abgpj.exe\nnext", "R 1")
    long = first(log(result(message={"text": "x" * 100_000}, ruleId="R" * 100_000)))
    assert (len(long.message), len(long.rule)) == (2_000, 200)
