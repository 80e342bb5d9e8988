"""Evidence of successes may serve again; runs know what they cost."""

from typing import Literal

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SERVES = "earlier IS NOT NULL"


def upgrade() -> None:
    with op.batch_alter_table("runs", recreate=_recreate()) as batch:
        batch.add_column(sa.Column("spent", sa.Float(), server_default="0", nullable=False))
        batch.add_column(sa.Column("saved", sa.Float(), server_default="0", nullable=False))
    with op.batch_alter_table("checks", recreate=_recreate()) as batch:
        batch.add_column(sa.Column("inputs", sa.LargeBinary(), nullable=True))
    with op.batch_alter_table("evidence", recreate=_recreate()) as batch:
        batch.add_column(sa.Column("change_id", _ID, nullable=True))
        batch.add_column(sa.Column("trusted", sa.Boolean(), server_default="0", nullable=False))
        batch.add_column(sa.Column("inputs", sa.String(64), server_default="", nullable=False))
        batch.add_column(sa.Column("changed", sa.String(64), server_default="", nullable=False))
        batch.add_column(sa.Column("platform", sa.String(255), server_default="", nullable=False))
        batch.add_column(sa.Column("earlier", sa.LargeBinary(), nullable=True))
        batch.create_foreign_key(
            "fk_evidence_change_id_changes", "changes", ["change_id"], ["id"], ondelete="SET NULL"
        )
        batch.create_index("ix_evidence_change", ["change_id"])
    op.create_index(
        "ix_evidence_reusable",
        "evidence",
        ["repository_id", "inputs"],
        sqlite_where=sa.text(_SERVES),
        postgresql_where=sa.text(_SERVES),
    )


def downgrade() -> None:
    op.drop_index("ix_evidence_reusable", "evidence")
    with op.batch_alter_table("evidence", recreate=_recreate()) as batch:
        batch.drop_index("ix_evidence_change")
        batch.drop_constraint("fk_evidence_change_id_changes", type_="foreignkey")
        for name in ("earlier", "platform", "changed", "inputs", "trusted", "change_id"):
            batch.drop_column(name)
    with op.batch_alter_table("checks", recreate=_recreate()) as batch:
        batch.drop_column("inputs")
    with op.batch_alter_table("runs", recreate=_recreate()) as batch:
        batch.drop_column("saved")
        batch.drop_column("spent")


def _recreate() -> Literal["always", "never"]:
    """SQLite keeps the text of an altered table, and it would differ from a new one's."""
    return "always" if op.get_bind().dialect.name == "sqlite" else "never"
