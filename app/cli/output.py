"""The manners of the command line: data on stdout, everything else on stderr, the same in every command.

Colours appear on terminals only and never with NO_COLOR set (FORCE_COLOR asks for them in a pipe).
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, Literal, TypeVar

import click
import msgspec
from rich.console import Console

from app.model import VerdictState

F = TypeVar("F", bound=Callable[..., object])
Format = Literal["text", "json"]


class Exit(IntEnum):
    """What the exit status means, in every command."""

    PASSED = 0
    BLOCKED = 1
    BROKEN = 2


_STATUS = {
    VerdictState.PASSED: Exit.PASSED,
    VerdictState.BLOCKED: Exit.BLOCKED,
    VerdictState.PENDING: Exit.BLOCKED,
    VerdictState.ERRORED: Exit.BROKEN,
}


def exit_of(state: VerdictState) -> Exit:
    """The exit status of a command that judges."""
    return _STATUS[state]


def format_option(function: F) -> F:
    """`--format text|json`, as the parameter `output_format`."""
    option = click.option(
        "--format",
        "output_format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="Form of what is printed on stdout.",
    )
    return option(function)


def color_wanted(environment: Mapping[str, str] = os.environ) -> bool | None:
    """False or True where the environment decides, None to look at the terminal."""
    if environment.get("NO_COLOR"):
        return False
    return True if environment.get("FORCE_COLOR") else None


def data(text: str) -> None:
    """Print what was asked for."""
    click.echo(text)


def json(value: object) -> None:
    """Print any model value as indented JSON."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def note(text: str) -> None:
    """Say something that is not the data: on stderr."""
    click.echo(text, err=True)


def hint(text: str) -> None:
    """Say what to do next."""
    click.echo(f"{click.style('hint', fg='cyan', bold=True)}: {text}", err=True)


def error(message: str, way_out: str = "") -> None:
    """Say what went wrong, one `error:` per line, and the way out below."""
    for line in message.splitlines() or [""]:
        click.echo(f"{click.style('error', fg='red', bold=True)}: {line}", err=True)
    if way_out:
        hint(way_out)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as left-aligned columns, two spaces apart; the last column runs free."""
    if not rows:
        return ""
    widths = [max(len(click.unstyle(row[column])) for row in rows) for column in range(len(rows[0]) - 1)]
    lines = []
    for row in rows:
        padded = [
            cell + " " * (width - len(click.unstyle(cell))) for cell, width in zip(row, widths, strict=False)
        ]
        lines.append("  ".join([*padded, row[-1]]).rstrip())
    return "\n".join(lines)


def counted(number: int, one: str, many: str = "") -> str:
    """`1 check`, `3 checks`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


@contextmanager
def working(label: str) -> Iterator[None]:
    """Show on a terminal that something long is going on."""
    console = Console(stderr=True, no_color=color_wanted() is False)
    if not console.is_terminal:
        note(f"{label} …")
        yield
        return
    with console.status(f"{label} …"):
        yield


def ends_with(status: Exit) -> None:
    """End the command with this exit status."""
    context: Any = click.get_current_context()
    context.exit(int(status))


def colored() -> bool:
    """Whether stdout takes colours here, for text that others coloured."""
    wanted = color_wanted()
    return sys.stdout.isatty() if wanted is None else wanted
