"""The tables of uploaded reports, beside those of `tables`."""

from sqlalchemy import Column, Float, LargeBinary, String, Table, UniqueConstraint

from app.store.columns import metadata, reference, row_id

uploads = Table(
    "uploads",
    metadata,
    row_id(),
    reference("repository_id", "repositories", index=False),
    Column("head_sha", String(64), nullable=False),
    Column("name", String(100), nullable=False),
    Column("path", String(255), nullable=False),
    Column("uploader", String(512), nullable=False),  # its key
    Column("document", LargeBinary, nullable=False),  # Upload
    Column("body", LargeBinary, nullable=False),  # zstd of the raw bytes
    Column("at", Float, nullable=False, index=True),
    UniqueConstraint("repository_id", "head_sha", "name", "path", "uploader"),
)

tokens = Table(
    "tokens",
    metadata,
    row_id(),
    reference("repository_id", "repositories"),
    Column("name", String(100), nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),  # SHA-256 of 256 random bits
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=True),
    Column("used_at", Float, nullable=True),
    Column("revoked_at", Float, nullable=True),
)
