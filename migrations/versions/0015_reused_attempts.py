"""Checks tell whose result serves them, so that its artifacts stay while they may be given."""

from typing import Literal

import msgspec
import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"

EXPANDS = True

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_CHECKS = sa.table(
    "checks", sa.column("id"), sa.column("result"), sa.column("reused_attempt"), sa.column("run_id")
)
_RUNS = sa.table("runs", sa.column("id"), sa.column("status"))
_LIVE = ("new", "planned", "refused")
_SET = "reused_attempt IS NOT NULL"


def upgrade() -> None:
    with op.batch_alter_table("checks", recreate=_recreate()) as batch:
        batch.add_column(sa.Column("reused_attempt", _ID, nullable=True))
    op.create_index(
        "ix_checks_reused",
        "checks",
        ["reused_attempt"],
        sqlite_where=sa.text(_SET),
        postgresql_where=sa.text(_SET),
    )
    connection = op.get_bind()
    live = sa.select(_RUNS.c.id).where(_RUNS.c.status.in_(_LIVE))
    for row in connection.execute(
        sa.select(_CHECKS.c.id, _CHECKS.c.result).where(_CHECKS.c.run_id.in_(live))
    ):
        reused = _reused(row.result)
        if reused:
            connection.execute(sa.update(_CHECKS).where(_CHECKS.c.id == row.id).values(reused_attempt=reused))


def _reused(result: bytes) -> int:
    try:
        return int(msgspec.json.decode(result)["reused"]["attempt"])
    except (ValueError, LookupError, TypeError):
        return 0


def downgrade() -> None:
    op.drop_index("ix_checks_reused", "checks")
    with op.batch_alter_table("checks", recreate=_recreate()) as batch:
        batch.drop_column("reused_attempt")


def _recreate() -> Literal["always", "never"]:
    """SQLite keeps the text of an altered table, and it would differ from a new one's."""
    return "always" if op.get_bind().dialect.name == "sqlite" else "never"
