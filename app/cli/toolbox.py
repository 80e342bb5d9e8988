"""`portcullis toolbox`."""

import asyncio

import click

from app import settings
from app.cli import output
from app.cli.output import Exit, format_option
from app.executors import BASIC, GROUPS, ToolboxStatus
from app.wiring import toolbox


@click.group("toolbox")
def command() -> None:
    """Install the presets' tools, or see what is installed.

    The tools lie in directories of their own, at pinned versions with checked hashes, and are mounted
    read-only into each check: presets work offline, and a change cannot bring a tool of its own.
    """


def _show(found: dict[str, ToolboxStatus], output_format: output.Format) -> None:
    if output_format == "json":
        output.json(found)
        return
    for group, status in found.items():
        name = click.style(group, bold=True)
        if not status.installed:
            output.data(f"{name}: not installed ({GROUPS[group]})")
            continue
        state = "installed" if status.current else "installed, but not what this version pins"
        output.data(f"{name}: {state}, {status.path}")
        output.data(output.table([(f"  {tool}", version) for tool, version in status.tools.items()]))


@command.command("install", short_help="Make the toolbox that this version pins.")
@click.argument("groups", nargs=-1, metavar="[GROUP]...", type=click.Choice(tuple(GROUPS)))
@format_option
def install(*, groups: tuple[str, ...], output_format: output.Format) -> None:
    """Make the toolbox that this version pins; where it is there already, nothing is done.

    GROUP is basic (the small tools of most presets; what is installed if none is named), web (JavaScript,
    TypeScript, CSS, Markdown, copied code), infra (Terraform, CloudFormation, Kubernetes) or semgrep (a
    repository's own rules). Checks that run meanwhile keep the one they began with.
    """
    configured = settings.load()
    settings.make_data_dir(configured)
    found: dict[str, ToolboxStatus] = {}
    for group in dict.fromkeys(groups or (BASIC,)):
        tools = toolbox(configured, group)
        found[group] = tools.status()
        if not found[group].current:
            with output.working(f"installing the toolbox's group {group}"):
                found[group] = asyncio.run(tools.install())
    _show(found, output_format)


@command.command("status", short_help="Show what is installed, and whether it is current.")
@format_option
def status(*, output_format: output.Format) -> None:
    """Show what is installed; exit 1 if that is not what this version pins.

    Only the group basic is expected; the others are there for those who want them.
    """
    configured = settings.load()
    found = {group: toolbox(configured, group).status() for group in GROUPS}
    _show(found, output_format)
    old = [group for group, one in found.items() if not one.current and (one.installed or group == BASIC)]
    if old:
        more = "" if old == [BASIC] else " " + " ".join(old)
        output.hint(f"run `portcullis toolbox install{more}`")
        output.ends_with(Exit.BLOCKED)
