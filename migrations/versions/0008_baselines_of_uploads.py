"""A baseline says which uploaded files it was read from."""

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"


def upgrade() -> None:
    op.add_column("baselines", sa.Column("digest", sa.String(64), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("baselines", "digest")
