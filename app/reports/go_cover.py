"""Go's coverprofile: `mode:`, then `file:line.column,line.column statements count` for each block.

Files are named by import path: `go.mod` of the tree tells which folder that is. A block met again (one
profile of several packages) is added up, or joined in mode `set`, as `go tool cover` does. It counts
statements; we count lines: those of a block that hold more than braces and comments, where the source is
at hand, else all of them. Blocks share lines; a line is covered if any of them was run.
"""

import io
import re
from collections.abc import Callable

from app.model import AuthorFault, Kind, ReportContent
from app.reports.coverage import Gathered, Lines
from app.reports.paths import Paths, Place, Unplaced
from app.reports.protocol import MAX_HITS, MAX_LINE, Format, ReadContext, number, too_many
from app.reports.text import quoted

_MODE = re.compile(rb"(?:\xef\xbb\xbf)?mode: (set|count|atomic)\r?(?:\n|\Z)")
_BLOCK = re.compile(rb"(.+):(\d{1,9})\.(\d{1,9}),(\d{1,9})\.(\d{1,9}) \d{1,9} (\d{1,19})")
_MODULE = re.compile(rb'^module[ \t]+"?([^\s"]+)', re.MULTILINE)
_BARE = re.compile(rb"[\s{}()]*(?://.*)?", re.DOTALL)
_MAX_MODULES = 1_000
_MAX_PATH = 4_096

Span = tuple[int, int, int, int]
"""First line and byte, last line and the byte behind: 1-based."""


class _Modules:
    """Import paths made paths of the repository."""

    def __init__(self, context: ReadContext) -> None:
        self._paths = Paths(context)
        self._folders: dict[str, str] = {}
        if context.sources is not None:
            for path in self._paths.called("go.mod")[:_MAX_MODULES]:
                match = _MODULE.search(context.sources(path) or b"")
                if match is not None:
                    self._folders[match[1].decode("utf-8", "replace")] = path.removesuffix("go.mod")

    def place(self, raw: str) -> Place:
        """Where a file of the profile is. `_/home/a.go` is how Go names one of no module."""
        if len(raw) > _MAX_PATH:
            return Place("", Unplaced.UNUSABLE)
        if raw.startswith(("_/", "/", "./")):
            return self._paths.place(raw.removeprefix("_"))
        module = raw
        while "/" in module:
            module = module.rpartition("/")[0]
            if module in self._folders:
                path = self._folders[module] + raw[len(module) + 1 :]
                # Beneath the module's folder, but only by a path that stays in it.
                return (
                    self._paths.place(path) if ".." not in path.split("/") else Place("", Unplaced.UNUSABLE)
                )
        place = self._paths.place(raw)
        if not self._folders or self._paths.holds(place.path):
            return place
        return Place("", Unplaced.OUTSIDE)


def _lines(span: Span, source: list[bytes]) -> list[int]:
    """The lines of a block: those with code in it, or all if the source does not reach so far."""
    first, column, last, end = span
    if last > len(source):
        return list(range(first, last + 1))
    found = []
    for at in range(first, last + 1):
        text = source[at - 1]
        if at == last:
            text = text[: end - 1]
        if at == first:
            text = text[column - 1 :]
        if not _BARE.fullmatch(text):
            found.append(at)
    return found


class _Profile:
    """The blocks of each file."""

    def __init__(self, context: ReadContext) -> None:
        self._limit = context.limits.lines
        self._blocks: dict[bytes, dict[Span, int]] = {}
        self._count = 0
        self._spread = 0

    def add(self, line: bytes, where: str, joined: Callable[[int, int], int]) -> None:
        """One more block. Raises AuthorFault."""
        match = _BLOCK.fullmatch(line)
        if match is None:
            raise AuthorFault(f"{where}: {_shown(line)} is not like 'example.com/a/b.go:3.14,5.2 1 0'")
        first, column, last, end = (int(text) for text in match.groups()[1:5])
        count = number(match[6].decode(), "the count", where, 2**64)
        if not 0 < first <= last <= MAX_LINE or (first == last and end < column):
            raise AuthorFault(f"{where}: {_shown(line)} ends before it begins")
        blocks = self._blocks.setdefault(match[1], {})
        span = (first, column, last, end)
        if span not in blocks:
            self._count += 1
            self._spread += last - first
            if self._count > self._limit:
                raise too_many("covered blocks", self._limit)
            # One block has no line twice, and blocks of Go hardly overlap.
            if max(last - first, self._spread / 4) > self._limit:
                raise too_many("covered lines", self._limit)
        blocks[span] = min(joined(blocks.get(span, 0), count), MAX_HITS)

    def put(self, gathered: Gathered, context: ReadContext) -> None:
        """All lines of all files."""
        modules = _Modules(context)
        for name, blocks in self._blocks.items():
            raw = name.decode("utf-8", "replace")
            place = modules.place(raw)
            target = gathered.file(place, raw)
            if target is not None:
                source = context.sources(place.path) if context.sources is not None else None
                _put(blocks, (source or b"").split(b"\n") if source else [], target[0])


def _put(blocks: dict[Span, int], source: list[bytes], lines: Lines) -> None:
    for span, count in blocks.items():
        for at in _lines(span, source):
            lines[at] = max(lines.get(at, 0), count)


def _shown(raw: bytes) -> str:
    return quoted(raw[:1_000].decode("utf-8", "replace"))


def _either(before: int, now: int) -> int:
    return max(before, now)


def _sum(before: int, now: int) -> int:
    return before + now


def _recognises(head: bytes) -> bool:
    return _MODE.match(head) is not None


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The line coverage of a coverprofile. Raises AuthorFault."""
    match = _MODE.match(content)
    if match is None:
        raise AuthorFault("line 1: not 'mode: set', 'mode: count' or 'mode: atomic'")
    profile = _Profile(context)
    joined = _either if match[1] == b"set" else _sum
    for at, raw in enumerate(io.BytesIO(content.removeprefix(b"\xef\xbb\xbf")), 1):
        line = raw.strip()
        # Profiles put together with `cat` repeat their first line.
        if line and not line.startswith(b"mode: "):
            profile.add(line, f"line {at}", joined)
    gathered = Gathered(context.limits)
    profile.put(gathered, context)
    return ReportContent(
        format="go_cover",
        kind="coverage",
        tool="go",
        coverage=gathered.files(),
        dropped=gathered.dropped.sentences(),
    )


GO_COVER = Format(
    name="go_cover", title="Go coverprofile", kind=Kind.COVERAGE, recognises=_recognises, read=read
)
