import json

import jsonschema_rs
import pytest
from inline_snapshot import snapshot

from app.plan import as_json, format_diagnostic, json_schema

TEN = """\
version: 1
on: {branch: [main]}
checks:
  lint: {use: ruf}
  test:
    timout: 20m
    run: pytest -q
    needs: [lnt]
    matrix: {python: [3.10, '3.11']}
    reports: [build/junit.xml]
  unit:
    run: echo ${matrix.os}
  loop: {run: x, needs: [pool]}
  pool: {run: y, needs: [loop], setup: z}
  both: {run: a, use: mypy}
gate:
  - checks.unit.seconds < 5
  - >-
    checks.unit.passed
    and size.added <= "800"
settings: {mode: observ}
"""


def test_ten_and_more_mistakes_are_told_at_once_each_at_its_place(complaints):
    assert complaints(TEN) == snapshot(
        [
            ("G012", 2, 6, 6, "on.branch: unknown key 'branch'"),
            ("G024", 4, 15, 3, "checks.lint.use: unknown preset 'ruf'"),
            ("G012", 6, 5, 6, "checks.test.timout: unknown key 'timout'"),
            ("G022", 8, 13, 3, "checks.test.needs[0]: there is no check 'lnt'"),
            ("G028", 9, 23, 4, "checks.test.matrix.python[0]: unquoted 3.10 in a matrix"),
            ("G026", 10, 15, 15, "checks.test.reports[0]: 'build/junit.xml' is not beneath out/"),
            ("G029", 12, 15, 12, "checks.unit.run: unknown axis 'os'"),
            ("G023", 14, 26, 4, "checks.pool: checks wait for each other: loop → pool → loop"),
            ("G010", 14, 33, 5, "checks.pool.setup: 'setup' needs 'cache'"),
            ("G021", 15, 18, 3, "checks.both: exactly one of run, use, external: this check has run and use"),
            ("G105", 20, 9, 19, "gate[1]: a number cannot be compared with a text"),
            ("G014", 21, 18, 6, "settings.mode: unknown mode 'observ'"),
        ]
    )


def test_the_form_is_that_of_the_specification(read):
    text = "version: 1\n" + "\n" * 16 + "checks:\n  test:\n    run: pytest\n    tree: head\n    timout: 20m\n"
    (one,) = read(text).diagnostics
    assert format_diagnostic(one) == (
        "error[G012]: checks.test.timout: unknown key 'timout'\n"
        "  --> .portcullis.yml:22:5\n"
        "   |\n"
        "22 |     timout: 20m\n"
        "   |     ^^^^^^ did you mean 'timeout'?\n"
        "   = help: portcullis explain checks"
    )
    assert as_json(one) == {
        "code": "G012",
        "severity": "error",
        "message": "checks.test.timout: unknown key 'timout'",
        "path": ".portcullis.yml",
        "line": 22,
        "column": 5,
        "hint": "did you mean 'timeout'?; portcullis explain checks",
    }


def test_every_complaint_can_be_printed_and_encoded(read):
    for one in read(TEN).diagnostics:
        lines = format_diagnostic(one).splitlines()
        assert lines[1].endswith(f".portcullis.yml:{one.line}:{one.column}")
        assert lines[3].endswith(TEN.splitlines()[one.line - 1])
        caret = lines[4].index("^") - lines[3].index("|")
        assert caret == one.column + 1
        json.dumps(as_json(one))


@pytest.mark.parametrize(
    ("item", "column", "length"),
    [
        ("  - covrage.new >= 80%", 5, 11),
        ("  - 'covrage.new >= 80%'", 6, 11),
        ("  - '''x'' == covrage.new'", 15, 11),
        ('  - "\\x63ovrage.new >= 80%"', 6, 14),
        ('  - "pr.base == \\"x\\" and covrage.new"', 27, 11),
        ("  - {expect: covrage.new >= 80%}", 14, 11),
        ("  - any: [pr.draft, covrage.new == 1]", 21, 11),
        ("  - like(pr.title, '😀') and covrage.new == 1%", 29, 11),
    ],
)
def test_columns_inside_quoted_scalars(read, item, column, length):
    text = f"version: 1\nchecks:\n  a: {{run: x, reports: [out/coverage.xml]}}\ngate:\n{item}\n"
    found = [one for one in read(text).diagnostics if "covrage" in one.message]
    assert [(one.line, one.column, one.length) for one in found] == [(5, column, length)]


@pytest.mark.parametrize(
    ("item", "line", "column"),
    [
        ("  - |\n    pr.draft and\n    covrage.new > 1%\n", 7, 5),
        ("  - >-\n\n      pr.draft\n      and covrage.new > 1%\n", 8, 11),
        ("  - pr.draft\n    and\n\n    covrage.new > 1%\n", 8, 5),
        ("  - 'pr.draft\n     and   covrage.new > 1%'\n", 6, 12),
        ('  - "pr.draft \\\n      and covrage.new > 1%"\n', 6, 11),
        ("  - pr.draft\r\n    and covrage.new > 1%\r\n", 6, 9),
    ],
)
def test_columns_inside_scalars_of_many_lines(read, item, line, column):
    text = f"version: 1\nchecks:\n  a: {{run: x, reports: [out/coverage.xml]}}\ngate:\n{item}"
    found = [one for one in read(text).diagnostics if "covrage" in one.message]
    assert [(one.line, one.column, one.length) for one in found] == [(line, column, 11)]


