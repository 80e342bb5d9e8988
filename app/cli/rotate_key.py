"""`portcullis rotate-key`."""

import time
from contextlib import nullcontext

import click

from app import settings
from app.cli import output
from app.cli.stored import OPERATOR, alone, stored
from app.engine import Vault
from app.model import AuditEntry
from app.publish import figures
from app.settings import Settings
from app.store import Database, records


@click.command("rotate-key", short_help="Change the key that stored credentials are encrypted with.")
def command() -> None:
    """Encrypt all stored credentials with another key.

    With a key in the data directory (SQLite): stop the service; a new key is made there, the one before is
    kept beside it as secret_key.former, so that links still work, until you remove it after a week.

    With PORTCULLIS_SECRET_KEY: set it to the new key and PORTCULLIS_FORMER_SECRET_KEY to the one before,
    start all processes anew, then run this; a week later the former one may go. Nothing is down meanwhile.
    """
    configured = settings.load()
    own = configured.secret_key is None
    with stored() as database, alone(configured) if own else nullcontext():
        changed = _rotate(database, configured)  # whatever an earlier key encrypted first
        if own:
            settings.change_secret_key(configured)
            _rotate(database, configured)
    output.note(f"{figures.count(changed, 'stored credential')} encrypted with the new key")
    if own:
        former = configured.data_dir / "secret_key.former"
        output.hint(f"remove {former} in a week: links of the old key end then")


def _rotate(database: Database, configured: Settings) -> int:
    now = time.time()
    with database.unit() as unit:
        changed = Vault(*settings.secret_keys(configured)).rotate(unit, now)
        records.append_audit(
            unit, AuditEntry(at=now, actor=OPERATOR, verb="key.rotated", details={"credentials": changed})
        )
    return changed
