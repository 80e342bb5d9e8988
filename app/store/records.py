"""Commands, others' posts, logs, artifacts, the audit trail, stored credentials."""

from collections.abc import Iterator

import msgspec
import zstandard
from sqlalchemy import Connection, func, select, update

from app.model import AuditEntry, ExternalPosted, Sha
from app.store.projects import insert
from app.store.session import Unit, pack, unpack
from app.store.tables import credentials, setup_tokens
from app.store.tables_audit import audit
from app.store.tables_checks import artifacts, log_chunks
from app.store.tables_forge import commands, posts


class CommandRow(msgspec.Struct, frozen=True, kw_only=True):
    """A comment that may hold commands, to be read again by id and obeyed once; `at` = when it was heard of,
    `wake_at` = when it is to be read (epoch seconds).
    """

    id: int
    repository_id: int
    number: int
    comment_id: int
    status: str
    attempts: int
    at: float
    wake_at: float


def store_command(unit: Unit, repository_id: int, number: int, comment_id: int, now: float) -> int | None:
    """Remember a comment; None when it is known already."""
    statement = insert(unit.connection, commands).values(
        repository_id=repository_id, number=number, comment_id=comment_id, status="stored", at=now
    )
    statement = statement.on_conflict_do_nothing(index_elements=["repository_id", "comment_id"])
    return unit.connection.execute(statement.returning(commands.c.id)).scalar()


def load_command(connection: Connection, command_id: int) -> CommandRow | None:
    """A stored comment that was not answered yet, None if it was."""
    row = connection.execute(
        select(commands).where(commands.c.id == command_id, commands.c.status == "stored")
    ).first()
    if row is None:
        return None
    return CommandRow(
        id=row.id,
        repository_id=row.repository_id,
        number=row.number,
        comment_id=row.comment_id,
        status=row.status,
        attempts=row.attempts,
        at=row.at,
        wake_at=row.wake_at,
    )


def take_command(unit: Unit, command_id: int) -> bool:
    """Done from now on, by a guarded UPDATE; false where another was faster. Comes before what it commands,
    in the same transaction: whoever comes second changes nothing.
    """
    result = unit.connection.execute(
        update(commands)
        .where(commands.c.id == command_id, commands.c.status == "stored")
        .values(status="done", answer="")
    )
    return bool(result.rowcount)


def answer_command(unit: Unit, command_id: int, answer: str) -> None:
    """What became of a command that was taken."""
    unit.connection.execute(update(commands).where(commands.c.id == command_id).values(answer=answer))


def postpone_command(unit: Unit, command_id: int, wake_at: float) -> None:
    """Answering failed for now."""
    unit.connection.execute(
        update(commands)
        .where(commands.c.id == command_id)
        .values(wake_at=wake_at, attempts=commands.c.attempts + 1)
    )


def commands_to_do(connection: Connection, now: float) -> tuple[int, ...]:
    """Stored comments that are due."""
    rows = connection.execute(
        select(commands.c.id).where(commands.c.status == "stored", commands.c.wake_at <= now)
    )
    return tuple(row.id for row in rows)


def last_answers(connection: Connection, repository_id: int, number: int, limit: int = 5) -> tuple[str, ...]:
    """The newest answers given on a pull request, newest first."""
    rows = connection.execute(
        select(commands.c.answer)
        .where(
            commands.c.repository_id == repository_id,
            commands.c.number == number,
            commands.c.status == "done",
            commands.c.answer != "",
        )
        .order_by(commands.c.id.desc())
        .limit(limit)
    )
    return tuple(row.answer for row in rows)


def record_post(unit: Unit, repository_id: int, post: ExternalPosted, now: float) -> bool:
    """Keep another system's post; false when a newer one of that name is known (reordered deliveries)."""
    where = (
        (posts.c.repository_id == repository_id)
        & (posts.c.sha == post.sha)
        & (posts.c.kind == post.kind)
        & (posts.c.name == post.name)
        & (posts.c.poster == post.poster)
        & (posts.c.suite_id == post.suite_id)
    )
    known = unit.connection.execute(select(posts.c.document).where(where)).first()
    older = None if known is None else unpack(ExternalPosted, known.document)
    if older is not None and older.age > post.age:
        return False
    if post.kind == "status":
        post = msgspec.structs.replace(post, started_at=_begun(older) or post.at)
    values = {"document": pack(post), "seen_at": now}
    statement = insert(unit.connection, posts).values(
        repository_id=repository_id,
        sha=post.sha,
        kind=post.kind,
        name=post.name,
        poster=post.poster,
        suite_id=post.suite_id,
        **values,
    )
    unit.connection.execute(
        statement.on_conflict_do_update(
            index_elements=["repository_id", "sha", "kind", "name", "poster", "suite_id"], set_=values
        )
    )
    return True


def _begun(older: ExternalPosted | None) -> str:
    """Since when a commit status is pending; '' for one that is not."""
    return "" if older is None or older.status == "completed" else older.started_at


