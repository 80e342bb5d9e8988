"""`portcullis audit`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import msgspec

from app import settings
from app.cli import output
from app.cli.output import Exit, format_option
from app.cli.stored import stored
from app.engine import AuditSigner, Verified, verify
from app.model import AuditHead, AuditLink, Misconfigured
from app.publish import clean, figures
from app.store import Database, audit_chain

_PAGE: Final = 1000


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `verify`; `unsealed` entries are not in the chain yet (they are within a minute)."""

    whole: bool
    unsealed: int
    chain: Verified


@click.group("audit", short_help="Verify and export the record of who did what.")
def command() -> None:
    """The audit trail: who opened, judged, commanded, overrode, waived, and when.

    Its entries are chained: each holds the hash of the one before, and the chain's end of each day is signed
    with a key derived from PORTCULLIS_SECRET_KEY. Keep the daily heads, or an export, elsewhere (each is
    also a line "audit head" of the service's log): whoever alters the database later cannot alter those.
    """


def _links(database: Database, after: int) -> Iterator[AuditLink]:
    """The chain behind a place, a page at a time."""
    while True:
        with database.engine.connect() as connection:
            page = audit_chain.links(connection, after, _PAGE)
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].seq


def _keys() -> tuple[str, ...]:
    """Our public key, then the one before while keys are changed."""
    return tuple(AuditSigner(key).key for key in settings.secret_keys(settings.load()))


@command.command("export")
@click.option("--after", type=click.IntRange(min=0), default=0, help="Leave out entries up to this place.")
def export(*, after: int) -> None:
    """Print the chain as JSON lines: an object per entry, then one per daily head.

    An entry's hash is the SHA-256 of the hash before it, its place and its bytes as printed, parted by line
    feeds; `portcullis audit verify --file` checks it anywhere.
    """
    with stored() as database:
        for link in _links(database, after):
            output.data(msgspec.json.encode(link).decode())
        with database.engine.connect() as connection:
            heads = audit_chain.heads(connection)
    for head in heads:
        if head.seq > after:
            output.data(msgspec.json.encode(head).decode())


@command.command("key")
def key() -> None:
    """Print the public key that signs the daily heads (Ed25519, hex)."""
    output.data(_keys()[0])


@command.command("verify")
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Look at an export instead of the database.",
)
@click.option(
    "--heads",
    "heads_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Daily heads (or an export) that were kept elsewhere: the chain must lead through them too.",
)
@click.option(
    "--key",
    "keys",
    multiple=True,
    help="Public keys that may have signed, former ones too; ours if left out.",
)
@click.option(
    "--any-key", is_flag=True, help="Take heads signed by any key: whole by itself, be it not ours."
)
@click.option(
    "--after",
    type=click.IntRange(min=0),
    default=0,
    help="The export was written with this --after: entries up to there are not missed.",
)
@format_option
def verify_(
    *,
    file: Path | None,
    heads_file: Path | None,
    keys: tuple[str, ...],
    any_key: bool,
    after: int,
    output_format: output.Format,
) -> None:
    """Verify that nothing was altered, removed or put in between.

    A chain begins with entry 1, every daily head must be met, and our key (or one that is named) must have
    signed it.

    Exit status: 0 if the chain is whole, 1 if it is not, 2 if it cannot be read.
    """
    if any_key and keys:
        raise click.UsageError("--key and --any-key exclude each other")
    signers = () if any_key else keys or _keys()
    kept = () if heads_file is None else _read(heads_file)[1]
    if file is not None:
        links, heads = _read(file)
        chain = verify(links, (*heads, *kept), keys=signers, after=after)
        found = Shown(whole=True, unsealed=0, chain=chain)
    else:
        with stored() as database:
            with database.engine.connect() as connection:
                heads, unsealed = audit_chain.heads(connection), audit_chain.unsealed(connection)
            chain = verify(_links(database, after), (*heads, *kept), keys=signers, after=after)
        found = Shown(whole=True, unsealed=unsealed, chain=chain)
    found = msgspec.structs.replace(found, whole=not found.chain.problems)
    if output_format == "json":
        output.json(found)
    else:
        _show(found)
    if not found.whole:
        output.ends_with(Exit.BLOCKED)


def _read(path: Path) -> tuple[list[AuditLink], tuple[AuditHead, ...]]:
    """The entries and the heads of an export. Raises Misconfigured."""
    links: list[AuditLink] = []
    heads: list[AuditHead] = []
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                _sort(line, links, heads)
            except msgspec.MsgspecError as error:
                raise Misconfigured(
                    f"line {number} of {path} is no entry and no head: {error}",
                    hint="write the file by `portcullis audit export`",
                ) from error
    return links, tuple(heads)


def _sort(line: bytes, links: list[AuditLink], heads: list[AuditHead]) -> None:
    try:
        links.append(msgspec.json.decode(line, type=AuditLink))
    except msgspec.ValidationError:
        heads.append(msgspec.json.decode(line, type=AuditHead))


def _show(found: Shown) -> None:
    chain = found.chain
    for problem in chain.problems:
        output.error(clean.line(problem, 300))
    state = "whole" if found.whole else "broken"
    entries = figures.count(chain.last - chain.first + 1 if chain.last else 0, "entry", "entries")
    output.data(f"{state}: {entries}, {figures.count(chain.heads, 'daily head')}")
    for one in chain.keys:
        output.note(f"signed by {one}")
    if found.unsealed:
        output.note(f"{figures.count(found.unsealed, 'entry', 'entries')} not chained yet")
