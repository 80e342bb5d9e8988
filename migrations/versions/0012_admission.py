"""Whose an attempt is, and whose turn it was: fairness is decided over all workers; whom a schema serves."""

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
EXPANDS = True

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("attempts", recreate=_recreate()) as batch:
        batch.add_column(sa.Column("repository_id", _ID, server_default="0", nullable=False))
        batch.add_column(sa.Column("owner", sa.String(512), server_default="", nullable=False))
        batch.add_column(sa.Column("author", sa.String(255), server_default="", nullable=False))
        batch.add_column(sa.Column("group", sa.String(600), server_default="", nullable=False))
    op.create_table(
        "turns",
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(512), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", name="pk_turns"),
    )
    op.create_table(
        "served_versions",
        sa.Column("revision", sa.String(32), nullable=False),
        sa.Column("by", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("revision", name="pk_served_versions"),
    )


def downgrade() -> None:
    op.drop_table("served_versions")
    op.drop_table("turns")
    with op.batch_alter_table("attempts", recreate=_recreate()) as batch:
        for column in ("group", "author", "owner", "repository_id"):
            batch.drop_column(column)


def _recreate() -> str:
    """SQLite keeps the text of an altered table, and it would differ from a new one's."""
    return "always" if op.get_bind().dialect.name == "sqlite" else "never"
