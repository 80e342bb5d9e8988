"""One tool's findings of two trees, matched one to one."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model import FileChange, FileStatus, Finding, Hunk
from app.policy.linemap import Forward, Origins
from app.policy.tracking import Matching, Pass, match
from tests.unit.policy.world import compare, file, finding


def change(path: str, *hunks: tuple[int, int, int, int], **fields: object) -> FileChange:
    return file(path, hunks=tuple(Hunk(*hunk) for hunk in hunks), **fields)


def matched(head: Sequence[Finding], base: Sequence[Finding], *changes: FileChange) -> Matching:
    return match(head, base, Origins(compare(*changes)))


INSERTED = change("a.py", (4, 0, 5, 3))
"""Three lines are inserted behind line 4."""
EDITED = file("a.py", (1, 9))
MOVED = change("b.py", old_path="a.py", status=FileStatus.RENAMED)


def _secret(known: str) -> Finding:
    """One before the first character of its file: where a tool that tells no column puts it."""
    return finding(line=1, column=1, secret=True, fingerprint=known)


@pytest.mark.parametrize(
    ("was", "now", "changes", "by"),
    [
        (finding(line=9), finding(line=12), [INSERTED], Pass.SAME_LINE),
        (finding(line=9), finding("b.py", 9), [MOVED], Pass.SAME_LINE),
        (finding(line=9, line_hash="1"), finding(line=12, line_hash="2"), [INSERTED], Pass.SAME_LINE),
        (finding(line=9, message="a"), finding(line=12, message="b"), [INSERTED], Pass.SAME_LINE),
        (finding(line=9, line_hash="1"), finding(line=6, line_hash="1"), [INSERTED], Pass.MOVED),
        (finding(line=9), finding(line=6), [INSERTED], None),
        (finding(line=9, fingerprint="ab:1"), finding(line=6, fingerprint="ab:7"), [INSERTED], Pass.MOVED),
        (
            finding(line=9, message="defined on line 4", line_hash="1"),
            finding(line=6, message="defined on line 7", line_hash="1"),
            [INSERTED],
            Pass.MOVED,
        ),
        (
            finding(line=9, message="undefined a", line_hash="1"),
            finding(line=6, message="undefined b", line_hash="1"),
            [INSERTED],
            None,
        ),
        (finding(line=9, line_hash="1"), finding("c.py", 3, line_hash="1"), [], Pass.MOVED_FILE),
        (finding(line=9, line_hash="1", rule="E1"), finding("c.py", 3, line_hash="1"), [], None),
        (finding(line=0), finding(line=0), [INSERTED], Pass.NO_LINE),
        (finding(line=0), finding("b.py", 0), [MOVED], Pass.NO_LINE),
        (finding(line=0, message="98 lines"), finding(line=0, message="99 lines"), [INSERTED], Pass.NO_LINE),
        (finding(line=0), finding("c.py", 0), [], None),
        (finding("", 0), finding("", 0), [], Pass.NO_LINE),
        (
            finding(line=1, column=1, line_hash="1"),
            finding(line=1, column=1, line_hash="2"),
            [EDITED],
            Pass.NO_LINE,
        ),
        (finding(line=1, line_hash="1"), finding(line=1, line_hash="2"), [EDITED], None),
        (finding(line=1), finding(line=1), [EDITED], Pass.NO_LINE),
        (
            finding(line=1, column=1, line_hash="1"),
            finding(line=1, column=1, end_column=9, line_hash="2"),
            [EDITED],
            None,
        ),
        (_secret("1"), _secret("2"), [EDITED], None),
        (_secret("1"), _secret("1"), [EDITED], Pass.NO_LINE),
        (finding(line=5), finding(line=5), [change("a.py", (5, 1, 5, 1))], None),
        (finding(line=5), finding(line=5), [file("a.py", status=FileStatus.ADDED)], None),
        (finding(line=5), finding(line=5), [file("a.py", binary=True)], None),
    ],
)
def test_what_makes_two_findings_one(
    was: Finding, now: Finding, changes: list[FileChange], by: Pass | None
) -> None:
    found = matched([now], [was], *changes)
    assert found.passes == ({by: 1} if by else {})
    assert (found.new, found.gone) == (((), ()) if by else ((0,), (0,)))


def test_a_fingerprint_made_without_the_source_tells_nothing_of_a_place() -> None:
    blind = "0123456789abcdef" * 2 + ":1"
    assert matched([finding(line=6, fingerprint=blind)], [finding(line=99, fingerprint=blind)], INSERTED).new


def test_a_secret_is_known_wherever_it_moves() -> None:
    known = "0123456789abcdef" * 2 + ":1"
    here, there = (finding(path, 6, fingerprint=known, secret=True) for path in ("b.py", "a.py"))
    assert not matched([here], [there], file("b.py", (1, 9))).new


def test_each_finding_of_base_counts_once() -> None:
    copies = [finding(line=line, line_hash="1") for line in (5, 6, 20)]
    found = matched(copies, [finding(line=17, line_hash="1")], INSERTED)
    assert found.pairs == {2: 0}
    assert found.new == (0, 1)
    twice = matched([finding(), finding()], [finding()])
    assert twice.new == (1,)


def test_of_two_on_one_line_the_one_with_its_message_is_known() -> None:
    found = matched([finding(message="b"), finding(message="a")], [finding(message="a")])
    assert (found.pairs, found.new) == ({1: 0}, (0,))


def test_a_line_too_short_to_be_known_moves_with_its_neighbour() -> None:
    changes = change("a.py", (10, 5, 9, 0), (40, 0, 36, 5))
    base = [finding(line=11, line_hash="1"), finding(line=13, rule="PIE790", message="pass")]
    head = [finding(line=37, line_hash="1"), finding(line=39, rule="PIE790", message="pass")]
    found = matched(head, base, changes)
    assert found.passes == {Pass.MOVED: 1, Pass.NEIGHBOUR: 1}
    elsewhere = matched([head[0], finding(line=38, rule="PIE790", message="pass")], base, changes)
    assert elsewhere.new == (1,)
    far = matched([head[0], finding(line=239, rule="PIE790", message="pass")], base, changes)
    assert far.new == (1,)


SIZES = st.integers(0, 3)


@given(st.lists(st.tuples(st.integers(1, 5), SIZES, SIZES), max_size=6), st.integers(1, 60))
def test_old_lines_and_new_lines_are_each_other_turned_round(
    steps: list[tuple[int, int, int]], line: int
) -> None:
    """Hunks as git writes them: unchanged lines between, then some removed and some added."""
    old, new, hunks = 1, 1, []
    for unchanged, removed, added in steps:
        old, new = old + unchanged, new + unchanged
        if removed or added:
            hunks.append(Hunk(old - (not removed), removed, new - (not added), added))
        old, new = old + removed, new + added
    origins = Origins(compare(file("a.py", hunks=tuple(hunks))))
    now = Forward(hunks).line(line)
    if now is not None:
        assert origins.line("a.py", now) == line
    was = origins.line("a.py", line)
    if was is not None:
        assert Forward(hunks).line(was) == line
