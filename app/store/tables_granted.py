"""The tables of what people let pass: overrides and waivers by comment, beside those of `tables`."""

from sqlalchemy import Column, Float, LargeBinary, String, Table

from app.store.columns import metadata, reference, row_id

overrides = Table(
    "overrides",
    metadata,
    row_id(),
    reference("change_id", "changes"),
    Column("head_sha", String(64), nullable=False),
    Column("document", LargeBinary, nullable=False),  # Override
    Column("at", Float, nullable=False),
    Column("ended_at", Float, nullable=True),
)

change_waivers = Table(
    "change_waivers",
    metadata,
    row_id(),
    reference("change_id", "changes"),
    Column("document", LargeBinary, nullable=False),  # Waiver
    Column("at", Float, nullable=False),
)
