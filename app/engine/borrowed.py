"""A local repository as a temporary one that borrows its objects: the user's own is only read."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from app.executors import Fetched, Workspaces
from app.model import AuthorFault, Repository, Sha


@contextmanager
def borrowed(repository: Repository, base_sha: Sha, head_sha: Sha) -> Iterator[Repository]:
    """A repository whose branches `base` and `head` are these commits of the one at `clone_url`.

    Raises AuthorFault for what is no repository.
    """
    top = Path(repository.clone_url)
    objects = _git(top, "rev-parse", "--path-format=absolute", "--git-path", "objects").strip()
    with tempfile.TemporaryDirectory(prefix="portcullis-local-") as directory:
        bare = Path(directory) / "change.git"
        _git(top, "init", "-q", "--bare", str(bare))
        (bare / "objects" / "info" / "alternates").write_text(f"{objects}\n")
        _git(bare, "update-ref", "refs/heads/base", base_sha)
        _git(bare, "update-ref", "refs/heads/head", head_sha)
        yield msgspec.structs.replace(repository, clone_url=str(bare))


async def fetch_borrowed(spaces: Workspaces, repository: Repository, head_sha: Sha) -> Fetched:
    """Bring the branches of what `borrowed` gave into the mirror; nothing asks for a credential there."""
    return await spaces.fetch(
        repository,
        base_ref="base",
        head_refspec="refs/heads/head",
        head_sha=head_sha,
        credential=_no_credential,
    )


async def _no_credential() -> str:
    return ""


def _git(where: Path, *arguments: str) -> str:
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": os.environ.get("HOME", "/"),
        "LC_ALL": "C",
    }
    result = subprocess.run(
        ["git", "-C", str(where), *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if result.returncode:
        first = (result.stderr.strip() or "git failed").splitlines()[0]
        raise AuthorFault(f"git {arguments[0]}: {first}", hint="run this inside a git repository")
    return result.stdout
