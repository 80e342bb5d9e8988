"""Tables of what others posted on the forge, what we show there, and what people ask of us."""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from app.store.columns import metadata, reference, row_id

posts = Table(
    "posts",
    metadata,
    row_id(),
    reference("repository_id", "repositories", index=False),
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
    row_id(),
    reference("repository_id", "repositories", index=False),
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
    row_id(),
    reference("repository_id", "repositories", index=False),
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
    row_id(),
    reference("repository_id", "repositories", index=False),
    Column("number", Integer, nullable=False),
    Column("comment_id", BigInteger, nullable=False),
    Column("status", String(16), nullable=False, index=True),  # stored, done
    Column("answer", Text, nullable=False, server_default=""),
    Column("at", Float, nullable=False),
    Column("wake_at", Float, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    UniqueConstraint("repository_id", "comment_id"),
)
