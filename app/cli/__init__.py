"""The command line. One command per file, each named `command`, and one line here."""

from collections.abc import Sequence

from app.cli import frame

COMMANDS: tuple[str, ...] = (
    "init",
    "run",
    "lint",
    "plan",
    "explain",
    "evidence",
    "waivers",
    "judge",
    "presets",
    "schema",
    "serve",
    "worker",
    "toolbox",
    "migrate",
    "backup",
    "restore",
    "doctor",
    "forges",
    "tokens",
    "audit",
    "rotate-key",
    "upload",
    "demo",
)
"""Every command by its module's name, in the order in which help shows them."""

cli = frame.group(COMMANDS, __name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `portcullis` with these arguments (the process's own if None) and give its exit status."""
    return frame.run(cli, arguments)


__all__ = ["COMMANDS", "cli", "main"]
