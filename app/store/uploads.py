"""Uploaded reports: who uploaded which file for which head, and its bytes."""

from typing import Literal

import msgspec
import zstandard
from sqlalchemy import Connection, exists, func, select

from app.model import Sha, Upload
from app.store.projects import insert
from app.store.runs import LIVE
from app.store.session import Unit, pack, unpack
from app.store.tables import runs
from app.store.tables_uploads import uploads

Kept = Literal["stored", "replaced", "unchanged", "taken"]
"""What became of a file. TAKEN: the same CI run uploaded other bytes of this name before; those stay."""


def keep_upload(unit: Unit, repository_id: int, upload: Upload, compressed: bytes) -> Kept:
    """Keep a file; an older one of the same uploader and name is replaced. The caller has locked the
    repository.
    """
    named = (
        (uploads.c.repository_id == repository_id)
        & (uploads.c.head_sha == upload.head_sha)
        & (uploads.c.name == upload.name)
        & (uploads.c.path == upload.path)
        & (uploads.c.uploader == upload.uploader.key)
    )
    row = unit.connection.execute(select(uploads.c.document).where(named)).first()
    known = None if row is None else unpack(Upload, row.document)
    if known is not None and (known.digest, known.root) == (upload.digest, upload.root):
        return "unchanged"
    if known is not None and known.uploader.run and known.uploader.run == upload.uploader.run:
        return "taken"
    values = {"document": pack(upload), "body": compressed, "at": upload.at}
    statement = insert(unit.connection, uploads).values(
        repository_id=repository_id,
        head_sha=upload.head_sha,
        name=upload.name,
        path=upload.path,
        uploader=upload.uploader.key,
        **values,
    )
    unit.connection.execute(
        statement.on_conflict_do_update(
            index_elements=["repository_id", "head_sha", "name", "path", "uploader"], set_=values
        )
    )
    return "stored" if known is None else "replaced"


def compress(content: bytes) -> bytes:
    """The bytes of a file as they are stored."""
    return zstandard.compress(content, 3)


def uploads_on(connection: Connection, repository_id: int, head_sha: Sha) -> tuple[Upload, ...]:
    """All files uploaded for a head, without their bytes."""
    rows = connection.execute(
        select(uploads.c.document, uploads.c.id)
        .where(uploads.c.repository_id == repository_id, uploads.c.head_sha == head_sha)
        .order_by(uploads.c.name, uploads.c.path, uploads.c.uploader)
    )
    return tuple(msgspec.structs.replace(unpack(Upload, row.document), id=row.id) for row in rows)


def count_on(connection: Connection, repository_id: int, head_sha: Sha) -> int:
    """How many files were uploaded for a head."""
    counted = select(func.count()).where(
        uploads.c.repository_id == repository_id, uploads.c.head_sha == head_sha
    )
    return int(connection.execute(counted).scalar_one())


def bytes_of(connection: Connection, repository_id: int) -> int:
    """How many bytes a repository's uploads take, compressed; neither database reads them for it."""
    size = select(func.coalesce(func.sum(func.length(uploads.c.body)), 0))
    return int(connection.execute(size.where(uploads.c.repository_id == repository_id)).scalar_one())


def read_upload(connection: Connection, upload: Upload) -> bytes | None:
    """The bytes of a file; None when it is not there any more, or was replaced by other bytes."""
    columns = (uploads.c.document, uploads.c.body)
    row = connection.execute(select(*columns).where(uploads.c.id == upload.id)).first()
    if row is None or unpack(Upload, row.document).digest != upload.digest:
        return None
    return zstandard.decompress(row.body)


def oldest(connection: Connection) -> float | None:
    """When the oldest file was uploaded; None where there is none."""
    return connection.execute(select(func.min(uploads.c.at))).scalar()


def prune_uploads(unit: Unit, before: float) -> int:
    """Forget the files of heads that nobody uploaded for since, unless a live run may still read them; gives
    how many. Those of one head go together: what is left would say less than what was read.
    """
    waiting = exists().where(
        runs.c.repository_id == uploads.c.repository_id,
        runs.c.head_sha == uploads.c.head_sha,
        runs.c.status.in_(LIVE),
    )
    later = uploads.alias()
    newer = exists().where(
        later.c.repository_id == uploads.c.repository_id,
        later.c.head_sha == uploads.c.head_sha,
        later.c.at >= before,
    )
    return unit.connection.execute(uploads.delete().where(uploads.c.at < before, ~waiting, ~newer)).rowcount
