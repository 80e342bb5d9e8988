"""What each commit of a change adds."""

import pytest

from app.executors import GitWorkspaces, WorkspaceLimits
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


async def test_a_history_without_a_beginning_in_the_base(origin: Origin, workspaces: GitWorkspaces):
    base = origin.commit("base")
    origin.git("checkout", "--quiet", "--orphan", "other")
    origin.write("x", "one\ntwo\n")
    head = origin.commit("root")
    await bring(workspaces, origin, "other")
    added = await workspaces.added_by_commits(origin.repository, base, head)
    assert added == {f"{head}/x": b"one\ntwo\n"}


async def test_too_much_is_too_large_to_judge(origin: Origin, tmp_path):
    spaces = GitWorkspaces(tmp_path / "small", allow_local=True, limits=WorkspaceLimits(patch_bytes=10_000))
    origin.write("a", "1\n")
    base = origin.commit("base")
    for n in range(3):
        origin.write(f"f{n}", f"{n}\n" * 2_000)
        origin.commit("more")
    await bring(spaces, origin)
    with pytest.raises(AuthorFault, match="too large to judge"):
        await spaces.added_by_commits(origin.repository, base, origin.head())
