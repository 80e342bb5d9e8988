"""A tree begun from another one of its repository is, byte for byte, the tree that git writes."""

import asyncio
import contextlib
import os
from pathlib import Path

from app.executors import GitWorkspaces
from app.executors.spares import Spare, Spares
from app.model import Sha
from tests.support.git import Origin, bring, checked_out


def listed(tree: Path) -> dict[Path, tuple[int, bytes]]:
    """Every entry's mode and content (a link's target), by path."""
    found = {}
    for path in sorted(tree.rglob("*")):
        mode = path.lstat().st_mode
        if path.is_symlink():
            content = os.fsencode(path.readlink())
        else:
            content = b"" if path.is_dir() else path.read_bytes()
        found[path.relative_to(tree)] = (mode, content)
    return found


async def both(origin: Origin, spaces: GitWorkspaces, tmp_path: Path, sha: Sha) -> tuple[Path, Path]:
    """The tree as the warm workspaces make it, and as new ones do."""
    whole = GitWorkspaces(tmp_path / f"whole-{sha}", allow_local=True)
    for each in (spaces, whole):
        await bring(each, origin)
    repository = origin.repository
    return await checked_out(spaces, repository, sha), await checked_out(whole, repository, sha)


def first(origin: Origin) -> Sha:
    for name in (
        "same.txt",
        "edited.txt",
        "gone/deep/only.txt",
        "file-then-folder",
        "folder-then-file/x",
        "run.sh",
    ):
        origin.write(name, f"{name}\n")
    origin.write(b"caf\xe9.txt", "latin\n")
    (origin.place / "link").symlink_to("same.txt")
    (origin.place / "link-then-file").symlink_to("gone")
    return origin.commit()


async def test_all_kinds_of_change(origin: Origin, workspaces: GitWorkspaces, tmp_path: Path):
    old, _ = await both(origin, workspaces, tmp_path, first(origin))
    before = listed(old)
    place = origin.place
    origin.write("edited.txt", "another text\n")
    (place / "gone/deep/only.txt").unlink()
    (place / "file-then-folder").unlink()
    origin.write("file-then-folder/inside", "1\n")
    (place / "folder-then-file/x").unlink()
    (place / "folder-then-file").rmdir()
    origin.write("folder-then-file", "2\n")
    (place / "run.sh").chmod(0o755)
    (place / "link").unlink()
    (place / "link").symlink_to("edited.txt")
    origin.write("link-then-file", "no link any more\n")
    origin.write(b"caf\xe9.txt", "changed\n")
    origin.write("new/folder/of/files.txt", "3\n")
    derived, whole = await both(origin, workspaces, tmp_path, origin.commit("everything"))
    assert listed(derived) == listed(whole)
    assert (derived / "same.txt").samefile(old / "same.txt"), "what is the same is not written again"
    assert not (derived / "edited.txt").samefile(old / "edited.txt")
    assert listed(old) == before, "the tree it began from stays as it is"
    for path in (derived / "new", derived / "new/folder/of/files.txt", derived / "same.txt"):
        assert path.stat().st_uid == derived.stat().st_uid


async def test_changed_attributes_decide_over_all_files(
    origin: Origin, workspaces: GitWorkspaces, tmp_path: Path
):
    await both(origin, workspaces, tmp_path, first(origin))
    origin.write(".gitattributes", "*.txt text eol=crlf\n")
    derived, whole = await both(origin, workspaces, tmp_path, origin.commit("attributes"))
    assert listed(derived) == listed(whole)
    assert (derived / "same.txt").read_bytes() == b"same.txt\r\n"


async def test_attributes_decide_over_the_files_that_are_written_anew(
    origin: Origin, workspaces: GitWorkspaces, tmp_path: Path
):
    origin.write(".gitattributes", "*.txt text eol=crlf\n")
    origin.write("folder/.gitattributes", "*.txt -text\n")
    (origin.place / "linked").mkdir()
    (origin.place / "linked/.gitattributes").symlink_to("../folder/.gitattributes")
    origin.write("linked/a.txt", "1\n")
    origin.write("folder/a.txt", "1\n")
    await both(origin, workspaces, tmp_path, first(origin))
    for name in ("edited.txt", "folder/a.txt", "linked/a.txt", "new/b.txt"):
        origin.write(name, "2\n")
    derived, whole = await both(origin, workspaces, tmp_path, origin.commit("edits"))
    assert listed(derived) == listed(whole)
    assert (derived / "edited.txt").read_bytes() == b"2\r\n"
    assert (derived / "folder/a.txt").read_bytes() == b"2\n"


