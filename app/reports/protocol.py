"""The contract of this door: a format reads the bytes of one report into evidence.

A format is pure. It is given hostile bytes and raises nothing but `AuthorFault`, whose message says
where (line, column or JSON path) and what, its hint what to do. What it leaves out it counts in
`Dropped`; what would exceed `Limits` is a fault, never a cut.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

import msgspec

from app.model import AuthorFault, Kind, ReportContent, Severity
from app.reports.text import quoted

HEAD_BYTES = 65_536
MAX_LINE = 10_000_000
MAX_HITS = 2**53


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one report may say: bytes of the file, findings, covered lines, tests."""

    content: int = 80_000_000
    findings: int = 100_000
    lines: int = 1_000_000
    tests: int = 100_000


class ReadContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader knows besides the bytes.

    `path` names the file to people. `roots` are the absolute directories that stood for the
    repository root when the tool ran; `workdir` is where it ran, from that root. `tree_paths` gives all
    paths of the tested tree (called at most once, only if a path needs it), `sources` the bytes of one
    of them (None = none, or too large). `severities` maps rule globs to severities. `secret` marks every
    finding as a secret's.
    """

    path: str = ""
    roots: tuple[str, ...] = ("/workspace",)
    workdir: str = ""
    severities: Mapping[str, Severity] = {}
    tree_paths: Callable[[], Collection[str]] | None = None
    sources: Callable[[str], bytes | None] | None = None
    secret: bool = False
    limits: Limits = Limits()


class Reader(Protocol):
    """Reads one report. Raises AuthorFault only."""

    def __call__(self, content: bytes, context: ReadContext) -> ReportContent:
        """The evidence in `content`; `path` and `flag` are filled in by `ingest`."""
        ...


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of report file. `recognises` sees the first 64 KiB; `title` is its name for people; `also`
    are the further kinds of evidence that its tool looks for in the same go.
    """

    name: str
    title: str
    kind: Kind
    recognises: Callable[[bytes], bool]
    read: Reader
    also: tuple[Kind, ...] = ()


class Dropped:
    """Counts what is left out, by reason, with a first example each."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._examples: dict[str, str] = {}

    def add(self, reason: str, example: str = "") -> None:
        """One more thing left out for `reason` (a constant of ours, so the number of keys is small)."""
        self._counts[reason] = self._counts.get(reason, 0) + 1
        if example:
            self._examples.setdefault(reason, example)

    def sentences(self) -> tuple[str, ...]:
        """One sentence per reason: "3 times: outside the repository (first: '/usr/a.py')"."""
        return tuple(
            ("once" if count == 1 else f"{count} times")
            + f": {reason}"
            + (f" (first: {quoted(example)})" if (example := self._examples.get(reason)) else "")
            for reason, count in self._counts.items()
        )


def number(text: str, what: str, where: str, limit: int = MAX_HITS) -> int:
    """A count written in a report, 0 … limit. Raises AuthorFault for anything else."""
    if text.isascii() and text.isdigit() and len(text) <= len(str(limit)) and int(text) <= limit:
        return int(text)
    raise AuthorFault(f"{where}: {what} is {quoted(text)}, which is no count from 0 to {limit}")


def too_many(what: str, limit: int) -> AuthorFault:
    """The fault of a report that says more than we read."""
    return AuthorFault(
        f"it holds more than {limit:,} {what}",
        hint="split the report, or leave out generated and third-party files",
    )
