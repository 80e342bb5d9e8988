"""All tables. Times are epoch seconds; documents are msgspec JSON, the large ones zstd-compressed.

The rows are the state machine: whatever is still to be done can be read from them alone
(deliveries `stored`, runs `new`, attempts `queued`, publications whose wanted and posted hash differ,
commands `stored`), so a lost wake-up or a wiped queue loses nothing.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Identifier = BigInteger().with_variant(Integer(), "sqlite")


def _id() -> Column[int]:
    return Column("id", Identifier, primary_key=True, autoincrement=True)


def _reference(name: str, target: str, *, nullable: bool = False, index: bool = True) -> Column[int]:
    return Column(
        name, Identifier, ForeignKey(f"{target}.id", ondelete="CASCADE"), nullable=nullable, index=index
    )


deliveries = Table(
    "deliveries",
    metadata,
    _id(),
    Column("forge", String(32), nullable=False),
    Column("delivery_id", String(128), nullable=False),
    Column("event", String(64), nullable=False),
    Column("hook_id", String(64), nullable=False, server_default=""),
    Column("received_at", Float, nullable=False),
    Column("body", LargeBinary, nullable=False),  # zstd of the raw bytes
    Column("status", String(16), nullable=False),  # stored, done, ignored, failed
    Column("reason", Text, nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("wake_at", Float, nullable=False, server_default="0"),
    UniqueConstraint("forge", "delivery_id"),
    Index(
        "ix_deliveries_to_do",
        "wake_at",
        sqlite_where=text("status = 'stored'"),
        postgresql_where=text("status = 'stored'"),
    ),
)

installations = Table(
    "installations",
    metadata,
    _id(),
    Column("forge", String(32), nullable=False),
    Column("installation_id", BigInteger, nullable=False),
    Column("account", String(255), nullable=False),
    Column("status", String(16), nullable=False),  # active, suspended, removed
    Column("seen_at", Float, nullable=False),
    Column("wake_at", Float, nullable=True, index=True),  # when its repositories are to be read
    UniqueConstraint("forge", "installation_id"),
)

repositories = Table(
    "repositories",
    metadata,
    _id(),
    Column("forge", String(32), nullable=False),
    Column("forge_id", BigInteger, nullable=False),
    Column("full_name", String(512), nullable=False, index=True),
    Column("installation_id", BigInteger, nullable=False, index=True),
    Column("status", String(16), nullable=False),  # active, removed
    Column("document", LargeBinary, nullable=False),  # Repository
    Column("wake_at", Float, nullable=True, index=True),  # when its open changes are to be read again
    Column("seen_at", Float, nullable=False),
    UniqueConstraint("forge", "forge_id"),
)

branches = Table(
    "branches",
    metadata,
    _id(),
    _reference("repository_id", "repositories", index=False),
    Column("name", String(512), nullable=False),
    Column("tip_sha", String(64), nullable=False),
    Column("gate", String(16), nullable=False),  # unknown, absent, present, pushes
    Column("gate_hash", String(64), nullable=False, server_default=""),
    Column("seen_at", Float, nullable=False),
    Column("wake_at", Float, nullable=True, index=True),  # when it is to be looked at
    UniqueConstraint("repository_id", "name"),
)

changes = Table(
    "changes",
    metadata,
    _id(),
    _reference("repository_id", "repositories", index=False),
    Column("key", String(600), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("number", Integer, nullable=True),
    Column("state", String(16), nullable=False),
    Column("base_ref", String(512), nullable=False),
    Column("head_sha", String(64), nullable=False),
    Column("document", LargeBinary, nullable=False),  # Change
    Column("ai_authored", Boolean, nullable=False, server_default="0"),
    Column("people", LargeBinary, nullable=True),  # People as last read
    Column("people_at", Float, nullable=False, server_default="0"),
    Column("people_wanted", Boolean, nullable=False, server_default="0"),
    Column("seen_at", Float, nullable=False),
    Column("wake_at", Float, nullable=True, index=True),  # when it is to be read from the forge
    UniqueConstraint("repository_id", "key"),
    Index("ix_changes_head", "repository_id", "head_sha"),
)

runs = Table(
    "runs",
    metadata,
    _id(),
    _reference("repository_id", "repositories"),
    _reference("change_id", "changes"),
    Column("head_sha", String(64), nullable=False),
    Column("base_sha", String(64), nullable=False, server_default=""),
    Column("tested_sha", String(64), nullable=False, server_default=""),
    Column("policy_sha", String(64), nullable=False, server_default=""),
    Column("n", Integer, nullable=False),
    # new → planned | refused | neutral | ungated; any of them → superseded | closed
    Column("status", String(16), nullable=False, index=True),
    Column("trusted", Boolean, nullable=False, server_default="0"),
    Column("plan", LargeBinary, nullable=True),  # zstd Plan
    Column("comparison", LargeBinary, nullable=True),  # zstd Comparison
    Column("gate_text", LargeBinary, nullable=True),  # zstd of the resolved file
    Column("facts", LargeBinary, nullable=True),  # RunFacts: notes, diagnostics, authors
    Column("verdict", LargeBinary, nullable=True),  # zstd Verdict, the latest
    Column("state", String(16), nullable=False, server_default=""),  # its VerdictState
    Column("opened_at", Float, nullable=False),
    Column("settled_at", Float, nullable=True),
    Column("touched_at", Float, nullable=False),
    Column("wake_at", Float, nullable=True),
    Column("crashes", Integer, nullable=False, server_default="0"),
    Column("error", Text, nullable=False, server_default=""),
    UniqueConstraint("change_id", "n"),
    Index("ix_runs_head", "repository_id", "head_sha"),
    Index("ix_runs_newest", "repository_id", "id"),
    Index("ix_runs_wake", "wake_at"),
)

verdicts = Table(
    "verdicts",
    metadata,
    _id(),
    _reference("run_id", "runs"),
    Column("at", Float, nullable=False),
    Column("state", String(16), nullable=False),
    Column("rules_version", Integer, nullable=False),
    Column("inputs", LargeBinary, nullable=False),  # zstd Evidence without reports
    Column("evidence_ids", Text, nullable=False),  # comma-separated
    Column("verdict", LargeBinary, nullable=False),  # zstd Verdict
)

evidence = Table(
    "evidence",
    metadata,
    _id(),
    Column("definition", String(64), nullable=False),
    Column("base_tree", String(64), nullable=False),
    Column("tested_tree", String(64), nullable=False),
    Column("origin", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),  # zstd CheckEvidence
    Column("at", Float, nullable=False),
    Index("ix_evidence_key", "definition", "base_tree", "tested_tree"),
)

checks = Table(
    "checks",
    metadata,
    _id(),
    _reference("run_id", "runs", index=False),
    Column("key", String(300), nullable=False),
    Column("status", String(16), nullable=False),
    Column("conclusion", String(16), nullable=True),
    Column("attempt", Integer, nullable=False, server_default="0"),  # the current one
    Column("retries", Integer, nullable=False, server_default="0"),  # extra attempts spent
    Column("crashes", Integer, nullable=False, server_default="0"),  # ours, counted apart
    Column("result", LargeBinary, nullable=False),  # CheckResult
    Column("evidence_id", Identifier, ForeignKey("evidence.id"), nullable=True),
    Column("reading", LargeBinary, nullable=True),  # UploadReading
    UniqueConstraint("run_id", "key"),
)

attempts = Table(
    "attempts",
    metadata,
    _id(),
    _reference("check_id", "checks", index=False),
    _reference("run_id", "runs"),
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
    UniqueConstraint("check_id", "n"),
    Index(
        "ix_attempts_to_do",
        "status",
        "not_before",
        sqlite_where=text("status IN ('queued', 'running')"),
        postgresql_where=text("status IN ('queued', 'running')"),
    ),
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
    _id(),
    _reference("attempt_id", "attempts"),
    Column("path", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("stored", Text, nullable=False),
)

posts = Table(
    "posts",
    metadata,
    _id(),
    _reference("repository_id", "repositories", index=False),
    Column("sha", String(64), nullable=False),
    Column("kind", String(16), nullable=False),  # check_run, status
    Column("name", String(512), nullable=False),
    Column("poster", String(255), nullable=False),
    Column("suite_id", BigInteger, nullable=False),
    Column("document", LargeBinary, nullable=False),  # ExternalPosted
    Column("seen_at", Float, nullable=False),
    UniqueConstraint("repository_id", "sha", "kind", "name", "poster", "suite_id"),
)

publications = Table(
    "publications",
    metadata,
    _id(),
    _reference("repository_id", "repositories", index=False),
    Column("head_sha", String(64), nullable=False),
    Column("name", String(300), nullable=False),
    Column("kind", String(16), nullable=False),  # check_run, status
    Column("wanted", LargeBinary, nullable=False),  # zstd Publication or CommitStatus
    Column("wanted_hash", String(64), nullable=False),
    Column("posted_hash", String(64), nullable=False, server_default=""),
    Column("known_id", BigInteger, nullable=True),
    Column("worker", String(64), nullable=False, server_default=""),
    Column("lease_until", Float, nullable=False, server_default="0"),
    Column("wake_at", Float, nullable=True),  # NULL = nothing to do
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("error", Text, nullable=False, server_default=""),
    Column("posted_at", Float, nullable=True),
    UniqueConstraint("repository_id", "head_sha", "kind", "name"),
    Index("ix_publications_wake", "wake_at"),
)

comments = Table(
    "comments",
    metadata,
    _id(),
    _reference("repository_id", "repositories", index=False),
    Column("number", Integer, nullable=False),
    Column("wanted", LargeBinary, nullable=False),  # zstd StickyComment
    Column("wanted_hash", String(64), nullable=False),
    Column("posted_hash", String(64), nullable=False, server_default=""),
    Column("known_id", BigInteger, nullable=True),
    Column("worker", String(64), nullable=False, server_default=""),
    Column("lease_until", Float, nullable=False, server_default="0"),
    Column("wake_at", Float, nullable=True),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("error", Text, nullable=False, server_default=""),
    UniqueConstraint("repository_id", "number"),
    Index("ix_comments_wake", "wake_at"),
)

commands = Table(
    "commands",
    metadata,
    _id(),
    _reference("repository_id", "repositories", index=False),
    Column("number", Integer, nullable=False),
    Column("comment_id", BigInteger, nullable=False),
    Column("status", String(16), nullable=False, index=True),  # stored, done
    Column("answer", Text, nullable=False, server_default=""),
    Column("at", Float, nullable=False),
    Column("wake_at", Float, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    UniqueConstraint("repository_id", "comment_id"),
)

pushers = Table(
    "pushers",
    metadata,
    _id(),
    _reference("change_id", "changes", index=False),
    Column("head_sha", String(64), nullable=False),
    Column("actor", LargeBinary, nullable=False),  # Actor
    UniqueConstraint("change_id", "head_sha"),
)

approvals_to_test = Table(
    "approvals_to_test",
    metadata,
    _id(),
    _reference("change_id", "changes", index=False),
    Column("head_sha", String(64), nullable=False),
    Column("login", String(255), nullable=False),
    Column("at", Float, nullable=False),
    UniqueConstraint("change_id", "head_sha"),
)

audit = Table(
    "audit",
    metadata,
    _id(),
    Column("at", Float, nullable=False),
    Column("actor", String(255), nullable=False),
    Column("verb", String(64), nullable=False),
    Column("repository", String(512), nullable=False, server_default=""),
    Column("change", String(600), nullable=False, server_default=""),
    Column("run_id", Identifier, nullable=True, index=True),
    Column("entry", LargeBinary, nullable=False),  # AuditEntry
)

credentials = Table(
    "credentials",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("secret", LargeBinary, nullable=False),  # Fernet
    Column("at", Float, nullable=False),
)

setup_tokens = Table(
    "setup_tokens",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("created_at", Float, nullable=False),
    Column("used_at", Float, nullable=True),
)

leader = Table(
    "leader",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("worker", String(64), nullable=False),
    Column("lease_until", Float, nullable=False),
)
