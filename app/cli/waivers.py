"""`portcullis waivers`."""

from pathlib import Path

import click
import msgspec

from app.catalogue import catalogue
from app.cli import lint, output
from app.cli.gatefile import find_gate_file, read_gate_file, shown_path, today
from app.cli.output import Exit, counted, format_option
from app.model import AuthorFault, Waiver
from app.plan import age, days_left, parse
from app.policy import InForce, describe, in_force
from app.publish import clean

SOON = 14
"""Days left from which one is shown as ageing."""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A waiver on a day. `age` and `days_left` are whole days, negative before it is granted and after its
    last day.
    """

    state: InForce
    age: int
    days_left: int
    waiver: Waiver


def listed(waivers: tuple[Waiver, ...], day: str) -> list[Listed]:
    """All waivers, those that end (or ended) first in front."""
    found = [
        Listed(state=in_force(one, day), age=age(one, day), days_left=days_left(one, day), waiver=one)
        for one in waivers
    ]
    return sorted(found, key=lambda one: one.days_left)


def _left(one: Listed) -> str:
    if one.state is InForce.EXPIRED:
        return click.style(f"expired {counted(-one.days_left, 'day')} ago", fg="red")
    if one.state is InForce.EARLY:
        return f"from {one.waiver.granted} on"
    last = f"{counted(one.days_left, 'day')} left" if one.days_left else "its last day"
    return click.style(last, fg="yellow" if one.days_left < SOON else "green")


def show(found: list[Listed]) -> None:
    """Print them for people."""
    rows = []
    for one in found:
        waiver = one.waiver
        most = "" if waiver.fingerprint else f" (at most {waiver.max})"
        aged = f"{counted(one.age, 'day')} old" if one.age >= 0 else ""
        ticket = f" [{clean.line(waiver.ticket, 40)}]" if waiver.ticket else ""
        where = f"{waiver.source.path}:{waiver.source.line}"
        rows.append(
            (
                _left(one),
                aged,
                clean.line(f"{describe(waiver)}{most}", 60),
                clean.line(waiver.owner, 30),
                f"{clean.line(waiver.reason, 80)}{ticket}  {click.style(where, dim=True)}",
            )
        )
    if rows:
        output.data(output.table(rows))


@click.command("waivers", short_help="List the waivers of a gate file, those that end first in front.")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Exit with status 1 if any has expired.")
@format_option
def command(*, file: Path | None, check: bool, output_format: output.Format) -> None:
    """List the waivers of a gate file with their age and the days that are left.

    FILE is the gate file; without it, .portcullis.yml here or in a folder above. A waiver counts from the day
    it was granted to the end of the day it expires, UTC.

    Exit status: 0, or 1 with --check if any has expired; 1 if the file is invalid, 2 if it cannot be read.
    """
    file = file or find_gate_file(Path.cwd())
    path, day = shown_path(file), today()
    parsed = parse(read_gate_file(file), path, catalogue())
    if parsed.gatefile is None:
        lint.show(parsed.diagnostics)
        raise AuthorFault(lint.summary(path, parsed.diagnostics), hint=f"portcullis lint {path}")
    found = listed(parsed.gatefile.waivers, day)
    expired = sum(one.state is InForce.EXPIRED for one in found)
    if output_format == "json":
        output.json(found)
    else:
        show(found)
        ended = f", {expired} expired" if expired else ""
        output.note(f"{path}: {counted(len(found), 'waiver')}{ended}")
    if check and expired:
        output.ends_with(Exit.BLOCKED)
