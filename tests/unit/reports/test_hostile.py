"""Whatever the bytes, a report is read or refused with a sentence; nothing else happens."""

import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.executors.report_reader import SECONDS
from app.model import AuthorFault, ReportContent, ReportSpec
from app.reports import FORMATS, ReadContext, ingest
from tests.unit.reports.reading import SAMPLES, fault, read
from tests.unit.reports.test_ingest import EXPECTED

RAW = {name: (SAMPLES / name).read_bytes() for name in EXPECTED}
NAMES = [*(entry.name for entry in FORMATS), ""]
CONTEXT = ReadContext(
    tree_paths=lambda: {"a.py", "src/shop/prices.py"},
    sources=lambda path: b"one\ntwo\n" if path == "a.py" else None,
)


def settle(content: bytes, name: str) -> None:
    """Reads or refuses with a sentence."""
    try:
        read_ = ingest(content, ReportSpec(path="out/x", format=name), context=CONTEXT)
    except AuthorFault as refused:
        sentence = refused.message
    else:
        consistent(read_)
        return
    assert sentence
    assert len(sentence) < 1_000
    assert sentence.isprintable()


def consistent(read_: ReportContent) -> None:
    """What a policy and a database rely on."""
    for path in [
        *(finding.path for finding in read_.findings),
        *(test.path for test in read_.tests),
        *(file.path for file in read_.coverage),
        *(block.path for clone in read_.clones for block in clone.blocks),
        *(function.path for function in read_.functions),
        *read_.sizes,
    ]:
        assert not path.startswith("/")
        assert ".." not in path.split("/")
        assert "\0" not in path
    for finding in read_.findings:
        assert finding.rule
        assert finding.fingerprint
        assert finding.line >= 0
        assert "\0" not in finding.message
        finding.message.encode()
    for test in read_.tests:
        assert test.name
        assert 0 <= test.seconds < 1e9
        (test.name + test.message + test.output).encode()
    for block in [*(block for clone in read_.clones for block in clone.blocks), *read_.functions]:
        assert 0 < block.line <= block.end_line
    assert all(lines >= 0 for lines in read_.sizes.values())
    for function in read_.functions:
        assert function.complexity >= 0
        assert function.name
    for package in read_.packages:
        assert package.name
        (package.name + package.version + package.purl + package.licence).encode()
    for file in read_.coverage:
        assert all(line > 0 and hits >= 0 for line, hits in file.lines.items())
        assert all(0 <= covered <= total for covered, total in file.branches.values())


fuzzed = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@fuzzed
@given(st.binary(max_size=2_000), st.sampled_from(NAMES))
def test_random_bytes(content, name):
    settle(content, name)


@fuzzed
@given(st.sampled_from(sorted(RAW)), st.data())
def test_mutated_samples(name, data):
    content = bytearray(RAW[name])
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content)))
        length = data.draw(st.integers(0, 40))
        content[at : at + length] = data.draw(
            st.one_of(
                st.binary(max_size=20),
                st.sampled_from(
                    [
                        b"<",
                        b'"',
                        b"{",
                        b"]",
                        b"null",
                        b"-1",
                        b"1e999",
                        b"\\ud800",
                        b"&x;",
                        b"\x00",
                        b"\xff",
                        b"<!--",
                        b"../",
                        b"9" * 400,
                    ]
                ),
            )
        )
    settle(bytes(content), data.draw(st.sampled_from([EXPECTED[name], ""])))


@fuzzed
@given(st.sampled_from(sorted(RAW)), st.integers(0, 30_000))
def test_cut_samples(name, at):
    settle(RAW[name][:at], EXPECTED[name])


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=20),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


JSON = sorted(name for name in RAW if name.endswith((".json", ".sarif", ".rdjson")))


@fuzzed
@given(st.sampled_from(JSON), st.data())
def test_values_of_wrong_types_anywhere_in_json(name, data):
    log = json.loads(RAW[name])
    place = log
    for _ in range(data.draw(st.integers(1, 12))):
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list):
            place[key] = data.draw(VALUES)
            break
        if data.draw(st.integers(0, 5)) == 0:
            place[key] = data.draw(VALUES)
            break
        place = place[key]
    settle(json.dumps(log).encode(), EXPECTED[name])


