"""Evidence belongs to a repository and may speak for base; what verdicts rest on is kept."""

from typing import Literal

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_CHECKS_EVIDENCE = "fk_checks_evidence_id_evidence"
_OLD = "status IN ('done', 'ignored')"


def upgrade() -> None:
    with op.batch_alter_table("verdicts", recreate=_recreate()) as batch:
        batch.add_column(sa.Column("subject", sa.LargeBinary(), nullable=True))
    op.create_index(
        "ix_deliveries_old",
        "deliveries",
        ["received_at"],
        sqlite_where=sa.text(_OLD),
        postgresql_where=sa.text(_OLD),
    )
    with op.batch_alter_table("checks", recreate=_recreate()) as batch:
        batch.drop_constraint(_CHECKS_EVIDENCE, type_="foreignkey")
        batch.create_foreign_key(_CHECKS_EVIDENCE, "evidence", ["evidence_id"], ["id"], ondelete="SET NULL")
        batch.create_index("ix_checks_evidence", ["evidence_id"])
    _evidence()
    _baselines()


def _evidence() -> None:
    with op.batch_alter_table("evidence", recreate=_recreate()) as batch:
        batch.drop_index("ix_evidence_key")
        batch.add_column(sa.Column("repository_id", _ID, nullable=True))
        batch.add_column(sa.Column("source", sa.String(16), nullable=True))
        batch.add_column(sa.Column("kept", sa.Boolean(), server_default="0", nullable=False))
    _say_whose()
    with op.batch_alter_table("evidence", recreate=_recreate()) as batch:
        batch.alter_column("repository_id", existing_type=_ID, nullable=False)
        batch.alter_column("source", existing_type=sa.String(16), nullable=False)
        batch.create_foreign_key(
            "fk_evidence_repository_id_repositories",
            "repositories",
            ["repository_id"],
            ["id"],
            ondelete="CASCADE",
        )
        batch.create_index("ix_evidence_key", ["repository_id", "tested_tree", "definition"])
    op.create_index(
        "ix_evidence_prunable",
        "evidence",
        ["at"],
        sqlite_where=sa.text("kept = 0"),
        postgresql_where=sa.text("NOT kept"),
    )


def _say_whose() -> None:
    """The repository of each row, by the check or the verdict that uses it; nobody's is of no use."""
    op.execute(
        "UPDATE evidence SET source = 'change', repository_id = (SELECT max(runs.repository_id) FROM checks"
        " JOIN runs ON runs.id = checks.run_id WHERE checks.evidence_id = evidence.id)"
    )
    connection = op.get_bind()
    found = connection.execute(
        sa.text(
            "SELECT verdicts.evidence_ids, runs.repository_id FROM verdicts"
            " JOIN runs ON runs.id = verdicts.run_id WHERE verdicts.evidence_ids <> ''"
        )
    ).all()
    used = [
        {"repository": row.repository_id, "evidence": int(part)}
        for row in found
        for part in row.evidence_ids.split(",")
    ]
    if used:
        connection.execute(
            sa.text("UPDATE evidence SET repository_id = :repository, kept = true WHERE id = :evidence"),
            used,
        )
    op.execute("DELETE FROM evidence WHERE repository_id IS NULL")


def _baselines() -> None:
    op.create_table(
        "baselines",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("repository_id", _ID, nullable=False),
        sa.Column("tree", sa.String(64), nullable=False),
        sa.Column("definition", sa.String(64), nullable=False),
        sa.Column("base_sha", sa.String(64), nullable=False),
        sa.Column("key", sa.String(300), nullable=False),
        sa.Column("run_id", _ID, nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("ours", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("ahead", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("evidence_id", _ID, nullable=True),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["repositories.id"],
            name="fk_baselines_repository_id_repositories",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name="fk_baselines_run_id_runs", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence.id"], name="fk_baselines_evidence_id_evidence", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_baselines"),
        sa.UniqueConstraint("repository_id", "tree", "definition", name="uq_baselines_repository_id"),
    )
    op.create_index("ix_baselines_run_id", "baselines", ["run_id"])
    op.create_index("ix_baselines_evidence", "baselines", ["evidence_id"])
    op.create_table(
        "baseline_waiters",
        sa.Column("baseline_id", _ID, nullable=False),
        sa.Column("run_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["baseline_id"],
            ["baselines.id"],
            name="fk_baseline_waiters_baseline_id_baselines",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name="fk_baseline_waiters_run_id_runs", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("baseline_id", "run_id", name="pk_baseline_waiters"),
    )
    op.create_index("ix_baseline_waiters_run_id", "baseline_waiters", ["run_id"])


def downgrade() -> None:
    op.drop_table("baseline_waiters")
    op.drop_table("baselines")
    op.drop_index("ix_evidence_prunable", "evidence")
    with op.batch_alter_table("evidence", recreate=_recreate()) as batch:
        batch.drop_index("ix_evidence_key")
        batch.drop_constraint("fk_evidence_repository_id_repositories", type_="foreignkey")
        batch.drop_column("repository_id")
        batch.drop_column("source")
        batch.drop_column("kept")
        batch.create_index("ix_evidence_key", ["definition", "base_tree", "tested_tree"])
    with op.batch_alter_table("checks", recreate=_recreate()) as batch:
        batch.drop_index("ix_checks_evidence")
        batch.drop_constraint(_CHECKS_EVIDENCE, type_="foreignkey")
        batch.create_foreign_key(_CHECKS_EVIDENCE, "evidence", ["evidence_id"], ["id"])
    op.drop_index("ix_deliveries_old", "deliveries")
    with op.batch_alter_table("verdicts", recreate=_recreate()) as batch:
        batch.drop_column("subject")


def _recreate() -> Literal["always", "never"]:
    """SQLite keeps the text of an altered table, and it would differ from a new one's."""
    return "always" if op.get_bind().dialect.name == "sqlite" else "never"
