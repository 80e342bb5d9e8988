"""`portcullis schema`."""

from importlib import import_module

import click

from app.catalogue import schema
from app.cli import output

_FORMS = {"evidence": "app.cli.evidence_form", "judge": "app.cli.judge_form"}
"""What commands print as JSON, by the module whose `schema` describes it."""


@click.command("schema")
@click.argument("what", type=click.Choice(["gate", *_FORMS]), default="gate", required=False)
def command(*, what: str) -> None:
    """Print the JSON schema of the gate file, or of what a command prints.

    An editor that knows it completes keys and marks unknown ones; the service serves the same at
    /schema/v1.json. Conditions are plain strings to a schema: `portcullis lint` reads them too.

    WHAT is `gate`, or a command whose `--format json` is stable.
    """
    output.json(schema() if what == "gate" else import_module(_FORMS[what]).schema())
