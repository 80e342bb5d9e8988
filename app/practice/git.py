"""Real git for practice repositories: bare, on disk, made by plumbing."""

import asyncio
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_SHA = re.compile(r"[0-9a-f]{40}")
_PLAIN_REF = re.compile(r"refs/[\w./+-]+")
_CONFIG = {
    "uploadpack.allowAnySHA1InWant": "true",
    "uploadpack.allowFilter": "true",
    "receive.hideRefs": "refs/pull",
    "receive.denyDeleteCurrent": "ignore",
    "http.receivepack": "true",
    "gc.auto": "0",
}


class GitError(Exception):
    """A git command failed; the text is its last words."""


@dataclass(frozen=True, kw_only=True)
class File:
    """A file to commit; `mode` is git's (100644, 100755, 120000 = link, 160000 = submodule)."""

    content: bytes
    mode: str = "100644"


Content = str | bytes | File | None
"""What people commit at a path: text, bytes, a file with a mode, or None to delete."""


@dataclass(frozen=True, kw_only=True)
class Signature:
    """Who and when (epoch seconds)."""

    name: str
    email: str
    at: int


def environment(directory: Path) -> dict[str, str]:
    """An environment in which only the repository's own configuration counts."""
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(directory),
        "GIT_DIR": str(directory),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
    }


