"""Wake-ups of changes, branches and installations outlive the process."""

from typing import Literal

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"

TABLES = ("installations", "branches", "changes")


def upgrade() -> None:
    for table in TABLES:
        with op.batch_alter_table(table, recreate=_recreate()) as batch:
            batch.add_column(sa.Column("wake_at", sa.Float(), nullable=True))
            batch.create_index(op.f(f"ix_{table}_wake_at"), ["wake_at"], unique=False)


def downgrade() -> None:
    for table in TABLES:
        with op.batch_alter_table(table, recreate=_recreate()) as batch:
            batch.drop_index(op.f(f"ix_{table}_wake_at"))
            batch.drop_column("wake_at")


def _recreate() -> Literal["always", "never"]:
    """SQLite keeps the text of an altered table, and it would differ from a new one's."""
    return "always" if op.get_bind().dialect.name == "sqlite" else "never"
