"""Mirrors, merges and trees, on real repositories."""

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from app.executors import GitWorkspaces, WorkspaceLimits
from app.model import AuthorFault, Outage, Sha
from tests.support.git import Origin, anonymous, bring, checked_out
from tests.support.service_process import until
from tests.unit.executors.conftest import NOWHERE


async def test_merge_is_stable_and_lists_conflicts(origin: Origin, workspaces: GitWorkspaces):
    origin.write("a", "1\n2\n3\n")
    origin.write("dir/b", "x\n")
    start = origin.commit()
    origin.branch("topic")
    origin.write("a", "1\n2\n3\nhead\n")
    head = origin.commit("head")
    await bring(workspaces, origin, "topic")
    forward = await workspaces.merge(origin.repository, start, head)
    assert forward.tested_sha == head, "nothing to merge: the head is tested itself"

    origin.git("checkout", "--quiet", "main")
    origin.write("c", "base\n")
    base = origin.commit("base moves")
    await bring(workspaces, origin, "topic")
    merged = await workspaces.merge(origin.repository, base, head)
    assert merged == await workspaces.merge(origin.repository, base, head)
    assert merged.conflicts == ()
    expected = origin.git("merge-tree", "--write-tree", "main", "topic")
    assert merged.tested_tree == expected

    origin.write("a", "1\n2\n3\nbase\n")
    origin.write("dir/b", "y\n")
    base = origin.commit("base contradicts")
    origin.branch("topic")
    origin.git("checkout", "--quiet", "topic")
    origin.git("reset", "--quiet", "--hard", head)
    origin.write("dir/b", "z\n")
    head = origin.commit("head contradicts")
    await bring(workspaces, origin, "topic")
    merged = await workspaces.merge(origin.repository, base, head)
    assert merged.conflicts == ("a", "dir/b")
    assert merged.tested_sha == ""


async def test_histories_without_a_common_commit_cannot_be_merged(origin: Origin, workspaces: GitWorkspaces):
    origin.write("a", "1\n")
    base = origin.commit()
    origin.git("checkout", "--quiet", "--orphan", "topic")
    origin.write("a", "2\n")
    head = origin.commit()
    await bring(workspaces, origin, "topic")
    with pytest.raises(AuthorFault, match="shares no commit"):
        await workspaces.merge(origin.repository, base, head)


async def test_attributes_of_the_head_do_not_choose_the_merge_or_hide_the_difference(
    origin: Origin, workspaces: GitWorkspaces
):
    origin.write("a.py", "1\n")
    base = origin.commit()
    origin.branch("topic")
    origin.write(".gitattributes", "*.py -diff binary export-ignore\n* filter=evil diff=evil\n")
    origin.write("a.py", "1\n2\n")
    head = origin.commit()
    await bring(workspaces, origin, "topic")
    comparison = await workspaces.compare(origin.repository, base, head, head)
    (changed,) = [file for file in comparison.files if file.path == "a.py"]
    assert (changed.added, changed.binary) == (1, False)
    tree = await checked_out(workspaces, origin.repository, head)
    assert (tree / "a.py").read_text() == "1\n2\n"


async def test_read_file(origin: Origin, tmp_path: Path):
    workspaces = GitWorkspaces(tmp_path / "w", allow_local=True, limits=WorkspaceLimits(file_bytes=100))
    origin.write("gate.yml", "version: 1\n")
    origin.write("big", "x" * 101)
    origin.write("dir/inner", "i")
    (origin.place / "link").symlink_to("/etc/passwd")
    (origin.place / "folder").symlink_to("dir")
    sha = origin.commit()
    await bring(workspaces, origin)
    read = workspaces.read_file
    assert await read(origin.repository, sha, "gate.yml") == b"version: 1\n"
    assert await read(origin.repository, sha, "dir/inner") == b"i"
    for absent in ("nothing", "../origin/gate.yml", "/etc/passwd", "folder/inner", "", "gate.y*"):
        assert await read(origin.repository, sha, absent) is None
    for path, why in (("link", "link"), ("big", "too large"), ("dir", "not a file")):
        with pytest.raises(AuthorFault, match=why):
            await read(origin.repository, sha, path)
    with pytest.raises(Outage, match="not in the mirror"):
        await read(origin.repository, NOWHERE, "gate.yml")


