"""The tables of what is judged (`tables_checks`, `tables_evidence`, `tables_forge`, `tables_granted`,
`tables_audit` and `tables_uploads` hold the others). Times are epoch seconds; documents are msgspec JSON,
the large ones zstd-compressed.

The rows are the state machine: whatever is still to be done can be read from them alone
(deliveries `stored`, runs `new`, attempts `queued`, publications whose wanted and posted hash differ,
commands `stored`), so a lost wake-up or a wiped queue loses nothing.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from app.store.columns import metadata, reference, row_id

deliveries = Table(
    "deliveries",
    metadata,
    row_id(),
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
    Index(
        "ix_deliveries_old",
        "received_at",
        sqlite_where=text("status IN ('done', 'ignored')"),
        postgresql_where=text("status IN ('done', 'ignored')"),
    ),
)

installations = Table(
    "installations",
    metadata,
    row_id(),
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
    row_id(),
    Column("forge", String(32), nullable=False),
    Column("forge_id", BigInteger, nullable=False),
    Column("full_name", String(512), nullable=False, index=True),
    Column("installation_id", BigInteger, nullable=False, index=True),
    Column("status", String(16), nullable=False),  # active, removed
    Column("document", LargeBinary, nullable=False),  # Repository
    Column("wake_at", Float, nullable=True, index=True),  # when its open changes are to be read again
    Column("seen_at", Float, nullable=False),
    Column("listing", LargeBinary, nullable=True),  # zstd: its open changes as last listed
    UniqueConstraint("forge", "forge_id"),
)

branches = Table(
    "branches",
    metadata,
    row_id(),
    reference("repository_id", "repositories", index=False),
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
    row_id(),
    reference("repository_id", "repositories", index=False),
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
    row_id(),
    reference("repository_id", "repositories"),
    reference("change_id", "changes"),
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
    Column("spent", Float, nullable=False, server_default="0"),  # seconds of its attempts
    Column("saved", Float, nullable=False, server_default="0"),  # seconds of the results it reused
    UniqueConstraint("change_id", "n"),
    Index("ix_runs_head", "repository_id", "head_sha"),
    Index("ix_runs_newest", "repository_id", "id"),
    Index("ix_runs_wake", "wake_at"),
)

verdicts = Table(
    "verdicts",
    metadata,
    row_id(),
    reference("run_id", "runs"),
    Column("at", Float, nullable=False),
    Column("state", String(16), nullable=False),
    Column("rules_version", Integer, nullable=False),
    Column("inputs", LargeBinary, nullable=False),  # zstd Evidence without reports
    Column("evidence_ids", Text, nullable=False),  # of the change's own reports, comma-separated
    Column("verdict", LargeBinary, nullable=False),  # zstd Verdict
    Column("subject", LargeBinary, nullable=True),  # zstd Verdict that a merge group copied from
)

pushers = Table(
    "pushers",
    metadata,
    row_id(),
    reference("change_id", "changes", index=False),
    Column("head_sha", String(64), nullable=False),
    Column("actor", LargeBinary, nullable=False),  # Actor
    Column("told_at", Float, nullable=False, server_default="0"),  # when a delivery last told of it
    UniqueConstraint("change_id", "head_sha"),
)

approvals_to_test = Table(
    "approvals_to_test",
    metadata,
    row_id(),
    reference("change_id", "changes", index=False),
    Column("head_sha", String(64), nullable=False),
    Column("login", String(255), nullable=False),
    Column("at", Float, nullable=False),
    UniqueConstraint("change_id", "head_sha"),
)

credentials = Table(
    "credentials",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("secret", LargeBinary, nullable=False),  # Fernet
    Column("at", Float, nullable=False),
)

connections = Table(
    "connections",
    metadata,
    Column("name", String(32), primary_key=True),  # what `forge` holds in every other table
    Column("kind", String(16), nullable=False),
    Column("url", Text, nullable=False),
    Column("at", Float, nullable=False),
)

setup_tokens = Table(
    "setup_tokens",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("created_at", Float, nullable=False),
    Column("used_at", Float, nullable=True),
)

served_versions = Table(
    "served_versions",
    metadata,
    # programs of schema `revision` may run on schema `by`
    Column("revision", String(32), primary_key=True),
    Column("by", String(32), nullable=False),
)

leader = Table(
    "leader",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("worker", String(64), nullable=False),
    Column("lease_until", Float, nullable=False),
)
