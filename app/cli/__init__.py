"""The command line. One command per file, each named `command`, and one line here."""

from collections.abc import Sequence

import click

from app.cli import doctor, frame, migrate

COMMANDS: tuple[click.Command, ...] = (
    migrate.command,
    doctor.command,
)
"""Every command, in the order in which help shows them."""

cli = frame.group(COMMANDS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `portcullis` with these arguments (the process's own if None) and give its exit status."""
    return frame.run(cli, arguments)


__all__ = ["COMMANDS", "cli", "main"]
