"""The exact difference: our reading of git's answer must rebuild the new file from the old one."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.executors import GitWorkspaces
from app.executors.comparison import parse_patch, parse_raw
from app.model import Comparison, FileChange, FileStatus, Hunk
from tests.support.git import Origin, bring


async def compared(origin: Origin, workspaces: GitWorkspaces, base: str, head: str) -> dict[str, FileChange]:
    await bring(workspaces, origin)
    comparison: Comparison = await workspaces.compare(
        origin.repository, origin.head(base), origin.head(head), origin.head(head)
    )
    return {file.path: file for file in comparison.files}


def lines(text: bytes) -> list[bytes]:
    """Lines as git counts them."""
    parts = text.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def rebuilt(old: bytes, new: bytes, hunks: tuple[Hunk, ...]) -> bytes:
    """The new content made of the old one and the hunks' new lines only: wrong numbers give wrong text."""
    before, after = lines(old), lines(new)
    result: list[bytes] = []
    at = 0
    for hunk in hunks:
        keep = hunk.old_start - 1 if hunk.old_count else hunk.old_start
        result += before[at:keep]
        start = hunk.new_start - 1 if hunk.new_count else hunk.new_start
        assert len(result) == start, "the hunk's place in the new file"
        result += after[start : start + hunk.new_count]
        at = keep + hunk.old_count
    return b"".join(result + before[at:])


async def test_every_kind_of_change(origin: Origin, workspaces: GitWorkspaces):
    origin.write("stays", "1\n")
    origin.write("moved", "".join(f"line {number}\n" for number in range(30)))
    origin.write("removed", "a\nb\n")
    origin.write("to_link", "x\ny\n")
    (origin.place / "from_link").symlink_to("stays")
    origin.write("mode", "m\n")
    origin.write("no_newline", "a\nb")
    origin.write("binary", bytes(range(256)))
    origin.commit()
    (origin.place / "moved").rename(origin.place / "renamed")
    origin.write("renamed", (origin.place / "renamed").read_text() + "\n   \nnew\n")
    (origin.place / "removed").unlink()
    (origin.place / "to_link").unlink()
    (origin.place / "to_link").symlink_to("/etc/passwd")
    origin.write("from_link", "now\na file\n")
    (origin.place / "mode").chmod(0o755)
    origin.write("no_newline", "a\nb\nc")
    origin.write("binary", bytes(range(255, -1, -1)))
    origin.write("empty", "")
    origin.git("update-index", "--add", "--cacheinfo", f"160000,{'a' * 40},module")
    origin.git("add", "--all", ":!module")
    origin.git("commit", "--quiet", "-m", "all")
    files = await compared(origin, workspaces, "HEAD^", "HEAD")

    assert files["renamed"].status is FileStatus.RENAMED
    assert files["renamed"].old_path == "moved"
    assert files["renamed"].paths == ("moved", "renamed")
    assert files["renamed"].hunks == (Hunk(30, 0, 31, 3),)
    assert (files["renamed"].added, files["renamed"].added_nonblank) == (3, 1)
    assert files["removed"].status is FileStatus.REMOVED
    assert (files["removed"].removed, files["removed"].size) == (2, 0)
    assert files["to_link"].status is FileStatus.MODIFIED
    assert (files["to_link"].added, files["to_link"].removed) == (0, 2)
    assert (files["from_link"].added, files["from_link"].removed) == (2, 0)
    assert files["mode"].hunks == ()
    assert files["no_newline"].hunks == (Hunk(2, 1, 2, 2),)
    assert files["binary"].binary
    assert files["binary"].size == 256
    assert files["empty"].status is FileStatus.ADDED
    assert files["module"].hunks == ()
    assert "stays" not in files


NAMES = [
    b"a b",
    b'quote"name',
    b"tab\tname",
    b"new\nline",
    "näme".encode(),
    b"\xff\xfe",
    b"back\\slash",
    b"-dash",
    b"diff --git a b",
    b"\x01\x02",
]


@pytest.mark.parametrize("name", NAMES)
async def test_odd_names(origin: Origin, workspaces: GitWorkspaces, name: bytes):
    origin.write(name, "1\n2\n")
    origin.commit()
    origin.write(name, "1\nx\n2\n")
    origin.commit()
    files = await compared(origin, workspaces, "HEAD^", "HEAD")
    shown = name.decode("utf-8", "backslashreplace")
    assert list(files) == [shown]
    assert files[shown].hunks == (Hunk(1, 0, 2, 1),)
    shown.encode()  # can be stored


