"""What all processes create on a forge counts together."""

import sqlalchemy as sa
from alembic import op

revision: str = "0019"
down_revision: str | None = "0018"
EXPANDS = True

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "creations",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("forge", sa.String(32), nullable=False),
        sa.Column("installation_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_creations"),
    )
    op.create_index("ix_creations_of", "creations", ["forge", "installation_id", "at"])


def downgrade() -> None:
    op.drop_index("ix_creations_of", "creations")
    op.drop_table("creations")
