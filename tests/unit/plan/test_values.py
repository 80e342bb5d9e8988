"""Values of the wrong shape, one by one; and what is right in an unusual form."""

import pytest

from app.plan.matrix import Axis, Matrix, expand

HEAD = "version: 1\nchecks:\n"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("version: 1\nchecks: []\n", "G011 2:9 checks: a list where a mapping is expected"),
        ("version: 1\nchecks: 3\n", "G011 2:9 checks: the number '3' where a mapping is expected"),
        ("version: [1]\n", "G014 1:10 version: a list where version 1 is expected"),
        ("version: 1\non: {events: []}\n", "G014 2:14 on.events: a list where a list of 1 to 1000 is expected"),
        (HEAD + "  a: {run: []}\n", "G014 3:12 checks.a.run: a list where a list of 1 to 200 is expected"),
        (HEAD + "  a: {run: [[x]]}\n", "G011 3:13 checks.a.run[0]: a list where an argument is expected"),
        (HEAD + '  a: {run: "x\\0y"}\n', "G014 3:12 checks.a.run: the text 'x\ufffdy' where a script or a list of arguments is expected"),
        (HEAD + "  a: {run: x, needs: [B]}\n", "G022 3:23 checks.a.needs[0]: there is no check 'B'"),
        (HEAD + "  a: {run: x, needs: [{soft: true}]}\n", "G010 3:23 checks.a.needs[0]: 'check' is missing"),
        (HEAD + "  a: {run: x, when: [pr.draft]}\n", "G011 3:21 checks.a.when: a list where an expression is expected"),
        (HEAD + "  a: {run: x, timeout: [5m]}\n", "G015 3:24 checks.a.timeout: a list where a duration like 30s, 10m, 2h is expected"),
        (HEAD + "  a: {run: x, resources: {pids: true}}\n", "G011 3:33 checks.a.resources.pids: true/false 'true' where a whole number from 1 to 32768 is expected"),
        (HEAD + "  a: {run: x, resources: {cpus: many}}\n", "G011 3:33 checks.a.resources.cpus: the text 'many' where a number above 0, at most 256 is expected"),
        (HEAD + "  a: {run: x, resources: {cpus: 0}}\n", "G014 3:33 checks.a.resources.cpus: the number '0' where a number above 0, at most 256 is expected"),
        (HEAD + "  a: {run: x, matrix: [a]}\n", "G011 3:23 checks.a.matrix: a list where a mapping of axes is expected"),
        (HEAD + "  a: {run: x, matrix: {}}\n", "G028 3:23 checks.a.matrix: a mapping where at least one axis is expected"),
        (HEAD + "  a: {run: x, matrix: {V: [a]}}\n", "G028 3:24 checks.a.matrix: 'V' is not an axis name"),
        (HEAD + "  a: {run: x, matrix: {v: [[a]]}}\n", "G028 3:28 checks.a.matrix.v[0]: a list where a text or a whole number is expected"),
        (HEAD + "  a: {run: x, matrix: {v: {from: 's/*/', max: 0}}}\n", "G014 3:47 checks.a.matrix.v.max: the number '0' where a whole number from 1 to 200 is expected"),
        (HEAD + "  a: {run: x, matrix: {v: {from: ' x'}}}\n", "G014 3:34 checks.a.matrix.v.from: the text ' x' where a glob of folders ('services/*/') or files is expected"),
        (HEAD + "  a: {run: x, reports: [{format: sarif}]}\ngate: []\n", "G010 3:25 checks.a.reports[0]: 'path' is missing"),
        (HEAD + "  a: {use: ruff, workdri: x}\n", "G012 3:18 checks.a.workdri: unknown key 'workdri'"),
        ("version: 1\ngate: [{when: pr.draft, require: []}]\n", "G014 2:34 gate[0].require: a list where at least one condition is expected"),
        ("version: 1\ngate: [{when: [x], require: [pr.draft]}]\n", "G011 2:15 gate[0].when: a list where an expression is expected"),
        ("version: 1\ngate: [{expect: pr.draft, because: [x]}]\n", "G011 2:36 gate[0].because: a list where a text of at most 500 characters is expected"),
        ("version: 1\ngate: [{expect: pr.draft, advisory: maybe}]\n", "G011 2:37 gate[0].advisory: the text 'maybe' where true or false is expected"),
        ("version: 1\ngate: [" + "{all: [" * 9 + "{all: [pr.draft]}" + "]}" * 9 + "]\n", "G003 2:71"),
        ("version: 1\nsettings: {small_change: {}}\n", "G010 2:26 settings.small_change: 'lines' is missing"),
        ("version: 1\nsettings: {gate: {}}\n", "G011 2:18 settings.gate: a mapping where a word is expected"),
    ],
)  # fmt: skip
def test_wrong_shapes(read, body, expected):
    parsed = read(body)
    found = [f"{one.code} {one.line}:{one.column} {one.where}: {one.message}" for one in parsed.diagnostics]
    assert len(found) == 1, found
    assert found[0].startswith(expected)
    assert parsed.gatefile is None


def test_a_comma_that_begins_a_key_is_explained(read):
    (one, *_) = (
        one for one in read(HEAD + "  a: {run: x, when: changed('a', b)}\n").diagnostics if one.code == "G012"
    )
    assert one.label == "a comma begins the next key"
    assert "quote" in one.hint


def test_more_than_a_thousand_checks_are_refused_before_they_are_read(read):
    (one,) = read(HEAD + "".join(f"  c{i}: {{run: x}}\n" for i in range(1001))).diagnostics
    assert "at most 1000 keys" in one.message


def test_exit_codes_without_a_report_are_warned_about(read):
    text = HEAD + "  a: {run: x, exit_codes: {findings: 1}}\ngate: [checks.passed]\n"
    parsed = read(text)
    assert parsed.gatefile is not None
    assert [one.severity for one in parsed.diagnostics] == ["warning"]
    assert "declares no report to judge" in parsed.diagnostics[0].message
    assert read(text.replace("{run: x", "{required: false, run: x")).diagnostics == ()


def test_fractions_of_units(valid):
    gatefile = valid(HEAD + "  a: {run: x, timeout: 1.5h, resources: {memory: 0.5GiB, cpus: 1.5}}\n")
    spec = gatefile.checks[0].template
    assert (spec.timeout, spec.resources.memory, spec.resources.cpus) == (5400.0, 1 << 29, 1.5)


def test_a_flag_in_words_is_explained(read):
    (one,) = read(HEAD + "  a: {run: x, required: yes}\n").diagnostics
    assert one.hint == "this is YAML 1.2: only true and false are flags"


def test_an_alias_is_its_value_in_both_places(read, valid):
    gatefile = valid(HEAD + "  a: &a {run: x, timeout: 5m}\n  b: *a\n")
    assert [decl.template.id for decl in gatefile.checks] == ["a", "b"]
    # sound in the gate, refused in a 'when': the one place is told once, and nothing is implied from it
    parsed = read(HEAD + "  a: {run: x, when: &e pr.draft}\ngate: [*e]\n")
    assert [one.code for one in parsed.diagnostics] == ["G107"]


def test_more_checks_than_allowed_stop_the_expansion():
    matrix = Matrix(axes=(Axis(name="v", values=("a", "b", "c")),))
    assert expand("t", matrix, paths=(), changed=(), limit=3).cells[-1] == {"v": "c"}
    assert "more than 2 cells" in expand("t", matrix, paths=(), changed=(), limit=2).blocked
