"""The tables of a run's checks: where each stands, its attempts, what they said and left."""

from sqlalchemy import (
    BigInteger,
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

checks = Table(
    "checks",
    metadata,
    row_id(),
    reference("run_id", "runs", index=False),
    Column("key", String(300), nullable=False),
    Column("status", String(16), nullable=False),
    Column("conclusion", String(16), nullable=True),
    Column("attempt", Integer, nullable=False, server_default="0"),  # the current one
    Column("retries", Integer, nullable=False, server_default="0"),  # extra attempts spent
    Column("crashes", Integer, nullable=False, server_default="0"),  # ours, counted apart
    Column("result", LargeBinary, nullable=False),  # CheckResult
    Column("evidence_id", Identifier, ForeignKey("evidence.id", ondelete="SET NULL"), nullable=True),
    Column("reading", LargeBinary, nullable=True),  # UploadReading
    Column("inputs", LargeBinary, nullable=True),  # Inputs
    Column("reused_attempt", Identifier, nullable=True),  # whose result serves, and whose artifacts are given
    UniqueConstraint("run_id", "key"),
    Index("ix_checks_evidence", "evidence_id"),
    Index(
        "ix_checks_reused",
        "reused_attempt",
        sqlite_where=text("reused_attempt IS NOT NULL"),
        postgresql_where=text("reused_attempt IS NOT NULL"),
    ),
)


attempts = Table(
    "attempts",
    metadata,
    row_id(),
    reference("check_id", "checks", index=False),
    reference("run_id", "runs"),
    Column("n", Integer, nullable=False),
    Column("status", String(16), nullable=False),  # queued, running, completed, lost, cancelled
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("not_before", Float, nullable=False, server_default="0"),
    Column("worker", String(64), nullable=False, server_default=""),
    Column("lease_until", Float, nullable=False, server_default="0"),
    Column("queued_at", Float, nullable=False),
    Column("started_at", Float, nullable=True),
    Column("ended_at", Float, nullable=True),
    Column("outcome", LargeBinary, nullable=True),  # AttemptRecord
    # whose it is, for admission
    Column("repository_id", Identifier, nullable=False, server_default="0"),
    Column("owner", String(512), nullable=False, server_default=""),
    Column("author", String(255), nullable=False, server_default=""),  # of an untrusted change
    Column("group", String(600), nullable=False, server_default=""),  # runs one at a time
    UniqueConstraint("check_id", "n"),
    Index(
        "ix_attempts_to_do",
        "status",
        "not_before",
        sqlite_where=text("status IN ('queued', 'running')"),
        postgresql_where=text("status IN ('queued', 'running')"),
    ),
)


turns = Table(
    "turns",
    metadata,
    Column("kind", String(16), primary_key=True),  # owner, repository, began, ended
    Column("name", String(512), primary_key=True),
    Column("at", Float, nullable=False),  # epoch seconds; the last two are tags
)


log_chunks = Table(
    "log_chunks",
    metadata,
    Column("attempt_id", Identifier, ForeignKey("attempts.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("offset", BigInteger, nullable=False),
    Column("t_ms", BigInteger, nullable=False),
    Column("size", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),  # zstd
)


artifacts = Table(
    "artifacts",
    metadata,
    row_id(),
    reference("attempt_id", "attempts"),
    Column("path", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("stored", Text, nullable=False),
)
