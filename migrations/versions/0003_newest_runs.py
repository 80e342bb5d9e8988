"""A repository's newest runs are found by an index: what is usual there is read from them."""

from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"


def upgrade() -> None:
    op.create_index("ix_runs_newest", "runs", ["repository_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_runs_newest", table_name="runs")
