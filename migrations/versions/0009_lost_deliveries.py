"""What is done every so often, deliveries asked for again, how each repository's webhooks fare, troubles."""

from typing import Literal

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "chores",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=True),
        sa.Column("done_at", sa.Float(), nullable=True),
        sa.Column("wake_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chores")),
        sa.UniqueConstraint("name", name=op.f("uq_chores_name")),
    )
    op.create_index(op.f("ix_chores_wake_at"), "chores", ["wake_at"])
    op.create_table(
        "redeliveries",
        sa.Column("forge", sa.String(32), nullable=False),
        sa.Column("guid", sa.String(128), nullable=False),
        sa.Column("asked_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("forge", "guid", name=op.f("pk_redeliveries")),
    )
    op.create_index(op.f("ix_redeliveries_asked_at"), "redeliveries", ["asked_at"])
    op.create_table(
        "hook_health",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("repository_id", _ID, nullable=False),
        sa.Column("heard_at", sa.Float(), nullable=True),
        sa.Column("lag", sa.Float(), nullable=True),
        sa.Column("active_at", sa.Float(), nullable=True),
        sa.Column("missed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("missed_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["repositories.id"],
            name=op.f("fk_hook_health_repository_id_repositories"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hook_health")),
        sa.UniqueConstraint("repository_id", name=op.f("uq_hook_health_repository_id")),
    )
    op.create_table(
        "troubles",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(600), nullable=False),
        sa.Column("says", sa.Text(), nullable=False),
        sa.Column("mend", sa.Text(), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_troubles")),
        sa.UniqueConstraint("kind", "subject", name=op.f("uq_troubles_kind")),
    )
    with op.batch_alter_table("repositories", recreate=_recreate()) as batch:
        batch.add_column(sa.Column("listing", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("repositories", recreate=_recreate()) as batch:
        batch.drop_column("listing")
    for table in ("troubles", "hook_health", "redeliveries", "chores"):
        op.drop_table(table)


def _recreate() -> Literal["always", "never"]:
    """SQLite keeps the text of an altered table, and it would differ from a new one's."""
    return "always" if op.get_bind().dialect.name == "sqlite" else "never"
