"""GitHub's line hash, and what stands in for it."""

import hashlib
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.reports import ReadContext
from app.reports.fingerprint import Fingerprints, LineHashes
from tests.unit.reports.reading import SAMPLES, TREE, read, sample

GREETINGS = [
    "e9496ae3ebfced30:1",
    "fb7c023a8b9ccb3f:1",
    "ce8ba1a563dcdaca:1",
    "e20e36e16fcb0cc8:1",
    "b3edc88f2938467e:1",
    "c8e28b0b4002a3a0:1",
    "c129715d7a2bc9a3:1",
]


def line_hashes(source: bytes) -> list[str]:
    hashes = LineHashes(source)
    return [hashes.of(line) for line in range(1, len(hashes) + 1)]


# The vectors that GitHub's own tests hold themselves to.
@pytest.mark.parametrize(
    ("source", "hashes"),
    [
        ("", ["c129715d7a2bc9a3:1"]),
        (
            " a\nb\n  \t\tc\n d",
            ["271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"],
        ),
        (" hello; \t\nworld!!!\n\n\n  \t\tGreetings\n End\n", GREETINGS),
        (" hello; \t\nworld!!!\r\r\r  \t\tGreetings\r End\r", GREETINGS),
        (" hello; \t\r\nworld!!!\r\n\r\n\r\n  \t\tGreetings\r\n End\r\n", GREETINGS),
        (" hello; \t\nworld!!!\r\n\n\r  \t\tGreetings\r End\r\n", GREETINGS),
        (
            "Lorem ipsum dolor sit amet.\n" * 10,
            [
                "a7f2ff13bc495cf2:1",
                "a7f2ff13bc495cf2:2",
                "a7f2ff13bc495cf2:3",
                "a7f2ff13bc495cf2:4",
                "a7f2ff13bc495cf2:5",
                "a7f2ff13bc495cf2:6",
                "a7f2ff1481e87703:1",
                "a9cf91f7bbf1862b:1",
                "55ec222b86bcae53:1",
                "cc97dc7b1d7d8f7b:1",
                "c129715d7a2bc9a3:1",
            ],
        ),
    ],
)
def test_published_vectors(source, hashes):
    assert line_hashes(source.encode()) == hashes


def test_lines_inserted_on_top_change_nothing():
    report = (SAMPLES / "mypy.jsonl").read_text()
    moved_report = re.sub(r'"line": (\d+)', lambda match: f'"line": {int(match[1]) + 2}', report)
    moved = {path: b"# a licence\n# in two lines\n" + source for path, source in TREE.items()}
    before = read(report, context=ReadContext(sources=TREE.get)).findings
    after = read(moved_report, context=ReadContext(sources=moved.get)).findings
    assert [finding.line for finding in after] == [finding.line + 2 for finding in before]
    assert [finding.fingerprint for finding in after] == [finding.fingerprint for finding in before]
    assert len({finding.fingerprint for finding in before}) == 5


def test_characters_beyond_the_basic_plane_count_as_two():
    assert line_hashes("😀\n".encode()) != line_hashes("😁\n".encode())
    assert line_hashes(b"\xff\xfe\n") == line_hashes("��\n".encode())


def test_without_source_numbers_in_the_message_do_not_matter():
    first = Fingerprints(None).of("R", "a.py", 3, "line 3 of 17 is bad")
    assert first == Fingerprints(None).of("R", "a.py", 9, "line 9 of 21 is bad")
    assert first != Fingerprints(None).of("R", "b.py", 3, "line 3 of 17 is bad")
    assert first.endswith(":1")


def test_a_line_behind_the_end_falls_back():
    fingerprints = Fingerprints({"a.py": b"x\n"}.get)
    assert fingerprints.of("R", "a.py", 2, "m") == "c129715d7a2bc9a3:1"
    assert len(fingerprints.of("R", "a.py", 3, "m").partition(":")[0]) == 32


def own(source: bytes, line: int, salt: str = "") -> str:
    return Fingerprints({"a.py": source}.get).of_line("a.py", line, salt)


def test_a_line_is_known_by_its_own_text_without_blanks():
    """The window of GitHub's hash reaches into the lines that follow; this one does not."""
    text = hashlib.sha256(b"returnprice").hexdigest()[:16]
    assert own(b"x = 1\n  return price\n", 2) == text
    assert own(b"x = 2\r\n\treturn  price\r\ny = 3\r\n", 2) == text
    assert own("ä = '😀'\nreturn price".encode(), 2) == text
    assert own("é = '😀' # long\n".encode(), 1) == hashlib.sha256("é='😀'#long".encode()).hexdigest()[:16]


def test_lines_too_short_to_be_told_apart_have_no_hash():
    assert own(b"  return 1  \n", 1) == ""
    assert own(b"return 12\n", 1) != ""


def test_lines_that_cannot_be_read_have_no_hash():
    for source, line in ((b"return price\n", 3), (b"return price\n", 2), (b"return price\n", 0), (b"", 1)):
        assert own(source, line) == ""
    assert Fingerprints(None).of_line("a.py", 1) == ""
    assert Fingerprints({}.get).of_line("a.py", 1) == ""


def test_the_line_of_a_secret_is_hashed_with_its_rule():
    line = b"token = 'AKIAIOSFODNN7EXAMPLE'"
    hashes = {own(line, 1, salt) for salt in ("", "aws-key", "generic-key")}
    assert len(hashes) == 3
    secret = {finding.line_hash for finding in sample("gitleaks.json").findings if finding.line}
    plain = {own(TREE["deploy/settings.env"], at) for at in (2, 3)}
    assert all(secret)
    assert secret.isdisjoint(plain)


@settings(deadline=None)
@given(st.text(alphabet=" \t\r\nabä😀", max_size=400))
def test_it_is_the_rolling_hash_it_says_it_is(text):
    """Against the definition, written out: one window per line, unit by unit."""
    normal = text.replace("\r\n", "\n").replace("\r", "\n").replace(" ", "").replace("\t", "")
    raw = normal.encode("utf-16-le")
    units = [int.from_bytes(raw[at : at + 2], "little") for at in range(0, len(raw), 2)]
    starts = [0, *(at + 1 for at, unit in enumerate(units) if unit == 10)]
    units += [65535] + [0] * 100
    seen: list[int] = []
    expected = []
    for start in starts:
        value = sum(unit * 37 ** (99 - at) for at, unit in enumerate(units[start : start + 100])) % 2**64
        seen.append(value)
        expected.append(f"{value:x}:{seen.count(value)}")
    assert line_hashes(text.encode()) == expected


def test_large_sources_are_not_hashed():
    started = time.process_time()
    fingerprints = Fingerprints(lambda _: b"x = 1\n" * 1_000_000)
    assert len(fingerprints.of("R", "a.py", 1, "m").partition(":")[0]) == 32
    assert time.process_time() - started < 10
