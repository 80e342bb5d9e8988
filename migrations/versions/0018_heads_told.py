"""When a delivery told of a head: what a forge shows may lag behind it."""

from typing import Literal

import sqlalchemy as sa
from alembic import op

revision: str = "0018"
down_revision: str | None = "0017"
EXPANDS = True


def upgrade() -> None:
    with op.batch_alter_table("pushers", recreate=_recreate()) as batch:
        batch.add_column(sa.Column("told_at", sa.Float(), server_default="0", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("pushers", recreate=_recreate()) as batch:
        batch.drop_column("told_at")


def _recreate() -> Literal["always", "never"]:
    """SQLite keeps the text of an altered table, and it would differ from a new one's."""
    return "always" if op.get_bind().dialect.name == "sqlite" else "never"
