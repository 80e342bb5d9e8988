"""What people let pass: overrides of a head, waivers of a change."""

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"

IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "overrides",
        sa.Column("id", IDENTIFIER, autoincrement=True, nullable=False),
        sa.Column("change_id", IDENTIFIER, nullable=False),
        sa.Column("head_sha", sa.String(length=64), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["change_id"], ["changes.id"], name=op.f("fk_overrides_change_id_changes"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_overrides")),
    )
    op.create_index(op.f("ix_overrides_change_id"), "overrides", ["change_id"], unique=False)
    op.create_table(
        "change_waivers",
        sa.Column("id", IDENTIFIER, autoincrement=True, nullable=False),
        sa.Column("change_id", IDENTIFIER, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["change_id"],
            ["changes.id"],
            name=op.f("fk_change_waivers_change_id_changes"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_waivers")),
    )
    op.create_index(op.f("ix_change_waivers_change_id"), "change_waivers", ["change_id"], unique=False)


def downgrade() -> None:
    op.drop_table("change_waivers")
    op.drop_table("overrides")
