"""`portcullis serve`."""

import asyncio

import click

from app import settings, telemetry
from app.cli import output
from app.engine import Role
from app.web import listen, serve
from app.wiring import Program, build


@click.command("serve", short_help="Receive webhooks, judge changes, post verdicts.")
@click.option(
    "--role",
    type=click.Choice((Role.ALL.value, Role.WEB.value)),
    default=Role.ALL.value,
    show_default=True,
    help="web only takes webhooks and uploads and serves the pages: `portcullis worker` does the work.",
)
def command(*, role: str) -> None:
    """Receive webhooks, judge changes and post verdicts, in one process.

    On PostgreSQL any number of processes may share the work: see `portcullis worker`. Settings are
    environment variables (PORTCULLIS_…, listed in the README). Stops at SIGTERM or Ctrl-C; what was under way
    goes on at the next start.
    """
    configured = settings.load()
    telemetry.setup(log_format=configured.log_format, level=configured.log_level)
    program = build(configured, role=Role(role))
    listener = listen(configured.host, configured.port)
    port = listener.getsockname()[1]

    def started() -> None:
        _greet(program, port)

    # not uvloop: it starts a process by a true fork, ten times as dear as the vfork of the standard loop
    asyncio.run(serve(program, listener, started))


def _greet(program: Program, port: int) -> None:
    """Say where it is, and how to set it up where that is still to do."""
    url = program.settings.public_url or f"http://{program.settings.host}:{port}"
    output.note(f"portcullis serves {url}")
    if program.setup_token:
        output.note("no GitHub App is set up yet; open once, within this run:")
        output.note(f"  {url}/setup/github?token={program.setup_token}")