async def test_content_that_looks_like_a_patch(origin: Origin, workspaces: GitWorkspaces):
    hostile = "diff --git a/x b/x\n@@ -1,1 +1,1 @@\n--- a/x\n+++ b/x\nBinary files a and b differ\n\\ No newline at end of file\n"
    origin.write("a", "start\n")
    origin.write("z", "1\n")
    origin.commit()
    origin.write("a", hostile + "start\n")
    origin.write("z", "1\n2\n")
    origin.commit()
    files = await compared(origin, workspaces, "HEAD^", "HEAD")
    assert {path: file.added for path, file in files.items()} == {"a": 6, "z": 1}
    assert not files["a"].binary


async def test_carriage_returns_and_form_feeds_are_no_line_ends(origin: Origin, workspaces: GitWorkspaces):
    origin.write("a", b"one\r\ntwo\r\n")
    origin.commit()
    origin.write("a", b"one\r\nx\x0cy\rz\r\n \t\r\ntwo\r\n")
    origin.commit()
    files = await compared(origin, workspaces, "HEAD^", "HEAD")
    assert files["a"].hunks == (Hunk(1, 0, 2, 2),)
    assert files["a"].added_nonblank == 1


async def test_to_head_maps_the_merge_back_to_the_head(origin: Origin, workspaces: GitWorkspaces):
    origin.write("a", "".join(f"{number}\n" for number in range(20)))
    origin.commit()
    origin.branch("topic")
    origin.write("a", "".join(f"{number}\n" for number in range(20)) + "head\n")
    origin.commit()
    origin.git("checkout", "--quiet", "main")
    origin.write("a", "base\n" + "".join(f"{number}\n" for number in range(20)))
    origin.commit()
    await bring(workspaces, origin, "topic")
    base, head = origin.head("main"), origin.head("topic")
    merged = await workspaces.merge(origin.repository, base, head)
    comparison = await workspaces.compare(origin.repository, base, head, merged.tested_sha)
    assert [file.hunks for file in comparison.files] == [(Hunk(21, 0, 22, 1),)]
    assert [file.hunks for file in comparison.to_head] == [(Hunk(1, 1, 0, 0),)]
    assert comparison.tested_tree == merged.tested_tree


TEXT = st.lists(
    st.sampled_from([b"a\n", b"b\n", b"\n", b"+x\n", b"-y\n", b"@@ -1 +1 @@\n", b" \n"]), max_size=12
)
END = st.sampled_from([b"", b"tail", b"\\ No newline at end of file"])


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=st.lists(st.tuples(TEXT, END, TEXT, END), min_size=3, max_size=12))
def test_any_edit_is_rebuilt_from_its_hunks(tmp_path_factory: pytest.TempPathFactory, pairs):
    origin = Origin(tmp_path_factory.mktemp("edit") / "origin")
    contents = [(b"".join(old) + old_end, b"".join(new) + new_end) for old, old_end, new, new_end in pairs]
    for number, (old, _) in enumerate(contents):
        origin.write(f"f{number}", old)
    origin.commit()
    for number, (_, new) in enumerate(contents):
        origin.write(f"f{number}", new)
    origin.commit()
    arguments = ("diff-tree", "-r", "--no-renames", "--no-color")
    raw = parse_raw(origin.raw(*arguments, "--raw", "-z", "HEAD^", "HEAD"))
    sections = parse_patch(origin.raw(*arguments, "-p", "-U0", "HEAD^", "HEAD"))
    assert len(raw) == len(sections) == sum(old != new for old, new in contents)
    for entry, section in zip(raw, sections, strict=True):
        old, new = contents[int(entry.path[1:])]
        assert rebuilt(old, new, section.hunks) == new
        numstat = origin.raw("diff-tree", "--numstat", "-z", "HEAD^", "HEAD", "--", entry.path).split(b"\t")
        assert sum(hunk.new_count for hunk in section.hunks) == int(numstat[0].split(b"\n")[-1])


def test_nothing_compared_with_itself_differs():
    assert parse_raw(b"") == ()
    assert parse_patch(b"") == ()
