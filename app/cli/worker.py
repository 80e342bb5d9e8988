"""`portcullis worker`."""

import asyncio

import click

from app import settings, telemetry
from app.cli import output
from app.engine import Role
from app.wiring import build
from app.worker import work

_ROLES = {"all": Role.WORKER, "control": Role.CONTROL, "checks": Role.CHECKS}


@click.command("worker", short_help="Work for a service on PostgreSQL, without its pages.")
@click.option(
    "--role",
    type=click.Choice(tuple(_ROLES)),
    default="all",
    show_default=True,
    help="control reads deliveries, judges and posts; checks runs checks; all does both.",
)
def command(*, role: str) -> None:
    """Work beside `portcullis serve` on one PostgreSQL database, on this or another machine.

    As many may run as you like. Each needs the same settings as the service and a PORTCULLIS_DATA_DIR of its
    own. Stops at SIGTERM or Ctrl-C; what was under way goes on elsewhere.
    """
    configured = settings.load()
    telemetry.setup(log_format=configured.log_format, level=configured.log_level)
    program = build(configured, role=_ROLES[role])
    asyncio.run(work(program, lambda: output.note(f"portcullis works ({role})")))
