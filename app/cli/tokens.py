"""`portcullis tokens`."""

import re
import time
from datetime import UTC, datetime

import click
import msgspec

from app.cli import output
from app.cli.output import Exit, format_option
from app.cli.stored import OPERATOR, stored
from app.engine import new_token, token_hash
from app.model import AuditEntry, Misconfigured, Repository
from app.plan import UPLOAD_NAME
from app.store import Unit, projects, records, tokens

_DAY = 86_400


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A token as it is listed: never the token itself. Times are UTC."""

    name: str
    state: str
    created: str
    expires: str
    used: str


def _repository(unit: Unit, full_name: str) -> tuple[int, Repository]:
    found = projects.find_named(unit.connection, full_name)
    if not found:
        raise Misconfigured(
            f"no repository {full_name} is judged here", hint="install the app on it first; write OWNER/NAME"
        )
    if len(found) > 1:
        raise Misconfigured(f"several repositories are called {full_name}")
    projects.lock_repository(unit, found[0])
    return found[0], projects.load_repository(unit.connection, found[0])


def _audit(unit: Unit, verb: str, repository: Repository, name: str, now: float) -> None:
    details: dict[str, str | int | float | bool | None] = {"name": name}
    entry = AuditEntry(at=now, actor=OPERATOR, verb=verb, repository=repository.full_name, details=details)
    records.append_audit(unit, entry)


def _day(at: float | None) -> str:
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")


def _shown(row: tokens.TokenRow, now: float) -> Shown:
    revoked = "revoked" if row.revoked_at is not None else "expired"
    return Shown(
        name=row.name,
        state="works" if row.works(now) else revoked,
        created=_day(row.created_at),
        expires=_day(row.expires_at) or "never",
        used=_day(row.used_at) or "never",
    )


_repository_option = click.option("--repository", required=True, metavar="OWNER/NAME", help="Whose token.")
_name_option = click.option(
    "--name", required=True, help="What it is called: shown with each upload, and how it is revoked."
)


@click.group("tokens", short_help="Make, list and revoke the tokens by which CI uploads reports.")
def command() -> None:
    """Make, list and revoke the tokens by which CI uploads reports (`portcullis upload`).

    A token is for one repository and for nothing but uploads. Jobs of GitHub Actions and GitLab CI need none:
    they prove who they are by their identity tokens.
    """


@command.command("create")
@_repository_option
@_name_option
@click.option(
    "--expires", type=click.IntRange(1, 3650), metavar="DAYS", help="Days it works; for ever if left out."
)
@format_option
def create(*, repository: str, name: str, expires: int | None, output_format: output.Format) -> None:
    """Make a token and print it: once, only its hash is kept."""
    _check_name(name)
    token, now = new_token(), time.time()
    expires_at = None if expires is None else now + expires * _DAY
    with stored() as database, database.unit() as unit:
        row_id, found = _repository(unit, repository)
        if not tokens.add_token(unit, row_id, name, token_hash(token), now, expires_at):
            raise Misconfigured(
                f"{found.full_name} has a working token called {name}",
                hint="revoke it first, or choose another",
            )
        _audit(unit, "token.created", found, name, now)
    if output_format == "json":
        made = {"repository": found.full_name, "name": name, "token": token, "expires": _day(expires_at)}
        output.json(made)
    else:
        output.data(token)
        output.hint("keep it as the secret PORTCULLIS_TOKEN of your CI: it is not shown again")


def _check_name(name: str) -> None:
    if not re.fullmatch(UPLOAD_NAME, name):
        raise Misconfigured(
            f"{name[:100]!r} is no name for a token", hint="letters, digits, dots, dashes and underscores"
        )


@command.command("list")
@_repository_option
@format_option
def list_(*, repository: str, output_format: output.Format) -> None:
    """List a repository's tokens: until when they work, when they were last used."""
    now = time.time()
    with stored() as database, database.unit() as unit:
        row_id, _ = _repository(unit, repository)
        rows = [_shown(row, now) for row in tokens.tokens_of(unit.connection, row_id)]
    if output_format == "json":
        output.json(rows)
    elif rows:
        head = ("name", "state", "created", "expires", "last used")
        output.data(
            output.table([head, *((row.name, row.state, row.created, row.expires, row.used) for row in rows)])
        )
    else:
        output.note(f"{repository} has no tokens")


@command.command("revoke")
@_repository_option
@_name_option
def revoke(*, repository: str, name: str) -> None:
    """End a token at once. What it uploaded stays."""
    now = time.time()
    with stored() as database, database.unit() as unit:
        row_id, found = _repository(unit, repository)
        ended = tokens.revoke_token(unit, row_id, name, now)
        if ended:
            _audit(unit, "token.revoked", found, name, now)
    if not ended:
        output.error(
            f"{found.full_name} has no standing token called {name}", "portcullis tokens list shows them"
        )
        output.ends_with(Exit.BLOCKED)
    output.note(f"the token {name} of {found.full_name} works no more")
