"""What other systems were asked to run, and how long they usually take."""

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "starts",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("run_id", _ID, nullable=False),
        sa.Column("key", sa.String(300), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("wake_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_starts_run_id_runs", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_starts"),
        sa.UniqueConstraint("run_id", "key", name="uq_starts_run_id"),
    )
    op.create_index("ix_starts_wake_at", "starts", ["wake_at"])
    op.create_table(
        "paces",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("repository_id", _ID, nullable=False),
        sa.Column("key", sa.String(300), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["repositories.id"],
            name="fk_paces_repository_id_repositories",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_paces"),
        sa.UniqueConstraint("repository_id", "key", name="uq_paces_repository_id"),
    )


def downgrade() -> None:
    op.drop_table("paces")
    op.drop_index("ix_starts_wake_at", "starts")
    op.drop_table("starts")