def posts_on(connection: Connection, repository_id: int, sha: Sha) -> tuple[ExternalPosted, ...]:
    """Others' posts on a SHA."""
    rows = connection.execute(
        select(posts.c.document)
        .where(posts.c.repository_id == repository_id, posts.c.sha == sha)
        .order_by(posts.c.id)
    )
    return tuple(unpack(ExternalPosted, row.document) for row in rows)


def append_log(unit: Unit, attempt_id: int, seq: int, offset: int, t_ms: int, data: bytes) -> None:
    """One chunk of an attempt's log; a chunk that is sent again is a no-op."""
    statement = insert(unit.connection, log_chunks).values(
        attempt_id=attempt_id,
        seq=seq,
        offset=offset,
        t_ms=t_ms,
        size=len(data),
        data=zstandard.compress(data, 1),
    )
    unit.connection.execute(statement.on_conflict_do_nothing(index_elements=["attempt_id", "seq"]))


def read_log_from(connection: Connection, attempt_id: int, offset: int) -> Iterator[tuple[int, bytes]]:
    """(byte offset, data) of an attempt's log chunks that reach beyond `offset`, in order."""
    rows = connection.execute(
        select(log_chunks.c.offset, log_chunks.c.data)
        .where(log_chunks.c.attempt_id == attempt_id, log_chunks.c.offset + log_chunks.c.size > offset)
        .order_by(log_chunks.c.offset)
    )
    for row in rows:
        yield row.offset, zstandard.decompress(row.data)


def log_size(connection: Connection, attempt_id: int) -> int:
    """Bytes of output seen so far, the dropped middle included."""
    end = func.max(log_chunks.c.offset + log_chunks.c.size)
    return connection.execute(select(end).where(log_chunks.c.attempt_id == attempt_id)).scalar() or 0


def keep_artifact(unit: Unit, attempt_id: int, path: str, size: int, stored: str) -> None:
    """A kept file of an attempt."""
    unit.connection.execute(
        artifacts.insert().values(attempt_id=attempt_id, path=path, size=size, stored=stored)
    )


def artifacts_of(
    connection: Connection, attempt_ids: tuple[int, ...]
) -> tuple[tuple[int, str, int, str], ...]:
    """(attempt id, path, size, stored) of what attempts kept, oldest first."""
    if not attempt_ids:
        return ()
    rows = connection.execute(
        select(artifacts.c.attempt_id, artifacts.c.path, artifacts.c.size, artifacts.c.stored)
        .where(artifacts.c.attempt_id.in_(attempt_ids))
        .order_by(artifacts.c.id)
    )
    return tuple((row.attempt_id, row.path, row.size, row.stored) for row in rows)


def append_audit(unit: Unit, entry: AuditEntry) -> None:
    """One entry of the append-only record."""
    unit.connection.execute(
        audit.insert().values(
            at=entry.at,
            actor=entry.actor.login,
            verb=entry.verb,
            repository=entry.repository,
            change=entry.change,
            run_id=entry.run,
            entry=pack(entry),
        )
    )


def audit_of_run(connection: Connection, run_id: int) -> tuple[AuditEntry, ...]:
    """The record of one run, oldest first."""
    rows = connection.execute(select(audit.c.entry).where(audit.c.run_id == run_id).order_by(audit.c.id))
    return tuple(unpack(AuditEntry, row.entry) for row in rows)


def save_credential(unit: Unit, name: str, secret: bytes, now: float) -> None:
    """Keep an encrypted credential."""
    statement = insert(unit.connection, credentials).values(name=name, secret=secret, at=now)
    unit.connection.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"secret": secret, "at": now})
    )


def load_credential(connection: Connection, name: str) -> bytes | None:
    """An encrypted credential."""
    return connection.execute(select(credentials.c.secret).where(credentials.c.name == name)).scalar()


def all_credentials(connection: Connection) -> tuple[tuple[str, bytes], ...]:
    """(name, encrypted credential) of all, by name."""
    rows = connection.execute(select(credentials.c.name, credentials.c.secret).order_by(credentials.c.name))
    return tuple((row.name, row.secret) for row in rows)


def add_setup_token(unit: Unit, token_hash: str, now: float) -> None:
    """A one-time token; older unused ones stop working."""
    unit.connection.execute(setup_tokens.delete().where(setup_tokens.c.used_at.is_(None)))
    unit.connection.execute(setup_tokens.insert().values(token_hash=token_hash, created_at=now))


def use_setup_token(unit: Unit, token_hash: str, now: float) -> bool:
    """Use a token up; false when it was used or never given."""
    result = unit.connection.execute(
        update(setup_tokens)
        .where(setup_tokens.c.token_hash == token_hash, setup_tokens.c.used_at.is_(None))
        .values(used_at=now)
    )
    return bool(result.rowcount)
