"""What checks delivered, and what is known of base: evidence, flaky tests, baselines."""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from app.store.columns import Identifier, metadata, reference, row_id

evidence = Table(
    "evidence",
    metadata,
    row_id(),
    reference("repository_id", "repositories", index=False),
    Column("definition", String(64), nullable=False),
    Column("base_tree", String(64), nullable=False),
    Column("tested_tree", String(64), nullable=False),
    Column("source", String(16), nullable=False),  # change, base
    Column("origin", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),  # zstd CheckEvidence
    Column("at", Float, nullable=False),
    Column("kept", Boolean, nullable=False, server_default="0"),  # a verdict on record rests on it
    # Where the inputs are known: for whom it counts, and for which inputs.
    Column("change_id", Identifier, ForeignKey("changes.id", ondelete="SET NULL"), nullable=True),
    Column("trusted", Boolean, nullable=False, server_default="0"),
    Column("inputs", String(64), nullable=False, server_default=""),
    Column("changed", String(64), nullable=False, server_default=""),
    Column("platform", String(255), nullable=False, server_default=""),
    Column("earlier", LargeBinary, nullable=True),  # Earlier; null = these inputs were seen to fail
    Index("ix_evidence_key", "repository_id", "tested_tree", "definition"),
    Index(
        "ix_evidence_reusable",
        "repository_id",
        "inputs",
        sqlite_where=text("inputs <> ''"),
        postgresql_where=text("inputs <> ''"),
    ),
    Index("ix_evidence_change", "change_id"),
    Index(
        "ix_evidence_prunable",
        "at",
        sqlite_where=text("kept = 0"),
        postgresql_where=text("NOT kept"),
    ),
)

flaky_tests = Table(
    "flaky_tests",
    metadata,
    row_id(),
    reference("repository_id", "repositories", index=False),
    Column("test", String(64), nullable=False),  # hash of check, class, name and file
    Column("tested_tree", String(64), nullable=False),  # on which it passed and failed
    Column("trusted", Boolean, nullable=False),  # else it speaks for this tree alone
    Column("origin", Text, nullable=False),
    Column("at", Float, nullable=False, index=True),
    UniqueConstraint("repository_id", "test", "tested_tree"),
    Index("ix_flaky_tests_tree", "repository_id", "tested_tree"),
)

baselines = Table(
    "baselines",
    metadata,
    row_id(),
    reference("repository_id", "repositories", index=False),
    Column("tree", String(64), nullable=False),  # base's
    Column("definition", String(64), nullable=False),
    Column("base_sha", String(64), nullable=False),  # the commit it was asked for
    Column("key", String(300), nullable=False),  # of the check in the base run
    Column("run_id", Identifier, ForeignKey("runs.id", ondelete="SET NULL"), nullable=True, index=True),
    Column("state", String(16), nullable=False),  # outstanding → ready | impossible
    Column("reason", Text, nullable=False, server_default=""),
    Column("ours", Boolean, nullable=False, server_default="0"),  # impossible through an error of ours
    Column("ahead", Boolean, nullable=False, server_default="0"),  # asked for by a push, before any change
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("evidence_id", Identifier, ForeignKey("evidence.id", ondelete="SET NULL"), nullable=True),
    Column("at", Float, nullable=False),
    Column("digest", String(64), nullable=False, server_default=""),  # of the uploads it is read from
    UniqueConstraint("repository_id", "tree", "definition"),
    Index("ix_baselines_evidence", "evidence_id"),
)

baseline_waiters = Table(
    "baseline_waiters",
    metadata,
    Column("baseline_id", Identifier, ForeignKey("baselines.id", ondelete="CASCADE"), primary_key=True),
    Column("run_id", Identifier, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, index=True),
)
