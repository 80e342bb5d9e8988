"""Repository tokens: only their hashes, for whom, until when."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select, update

from app.store.session import Unit
from app.store.tables_uploads import tokens


class TokenRow(msgspec.Struct, frozen=True, kw_only=True):
    """A token as it is kept. Times are epoch seconds; `expires_at` None = never."""

    id: int
    repository_id: int
    name: str
    created_at: float
    expires_at: float | None
    used_at: float | None
    revoked_at: float | None

    def works(self, now: float) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def add_token(
    unit: Unit, repository_id: int, name: str, token_hash: str, now: float, expires_at: float | None
) -> bool:
    """Keep a token; false where the repository has a working one of this name. The caller has locked the
    repository.
    """
    if any(row.name == name and row.works(now) for row in tokens_of(unit.connection, repository_id)):
        return False
    unit.connection.execute(
        tokens.insert().values(
            repository_id=repository_id,
            name=name,
            token_hash=token_hash,
            created_at=now,
            expires_at=expires_at,
        )
    )
    return True


def find_token(connection: Connection, token_hash: str) -> TokenRow | None:
    """The token of this hash, whether it still works or not."""
    row = connection.execute(select(tokens).where(tokens.c.token_hash == token_hash)).first()
    return None if row is None else _token(row)


def tokens_of(connection: Connection, repository_id: int) -> tuple[TokenRow, ...]:
    """All tokens of a repository, oldest first."""
    rows = connection.execute(
        select(tokens).where(tokens.c.repository_id == repository_id).order_by(tokens.c.id)
    )
    return tuple(_token(row) for row in rows)


def revoke_token(unit: Unit, repository_id: int, name: str, now: float) -> bool:
    """End the tokens of this name; false where none still stood."""
    result = unit.connection.execute(
        update(tokens)
        .where(tokens.c.repository_id == repository_id, tokens.c.name == name, tokens.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return bool(result.rowcount)


def touch_token(unit: Unit, token_id: int, now: float) -> None:
    """A token was used."""
    unit.connection.execute(update(tokens).where(tokens.c.id == token_id).values(used_at=now))


def _token(row: Row[Any]) -> TokenRow:
    return TokenRow(
        id=row.id,
        repository_id=row.repository_id,
        name=row.name,
        created_at=row.created_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
        revoked_at=row.revoked_at,
    )
