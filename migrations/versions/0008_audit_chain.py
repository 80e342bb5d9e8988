"""The hash chain over the audit trail, its daily heads, and triggers that keep it append-only."""

from typing import Literal

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"

IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SQLITE = (
    (
        "CREATE TRIGGER audit_kept BEFORE DELETE ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
    ),
    (
        "CREATE TRIGGER audit_as_written BEFORE UPDATE ON audit "
        "WHEN OLD.hash IS NOT NULL OR NEW.entry IS NOT OLD.entry "
        "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
    ),
)
POSTGRESQL = (
    (
        "CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$"
    ),
    "CREATE TRIGGER audit_kept BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_append_only()",
    (
        "CREATE TRIGGER audit_as_written BEFORE UPDATE ON audit FOR EACH ROW "
        "WHEN (OLD.hash IS NOT NULL OR NEW.entry IS DISTINCT FROM OLD.entry) "
        "EXECUTE FUNCTION audit_append_only()"
    ),
)


def upgrade() -> None:
    with op.batch_alter_table("audit", recreate=_recreate()) as batch:
        batch.add_column(sa.Column("seq", IDENTIFIER, nullable=True))
        batch.add_column(sa.Column("hash", sa.String(length=64), nullable=True))
        batch.create_unique_constraint(op.f("uq_audit_seq"), ["seq"])
    op.create_table(
        "audit_heads",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("seq", IDENTIFIER, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_audit_heads")),
    )
    for statement in SQLITE if _is_sqlite() else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    on = "" if _is_sqlite() else " ON audit"
    op.execute(f"DROP TRIGGER audit_as_written{on}")
    op.execute(f"DROP TRIGGER audit_kept{on}")
    if not _is_sqlite():
        op.execute("DROP FUNCTION audit_append_only()")
    op.drop_table("audit_heads")
    with op.batch_alter_table("audit", recreate=_recreate()) as batch:
        batch.drop_constraint(op.f("uq_audit_seq"), type_="unique")
        batch.drop_column("hash")
        batch.drop_column("seq")


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _recreate() -> Literal["always", "never"]:
    """SQLite keeps the text of an altered table, and it would differ from a new one's."""
    return "always" if _is_sqlite() else "never"
