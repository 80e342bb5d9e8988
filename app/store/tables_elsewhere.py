"""Tables of the checks that other systems run: what we asked of them, and what is usual there."""

from sqlalchemy import Column, Float, LargeBinary, String, Table, UniqueConstraint

from app.store.columns import metadata, reference, row_id

starts = Table(
    "starts",
    metadata,
    row_id(),
    reference("run_id", "runs", index=False),
    Column("key", String(300), nullable=False),
    Column("document", LargeBinary, nullable=False),  # StartRequest
    Column("wake_at", Float, nullable=True, index=True),  # NULL = it was asked, or refused
    UniqueConstraint("run_id", "key"),
)

paces = Table(
    "paces",
    metadata,
    row_id(),
    reference("repository_id", "repositories", index=False),
    Column("key", String(300), nullable=False),
    Column("document", LargeBinary, nullable=False),  # the newest samples
    UniqueConstraint("repository_id", "key"),
)
