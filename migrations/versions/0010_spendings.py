"""What was asked of each forge, and what it said was left."""

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"


def upgrade() -> None:
    op.create_table(
        "budgets",
        sa.Column("forge", sa.String(32), nullable=False),
        sa.Column("installation_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("forge", "installation_id", name=op.f("pk_budgets")),
    )
    op.create_table(
        "spendings",
        sa.Column("forge", sa.String(32), nullable=False),
        sa.Column("installation_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("purpose", sa.String(64), nullable=False),
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("forge", "installation_id", "purpose", "hour", name=op.f("pk_spendings")),
    )


def downgrade() -> None:
    op.drop_table("spendings")
    op.drop_table("budgets")
