"""`portcullis schema`."""

import click

from app.catalogue import schema
from app.cli import output


@click.command("schema")
def command() -> None:
    """Print the JSON schema of the gate file.

    An editor that knows it completes keys and marks unknown ones; the service serves the same at
    /schema/v1.json. Conditions are plain strings to a schema: `portcullis lint` reads them too.
    """
    output.json(schema())
