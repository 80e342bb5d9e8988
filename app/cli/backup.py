"""`portcullis backup`."""

from pathlib import Path

import click

from app import settings
from app.cli import output
from app.cli.stored import embedded
from app.store import back_up


@click.command("backup", short_help="Copy the embedded database while it works.")
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
def command(*, target: Path) -> None:
    """Copy the embedded (SQLite) database, as it is at one moment, to the new file TARGET.

    The service may go on. The copy holds everything but what can be had again (mirrors, trees, the toolbox)
    and the artifacts of checks, which lie beside the database. Stored credentials in it are encrypted: keep
    the secret key too, elsewhere. On PostgreSQL use pg_dump.
    """
    configured = settings.load()
    size = back_up(embedded(configured), target)
    output.data(f"{target}: {size / (1 << 20):,.1f} MiB")
    if configured.secret_key is None:
        output.hint(f"keep {configured.data_dir / 'secret_key'} too, but not beside it")
