"""`portcullis evidence`."""

import asyncio
import os
from pathlib import Path

import click
import msgspec

from app.cli import output
from app.cli.evidence_form import Fault, FileEvidence, evidence_of
from app.cli.local import git, top_of
from app.cli.output import Exit, counted, format_option
from app.executors import ReportReader, read_file
from app.model import Misconfigured
from app.publish import clean
from app.reports import FORMATS, Limits

_SANDBOX = "/workspace"
"""Where checks run: reports of theirs can be downloaded and looked into."""

_MEASURES = 20
"""As many measures as people are shown; `--format json` has all."""

_TITLES = {entry.name: entry.title for entry in FORMATS}


def _shares(found: FileEvidence) -> list[tuple[str, str]]:
    """One line per kind of evidence that the file carries."""
    lines: list[tuple[str, str]] = []
    if (tests := found.tests) is not None:
        parts = [f"{tests.passed} passed", f"{tests.failed} failed"]
        parts += [f"{tests.errored} errored"] if tests.errored else []
        parts += [f"{tests.skipped} skipped"] if tests.skipped else []
        flaky = f"; {found.flaky} passed on a later try" if found.flaky else ""
        lines.append(("tests", f"{tests.total}: {', '.join(parts)}{flaky}"))
    if (findings := found.findings) is not None:
        worst_first = reversed(findings.by_severity.items())
        parts = [f"{count} {severity}" for severity, count in worst_first if count]
        text = f"{findings.total}: {', '.join(parts)}" if parts else "none"
        lines.append(("findings", text + (f"; {found.suppressed} suppressed" if found.suppressed else "")))
    if (coverage := found.coverage) is not None:
        text = f"{coverage.covered_lines} of {counted(coverage.coverable_lines, 'line')}"
        if coverage.coverable_branches:
            branches = counted(coverage.coverable_branches, "branch", "branches")
            text += f", {coverage.covered_branches} of {branches}"
        lines.append(("coverage", text))
    if (clones := found.duplication) is not None:
        lines.append(("duplication", f"{counted(clones.clones, 'clone')} in {counted(clones.lines, 'line')}"))
    if (complexity := found.complexity) is not None:
        text = f"at most {complexity.max} in {counted(complexity.functions, 'function')}"
        lines.append(("complexity", text))
    if (packages := found.packages) is not None:
        text = f"{counted(packages.total, 'package')}, {packages.unlicensed} without a licence"
        lines.append(("packages", text))
    if (measures := found.measures) is not None:
        lines.append(("measures", counted(len(measures), "metric")))
        lines += [("", f"{clean.line(name)} {value:g}") for name, value in list(measures.items())[:_MEASURES]]
    return lines


def _show(found: FileEvidence) -> None:
    """Print one file for people. Its texts are hostile: terminal codes are taken out."""
    path = click.style(clean.line(found.path), bold=True)
    if found.error is not None:
        output.error(clean.line(f"{found.path}: {found.error.message}"), clean.line(found.error.hint))
        return
    tool = clean.line(f"{found.tool} {found.tool_version}".strip()) if found.tool else ""
    title = _TITLES.get(found.format or "", found.format or "")
    output.data(f"{path}: {title}" + (f" of {tool}" if tool else ""))
    rows = _shares(found)
    if found.files:
        rows.append(("about", counted(found.files, "file")))
    rows += [("left out", clean.line(sentence)) for sentence in found.dropped]
    output.data(output.table([(f"  {name}", text) for name, text in rows]))


class _Checkout(msgspec.Struct, frozen=True):
    """Where the paths of reports are found: the working tree (None = there is none), its files, the folder
    of it that we are in, and absolute folders that may have stood for it.
    """

    top: Path | None = None
    paths: tuple[str, ...] = ()
    workdir: str = ""
    roots: tuple[str, ...] = (_SANDBOX,)


def _folder() -> Path:
    """Where we are, by the name that the shell and tools started by it know it by."""
    real, named = Path.cwd(), Path(os.environ.get("PWD", ""))
    return named if named.is_absolute() and named.exists() and named.samefile(real) else real


def _placed(top: Path, listed: str) -> _Checkout:
    """The working tree of this root with these files (as git lists them)."""
    folder, real = _folder(), Path.cwd().relative_to(top.resolve())
    # A name that is no text is no path that a report could name.
    names = dict.fromkeys(name for name in listed.split("\0") if name and name.isprintable())
    named_top = folder.parents[len(real.parts) - 1] if real.parts else folder
    roots = dict.fromkeys((str(top), str(named_top), _SANDBOX))
    return _Checkout(top, tuple(names), real.as_posix(), tuple(roots))


async def _checkout() -> _Checkout:
    folder = Path.cwd()
    try:
        top = await top_of(folder)
    except Misconfigured:
        output.note("not in a git working tree: paths stay as the tools wrote them")
        return _Checkout(roots=(str(folder), _SANDBOX))
    return _placed(top, await git(top, "ls-files", "-z", "--cached", "--others", "--exclude-standard"))


def _content(file: str) -> bytes | Fault:
    """The bytes of a file, or why not."""
    path, most = Path(file), Limits().content
    try:
        if not path.is_file():
            why = "it is no plain file" if path.exists() else "there is no such file"
            return Fault(why, "name report files")
        if path.stat().st_size > most:
            return Fault(f"it is larger than {most // 1_000_000} MB", "split it, or report less")
        return path.read_bytes()
    except OSError as error:
        return Fault(f"it cannot be read: {error.strerror}", "look at its permissions")


async def _read(file: str, checkout: _Checkout, reader: ReportReader) -> FileEvidence:
    name = os.fsencode(file).decode("utf-8", "replace")
    content = _content(file)
    if isinstance(content, Fault):
        return FileEvidence(path=name, error=content)
    reply = await read_file(
        name,
        content,
        reader=reader,
        tree=checkout.top,
        paths=checkout.paths,
        roots=checkout.roots,
        workdir=checkout.workdir,
    )
    if reply.content is None:
        return FileEvidence(path=name, error=Fault(reply.problem, reply.hint))
    return evidence_of(name, reply.content)


async def _all(files: tuple[str, ...]) -> list[FileEvidence]:
    checkout = await _checkout()
    with ReportReader() as reader:
        return [await _read(file, checkout, reader) for file in files]


@click.command("evidence", short_help="Print what report files say once they are read.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@format_option
def command(*, files: tuple[str, ...], output_format: output.Format) -> None:
    """Print what report files say once they are read.

    Of each FILE: the format it was recognised as, tests by outcome, findings by severity, covered and
    coverable lines and branches, and what was left out and why. Files are read as the service reads those
    of a check; their paths are found in the git working tree around here.

    The form of `--format json` is stable: `portcullis schema evidence` describes it.

    Exit status: 0 if all files were read, 1 if one could not be, 2 if nothing could be read.
    """
    found = asyncio.run(_all(files))
    if output_format == "json":
        output.json(found)
    else:
        for one in found:
            _show(one)
    if any(one.error is not None for one in found):
        output.ends_with(Exit.BLOCKED)