XML_NAMES = st.sampled_from(
    [
        "testsuites",
        "testsuite",
        "testcase",
        "failure",
        "error",
        "skipped",
        "system-out",
        "flakyFailure",
        "coverage",
        "sources",
        "source",
        "class",
        "line",
        "lines",
        "file",
        "metrics",
        "project",
        "package",
        "group",
        "sourcefile",
        "report",
        "checkstyle",
        "x",
    ]
)
XML_ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        [
            "name",
            "classname",
            "time",
            "file",
            "line",
            "errors",
            "failures",
            "message",
            "status",
            "filename",
            "number",
            "hits",
            "condition-coverage",
            "line-rate",
            "generated",
            "path",
            "type",
            "num",
            "count",
            "truecount",
            "falsecount",
            "conditionals",
            "coveredconditionals",
            "nr",
            "ci",
            "mb",
            "cb",
            "column",
            "source",
            "severity",
        ]
    ),
    st.one_of(
        st.sampled_from(["1", "0", "-1", "x", "50% (1/2)", "/workspace/a.py", "../a", "9" * 30]),
        st.text("ab<&\"'\n1", max_size=5),
    ),
    max_size=4,
)


def _element(name: str, attributes: dict[str, str], inner: list[str]) -> str:
    from xml.sax.saxutils import quoteattr

    said = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{said}>{''.join(inner)}</{name}>"


@fuzzed
@given(
    st.recursive(
        st.sampled_from(["", "text", "<!-- c -->"]),
        lambda inner: st.builds(_element, XML_NAMES, XML_ATTRIBUTES, st.lists(inner, max_size=4)),
        max_leaves=20,
    ),
    st.sampled_from(["junit", "cobertura", "clover", "jacoco", "checkstyle", ""]),
)
def test_elements_in_any_order(text, name):
    settle(text.encode(), name)


BOMB = b'<!DOCTYPE b [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'


@pytest.mark.parametrize(
    "root",
    [
        b'<testsuite name="&c;"/>',
        b"<testsuite><testcase>&c;</testcase></testsuite>",
        b'<coverage line-rate="&c;"/>',
    ],
)
def test_entity_bombs(root):
    assert "DOCTYPE with declarations of its own" in fault(b"<?xml version='1.0'?>" + BOMB + root)


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><testsuite>&e;</testsuite>',
        '<!DOCTYPE x [<!ENTITY % e SYSTEM "http://127.0.0.1/"> %e;]><testsuite/>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd"><testsuite><testcase name="a"/>&e;</testsuite>',
    ],
)
def test_external_entities(text):
    assert "refused" in fault(text, "junit") or "five that XML knows" in fault(text, "junit")


def test_an_undeclared_entity_in_an_attribute_under_an_external_doctype():
    text = '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd"><testsuite name="&e;"><testcase name="a&e;b"/></testsuite>'
    assert [test.name for test in read(text).tests] == ["ab"]


def test_deep_documents():
    assert "no element found" in fault("<testsuite>" * 100_000, "junit")
    deep = (
        '<testsuite failures="1">' * 100_000
        + '<testcase name="a"><failure/></testcase>'
        + "</testsuite>" * 100_000
    )
    assert [test.name for test in read(deep).tests] == ["a"]
    assert "nested too deeply" in fault('{"runs":[{"x":' + "[" * 1_000_000, "sarif")


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        (b"<testsuite name='", b""),
        (b"<testsuite><!--", b""),
        (b"<testsuite><testcase name='", b"'/></testsuite>"),
    ],
)
def test_one_enormous_token_is_read_in_the_time_that_production_gives(before, behind):
    content = before + b"x" * 20_000_000 + behind
    started = time.process_time()
    if behind:
        read(content, "junit")
    else:
        fault(content, "junit")
    assert time.process_time() - started < SECONDS


def test_files_that_are_opened_again_and_again_cost_what_they_say():
    """Seconds grow with the lines of a tracefile, not with their square."""

    def seconds(records: int) -> float:
        lines = "".join(f"BRDA:{at},0,0,1\n" for at in range(1, records + 1))
        content = f"SF:a.py\n{lines}end_of_record\n" + "SF:a.py\nend_of_record\n" * records
        started = time.process_time()
        read(content, "lcov")
        return time.process_time() - started

    assert seconds(16_000) < 30 * seconds(2_000) + 0.2


def test_many_escapes_are_quick():
    started = time.process_time()
    text = "\x1b]" * 200_000
    read(json.dumps({"runs": [{"results": [{"message": {"text": text}}]}]}))
    assert time.process_time() - started < 10


def test_recognition_of_hostile_heads_is_quick():
    heads = [
        b"<!--" * 16_000,
        b"<!DOCTYPE [" * 6_000,
        b" " * 65_536,
        b"<?" * 32_768,
        b"#\n" * 32_768,
        b"# " * 32_768,
        b"{" * 65_536,
        b"<!DOCTYPE a" + b" [" * 30_000,
    ]
    for head in heads:
        started = time.process_time()
        for entry in FORMATS:
            assert not entry.recognises(head)
        assert time.process_time() - started < 5
