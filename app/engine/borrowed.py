"""A change of a local repository, as a temporary repository that borrows its objects."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from app.model import Actor, AuthorFault, Change, ChangeKind, Repository, Sha


class LocalChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a local repository, as a repository of its own that borrows the objects."""

    repository: Repository
    change: Change


@contextmanager
def local_change(root: Path, *, base: str, head: str | None) -> Iterator[LocalChange]:
    """`head` (None: the working tree as it is, ignored files left out) against `base`.

    The repository at `root` is only read: a temporary one borrows its objects. Raises AuthorFault for
    what is no repository or no commit.
    """
    top = Path(_git(root, "rev-parse", "--show-toplevel").strip())
    objects = Path(_git(top, "rev-parse", "--path-format=absolute", "--git-path", "objects").strip())
    base_sha = _commit(top, base)
    head_sha = _commit(top, head or "HEAD")
    with tempfile.TemporaryDirectory(prefix="portcullis-local-") as directory:
        bare = Path(directory) / "change.git"
        _git(top, "init", "-q", "--bare", str(bare))
        (bare / "objects" / "info" / "alternates").write_text(f"{objects}\n")
        if head is None:
            head_sha = _working_tree(top, bare, head_sha)
        _git(bare, "update-ref", "refs/heads/base", base_sha)
        _git(bare, "update-ref", "refs/heads/head", head_sha)
        yield LocalChange(
            repository=Repository(
                forge="local",
                forge_id=abs(hash(str(bare))) % (1 << 31),
                full_name=top.name,
                installation_id=0,
                default_branch="base",
                private=True,
                clone_url=str(bare),
            ),
            change=Change(
                kind=ChangeKind.PULL_REQUEST,
                key="local",
                title="the working tree" if head is None else head,
                author=Actor(login=""),
                base_ref=base,
                head_ref=head or "the working tree",
                head_sha=Sha(head_sha),
            ),
        )


def _working_tree(top: Path, bare: Path, parent: str) -> str:
    """The working tree as a commit in the temporary repository."""
    _git(bare, "read-tree", parent)
    _git(bare, f"--work-tree={top}", "add", "-A", cwd=top)
    tree = _git(bare, "write-tree").strip()
    return _git(bare, "commit-tree", tree, "-p", parent, "-m", "the working tree").strip()


def _commit(top: Path, ref: str) -> str:
    try:
        return _git(top, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").strip()
    except AuthorFault as fault:
        raise AuthorFault(
            f"{ref!r} names no commit here", hint="name a branch, tag or commit: --base main"
        ) from fault


def _git(where: Path, *arguments: str, cwd: Path | None = None) -> str:
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": os.environ.get("HOME", "/"),
        "LC_ALL": "C",
        "GIT_AUTHOR_NAME": "portcullis",
        "GIT_AUTHOR_EMAIL": "portcullis@localhost",
        "GIT_COMMITTER_NAME": "portcullis",
        "GIT_COMMITTER_EMAIL": "portcullis@localhost",
    }
    place = (
        ["--git-dir", str(where)]
        if where.suffix == ".git" and (where / "HEAD").exists()
        else ["-C", str(where)]
    )
    result = subprocess.run(
        ["git", *place, *arguments], env=environment, cwd=cwd, capture_output=True, text=True, check=False
    )
    if result.returncode:
        first = (result.stderr.strip() or "git failed").splitlines()[0]
        raise AuthorFault(f"git {arguments[0]}: {first}", hint="run this inside a git repository")
    return result.stdout
