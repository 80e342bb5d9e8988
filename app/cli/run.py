"""`portcullis run`."""

import asyncio
import re
import tempfile
from pathlib import Path
from typing import Self

import click
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from app import settings
from app.catalogue import catalogue
from app.cli import lint, output
from app.cli.gatefile import find_gate_file, read_gate_file, shown_path
from app.cli.local import LocalChange, local_change
from app.cli.output import Exit, format_option
from app.engine import Invalid, LocalRun, borrowed
from app.executors import GitWorkspaces
from app.model import CheckResult, Conclusion, Judgement, Status
from app.publish import clean, explain_text
from app.wiring import executor

_COLORS = {
    Conclusion.SUCCESS: "green",
    Conclusion.NOT_NEEDED: "dim",
    Conclusion.SKIPPED: "yellow",
    Conclusion.ERROR: "magenta",
}


_BAD = {Conclusion.FAILURE, Conclusion.TIMED_OUT, Conclusion.ERROR}
TAIL_LINES = 12
"""As much of its output is shown of a check that failed; all of it with --verbose."""
_TAIL_BYTES = 16 * 1024
_SGR = re.compile(r"(\x1b\[[0-9;:]{0,60}m)")


class Board:
    """The checks as they move: a live table on a terminal, one line per ended check elsewhere. What they say
    is shown as it comes, or at their end where they failed.
    """

    def __init__(self, console: Console, *, verbose: bool) -> None:
        self._console = console
        self._verbose = verbose
        self._tails: dict[str, bytes] = {}
        self._results: dict[str, CheckResult] = {}
        self._spinner = Spinner("dots")
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(get_renderable=self._table, console=self._console, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._live is not None:
            self._live.stop()

    def move(self, result: CheckResult) -> None:
        """A check is somewhere else now."""
        self._results[result.key] = result
        if self._live is None and result.status is Status.COMPLETED:
            self._console.print(_line(result), highlight=False)
        if result.status is Status.COMPLETED:
            tail = self._tails.pop(result.key, b"")
            if result.conclusion in _BAD:
                self._say(result.key, tail.splitlines()[-TAIL_LINES:])

    def said(self, key: str, data: bytes) -> None:
        """A check has said something."""
        if self._verbose:
            self._say(key, data.splitlines())
        else:
            self._tails[key] = (self._tails.get(key, b"") + data)[-_TAIL_BYTES:]

    def _say(self, key: str, lines: list[bytes]) -> None:
        for line in lines:
            text = Text.from_ansi(_harmless(line.decode("utf-8", "replace")))
            self._console.print(Text.assemble((f"{key} | ", "dim"), text), highlight=False)

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 1))
        for result in self._results.values():
            mark: Spinner | Text = self._spinner if result.status is Status.RUNNING else Text(" ")
            table.add_row(mark, _line(result))
        return table


def _harmless(text: str) -> str:
    """Hostile output for a terminal: of its escape sequences only colours and the like (SGR) are left."""
    pieces = _SGR.split(text)  # every second one is a match
    return "".join(piece if n % 2 else clean.block(piece) for n, piece in enumerate(pieces))


def _line(result: CheckResult) -> Text:
    word = result.conclusion.value.replace("_", " ") if result.conclusion else result.status.value
    color = _COLORS.get(result.conclusion, "red") if result.conclusion else "cyan"
    line = Text.assemble((f"{word:<11}", color), " ", (result.key, "bold"))
    if result.seconds is not None:
        line.append(f"  {result.seconds:.1f} s", "dim")
    if result.reason:
        line.append(f"  {clean.line(result.reason)}", "dim")
    return line


async def _judge(local: LocalChange, gate: Path, *, verbose: bool) -> Judgement:
    configured = settings.load()
    settings.make_data_dir(configured)
    console = Console(stderr=True, no_color=output.color_wanted() is False, soft_wrap=True)

    with (
        tempfile.TemporaryDirectory(prefix="local-", dir=configured.data_dir) as folder,
        Board(console, verbose=verbose) as board,
    ):
        root = Path(folder)
        workspaces = GitWorkspaces(root / "git", allow_local=True)
        runner = LocalRun(
            workspaces,
            executor(configured, root=root / "sandbox"),
            catalogue(),
            parallel=configured.parallel_checks,
            progress=board.move,
            output=board.said,
        )
        with borrowed(local.repository, local.base_sha, local.head_sha) as repository:
            try:
                return await runner.judge(repository, local.change, read_gate_file(gate), shown_path(gate))
            finally:
                await workspaces.settle()


@click.command("run", short_help="Judge the working tree, or a commit, as the service would.")
@click.option(
    "--base", metavar="REF", help="Compare with this.  [default: the remote's default branch, or main]"
)
@click.option("--head", metavar="REF", help="Judge this commit.  [default: the working tree as it is]")
@click.option(
    "--gate",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Judge by this gate file.  [default: .portcullis.yml here or in a folder above]",
)
@click.option("--verbose", "-v", is_flag=True, help="Show the checks' output as it comes.")
@format_option
def command(
    *, base: str | None, head: str | None, gate: Path | None, verbose: bool, output_format: output.Format
) -> None:
    """Judge the working tree (or --head) against --base, here, as the service would.

    The same planner, sandbox, reports and policy; facts about people (approvals, labels) do not apply.
    Exit status: 0 passed, 1 blocked, 2 could not judge.
    """
    gate = gate or find_gate_file(Path.cwd())

    async def judged() -> Judgement:
        local = await local_change(Path.cwd(), base=base, head=head)
        return await _judge(local, gate, verbose=verbose)

    try:
        judgement = asyncio.run(judged())
    except Invalid as invalid:
        lint.show(invalid.diagnostics)
        output.error(lint.summary(shown_path(gate), invalid.diagnostics))
        output.ends_with(Exit.BROKEN)
        return
    if output_format == "json":
        output.json(judgement)
    else:
        output.data(explain_text(judgement, color=output.colored()).rstrip("\n"))
    output.ends_with(output.exit_of(judgement.verdict.state))
