"""Reading what git says about a difference: `diff-tree --raw -z` and the patch of `-U0`. Pure.

Names are taken from the NUL-separated listing only, never from the patch (whose headers quote them);
the patch is walked by the line counts of its hunk headers, so no content can look like a header.
Formats: git-diff-tree(1), "Raw output format" and "Generating patch text with -p".
"""

import re

import msgspec

from app.model import AuthorFault, FileChange, FileStatus, Hunk

DIFF = ("diff-tree", "-r", "-M", "--no-ext-diff", "--no-textconv", "--no-color", "--no-abbrev")
"""What git is asked with for either reading."""

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
LINK, SUBMODULE, ABSENT = "120000", "160000", "000000"
_PLAIN = ("100644", "100755", "100664")


class RawEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the raw listing: modes, object names, status letter, paths."""

    old_mode: str
    new_mode: str
    old_sha: str
    new_sha: str
    letter: str
    path: str
    old_path: str | None = None

    @property
    def status(self) -> FileStatus:
        """The status as the model names it; a copy adds, a change of type modifies."""
        return {
            "A": FileStatus.ADDED,
            "C": FileStatus.ADDED,
            "D": FileStatus.REMOVED,
            "R": FileStatus.RENAMED,
        }.get(self.letter, FileStatus.MODIFIED)

    @property
    def sections(self) -> int:
        """How many `diff --git` sections the patch holds for it: two where the type changes."""
        return 2 if self.letter == "T" else 1

    @property
    def has_lines(self) -> bool:
        """Whether its content is that of ordinary files on every side it exists."""
        return all(mode in _PLAIN or mode == ABSENT for mode in (self.old_mode, self.new_mode))


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One file's part of a patch."""

    hunks: tuple[Hunk, ...] = ()
    added_nonblank: int = 0
    binary: bool = False


def decode(name: bytes) -> str:
    """A path as text that can be stored and shown: a byte that is not UTF-8 is written as its escape."""
    return name.decode("utf-8", "backslashreplace")


def parse_raw(output: bytes) -> tuple[RawEntry, ...]:
    """The entries of `git diff-tree -r --raw -z -M`, in git's order."""
    fields = output.split(b"\0")
    entries: list[RawEntry] = []
    at = 0
    while at < len(fields) and fields[at]:
        old_mode, new_mode, old_sha, new_sha, status = fields[at].decode("ascii").lstrip(":").split(" ")
        letter = status[0]
        moved = letter in "RC"
        first = decode(fields[at + 1])
        path = decode(fields[at + 2]) if moved else first
        entries.append(
            RawEntry(
                old_mode=old_mode,
                new_mode=new_mode,
                old_sha=old_sha,
                new_sha=new_sha,
                letter=letter,
                path=path,
                old_path=first if moved else None,
            )
        )
        at += 3 if moved else 2
    return tuple(entries)


class _Patch:
    """A reader over the lines of a patch (lines end at LF only, as git counts them)."""

    def __init__(self, patch: bytes) -> None:
        self.patch = patch
        self.at = 0

    def line(self) -> bytes | None:
        """The next line without its LF; None at the end."""
        if self.at >= len(self.patch):
            return None
        end = self.patch.find(b"\n", self.at)
        end = len(self.patch) if end < 0 else end
        line = self.patch[self.at : end]
        self.at = end + 1
        return line

    def body(self, old: int, new: int) -> int:
        """Skip a hunk's lines; gives how many of the added ones are not blank."""
        nonblank = 0
        while old or new:
            line = self.line()
            if line is None:
                raise AuthorFault("too large to judge: git's difference ends within a hunk")
            if line.startswith(b"-"):
                old -= 1
            elif line.startswith(b"+"):
                new -= 1
                nonblank += bool(line[1:].strip())
        return nonblank


def parse_patch(patch: bytes) -> tuple[Section, ...]:
    """The sections of `git diff-tree -r -p -U0 -M`, in git's order (the raw listing's)."""
    reader = _Patch(patch)
    sections: list[Section] = []
    hunks: list[Hunk] = []
    nonblank = 0
    binary = False
    begun = False
    while True:
        line = reader.line()
        if line is None or line.startswith(b"diff --git "):
            if begun:
                sections.append(Section(hunks=tuple(hunks), added_nonblank=nonblank, binary=binary))
            if line is None:
                return tuple(sections)
            hunks, nonblank, binary, begun = [], 0, False, True
        elif match := _HUNK.match(line):
            old_start, old_count, new_start, new_count = (
                int(part) if part is not None else 1 for part in match.groups()
            )
            hunks.append(Hunk(old_start, old_count, new_start, new_count))
            nonblank += reader.body(old_count, new_count)
        elif line.startswith(b"Binary files ") and line.endswith(b" differ"):
            binary = True


def file_changes(
    entries: tuple[RawEntry, ...], sections: tuple[Section, ...], sizes: dict[str, int]
) -> tuple[FileChange, ...]:
    """Both readings joined. `sizes` maps object names to bytes.

    Raises AuthorFault if the two do not tell of the same files (a difference cut short).
    """
    if sum(entry.sections for entry in entries) != len(sections):
        raise AuthorFault("too large to judge: git's difference is incomplete")
    files: list[FileChange] = []
    at = 0
    for entry in entries:
        parts = sections[at : at + entry.sections]
        at += entry.sections
        files.append(_file_change(entry, parts, sizes))
    return tuple(files)


def _file_change(entry: RawEntry, parts: tuple[Section, ...], sizes: dict[str, int]) -> FileChange:
    # A link's target and a submodule's commit are no lines of the project. Where a link became a file
    # (or the reverse), the ordinary side's lines count: two sections, removal first.
    kept = parts
    if not entry.has_lines:
        kept = ()
        if entry.letter == "T" and entry.new_mode in _PLAIN:
            kept = parts[1:]
        elif entry.letter == "T" and entry.old_mode in _PLAIN:
            kept = parts[:1]
    hunks = tuple(hunk for part in kept for hunk in part.hunks)
    return FileChange(
        path=entry.path,
        old_path=entry.old_path,
        status=entry.status,
        hunks=hunks,
        added=sum(hunk.new_count for hunk in hunks),
        removed=sum(hunk.old_count for hunk in hunks),
        added_nonblank=sum(part.added_nonblank for part in kept),
        binary=any(part.binary for part in kept),
        size=sizes.get(entry.new_sha, 0),
    )
