"""`portcullis doctor`."""

import asyncio

import click
import msgspec

from app import settings
from app.cli import (
    examine_app,
    examine_checks,
    examine_cluster,
    examine_forge,
    examine_machine,
    examine_network,
    output,
)
from app.cli.examined import Examination, Health
from app.cli.output import Exit, format_option

EXAMINATIONS: tuple[Examination, ...] = (
    Examination(name="data", about="the data directory", examine=examine_machine.data_dir),
    Examination(name="database", about="the database answers", examine=examine_machine.database),
    Examination(name="migrations", about="its schema is this version's", examine=examine_machine.migrations),
    Examination(name="key", about="the secret key", examine=examine_machine.key),
    Examination(name="git", about="git can make test merges", examine=examine_machine.git),
    Examination(name="cluster", about="it lets us run checks", examine=examine_cluster.cluster),
    Examination(name="sandbox", about="hostile acts fail in it", examine=examine_checks.sandbox),
    Examination(name="network", about="checks with network have one exit", examine=examine_checks.network),
    Examination(name="toolbox", about="the presets' tools", examine=examine_checks.toolbox),
    Examination(name="clock", about="our clock agrees with the forge's", examine=examine_network.clock),
    Examination(name="webhook", about="the public address leads here", examine=examine_network.webhook),
    Examination(name="credentials", about="whom we act as", examine=examine_app.credentials),
    Examination(name="app", about="its permissions and events", examine=examine_app.app),
    Examination(name="rules", about="branches require our check", examine=examine_app.rules),
    Examination(name="deliveries", about="what the forge sends comes", examine=examine_forge.deliveries),
    Examination(name="troubles", about="what the service wants mended", examine=examine_forge.told),
)
"""Everything that doctor looks at, in the order in which to mend it."""

_MARKS = {
    Health.GOOD: click.style("good", fg="green"),
    Health.WARNING: click.style("warning", fg="yellow"),
    Health.BROKEN: click.style("broken", fg="red", bold=True),
    Health.SKIPPED: click.style("skipped", dim=True),
}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the answer."""

    name: str
    health: Health
    says: str
    mend: str


async def examine(configured: settings.Settings, chosen: tuple[Examination, ...]) -> tuple[Line, ...]:
    """All findings, in the registry's order; the examinations run side by side."""
    found = await asyncio.gather(*(examination.examine(configured) for examination in chosen))
    return tuple(
        Line(name=examination.name, health=item.health, says=item.says, mend=item.mend)
        for examination, items in zip(chosen, found, strict=True)
        for item in items
    )


@click.command("doctor")
@click.option(
    "--only",
    multiple=True,
    type=click.Choice([examination.name for examination in EXAMINATIONS]),
    help="Look at this only; may be given again.",
)
@click.option("--api", is_flag=True, help="Show instead what was asked of the forge, and what is left.")
@format_option
def command(*, only: tuple[str, ...], api: bool, output_format: output.Format) -> None:
    """Examine this installation and say how to mend what is wrong.

    Exit status: 0 if nothing is broken, 1 if something is, 2 if a setting cannot be read.
    """
    configured = settings.load()
    if api:
        _show(examine_forge.api(configured), output_format)
        return
    chosen = tuple(item for item in EXAMINATIONS if not only or item.name in only)
    with output.working("examining"):
        lines = asyncio.run(examine(configured, chosen))
    if output_format == "json":
        output.json(lines)
    else:
        output.data(output.table([(_MARKS[line.health], line.name, line.says) for line in lines]))
        for line in lines:
            if line.mend:
                output.hint(f"{line.name}: {line.mend}")
    if any(line.health is Health.BROKEN for line in lines):
        output.ends_with(Exit.BLOCKED)


def _show(view: examine_forge.ApiView, output_format: output.Format) -> None:
    """The budget, and below it what it was spent on in the last day."""
    if output_format == "json":
        output.json(view)
        return
    output.data(
        output.table(
            [
                ("installation", "limit", "left", "anew at"),
                *((one.installation, str(one.limit), str(one.remaining), one.reset) for one in view.budgets),
            ]
        )
    )
    output.data(
        output.table(
            [
                ("installation", "calls", "for"),
                *((one.installation, str(one.calls), one.purpose) for one in view.calls),
            ]
        )
    )
