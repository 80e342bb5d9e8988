"""What each commit of a change adds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.executors import GitWorkspaces, WorkspaceLimits
from app.executors.history import HistoryLimits, _both, _only
from app.model import AuthorFault
from tests.support.git import Origin, bring


async def test_each_commit_shows_only_the_lines_it_adds(origin: Origin, workspaces: GitWorkspaces):
    origin.write("a", "1\n2\n3\n")
    base = origin.commit("base")
    origin.write("a", "1\nnew\n2\n3\nlast")
    origin.write("b/ü x", "whole\n")
    origin.write("c.bin", b"\0\1\2")
    first = origin.commit("first")
    origin.write("a", "1\n3\nlast")
    origin.git("mv", "b/ü x", "d")
    second = origin.commit("removes and moves")
    origin.write("a", "1\n3\nfinal")
    third = origin.commit("third")
    await bring(workspaces, origin)
    added = await workspaces.added_by_commits(origin.repository, base, third)
    assert added == {
        f"{first}/a": b"\nnew\n\n\nlast",
        f"{first}/b/ü x": b"whole\n",
        f"{third}/a": b"\n\nfinal",
    }
    assert second not in str(added)
    assert await workspaces.added_by_commits(origin.repository, third, third) == {}


async def test_of_a_merge_only_what_no_parent_has(origin: Origin, workspaces: GitWorkspaces):
    origin.write("a", "1\n2\n3\n4\n5\n")
    base = origin.commit("base")
    origin.branch("topic")
    origin.write("a", "topic\n2\n3\n4\n5\n")
    topic = origin.commit("topic")
    origin.branch("main", base)
    origin.write("a", "1\n2\n3\n4\nmain\n")
    origin.write("m", "main\n")
    tip = origin.commit("main")
    origin.branch("topic", topic)
    origin.git("merge", "--quiet", "--no-commit", "main")
    origin.write("a", "topic\n2\nevil\n4\nmain\n")
    merge = origin.commit("merge")
    await bring(workspaces, origin, "topic")
    added = await workspaces.added_by_commits(origin.repository, tip, merge)
    assert added == {f"{topic}/a": b"topic\n\n\n\n\n", f"{merge}/a": b"\n\nevil\n\n\n"}


@pytest.mark.parametrize(
    ("path", "why"),
    [("d/" * 1900 + "f", "holds folders 1900 deep, at most 200"), ("x" * 300, "holds a name of 300 bytes")],
)
async def test_a_path_that_cannot_be_written_is_the_authors_fault_wherever_it_was(
    origin: Origin, workspaces: GitWorkspaces, path: str, why: str
):
    origin.write("a", "1\n")
    base = origin.commit("base")
    blob = origin.git("hash-object", "-w", "a").strip()
    origin.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
    origin.git("commit", "--quiet", "-m", "deep")
    deep = origin.git("rev-parse", "HEAD").strip()
    origin.git("update-index", "--force-remove", path)
    origin.git("commit", "--quiet", "-m", "gone", "--allow-empty")
    head = origin.git("rev-parse", "HEAD").strip()
    await bring(workspaces, origin)
    with pytest.raises(AuthorFault, match=why):
        await workspaces.added_by_commits(origin.repository, base, head)
    with pytest.raises(AuthorFault, match=why.removeprefix("holds ")):
        async with workspaces.checkout(origin.repository, deep):
            pass


async def test_a_history_without_a_beginning_in_the_base(origin: Origin, workspaces: GitWorkspaces):
    base = origin.commit("base")
    origin.git("checkout", "--quiet", "--orphan", "other")
    origin.write("x", "one\ntwo\n")
    head = origin.commit("root")
    await bring(workspaces, origin, "other")
    added = await workspaces.added_by_commits(origin.repository, base, head)
    assert added == {f"{head}/x": b"one\ntwo\n"}


@pytest.mark.parametrize(
    ("limits", "because"),
    [
        (HistoryLimits(commits=2), "more than 2 commits"),
        (HistoryLimits(files=2), "its commits add to more than 2 files"),
        (HistoryLimits(spans=3), "its commits add to more than 3 places"),
        (HistoryLimits(bytes=11_999), "its commits add to more than 11,999 bytes"),
        (HistoryLimits(file_bytes=3_999), "f0 of commit [0-9a-f]{7} has 4,000 bytes, at most 3,999"),
        (HistoryLimits(file_lines=1_999), "f0 of commit [0-9a-f]{7} has more than 1,999 lines"),
        (HistoryLimits(patch_bytes=10_000), "too large to judge"),
    ],
)
async def test_too_much_is_too_large_to_judge(origin: Origin, tmp_path, limits, because):
    spaces = GitWorkspaces(tmp_path / "small", allow_local=True, limits=WorkspaceLimits(history=limits))
    origin.write("a", "1\n")
    base = origin.commit("base")
    for n in range(3):
        origin.write(f"f{n}", f"{n}\n" * 2_000)
        if n == 2:
            origin.write("f0", "new\n" + "0\n" * 1_000 + "new\n" + "0\n" * 1_000)
        origin.commit("more")
    await bring(spaces, origin)
    with pytest.raises(AuthorFault, match=f"too large to judge.*{because}|{because}"):
        await spaces.added_by_commits(origin.repository, base, origin.head())


async def test_what_is_deleted_costs_nothing(origin: Origin, tmp_path):
    limits = WorkspaceLimits(history=HistoryLimits(patch_bytes=2_000))
    spaces = GitWorkspaces(tmp_path / "small", allow_local=True, limits=limits)
    origin.write("a", "1\n" * 50_000)
    base = origin.commit("base")
    (origin.place / "a").unlink()
    origin.write("b", "2\n")
    head = origin.commit("instead")
    await bring(spaces, origin)
    assert await spaces.added_by_commits(origin.repository, base, head) == {f"{head}/b": b"2\n"}


async def test_a_repository_with_longer_names(tmp_path):
    """Its tree without entries has another name."""
    place = tmp_path / "origin"
    origin = Origin(place, object_format="sha256")
    origin.write("a", "1\n")
    base = origin.commit("base")
    origin.git("checkout", "--quiet", "--orphan", "other")
    origin.write("x", "one\n")
    head = origin.commit("root")
    spaces = GitWorkspaces(tmp_path / "w", allow_local=True)
    await bring(spaces, origin, "other")
    added = await spaces.added_by_commits(origin.repository, base, head)
    assert added == {f"{head}/a": b"1\n", f"{head}/x": b"one\n"}


@given(spans=st.lists(st.booleans(), max_size=30), end=st.booleans())
def test_the_lines_that_stay(spans, end):
    """Against one line at a time."""
    lines = [f"{n}".encode() for n in range(len(spans))]
    content = b"\n".join(lines) + (b"\n" if end else b"")
    one_by_one = tuple((n, n + 1) for n, kept in enumerate(spans, 1) if kept)
    expected = b"\n".join(line if kept else b"" for line, kept in zip(lines, spans, strict=True))
    assert _only(content, one_by_one) == expected + (b"\n" if end else b"")


@given(one=st.sets(st.integers(1, 40)), other=st.sets(st.integers(1, 40)))
def test_the_lines_that_two_have(one, other):
    assert _lines(_both(_spans(one), _spans(other))) == one & other


def _spans(lines: set[int]) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    for line in sorted(lines):
        if found and found[-1][1] == line:
            found[-1] = (found[-1][0], line + 1)
        else:
            found.append((line, line + 1))
    return tuple(found)


def _lines(spans: tuple[tuple[int, int], ...]) -> set[int]:
    return {line for first, behind in spans for line in range(first, behind)}
