"""`portcullis judge`."""

import asyncio
import tempfile
from pathlib import Path

import click
import msgspec

from app import settings
from app.catalogue import catalogue
from app.cli import lint, output
from app.cli.gatefile import read_gate_file, shown_path
from app.cli.judge_form import judged
from app.cli.local import GitProblem, LocalChange, git, local_change
from app.cli.output import Exit, format_option
from app.engine import GivenReport, Invalid, OfflineJudge, borrowed, read_gate
from app.executors import GitWorkspaces, ReportReader
from app.model import Judgement, Misconfigured, Sha
from app.publish import explain_text
from app.reports import Limits


def given(text: str) -> GivenReport:
    """`[NAME[:FLAG]=]FILE` with the file's bytes. Raises Misconfigured where it cannot be read."""
    name, separator, path = text.partition("=")
    if not separator or Path(text).is_file():
        name, path = "", text
    check, _, flag = name.partition(":")
    try:
        with Path(path).open("rb") as file:
            # one byte more than is read tells that it is too large
            content = file.read(Limits().content + 1)
    except OSError as error:
        raise Misconfigured(
            f"cannot read the report {path}: {error.strerror}", hint="name a report file"
        ) from error
    return GivenReport(path=path, content=content, check=check, flag=flag)


async def _base_of(local: LocalChange) -> tuple[Sha, str]:
    """The commit to compare with: reports tell of the head alone, so that base's newer commits are left out;
    and the note that says so.
    """
    try:
        found = Sha(await git(local.top, "merge-base", local.base_sha, local.head_sha))
    except GitProblem as problem:
        raise Misconfigured(
            f"{local.base_name} and the head share no commit", hint="name another base: --base REF"
        ) from problem
    if found == local.base_sha:
        return found, ""
    return found, f"compared with {found[:10]}, from where the head left {local.base_name}"


async def _judge(
    local: LocalChange, reports: list[GivenReport], base_reports: list[GivenReport], gate: Path | None
) -> Judgement:
    configured = settings.load()
    settings.make_data_dir(configured)
    base_sha, note = await _base_of(local)
    gatefile = read_gate(read_gate_file(gate), shown_path(gate), catalogue()) if gate else None
    with (
        tempfile.TemporaryDirectory(prefix="local-", dir=configured.data_dir) as folder,
        ReportReader() as reader,
        borrowed(local.repository, base_sha, local.head_sha) as repository,
    ):
        workspaces = GitWorkspaces(Path(folder) / "git", allow_local=True)
        try:
            judgement = await OfflineJudge(workspaces, reader, root=local.top).judge(
                repository,
                local.change,
                base_sha,
                reports=reports,
                base_reports=base_reports,
                gatefile=gatefile,
                gate_path=shown_path(gate) if gate else "",
            )
        finally:
            await workspaces.settle()
    return msgspec.structs.replace(judgement, notes=(note,)) if note else judgement


@click.command("judge", short_help="Judge reports that exist already, without running a check.")
@click.option(
    "--base", metavar="REF", help="Compare with this.  [default: the remote's default branch, or main]"
)
@click.option("--head", metavar="REF", help="What the reports are of.  [default: the working tree as it is]")
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="FILE",
    help="A report, as [CHECK[:FLAG]=]FILE.",
)
@click.option(
    "--base-report",
    "base_reports",
    multiple=True,
    metavar="FILE",
    help="A report of the base, likewise.",
)
@click.option(
    "--gate",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Judge by this gate file.  [default: the built-in gate]",
)
@click.argument("more", nargs=-1, metavar="[FILE]...")
@format_option
def command(
    *,
    base: str | None,
    head: str | None,
    reports: tuple[str, ...],
    base_reports: tuple[str, ...],
    gate: Path | None,
    more: tuple[str, ...],
    output_format: output.Format,
) -> None:
    """Judge reports of --head against --base, here and offline: nothing is run, nothing is sent.

    Each FILE is recognised by its content. With a gate file a report goes to the check it is named for
    (CHECK=FILE), that declares a file of its name, or that alone declares its kind. Without one the built-in
    gate judges the kinds that the reports hold. Without --base-report new findings are those on changed
    lines. Exit status: 0 passed, 1 blocked, 2 could not judge.
    """
    if not (reports or more):
        raise click.UsageError("no report is given: --report FILE")

    async def work() -> Judgement:
        local = await local_change(Path.cwd(), base=base, head=head)
        return await _judge(local, list(map(given, (*reports, *more))), list(map(given, base_reports)), gate)

    try:
        judgement = asyncio.run(work())
    except Invalid as invalid:
        lint.show(invalid.diagnostics)
        output.error(lint.summary(shown_path(gate) if gate else "", invalid.diagnostics))
        output.ends_with(Exit.BROKEN)
        return
    if output_format == "json":
        output.json(judged(judgement))
    else:
        output.data(explain_text(judgement, color=output.colored()).rstrip("\n"))
    output.ends_with(output.exit_of(judgement.verdict.state))