async def test_versions_walk_first_parents_only(origin: Origin, workspaces: GitWorkspaces):
    origin.write("f", "1")
    first = origin.commit()
    origin.branch("side")
    origin.write("f", "side")
    origin.commit()
    origin.git("checkout", "--quiet", "main")
    origin.write("other", "1")
    origin.commit()
    origin.git("merge", "--quiet", "--no-edit", "side")
    merge = origin.head()
    origin.write("other", "2")
    tip = origin.commit()
    await bring(workspaces, origin)
    assert await workspaces.versions(origin.repository, tip, "f", 1000) == (merge, first)
    assert await workspaces.versions(origin.repository, tip, "f", 2) == (merge,)
    assert await workspaces.versions(origin.repository, tip, "f", 1) == ()


async def test_commits_tell_who_and_their_trailers(origin: Origin, workspaces: GitWorkspaces):
    base = origin.commit()
    origin.branch("topic")
    head = origin.commit(
        "Do it\n\nBody: not a trailer here\n\nCo-authored-by: Bob\n <bob@example.org>\nFixes: 12"
    )
    await bring(workspaces, origin, "topic")
    (commit,) = await workspaces.commits(origin.repository, base, head)
    assert commit.sha == head
    assert commit.parents == (base,)
    assert (commit.author_name, commit.committer_email) == ("Ada", "ada@example.org")
    assert commit.trailers == ("Co-authored-by: Bob <bob@example.org>", "Fixes: 12")
    assert await workspaces.commits(origin.repository, head, base) == ()
    assert await workspaces.is_ancestor(origin.repository, base, head)
    assert not await workspaces.is_ancestor(origin.repository, head, base)


async def test_a_revert_is_recognised_and_an_edit_is_not(origin: Origin, workspaces: GitWorkspaces):
    origin.write("a", "1\n2\n3\n")
    origin.commit()
    origin.write("a", "1\nX\n3\n")
    undone = origin.commit("to be undone")
    origin.write("b", "b\n")
    base = origin.commit()
    origin.branch("revert")
    origin.git("revert", "--no-edit", undone)
    origin.branch("edit", "main")
    origin.write("a", "1\nY\n3\n")
    origin.commit()
    await bring(workspaces, origin, "revert", "edit")
    assert await workspaces.undoes(origin.repository, base, origin.head("revert"))
    assert not await workspaces.undoes(origin.repository, base, origin.head("edit"))
    assert not await workspaces.undoes(origin.repository, base, base)
    assert await workspaces.undoes(origin.repository, base, undone), "its tree is one main had"


async def test_checkout_holds_nothing_of_git_and_is_shared(origin: Origin, workspaces: GitWorkspaces):
    origin.write("bin/run", "#!/bin/sh\n").chmod(0o755)
    (origin.place / "link").symlink_to("/etc/passwd")
    origin.write(b'odd \xff\n"name', "x")
    sha = origin.commit()
    await bring(workspaces, origin)
    repository = origin.repository
    tree, again = await asyncio.gather(*(checked_out(workspaces, repository, sha) for _ in range(2)))
    assert tree == again
    assert sorted(os.fsencode(path.name) for path in tree.iterdir()) == [b"bin", b"link", b'odd \xff\n"name']
    assert os.access(tree / "bin/run", os.X_OK)
    assert (tree / "link").is_symlink()
    entries = await workspaces.entries(origin.repository, sha)
    assert {(entry.path, entry.mode) for entry in entries} == {
        ("bin/run", "100755"),
        ("link", "120000"),
        ('odd \\xff\n"name', "100644"),
    }


async def few_trees(origin: Origin, tmp_path: Path, count: int) -> tuple[GitWorkspaces, list[Sha]]:
    """Workspaces that keep no tree but those in use, and commits."""
    workspaces = GitWorkspaces(tmp_path / "w", allow_local=True, limits=WorkspaceLimits(kept_trees=0))
    shas = []
    for number in range(count):
        origin.write("n", str(number))
        shas.append(origin.commit())
    await bring(workspaces, origin)
    return workspaces, shas


