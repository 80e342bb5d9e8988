"""Real git repositories for tests, made in scratch directories with nothing of the machine's own settings."""

import os
import subprocess
from pathlib import Path

from app.executors import GitWorkspaces, Workspaces
from app.model import Repository, Sha

_WHO = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (("NAME", "Ada"), ("EMAIL", "ada@example.org"), ("DATE", "2026-01-02T03:04:05Z"))
}


class Origin:
    """A repository to fetch from. `write` and `commit` change it; `repository` is how the model names it."""

    def __init__(self, place: Path, *, number: int = 1, object_format: str = "sha1") -> None:
        self.place = place
        self.place.mkdir(parents=True)
        self.number = number
        self.git("init", "--quiet", "--initial-branch=main", f"--object-format={object_format}")

    def git(self, *arguments: str, data: bytes | None = None, check: bool = True) -> str:
        return self.raw(*arguments, data=data, check=check).decode("utf-8", "replace").strip()

    def raw(self, *arguments: str, data: bytes | None = None, check: bool = True) -> bytes:
        clean = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
        done = subprocess.run(
            ["git", "-C", str(self.place), *arguments],
            input=data,
            env={**clean, **_WHO},
            capture_output=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def write(self, path: str | bytes, content: str | bytes) -> Path:
        target = self.place / os.fsdecode(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink():
            target.unlink()
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        return target

    def commit(self, message: str = "change") -> Sha:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.head()

    def head(self, name: str = "HEAD") -> Sha:
        return Sha(self.git("rev-parse", name))

    def branch(self, name: str, at: str = "HEAD") -> None:
        self.git("checkout", "--quiet", "-B", name, at)

    @property
    def repository(self) -> Repository:
        return Repository(
            forge="practice",
            forge_id=self.number,
            full_name="acme/shop",
            installation_id=1,
            default_branch="main",
            private=False,
            clone_url=str(self.place),
        )


async def anonymous() -> str:
    return ""


async def bring(workspaces: GitWorkspaces, origin: Origin, *branches: str, base: str = "main") -> None:
    for branch in branches or (base,):
        await workspaces.fetch(
            origin.repository,
            base_ref=base,
            head_refspec=f"refs/heads/{branch}",
            head_sha=origin.head(branch),
            credential=anonymous,
        )


async def checked_out(spaces: Workspaces, repository: Repository, sha: Sha) -> Path:
    """The tree of a commit, which stays for a while: few others are made here."""
    async with spaces.checkout(repository, sha) as tree:
        return tree
