"""`portcullis forges`."""

import asyncio
import secrets
import time
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click
import msgspec

from app import settings
from app.cli import output
from app.cli.connected import connections, speaking
from app.cli.examined import UNHEARD, from_store
from app.cli.output import Exit, format_option
from app.cli.stored import OPERATOR, stored
from app.engine import StoredConnection, Vault
from app.forges import CONNECTION_NAME, FORGES, Account, Complaint, Connection, Hooked, Means, entry_of
from app.model import AuditEntry, Misconfigured
from app.settings import Settings
from app.store import Unit, hooks, records
from app.store import connections as rows
from app.wiring import Connections

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A connection as it is listed: never its secrets."""

    name: str
    kind: str
    url: str
    acts_as: str
    source: str
    webhook: str


@click.group("forges", short_help="Connect the forges whose changes are judged.")
def command() -> None:
    """Connect the forges whose changes are judged: any number, of several kinds and several of one kind.

    One of each kind may be set up by environment variables instead (PORTCULLIS_GITEA_URL, …). A service that
    runs takes up what is added or removed here within seconds.
    """


def _webhook(configured: Settings, connection: Connection) -> str:
    return f"{configured.base_url}/webhooks/{connection.door}"


@command.command("add")
@click.argument("kind", type=click.Choice([entry.kind for entry in FORGES]))
@click.argument("url")
@click.argument("token", required=False)
@click.option("--name", help="What it is called from now on. Default: its kind.")
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File that holds the token (on GitHub the app's private key): an argument is seen by others on "
    "this machine.",
)
@click.option("--app-id", type=click.IntRange(1), help="On GitHub: the app's id.")
@click.option(
    "--webhook-secret-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File that holds the secret of its webhooks. Default: one is made, and told to the webhooks.",
)
@format_option
def add(
    *,
    kind: str,
    url: str,
    token: str | None,
    name: str | None,
    token_file: Path | None,
    app_id: int | None,
    webhook_secret_file: Path | None,
    output_format: output.Format,
) -> None:
    """Connect a forge: look who the TOKEN acts as, make the webhooks, keep it all, encrypted.

    May be repeated: what is known is brought up to date, webhooks that are there stay.
    """
    configured = settings.load()
    connection = Connection(name=name or kind, kind=kind, url=url.rstrip("/"))
    _check(connection)
    known = connections(configured)
    if connection.name in known.from_environment or (connection.name, kind) == ("github", "github"):
        raise Misconfigured(
            f"the connection {connection.name} is set up by the environment or the set-up page",
            hint="choose another --name",
        )
    before = known.account(connection.name)
    account = Account(
        id=app_id or 0,
        secret=_secret(token, token_file),
        webhook_secret=_webhook_secret(webhook_secret_file, before),
    )
    with output.working(f"asking {url}"):
        account, hooked = asyncio.run(_connect(configured, connection, account))
    _keep(configured, StoredConnection(connection=connection, account=account))
    if output_format == "json":
        output.json({"name": connection.name, "acts_as": account.login, "webhooks": hooked})
    else:
        output.note(f"{entry_of(kind).title} at {connection.url} is connected as {connection.name}")
        output.note(f"acting as {account.login}; webhooks lead to {_webhook(configured, connection)}")
        _tell(hooked)
    _complain(hooked.complaints, output_format)


def _check(connection: Connection) -> None:
    if not CONNECTION_NAME.fullmatch(connection.name):
        raise Misconfigured(
            f"{connection.name[:50]!r} is no name for a connection",
            hint="at most 32 lower-case letters, digits and dashes, a letter first",
        )
    others = [entry.kind for entry in FORGES if entry.kind != connection.kind]
    if connection.name in others:
        raise Misconfigured(f"{connection.name} is the name of another kind", hint="choose another --name")
    parts = urlsplit(connection.url)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise Misconfigured(
            f"{connection.url[:100]!r} is no address of a forge", hint="write it with https:// in front"
        )
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise Misconfigured(
            "over plain http the token could be read on its way", hint="use the https address"
        )


def _secret(token: str | None, file: Path | None) -> str:
    if (token is None) == (file is None):
        raise Misconfigured("either TOKEN or --token-file is needed", hint="make a token on the forge first")
    return token if token is not None else _text(file)


def _webhook_secret(file: Path | None, before: Account | None) -> str:
    if file is not None:
        return _text(file)
    return before.webhook_secret if before is not None else secrets.token_hex(32)


def _text(file: Path | None) -> str:
    try:
        return file.read_text("utf-8").strip() if file is not None else ""
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{file} cannot be read as text") from error


async def _connect(configured: Settings, connection: Connection, account: Account) -> tuple[Account, Hooked]:
    """Who the secret acts as, and webhooks that lead here. Raises Misconfigured, Outage."""
    asked = entry_of(connection.kind).connect(connection, lambda: account, Means())
    async with speaking(asked) as forge:
        who = await forge.whoami()
        whole = msgspec.structs.replace(account, id=int(str(who["id"])), login=str(who["slug"]))
        return whole, await forge.hook(_webhook(configured, connection))


def _keep(configured: Settings, whole: StoredConnection) -> None:
    now, one = time.time(), whole.connection
    with stored() as database, database.unit() as unit:
        Vault(*settings.secret_keys(configured)).save_connection(unit, whole, now)
        _audit(unit, "forge.connected", one.name, now, kind=one.kind, url=one.url, by=whole.account.login)


def _audit(unit: Unit, verb: str, name: str, now: float, **details: str) -> None:
    records.append_audit(
        unit, AuditEntry(at=now, actor=OPERATOR, verb=verb, details={"name": name, **details})
    )


def _tell(hooked: Hooked) -> None:
    for place in hooked.made:
        output.note(f"  webhook made: {place}")
    for place in hooked.there:
        output.note(f"  webhook was there: {place}")


def _complain(complaints: tuple[Complaint, ...], output_format: output.Format) -> None:
    """What is wrong, to people; the exit status tells anybody."""
    if output_format != "json":
        for complaint in complaints:
            output.error(complaint.says, complaint.mend)
    if complaints:
        output.ends_with(Exit.BLOCKED)


@command.command("list")
@format_option
def list_(*, output_format: output.Format) -> None:
    """List the forges: whom we act as there, and where their webhooks must lead."""
    configured = settings.load()
    known = connections(configured)
    shown = [
        Shown(
            name=one.name,
            kind=one.kind,
            url=one.url,
            acts_as=account.login or str(account.id or "a token"),
            source=known.source(one.name),
            webhook=_webhook(configured, one),
        )
        for one in known.all
        if (account := known.account(one.name)) is not None
    ]
    if output_format == "json":
        output.json(shown)
    elif shown:
        head = ("name", "kind", "address", "acts as", "from", "webhooks lead to")
        lines = [(one.name, one.kind, one.url, one.acts_as, one.source, one.webhook) for one in shown]
        output.data(output.table([head, *lines]))
    else:
        output.note("no forge is connected yet")
        output.hint("portcullis forges add KIND URL TOKEN; a GitHub App: the page that `serve` prints")


@command.command("check")
@click.argument("name", required=False)
@click.option("--mend", is_flag=True, help="Make the webhooks that lack, too.")
@format_option
def check(*, name: str | None, mend: bool, output_format: output.Format) -> None:
    """Ask each forge (or the one called NAME) whether all is there that judging needs.

    Exit status: 0 if all is well, 1 if something lacks.
    """
    configured = settings.load()
    known = connections(configured)
    wanted = [one for one in known.all if known.account(one.name) is not None and name in {None, one.name}]
    if not wanted:
        raise Misconfigured(
            f"no forge {name} is connected" if name else "no forge is connected yet",
            hint="portcullis forges list",
        )
    with output.working("asking"):
        found = asyncio.run(_examine(configured, known, wanted, mend=mend))
    if output_format == "json":
        output.json({one.name: complaints for one, complaints in found})
    for one, complaints in found:
        if not complaints:
            output.note(f"{one.name}: all is there")
        if _unheard(configured, one):
            output.note(f"{one.name}: no webhook has come yet")
            output.hint(UNHEARD)
    _complain(tuple(each for _, complaints in found for each in complaints), output_format)


async def _examine(
    configured: Settings, known: Connections, wanted: list[Connection], *, mend: bool
) -> list[tuple[Connection, tuple[Complaint, ...]]]:
    found = []
    for one in wanted:
        async with speaking(known.forges[one.name]) as forge:
            if mend:
                _tell(await forge.hook(_webhook(configured, one)))
            found.append((one, await forge.complaints(_webhook(configured, one))))
    return found


def _unheard(configured: Settings, one: Connection) -> bool:
    """Whether nothing of a forge ever came that has no log of what it sent."""
    if entry_of(one.kind).capabilities.delivery_log:
        return False
    return from_store(configured, lambda connection: hooks.any_arrived(connection, one.name)) is False


@command.command("remove")
@click.argument("name")
def remove(*, name: str) -> None:
    """Forget a forge that was added, and its token. What was judged there stays."""
    with stored() as database, database.unit() as unit:
        gone = rows.remove(unit, name)
        if gone:
            _audit(unit, "forge.removed", name, time.time())
    if not gone:
        raise Misconfigured(
            f"no forge called {name} was added",
            hint="portcullis forges list shows those that are there, and from where",
        )
    output.note(f"{name} is connected no more")
    output.hint("delete its webhooks and the token on the forge itself")