async def test_trees_that_nobody_uses_go_when_there_are_too_many(origin: Origin, tmp_path: Path):
    workspaces, shas = await few_trees(origin, tmp_path, 3)
    workspaces.trees.kept = 1
    async with AsyncExitStack() as stack:
        trees = [await stack.enter_async_context(workspaces.checkout(origin.repository, sha)) for sha in shas]
        assert all(tree.exists() for tree in trees), "all are in use"
    await until(lambda: [tree.exists() for tree in trees].count(True) == 1)  # a spare is linked from one
    again = await checked_out(workspaces, origin.repository, shas[0])
    assert again == trees[0], "made again when asked for"


async def test_a_tree_stays_until_its_last_user_has_ended(origin: Origin, tmp_path: Path):
    """Two runs of one commit (a base run of main, a pushed change) are two users."""
    workspaces, [sha] = await few_trees(origin, tmp_path, 1)
    async with workspaces.checkout(origin.repository, sha) as tree:
        async with workspaces.checkout(origin.repository, sha):
            pass
        assert (tree / "n").read_text() == "0"
    assert not tree.exists()


async def test_a_tree_that_is_taken_while_others_are_removed_stays(origin: Origin, tmp_path: Path):
    workspaces, shas = await few_trees(origin, tmp_path, 8)
    repository = origin.repository

    async def look(sha: Sha) -> None:
        async with workspaces.checkout(repository, sha) as tree:
            await asyncio.sleep(0)
            assert await asyncio.to_thread((tree / "n").read_text) == str(shas.index(sha))

    await asyncio.gather(*(look(sha) for _ in range(6) for sha in shas))


async def test_half_made_trees_are_swept_and_whole_ones_kept(origin: Origin, workspaces: GitWorkspaces):
    origin.write("a", "1")
    sha = origin.commit()
    await bring(workspaces, origin)
    tree = await checked_out(workspaces, origin.repository, sha)
    (tree.parent / "new-left" / "tree").mkdir(parents=True)
    assert await workspaces.sweep() == 1
    assert await workspaces.sweep() == 0
    assert (tree / "a").read_text() == "1"


async def test_a_tree_that_would_hold_a_git_directory_is_refused(origin: Origin, workspaces: GitWorkspaces):
    base = origin.commit()
    await bring(workspaces, origin)
    blob = origin.git("hash-object", "-w", "--stdin", data=b"[core]\n\tfsmonitor = touch /tmp/owned\n")
    inner = origin.raw("mktree", data=f"100644 blob {blob}\tconfig\n".encode()).decode().strip()
    evil = origin.raw("mktree", data=f"040000 tree {inner}\t.git\n".encode()).decode().strip()
    head = origin.git("commit-tree", evil, "-p", base, "-m", "evil")
    origin.git("update-ref", "refs/heads/topic", head)
    with pytest.raises(AuthorFault, match="git refuses"):
        await bring(workspaces, origin, "topic")


async def test_limits_make_a_change_too_large_to_judge(origin: Origin, tmp_path: Path):
    base = origin.commit()
    for number in range(5):
        origin.write(f"f{number}", "x" * 1000)
    origin.write("a/b/c/d", "1")
    head = origin.commit()
    for limits in (
        WorkspaceLimits(changed_files=4),
        WorkspaceLimits(changed_bytes=900),
        WorkspaceLimits(patch_bytes=900),
        WorkspaceLimits(tree_files=4),
        WorkspaceLimits(tree_bytes=900),
        WorkspaceLimits(tree_depth=2),
    ):
        workspaces = GitWorkspaces(tmp_path / "w", allow_local=True, limits=limits)
        await bring(workspaces, origin)
        with pytest.raises(AuthorFault, match="too large to judge"):
            await workspaces.compare(origin.repository, base, head, head)
            await checked_out(workspaces, origin.repository, head)


async def test_two_wait_for_one_commit(origin: Origin, workspaces: GitWorkspaces):
    """It is here already: one fetch serves both."""
    sha = origin.commit()
    await bring(workspaces, origin)
    mirror = workspaces.mirror(origin.repository)
    async with mirror._fetching:
        both = [asyncio.ensure_future(mirror.fetch("main", sha, sha, anonymous)) for _ in range(2)]
        while len(mirror._waiting) < 2:
            await asyncio.sleep(0)
    assert [found.head_sha for found in await asyncio.gather(*both)] == [sha, sha]