class Git:
    """One bare repository. What can never change (a commit's files) is remembered."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._commits: set[str] = set()
        self._blobs: dict[tuple[str, str], tuple[str, str, bytes] | None] = {}
        self._stats: dict[tuple[str, str], tuple[int, int, int, int]] = {}
        self._told: dict[tuple[str, ...], bytes] = {}

    async def run(self, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
        """Run git and give its output. Raises GitError."""
        return await asyncio.to_thread(self._run, arguments, stdin, env or {})

    def _run(self, arguments: tuple[str, ...], stdin: bytes, env: Mapping[str, str]) -> bytes:
        done = subprocess.run(
            ["git", *arguments],
            input=stdin,
            capture_output=True,
            check=False,
            cwd=self.directory,
            env={**environment(self.directory), **env},
        )
        if done.returncode:
            raise GitError(f"git {arguments[0]}: {done.stderr.decode(errors='replace').strip()[-500:]}")
        return done.stdout

    async def told(self, *arguments: str) -> bytes:
        """As `run`, for a question whose answer never changes (it names commits by SHA): asked once."""
        if arguments not in self._told:
            self._told[arguments] = await self.run(*arguments)
        return self._told[arguments]

    async def init(self, default_branch: str) -> None:
        """Make the repository."""
        self.directory.mkdir(parents=True)
        await self.run("init", "-q", "--bare", f"--initial-branch={default_branch}", str(self.directory))
        lines = [f"[{k.rpartition('.')[0]}]\n\t{k.rpartition('.')[2]} = {v}\n" for k, v in _CONFIG.items()]
        with (self.directory / "config").open("a", encoding="utf-8") as config:
            config.write("".join(lines))

    async def tip(self, ref: str) -> str | None:
        """The commit a ref (or a SHA) names; None if it does not exist."""
        if ref in self._commits:
            return ref
        if (loose := self._loose(ref)) is not None:
            return loose
        try:
            out = await self.run("rev-parse", "--verify", "-q", "--end-of-options", f"{ref}^{{commit}}")
        except GitError:
            return None
        found = out.decode().strip()
        if ref == found:
            self._commits.add(ref)
        return found

    def _loose(self, ref: str) -> str | None:
        """A branch (or full ref) read from its own file, which spares a process; None if it has none."""
        name = ref if ref.startswith("refs/") else f"refs/heads/{ref}"
        if not _PLAIN_REF.fullmatch(name) or ".." in name:
            return None
        try:
            text = (self.directory / name).read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return text if _SHA.fullmatch(text) else None

    async def branches(self) -> dict[str, str]:
        """Branch → SHA."""
        out = await self.run("for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "refs/heads/")
        return {name: sha for sha, _, name in (line.partition(" ") for line in out.decode().splitlines())}

    async def set_ref(self, ref: str, sha: str | None) -> None:
        """Point a ref at a commit, or delete it (None)."""
        if sha is None:
            await self.run("update-ref", "-d", ref)
        else:
            await self.run("update-ref", ref, sha)

    async def commit(
        self, parent: str | None, files: Mapping[str, Content], message: str, who: Signature
    ) -> str:
        """A commit on top of `parent` with these files changed; its SHA."""
        stamp = f"{who.name} <{who.email}> {who.at} +0000".encode()
        text = message.encode()
        parts = [b"commit refs/practice/new\nmark :1\ncommitter ", stamp, b"\n", _data(text)]
        if parent is not None:
            parts.append(f"from {parent}\n".encode())
        for path, content in files.items():
            parts.append(_entry(path, content))
        parts.append(b"get-mark :1\ndone\n")
        out = await self.run("fast-import", "--quiet", "--force", "--done", stdin=b"".join(parts))
        made = out.decode().strip()
        self._commits.add(made)
        return made

    async def merge(self, base: str, head: str, message: str, who: Signature) -> str | None:
        """The merge commit of head into base; None on conflict."""
        try:
            tree = (await self.run("merge-tree", "--write-tree", base, head)).decode().split("\n", 1)[0]
        except GitError:
            return None
        env = {
            "GIT_AUTHOR_NAME": who.name, "GIT_AUTHOR_EMAIL": who.email, "GIT_AUTHOR_DATE": f"{who.at} +0000",
            "GIT_COMMITTER_NAME": who.name, "GIT_COMMITTER_EMAIL": who.email,
            "GIT_COMMITTER_DATE": f"{who.at} +0000",
        }  # fmt: skip
        out = await self.run("commit-tree", tree, "-p", base, "-p", head, "-m", message, env=env)
        return out.decode().strip()

    async def fetch(self, source: Path, sha: str, ref: str) -> None:
        """Bring a commit of another repository in, under `ref`."""
        await self.run("fetch", "-q", "--no-tags", str(source), f"+{sha}:{ref}")

    async def blob(self, commit: str, path: str) -> tuple[str, str, bytes] | None:
        """(mode, SHA, bytes) of a path at a commit; None if absent; mode 040000 for a directory."""
        known = (commit, path)
        if known not in self._blobs:
            found = await self._read_blob(commit, path)
            if not _SHA.fullmatch(commit):
                return found
            self._blobs[known] = found
        return self._blobs[known]

    async def _read_blob(self, commit: str, path: str) -> tuple[str, str, bytes] | None:
        try:
            out = await self.run("ls-tree", "-z", commit, "--", path)
        except GitError:
            return None
        if not out:
            return None
        meta, _, _ = out.split(b"\0", 1)[0].partition(b"\t")
        mode, kind, sha = meta.decode().split()
        return mode, sha, await self.run("cat-file", "blob", sha) if kind == "blob" else b""

    async def tree(self, commit: str, path: str) -> list[tuple[str, str, str]]:
        """(mode, SHA, name) of each entry of a directory."""
        where = [f"{path.rstrip('/')}/"] if path else []
        out = await self.run("ls-tree", "-z", commit, "--", *where)
        found = []
        for entry in out.split(b"\0")[:-1]:
            meta, _, name = entry.partition(b"\t")
            mode, _, sha = meta.decode().split()
            found.append((mode, sha, name.decode().rpartition("/")[2]))
        return found

    async def shortstat(self, base: str, head: str) -> tuple[int, int, int, int]:
        """(files, added, removed, commits) from the fork point to head."""
        if (base, head) not in self._stats:
            self._stats[base, head] = await self._read_stat(base, head)
        return self._stats[base, head]

    async def _read_stat(self, base: str, head: str) -> tuple[int, int, int, int]:
        out = await self.run("diff", "--numstat", "-z", "--no-renames", f"{base}...{head}")
        rows = [row.split(b"\t") for row in out.split(b"\0") if row]
        added = sum(int(row[0]) for row in rows if row[0] != b"-")
        removed = sum(int(row[1]) for row in rows if row[1] != b"-")
        commits = int(await self.run("rev-list", "--count", f"{base}..{head}"))
        return len(rows), added, removed, commits

    async def commits_between(self, base: str, head: str, limit: int) -> list[str]:
        """The commits of head that base lacks, oldest first, the oldest `limit` of them."""
        out = await self.run("rev-list", "--reverse", f"{base}..{head}")
        return out.decode().split()[:limit]

    async def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether older is reachable from newer."""
        try:
            await self.run("merge-base", "--is-ancestor", older, newer)
        except GitError:
            return False
        return True


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _quoted(path: str) -> bytes:
    return b'"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").encode() + b'"'


def _entry(path: str, content: Content) -> bytes:
    if content is None:
        return b"D " + _quoted(path) + b"\n"
    if isinstance(content, str):
        content = content.encode()
    if isinstance(content, bytes):
        content = File(content=content)
    if content.mode == "160000":
        return b"M 160000 %s %s\n" % (content.content, _quoted(path))
    return b"M %s inline %s\n" % (content.mode.encode(), _quoted(path)) + _data(content.content)