async def test_a_tree_that_may_go_does_not_go_while_another_begins_from_it(
    origin: Origin, workspaces: GitWorkspaces, tmp_path: Path
):
    sha = first(origin)
    await both(origin, workspaces, tmp_path, sha)
    for number in range(3):
        origin.write("edited.txt", f"{number}\n")
        derived, whole = await both(origin, workspaces, tmp_path, origin.commit(f"edit {number}"))
        assert listed(derived) == listed(whole)


async def spare_of(spaces: GitWorkspaces) -> Spare:
    """The one spare tree, once it is there."""
    async with asyncio.timeout(60):
        while not spaces.trees.spares._ready:
            await asyncio.sleep(0.01)
    (spare,) = spaces.trees.spares._ready.values()
    return spare


async def test_a_tree_begun_ahead_is_used_up_and_changes_no_other(
    origin: Origin, workspaces: GitWorkspaces, tmp_path: Path
):
    old, _ = await both(origin, workspaces, tmp_path, first(origin))
    origin.write("edited.txt", "2\n")
    between, _ = await both(origin, workspaces, tmp_path, origin.commit("one"))
    spare = await spare_of(workspaces)
    assert listed(spare.content) == listed(between)
    before = [listed(tree) for tree in (old, between)]
    origin.write("edited.txt", "3\n")
    (origin.place / "gone/deep/only.txt").unlink()
    (origin.place / "link").unlink()
    origin.write("link", "a file\n")
    inode = (spare.content / "run.sh").parent.stat().st_ino
    derived, whole = await both(origin, workspaces, tmp_path, origin.commit("two"))
    assert derived.stat().st_ino == inode, "it is what was begun"
    assert listed(derived) == listed(whole)
    assert [listed(tree) for tree in (old, between)] == before
    assert (await spare_of(workspaces)).tree != spare.tree, "the next one is begun"


async def test_a_spare_that_was_tidied_away_is_missed_by_nobody(
    origin: Origin, workspaces: GitWorkspaces, tmp_path: Path
):
    await both(origin, workspaces, tmp_path, first(origin))
    origin.write("edited.txt", "2\n")
    await both(origin, workspaces, tmp_path, origin.commit("one"))
    await spare_of(workspaces)
    assert await workspaces.sweep() >= 1
    origin.write("edited.txt", "3\n")
    derived, whole = await both(origin, workspaces, tmp_path, origin.commit("two"))
    assert listed(derived) == listed(whole)


async def test_changed_attributes_use_no_tree_begun_ahead(
    origin: Origin, workspaces: GitWorkspaces, tmp_path: Path
):
    await both(origin, workspaces, tmp_path, first(origin))
    origin.write("edited.txt", "2\n")
    await both(origin, workspaces, tmp_path, origin.commit("one"))
    await spare_of(workspaces)
    origin.write(".gitattributes", "*.txt text eol=crlf\n")
    derived, whole = await both(origin, workspaces, tmp_path, origin.commit("attributes"))
    assert listed(derived) == listed(whole)


async def idle(spares: Spares) -> None:
    """Until nothing is begun or removed any more."""
    async with asyncio.timeout(60):
        while spares._tasks:
            await asyncio.sleep(0.01)


async def test_a_tree_does_not_go_while_another_is_begun_ahead_from_it(
    origin: Origin, workspaces: GitWorkspaces, tmp_path: Path
):
    await both(origin, workspaces, tmp_path, first(origin))
    origin.write("edited.txt", "2\n")
    await both(origin, workspaces, tmp_path, origin.commit("one"))
    trees = workspaces.trees
    await idle(trees.spares)
    trees.spares._ready.clear()
    trees.make_ready(origin.repository)
    await asyncio.sleep(0)  # its thread links now; that it ended is heard at the next turn at the earliest
    assert sum(trees.users.values()) == 1
    await idle(trees.spares)
    assert sum(trees.users.values()) == 0
    assert len(trees.spares._ready) == 1


async def test_few_repositories_have_a_spare(tmp_path: Path):
    seed = tmp_path / "seed"
    seed.mkdir()
    (seed / "a").write_text("1\n")
    spares = Spares(tmp_path, None, contextlib.nullcontext)
    for number in range(10):
        spares.lay(f"r{number}", Sha("1" * 40), seed)
        await idle(spares)
    assert [spares.take(f"r{number}") is None for number in range(10)] == [True] * 2 + [False] * 8
    assert len(list(tmp_path.glob("new-*"))) == 8
    spares.lay("gone", Sha("1" * 40), tmp_path / "nowhere")
    await idle(spares)
    assert spares.take("gone") is None
