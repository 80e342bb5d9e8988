"""Tests that passed and failed for the same code."""

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "flaky_tests",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("repository_id", _ID, nullable=False),
        sa.Column("test", sa.String(64), nullable=False),
        sa.Column("tested_tree", sa.String(64), nullable=False),
        sa.Column("trusted", sa.Boolean(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["repositories.id"],
            name="fk_flaky_tests_repository_id_repositories",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_flaky_tests"),
        sa.UniqueConstraint("repository_id", "test", "tested_tree", name="uq_flaky_tests_repository_id"),
    )
    op.create_index("ix_flaky_tests_at", "flaky_tests", ["at"])
    op.create_index("ix_flaky_tests_tree", "flaky_tests", ["repository_id", "tested_tree"])


def downgrade() -> None:
    op.drop_table("flaky_tests")
