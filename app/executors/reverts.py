"""Whether a change exactly undoes something its target already has."""

import asyncio

from app.executors.comparison import parse_raw
from app.executors.git import Git, resolve
from app.model import AuthorFault, Sha

_LOOKED_AT = 500
_CANDIDATES = 50
_PATCH_BYTES = 32 << 20
_PATCH = ("-r", "-p", "--no-renames", "--full-index", "--no-ext-diff", "--no-textconv", "--no-color")


async def undoes(git: Git, base: Sha, tested: Sha) -> bool:
    """True if `tested` has the tree of one of the last 500 first-parent commits before `base`, or if
    tested → base is, by stable patch id (git-patch-id(1)), what one of the last 50 commits on the same
    file did.
    """
    tested_tree, listed = await asyncio.gather(
        resolve(git, f"{tested}^{{tree}}"),
        git("rev-list", "--first-parent", f"-n{_LOOKED_AT}", "--format=%T", base),
    )
    trees = [line for line in listed.decode().splitlines() if not line.startswith("commit ")]
    if tested_tree[0] == trees[0]:
        return False  # nothing changed, so nothing was undone
    if tested_tree[0] in trees:
        return True
    try:
        return await _same_patch(git, base, tested)
    except AuthorFault:
        return False  # too much to compare; a change of that size is judged as any other


async def _same_patch(git: Git, base: Sha, tested: Sha) -> bool:
    raw = await git("diff-tree", "-r", "--raw", "-z", "--no-renames", "--no-abbrev", tested, base)
    path = min((entry.path for entry in parse_raw(raw)), default="")
    found = await git(
        "rev-list", "--no-merges", f"-n{_CANDIDATES}", base, "--", path
    )  # what undoes a commit touches the same files, so any one of them finds it
    if not found:
        return False
    undone = await _patch_ids(git, await git("diff-tree", *_PATCH, tested, base, most=_PATCH_BYTES))
    if not undone:
        return False
    patches = await git(
        "diff-tree", "--stdin", "--root", "--format=commit %H", *_PATCH, data=found, most=_PATCH_BYTES
    )
    return bool(undone & await _patch_ids(git, patches))


async def _patch_ids(git: Git, patch: bytes) -> set[bytes]:
    if not patch:
        return set()
    answer = await git("patch-id", "--stable", data=patch)
    return {line.split(b" ")[0] for line in answer.splitlines()}
