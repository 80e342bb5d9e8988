"""The files a check left → evidence and plain sentences; hostile bytes are parsed in another process."""

import asyncio
import math
from collections.abc import Iterable
from pathlib import Path

import msgspec
import zstandard

from app.executors.ingest_child import FileReply, FileRequest, Request
from app.executors.outputs import Outputs, read_outputs
from app.executors.protocol import MISSING, Collected
from app.executors.report_reader import ReportReader, Spent
from app.model import CheckSpec, ReportContent, ReportSpec, Scalar
from app.reports import Limits

MAX_FILES = 5_000
"""Report files of one check."""
CHECK_TIMES = 6
"""All reports of a check may take that many times the processor time of one."""
MAX_KEPT = 16 << 20
"""Bytes of what all reports of one check say, compressed."""
_AT_ONCE = 2
"""Requests of one check: many files of one wait for themselves, not others for them."""
_BATCH_BYTES = 1_000_000
_BATCH_FILES = 64
_Batch = list[tuple[ReportSpec, Collected]]


class ReportsRead(msgspec.Struct, frozen=True, kw_only=True):
    """What a check delivered.

    `problems` are sentences that make it fail ("report missing: out/junit.xml"); `notes` are about
    optional reports, which do not. `errors` are those of the problems that are our own fault: with
    one, the check ends as `error`.
    """

    contents: tuple[ReportContent, ...] = ()
    problems: tuple[str, ...] = ()
    outputs: Outputs = {}
    notes: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


class _Collector:
    """The sentences and evidence of one check, as they come up."""

    def __init__(self, limits: Limits) -> None:
        self._left = {
            "findings": limits.findings,
            "tests": limits.tests,
            "covered lines": limits.lines,
            "places of clones": limits.findings,
            "functions": limits.findings,
            "packages": limits.findings,
            "measures": limits.findings,
        }
        self._limits = dict(self._left)
        self.contents: list[ReportContent] = []
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.errors: list[str] = []

    def unreadable(self, path: str, why: str, *, optional: bool, ours: bool = False) -> None:
        """A file that is there and says nothing."""
        sentence = f"report unreadable: {path}: {why}"
        if ours:
            self.errors.append(sentence)
        (self.notes if optional and not ours else self.problems).append(sentence)

    def take(self, spec: ReportSpec, reply: FileReply, path: str) -> None:
        """One reply. What all reports of a check say together is limited like one report."""
        if reply.content is None:
            why = f"{reply.problem} ({reply.hint})" if reply.hint else reply.problem
            self.unreadable(path, why, optional=spec.optional, ours=reply.ours)
            return
        content = reply.content
        for what, count in (
            ("findings", len(content.findings)),
            ("tests", len(content.tests)),
            ("covered lines", sum(len(file.lines) for file in content.coverage)),
            ("places of clones", sum(len(clone.blocks) for clone in content.clones)),
            ("functions", len(content.functions)),
            ("packages", len(content.packages)),
            ("measures", len(content.measures)),
        ):
            self._left[what] -= count
            if self._left[what] < 0:
                why = f"with it the check reports more than {self._limits[what]:,} {what}"
                self.unreadable(path, why, optional=spec.optional)
                return
        self.contents.append(content)

    def keep_within(self, most: int) -> None:
        """Drop all where it takes more than that many bytes to keep, compressed: it is kept for good."""
        size = len(zstandard.compress(msgspec.json.encode(self.contents), 1))
        if size > most:
            why = f"what they say takes {size >> 20} MB to keep, at most {most >> 20}"
            self.problems.append(f"reports not kept: {why}")
            self.contents = []


def _applies(spec: ReportSpec, cell: dict[str, Scalar]) -> bool:
    return all(name in cell and str(cell[name]) == str(value) for name, value in spec.only.items())


def _shown(path: str) -> str:
    """A path that hostile code may have chosen, fit to be shown and sent."""
    return "".join(char if char.isprintable() else "�" for char in path)


def _wanted(check: CheckSpec, files: tuple[Collected, ...], collector: _Collector) -> _Batch:
    """Each file to read with the first declaration that matches it; notes what is missing."""
    wanted: _Batch = []
    claimed: set[str] = set()
    for spec in check.reports:
        if not _applies(spec, check.cell):
            continue
        found = [file for file in files if file.declared == spec.path and file.problem != MISSING]
        if not found and not spec.optional:
            collector.problems.append(f"report missing: {spec.path}")
        for file in found:
            path = _shown(file.path or file.declared)
            if file.problem:
                collector.unreadable(path, file.problem, optional=spec.optional)
            elif file.path not in claimed:
                wanted.append((spec, msgspec.structs.replace(file, path=path)))
        # Only now: two names of one glob may look alike once they are fit to be shown.
        claimed.update(file.path for file in found)
    if len(wanted) > MAX_FILES:
        collector.problems.append(
            f"reports not read: {len(wanted):,} files match what is declared, at most {MAX_FILES:,} are read"
        )
        return []
    return wanted


