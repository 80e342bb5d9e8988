"""`portcullis migrate`."""

import click

from app import settings
from app.cli import output
from app.cli.output import format_option
from app.store import SchemaLevel, migrate, schema_state


@click.command("migrate")
@click.option("--check", is_flag=True, help="Change nothing; exit 1 if the database is not current.")
@format_option
def command(*, check: bool, output_format: output.Format) -> None:
    """Bring the database to the schema that this version expects.

    All steps happen in one transaction; a second process waits. `portcullis serve` does this by itself for an
    embedded (SQLite) database. Set PORTCULLIS_DATABASE_URL to say which database.
    """
    configured = settings.load()
    if configured.on_sqlite and not check:
        settings.make_data_dir(configured)
    url = configured.database.get_secret_value()
    before = schema_state(url)
    if not check:
        migrate(url)
    after = schema_state(url)
    current = after.usable
    if output_format == "json":
        output.json({"before": before, "after": after, "current": current})
    elif current and before.level is not SchemaLevel.CURRENT:
        output.data(f"migrated from {before.found or 'an empty database'} to {after.found}")
    elif current:
        output.data(f"schema {after.found} is current")
    else:
        output.data(
            f"the database is {after.level}: it has {after.found or 'no schema'}, needs {after.expected}"
        )
    if not current:
        output.hint("run `portcullis migrate`")
        output.ends_with(output.Exit.BLOCKED)
