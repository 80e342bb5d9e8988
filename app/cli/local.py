"""A change of a local git repository: what `plan` and `run` judge without any forge.

The repository is the user's own: nothing of it is moved. Of a working tree that differs from its commit a
new commit is made that no branch knows; git's own housekeeping removes it later.
"""

import asyncio
import hashlib
import os
import tempfile
from pathlib import Path

import msgspec

from app.model import Actor, Change, ChangeKind, Misconfigured, Repository, Sha

_USUAL_BASES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")


class GitProblem(Exception):
    """git ended with an error; the text is what it said."""


class LocalChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change found in a local repository.

    `top` is the working tree's root, `base_name` the base as the user may write it, `snapshot` whether
    head_sha is a commit made of the working tree. `repository.clone_url` is the path of `top`.
    """

    top: Path
    repository: Repository
    change: Change
    base_sha: Sha
    base_name: str
    head_sha: Sha
    snapshot: bool


async def git(folder: Path, *arguments: str, **environment: str) -> str:
    """Run git in the user's repository and give its output, stripped. Raises GitProblem, Misconfigured."""
    try:
        process = await asyncio.create_subprocess_exec(
            "git",
            *arguments,
            cwd=folder,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise Misconfigured(f"git cannot be started: {error.strerror}", hint="install git") from error
    out, err = await process.communicate()
    if process.returncode:
        raise GitProblem(err.decode("utf-8", "replace").strip().removeprefix("fatal: "))
    return out.decode("utf-8", "surrogateescape").strip()


async def top_of(folder: Path) -> Path:
    """The root of the working tree that holds a folder. Raises Misconfigured."""
    try:
        return Path(await git(folder, "rev-parse", "--show-toplevel"))
    except GitProblem as problem:
        raise Misconfigured(
            f"{folder} is in no git working tree: {problem}", hint="go to a clone"
        ) from problem


async def commit_of(top: Path, name: str) -> Sha:
    """The commit that a name means. Raises Misconfigured."""
    try:
        found = await git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except GitProblem as problem:
        raise Misconfigured(
            f"git knows no commit {name!r} here", hint="name a branch, a tag or a commit of this repository"
        ) from problem
    return Sha(found.splitlines()[-1])


async def usual_base(top: Path) -> str:
    """The base where none is named: the remote's default branch, else main, master. Raises Misconfigured."""
    for name in _USUAL_BASES:
        try:
            await git(top, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        except GitProblem:
            continue
        return name
    raise Misconfigured(
        "there is no origin/HEAD, main or master to compare with", hint="say what to compare with: --base REF"
    )


async def snapshot(top: Path, parent: Sha) -> Sha:
    """A commit of the working tree as it is (ignored files left out), or `parent` where nothing differs.

    The user's index and branches are not touched: it is made through an index of its own.
    """
    with tempfile.TemporaryDirectory(prefix="portcullis-index-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        await git(top, "read-tree", parent, **index)
        await git(top, "add", "--all", "--", ".", **index)
        tree = await git(top, "write-tree", **index)
    if tree == await git(top, "rev-parse", f"{parent}^{{tree}}"):
        return parent
    who = {"NAME": "portcullis", "EMAIL": "portcullis@localhost", "DATE": "@0 +0000"}
    identity = {f"GIT_{role}_{part}": text for role in ("AUTHOR", "COMMITTER") for part, text in who.items()}
    return Sha(await git(top, "commit-tree", tree, "-p", parent, "-m", "the working tree", **identity))


async def local_change(folder: Path, *, base: str | None, head: str | None) -> LocalChange:
    """The change from `base` to `head` (None: the working tree) of the repository around `folder`.

    Raises Misconfigured where there is no repository or a name means nothing.
    """
    top = await top_of(folder)
    base_name = base or await usual_base(top)
    base_sha = await commit_of(top, base_name)
    tip = await commit_of(top, head or "HEAD")
    head_sha = tip if head else await snapshot(top, tip)
    branch = head or await git(top, "rev-parse", "--abbrev-ref", "HEAD")
    base_ref = base_name.removeprefix("origin/")
    return LocalChange(
        top=top,
        repository=Repository(
            forge="local",
            forge_id=int.from_bytes(hashlib.sha256(str(top).encode()).digest()[:6], "big"),
            full_name=top.name,
            installation_id=0,
            default_branch=base_ref,
            private=True,
            clone_url=str(top),
        ),
        change=Change(
            kind=ChangeKind.PULL_REQUEST,
            key="local",
            title=await git(top, "log", "-1", "--format=%s", head_sha),
            author=Actor(login=await git(top, "log", "-1", "--format=%an", tip)),
            base_ref=base_ref,
            base_tip=base_sha,
            head_ref=branch,
            head_sha=head_sha,
        ),
        base_sha=base_sha,
        base_name=base_name,
        head_sha=head_sha,
        snapshot=head_sha != tip,
    )
