"""`portcullis restore`."""

from pathlib import Path

import click

from app import settings
from app.cli import output
from app.cli.stored import alone, embedded
from app.store import put_back


@click.command("restore", short_help="Put a copy of the embedded database back.")
@click.argument("source", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Replace the database that is there.")
def command(*, source: Path, replace: bool) -> None:
    """Make SOURCE, which `portcullis backup` wrote, the embedded (SQLite) database.

    Stop the service first. At its next start it reads every open pull request anew: what happened since the
    copy was taken is found out from the forge, and verdicts follow.
    """
    configured = settings.load()
    settings.make_data_dir(configured)
    place = embedded(configured)
    with alone(configured):
        schema = put_back(source, place, replace=replace)
    output.data(f"{place} is {source} now, schema {schema}")
    output.hint("start the service; it migrates an older schema by itself")
