"""Failures are known by their inputs too, and speak against successes on them."""

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"

EXPANDS = True


def upgrade() -> None:
    _index("inputs <> ''")


def downgrade() -> None:
    op.execute("UPDATE evidence SET inputs = '' WHERE earlier IS NULL")
    _index("earlier IS NOT NULL")


def _index(condition: str) -> None:
    op.drop_index("ix_evidence_reusable", "evidence")
    op.create_index(
        "ix_evidence_reusable",
        "evidence",
        ["repository_id", "inputs"],
        sqlite_where=sa.text(condition),
        postgresql_where=sa.text(condition),
    )