def _batches(
    wanted: Iterable[tuple[ReportSpec, Collected]],
) -> Iterable[_Batch]:
    """Small files together: a Java build leaves hundreds of JUnit files, and a fork has a price."""
    batch: _Batch = []
    size = 0
    for entry in wanted:
        length = len(entry[1].content)
        if batch and (size + length > _BATCH_BYTES or len(batch) >= _BATCH_FILES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += length
    if batch:
        yield batch


class _Desk:
    """Where the files of one check are read, `blank` being what each request is like."""

    def __init__(self, reader: ReportReader, blank: Request) -> None:
        self._reader = reader
        self._blank = blank
        self._spent = Spent()
        self._most = CHECK_TIMES * blank.seconds
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def ask(self, batch: _Batch) -> list[FileReply]:
        """One reply per file. Raises Outage."""
        async with self._turns:
            replies = await self._read(batch)
            if len(batch) > 1 and all(reply.content is None for reply in replies):
                # One of them took the others along: each alone tells which.
                return [reply for entry in batch for reply in await self._read([entry])]
            return replies

    async def _read(self, batch: _Batch) -> list[FileReply]:
        left = math.ceil(self._most - self._spent.seconds)
        if left <= 0:
            why = f"the reports of this check took {self._most} s to read before its turn came"
            return [FileReply(problem=why, hint="let it write fewer or smaller reports")] * len(batch)
        request = msgspec.structs.replace(
            self._blank,
            files=tuple(FileRequest(spec, file.path, len(file.content)) for spec, file in batch),
            seconds=min(self._blank.seconds, left),
        )
        return await self._reader.ask(request, [file.content for _, file in batch], self._spent)


async def read_file(
    path: str,
    content: bytes,
    *,
    reader: ReportReader,
    tree: Path | None,
    paths: tuple[str, ...],
    roots: tuple[str, ...],
    workdir: str,
) -> FileReply:
    """What one file says, whatever its format, read as the reports of a check are.

    `path` names it to people; `tree` is where its paths are found (None = nowhere), `paths` the files of it
    (empty = all that lie there), `workdir` the folder of it that relative paths may count from. Raises
    Outage when no process can be had.
    """
    request = Request(
        files=(FileRequest(ReportSpec(path=path), path, len(content)),),
        roots=roots,
        workdir=workdir,
        tree=str(tree) if tree is not None else "",
        paths=paths,
        memory=reader.memory,
        seconds=reader.seconds,
    )
    (reply,) = await reader.ask(request, [content])
    return reply


async def read_reports(
    check: CheckSpec,
    files: tuple[Collected, ...],
    *,
    reader: ReportReader | None = None,
    tree: Path | None = None,
    roots: tuple[str, ...] = ("/workspace",),
    limits: Limits | None = None,
) -> ReportsRead:
    """Read all declared reports and the outputs file of one attempt.

    `reader` is the shared warm process (None = one for this call only, about 100 ms); `tree` the
    directory of the tested tree, for fingerprints and for paths that tools write short; `roots` are
    the absolute directories that stood for the repository root in the sandbox. A report that kills,
    outlasts or outgrows its reader is a problem of the report. Raises Outage when no process can be had.
    """
    if reader is None:
        with ReportReader() as own:
            return await read_reports(check, files, reader=own, tree=tree, roots=roots, limits=limits)
    limits = limits if limits is not None else Limits()
    collector = _Collector(limits)
    desk = _Desk(
        reader,
        Request(
            files=(),
            roots=roots,
            workdir=check.workdir,
            severities=check.severities,
            tree=str(tree) if tree is not None else "",
            limits=limits,
            memory=reader.memory,
            seconds=reader.seconds,
        ),
    )
    wanted = _wanted(check, files, collector)
    batches = list(_batches(wanted))
    answers = await asyncio.gather(*map(desk.ask, batches), return_exceptions=True)
    for batch, replies in zip(batches, answers, strict=True):
        if isinstance(replies, BaseException):
            raise replies
        for (spec, file), reply in zip(batch, replies, strict=True):
            collector.take(spec, reply, file.path)
    if sum(len(file.content) for _, file in wanted) > MAX_KEPT // 4:
        await asyncio.to_thread(collector.keep_within, MAX_KEPT)
    outputs, complaint = read_outputs(check, files)
    return ReportsRead(
        contents=tuple(collector.contents),
        problems=(*collector.problems, *complaint),
        outputs=outputs,
        notes=tuple(collector.notes),
        errors=tuple(collector.errors),
    )
