"""A baseline says which uploaded files it was read from."""

from typing import Literal

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"


def upgrade() -> None:
    with op.batch_alter_table("baselines", recreate=_recreate()) as batch:
        batch.add_column(sa.Column("digest", sa.String(64), server_default="", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("baselines", recreate=_recreate()) as batch:
        batch.drop_column("digest")


def _recreate() -> Literal["always", "never"]:
    """SQLite keeps the text of an altered table, and it would differ from a new one's."""
    return "always" if op.get_bind().dialect.name == "sqlite" else "never"
