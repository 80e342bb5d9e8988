"""The lines that each commit of a change adds: what a search of the final tree would not see any more."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from app.executors import names
from app.executors.comparison import DIFF, file_changes, parse_patch, parse_raw
from app.executors.git import Git
from app.executors.objects import need
from app.model import AuthorFault, Sha

_EMPTY_TREES = {
    40: "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    64: "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
"""Git's name of the tree without entries, which every repository has, by the digits of its object names."""

Span = tuple[int, int]
"""Lines from 1: the first, and the one behind the last."""


class HistoryLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What is searched of one change at most: commits, files over all commits, runs of added lines, bytes and
    lines of one file, bytes of all that is searched, bytes of all differences, folders within folders.
    """

    commits: int = 1000
    files: int = 20_000
    spans: int = 200_000
    file_bytes: int = 16 << 20
    file_lines: int = 2_000_000
    bytes: int = 64 << 20
    patch_bytes: int = 256 << 20
    depth: int = 200


class _Left:
    """What may still come. Raises AuthorFault where it is used up: never is a part of a change searched."""

    def __init__(self, limits: HistoryLimits) -> None:
        self.limits = limits
        self.files, self.spans, self.bytes = limits.files, limits.spans, limits.bytes
        self.patch = limits.patch_bytes

    def take(self, *, files: int = 0, spans: int = 0, size: int = 0, patch: int = 0) -> None:
        self.files -= files
        self.spans -= spans
        self.bytes -= size
        self.patch -= patch
        for left, most, what in (
            (self.files, self.limits.files, "files"),
            (self.spans, self.limits.spans, "places"),
            (self.bytes, self.limits.bytes, "bytes"),
            (self.patch, self.limits.patch_bytes, "bytes of differences"),
        ):
            if left < 0:
                raise _too_large(f"its commits add to more than {most:,} {what}")


def _too_large(why: str) -> AuthorFault:
    return AuthorFault(f"too large to judge: {why}", hint="squash or split the change")


async def added_by_commits(git: Git, base_sha: Sha, head_sha: Sha, limits: HistoryLimits) -> dict[str, bytes]:
    """`COMMIT/PATH` → the file as that commit leaves it, with all lines blanked that it did not add, for each
    commit in head and not in base, oldest first. A line of a merge counts where no parent has it; renames
    add nothing, nor do binary files.

    Raises AuthorFault "too large to judge" over any of the limits.
    """
    await need(git, base_sha, head_sha)
    count = f"-n{limits.commits + 1}"
    listed = await git("rev-list", count, "--parents", head_sha, f"^{base_sha}")
    commits = listed.decode().splitlines()[::-1]
    if len(commits) > limits.commits:
        raise _too_large(f"it has more than {limits.commits:,} commits")
    found: dict[str, bytes] = {}
    left = _Left(limits)
    for line in commits:
        commit, *parents = line.split(" ")
        added = await _added(git, commit, parents or [_EMPTY_TREES[len(commit)]], left)
        for path, (blob, spans) in added.items():
            if why := names.fault(path, limits.depth):
                raise AuthorFault(f"too large to judge: commit {commit[:7]} holds {why}")
            content = await _content(git, f"{path} of commit {commit[:7]}", blob, limits)
            text = await asyncio.to_thread(_only, content, spans)
            left.take(files=1, size=len(text))
            found[f"{commit}/{path}"] = text
    return found


async def _content(git: Git, name: str, blob: Sha, limits: HistoryLimits) -> bytes:
    (facts,) = await git.facts(blob)
    if facts is not None and facts.size > limits.file_bytes:
        raise _too_large(f"{name} has {facts.size:,} bytes, at most {limits.file_bytes:,} are searched")
    content = await git.content(blob)
    if content.count(b"\n") > limits.file_lines:
        raise _too_large(f"{name} has more than {limits.file_lines:,} lines")
    return content


async def _added(
    git: Git, commit: str, parents: list[str], left: _Left
) -> dict[str, tuple[Sha, tuple[Span, ...]]]:
    """Path → its blob and the lines that no parent has."""
    added: dict[str, tuple[Sha, tuple[Span, ...]]] = {}
    for n, parent in enumerate(parents):
        raw = await git(*DIFF, "--raw", "-z", parent, commit)
        options = ("-p", "-U0", "--irreversible-delete", "--diff-algorithm=histogram")
        patch = await git(*DIFF, *options, parent, commit, most=left.patch)
        left.take(patch=len(patch))
        here = await asyncio.to_thread(_read, raw, patch, left)
        added = {
            path: (blob, _both(spans, added[path][1]) if n else spans)
            for path, (blob, spans) in here.items()
            if not n or path in added
        }
    return {path: entry for path, entry in added.items() if entry[1]}


def _read(raw: bytes, patch: bytes, left: _Left) -> dict[str, tuple[Sha, tuple[Span, ...]]]:
    """Path → its blob and the lines that one difference adds."""
    left.take(spans=patch.count(b"\n@@ "))  # before anything is made of them
    entries = parse_raw(raw)
    blobs = {entry.path: Sha(entry.new_sha) for entry in entries}
    return {
        change.path: (
            blobs[change.path],
            tuple(
                (hunk.new_start, hunk.new_start + hunk.new_count) for hunk in change.hunks if hunk.new_count
            ),
        )
        for change in file_changes(entries, parse_patch(patch), {})
    }


def _both(one: Sequence[Span], other: Sequence[Span]) -> tuple[Span, ...]:
    """The lines in both; each in order and without overlap."""
    found: list[Span] = []
    at = there = 0
    while at < len(one) and there < len(other):
        first, behind = max(one[at][0], other[there][0]), min(one[at][1], other[there][1])
        if first < behind:
            found.append((first, behind))
        if one[at][1] < other[there][1]:
            at += 1
        else:
            there += 1
    return tuple(found)


def _only(content: bytes, spans: tuple[Span, ...]) -> bytes:
    """The content with every other line blank. Lines end at LF, as git counts them."""
    lines = content.split(b"\n")
    ends = [0, *(line for span in spans for line in (span[0] - 1, span[1] - 1)), len(lines)]
    kept = [
        lines[first:behind] if n % 2 else [b""] * (behind - first)
        for n, (first, behind) in enumerate(pairwise(ends))
    ]
    return b"\n".join(line for part in kept for line in part)
