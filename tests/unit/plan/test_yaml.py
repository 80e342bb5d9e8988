import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.plan.complaints import Complaints
from app.plan.yaml import core_scalar, load


def codes(content: bytes) -> list[tuple[str, int, int]]:
    complaints = Complaints("g.yml")
    load(content, complaints)
    return [(one.code, one.line, one.column) for one in complaints.diagnostics()]


BOMB = "\n".join(
    ["a: &a0 [x, x, x]"] + [f"b{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a: \xff\xfe", [("G001", 1, 4)]),
        ("é: \ud800".encode("utf-8", "surrogatepass"), [("G001", 1, 4)]),
        (b"a: b\nc: \x00", [("G001", 2, 4)]),
        (b"x" * (256 * 1024 + 1), [("G003", 1, 1)]),
        (b"a: [" + b"1," * 20_000 + b"]", [("G003", 1, 40001 - 11)]),
        (b"[" * 3000, [("G003", 1, 41)]),
        (b"{a: " * 3000, [("G003", 1, 161)]),
        (BOMB.encode(), [("G003", 6, 5)]),
        (b"a: &a 1\n" + b"b: [" + b"*a, " * 300 + b"]", [("G003", 2, 805)]),
        (b"a: &a [*a]", [("G004", 1, 8)]),
        (b"a: *nope", [("G004", 1, 4)]),
        (b"a: !!python/object/apply:os.system [ls]", [("G004", 1, 4)]),
        (b"a: !x 1", [("G004", 1, 4)]),
        (b"base: &b {x: 1}\na:\n  <<: *b\n", [("G004", 3, 3)]),
        (b"? [a]\n: 1\n", [("G004", 1, 3)]),
        (b"a: 1\n---\nb: 2\n", [("G004", 2, 1)]),
        (b"a: 1\nb: 2\na: 3\n", [("G005", 3, 1)]),
        (b"a: b\n\tc: d", [("G002", 2, 1)]),
        (b"a: [", [("G002", 1, 4)]),
        (b"a: @b", [("G002", 1, 4)]),
        (b"a: b: c", [("G002", 1, 5)]),
    ],
)
def test_hostile_bytes_give_one_located_complaint(content, expected):
    begin = time.process_time()
    found = codes(content)
    assert [one[0] for one in found] == [one[0] for one in expected]
    assert found[0][1] == expected[0][1]
    if expected[0][0] != "G003":
        assert found == expected
    assert time.process_time() - begin < 2


def test_a_duplicate_key_names_the_first(read):
    text = "version: 1\nchecks: {}\nchecks: {}\n"
    (one,) = read(text).diagnostics
    assert (one.message, one.label, one.line, one.column) == (
        "duplicate key 'checks'",
        "first on line 2",
        3,
        1,
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("checks: [1, 2\nb: 3\n", ("this [ is never closed", 1, 9, "close it: ]")),
        ("a:\n  b: {x: 1\nc:\n  d: 2\n", ("this { is never closed", 2, 6, "close it: }")),
        ("a: [1, [2, 3]\nb: x\n", ("this [ is never closed", 1, 4, "close it: ]")),
        ("a: [x, 'don''t]', \"]\" # ]\nb: y\n", ("this [ is never closed", 1, 4, "close it: ]")),
        ("a: 'foo\nb: c\n", ("this ' is never closed", 1, 4, "close it: '")),
        ('gate:\n  - {expect: "a b}\n', ('this " is never closed', 2, 14, 'close it: "')),
    ],
)
def test_what_is_never_closed_is_told_where_it_was_opened(read, text, told):
    (one,) = read(text).diagnostics
    assert (one.code, one.message, one.line, one.column, one.hint) == ("G002", *told)


@pytest.mark.parametrize(
    ("text", "line", "column"), [("a: {b: c d: e}\n", 1, 11), ("a: [x}\n", 1, 6), ('a: "b\\qc"\n', 1, 6)]
)
def test_a_mistake_within_what_is_closed_is_told_where_it_stands(read, text, line, column):
    (one,) = read(text).diagnostics
    assert (one.line, one.column) == (line, column)
    assert "never closed" not in one.message


@pytest.mark.parametrize(
    "text", ["[" + '"\\' * 100_000, '["' + '\\"' * 100_000 + "\\", "['" * 60_000, "[ #" * 60_000]
)
def test_looking_for_what_closes_takes_linear_time(text):
    def seconds(part: str) -> float:
        started = time.process_time()
        load(part.encode(), Complaints("g.yml"))
        return time.process_time() - started

    assert seconds(text) < 30 * seconds(text[: len(text) // 8]) + 0.2


@pytest.mark.parametrize(
    "word", ["on", "off", "yes", "no", "y", "1_000", "0o8", "1:30", "0x", "+", "-", ".", "1e", "٣"]
)
def test_words_that_yaml_1_2_takes_as_text(word):
    assert core_scalar(word) == word


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("", None), ("~", None), ("null", None), ("true", True), ("FALSE", False), ("10", 10), ("-3", -3),
        ("010", 10), ("0x1F", 31), ("0o17", 15), ("3.10", 3.1), (".5", 0.5), ("1e3", 1000.0),
        ("1234567890123456", "1234567890123456"), (".inf", ".inf"), (".nan", ".nan"), ("1e999", "1e999"),
    ],
)  # fmt: skip
def test_core_schema(word, value):
    found = core_scalar(word)
    assert found == value
    assert type(found) is type(value)


def test_on_is_a_key(valid):
    assert valid("version: 1\non: {branches: [main]}\nchecks: {}\n").branches == ("main",)


@given(st.text(max_size=30))
def test_any_text_is_some_scalar(text):
    core_scalar(text)


@given(st.binary(max_size=300))
def test_random_bytes_never_raise(content):
    codes(content)


@given(st.text(alphabet="ab:[]{},&*!|>'\"#%@-? \n\t1~<", max_size=120))
def test_random_yaml_marks_never_raise(text):
    complaints = Complaints("g.yml")
    if load(text.encode(), complaints) is None and text.strip():
        for one in complaints.diagnostics():
            assert one.line >= 1
            assert one.column >= 1
