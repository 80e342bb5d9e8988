"""`portcullis toolbox`."""

import asyncio

import click

from app import settings
from app.cli import output
from app.cli.output import Exit, format_option
from app.executors import ToolboxStatus
from app.wiring import toolbox


@click.group("toolbox")
def command() -> None:
    """Install the presets' tools, or see what is installed.

    The tools lie in a directory of their own, at pinned versions with checked hashes, and are mounted
    read-only into each check: presets work offline, and a change cannot bring a tool of its own.
    """


def _show(status: ToolboxStatus, output_format: output.Format) -> None:
    if output_format == "json":
        output.json(status)
        return
    if not status.installed:
        output.data("not installed")
        return
    state = "installed" if status.current else "installed, but not what this version pins"
    output.data(f"{status.path}: {state}")
    output.data(output.table([(f"  {name}", version) for name, version in status.tools.items()]))


@command.command("install", short_help="Make the toolbox that this version pins.")
@format_option
def install(*, output_format: output.Format) -> None:
    """Make the toolbox that this version pins; where it is there already, nothing is done.

    Checks that run meanwhile keep the one they began with.
    """
    configured = settings.load()
    settings.make_data_dir(configured)
    tools = toolbox(configured)
    if tools.status().current:
        status = tools.status()
    else:
        with output.working("installing the toolbox"):
            status = asyncio.run(tools.install())
    _show(status, output_format)


@command.command("status", short_help="Show what is installed, and whether it is current.")
@format_option
def status(*, output_format: output.Format) -> None:
    """Show what is installed; exit 1 if it is not what this version pins."""
    found = toolbox(settings.load()).status()
    _show(found, output_format)
    if not found.current:
        output.hint("run `portcullis toolbox install`")
        output.ends_with(Exit.BLOCKED)