@pytest.mark.parametrize(
    "item",
    [
        "  - {expect: findings('high', 'new') == 0}",
        "  - any: [findings('high', 'new') == 0]",
        "  - {expect: like(pr.title, x), advisory: true}",
        "  - {when: pr.draft, require: [approved_by(a, 2)]}",
    ],
)
def test_a_comma_in_a_flow_collection_hints_at_quotes(read, item):
    text = f"version: 1\nchecks: {{lint: {{use: ruff}}}}\ngate:\n{item}\n"
    diagnostics = read(text).diagnostics
    assert diagnostics
    assert any("quote" in one.hint and "comma" in one.hint for one in diagnostics), diagnostics


@pytest.mark.parametrize(
    ("item", "hint"),
    [
        ("settings: {comment: 3}", "one of: always, blocked, never"),
        ("settings: {mode: [enforce]}", "one of: enforce, observe"),
        ("checks: {a: {run: x, after: [pr.draft]}}", "join conditions by and, or"),
    ],
)
def test_what_is_not_even_a_text_is_told_what_to_write(read, item, hint):
    (diagnostic,) = read(f"version: 1\n{item}\n").diagnostics
    assert diagnostic.hint.startswith(hint)


def test_at_most_fifty_in_the_order_of_the_file(read):
    text = "version: 1\n" + "".join(f"k{i}: 1\n" for i in range(500))
    diagnostics = read(text).diagnostics
    assert [one.line for one in diagnostics] == list(range(2, 52))


def test_control_characters_of_the_file_are_not_printed(read):
    text = 'version: 1\n"a\\u001b[31m\\u202e": 1\nchecks: {"\u202eb": 1}\n'
    printed = "\n".join(format_diagnostic(one) for one in read(text).diagnostics)
    assert "\x1b" not in printed
    assert "\u202e" not in printed


def test_a_very_long_line_is_cut(read):
    text = "version: 1\nchecks: {" + "a: {run: x}, " * 900 + "B: 1}\n"
    for one in read(text).diagnostics:
        assert max(map(len, format_diagnostic(one).splitlines())) < 700


def test_one_mistake_is_one_complaint(complaints):
    """A misspelt preset does not make the conditions on its findings wrong too."""
    text = "version: 1\nchecks: {lint: {use: ruf}}\ngate: [\"findings('high', 'new') == 0\"]\n"
    assert [one[0] for one in complaints(text)] == ["G024"]


def test_advisory_items_that_nothing_feeds_are_warnings(read):
    text = "version: 1\nchecks: {lint: {use: ruff}}\ngate:\n  - findings('high', 'new') == 0\n"
    parsed = read(text + "  - {expect: coverage.new >= 80%, advisory: true}\n")
    assert [(one.code, one.severity) for one in parsed.diagnostics] == [("G109", "warning")]
    assert parsed.gatefile is not None
    assert parsed.gatefile.warnings == parsed.diagnostics
    assert [one.code for one in read(text + "  - coverage.new >= 80%\n").diagnostics] == ["G109"]


def test_findings_that_nothing_judges_are_a_warning(read):
    parsed = read("version: 1\nchecks: {lint: {use: ruff}}\ngate: [checks.passed]\n")
    assert parsed.gatefile is not None
    assert [(one.code, one.severity, one.line, one.column) for one in parsed.diagnostics] == [
        ("G050", "warning", 2, 10)
    ]


def test_json_has_the_promised_keys(read):
    schema = {
        "type": "object",
        "required": ["code", "severity", "message", "path", "line", "column", "hint"],
        "additionalProperties": {"type": ["string", "integer"]},
    }
    for one in read(TEN).diagnostics:
        jsonschema_rs.validate(schema, as_json(one))


def test_a_word_that_is_far_too_long_gets_no_suggestion(read):
    (one,) = read("version: 1\n" + "x" * 500 + ": 1\n").diagnostics
    assert one.label == ""
    assert one.length == 500
    assert len(one.message) < 100


def test_what_a_hint_tells_to_explain_can_be_explained(read, catalogue):
    hints = {
        one.hint
        for text in (TEN, "version: 1\nsettings: {x: 1}\ndefaults: {x: 1}\n")
        for one in read(text).diagnostics
    }
    topics = {
        hint.removeprefix("portcullis explain ") for hint in hints if hint.startswith("portcullis explain ")
    }
    assert topics >= {"checks", "on", "settings", "defaults"}
    assert topics <= json_schema(catalogue)["properties"].keys()
    (one,) = read("version: 1\nfoo: 1\n").diagnostics
    assert one.hint == "keys: version, on, defaults, checks, gate, settings, waivers"


def test_a_file_without_version_is_told_how_to_begin(read):
    for text in ("checks: {}\n", ""):
        (one,) = read(text).diagnostics
        assert one.hint == "begin with: version: 1"
