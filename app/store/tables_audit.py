"""The audit trail: its entries and its daily heads; both tables refuse that one is altered or removed."""

from sqlalchemy import DDL, Column, Float, LargeBinary, String, Table, event

from app.store.columns import Identifier, metadata, row_id

audit = Table(
    "audit",
    metadata,
    row_id(),
    Column("at", Float, nullable=False),
    Column("actor", String(255), nullable=False),
    Column("verb", String(64), nullable=False),
    Column("repository", String(512), nullable=False, server_default=""),
    Column("change", String(600), nullable=False, server_default=""),
    Column("run_id", Identifier, nullable=True, index=True),
    Column("entry", LargeBinary, nullable=False),  # AuditEntry
    Column("seq", Identifier, nullable=True, unique=True),  # its place in the chain, soon after
    Column("hash", String(64), nullable=True),
)

audit_heads = Table(
    "audit_heads",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("seq", Identifier, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("key", String(64), nullable=False),
    Column("signature", String(128), nullable=False),
)

_SQLITE = (
    (
        "CREATE TRIGGER audit_kept BEFORE DELETE ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
    ),
    (
        "CREATE TRIGGER audit_as_written BEFORE UPDATE ON audit "
        "WHEN OLD.hash IS NOT NULL OR NEW.entry IS NOT OLD.entry "
        "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
    ),
)
_POSTGRESQL = (
    (
        "CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$"
    ),
    "CREATE TRIGGER audit_kept BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_append_only()",
    (
        "CREATE TRIGGER audit_as_written BEFORE UPDATE ON audit FOR EACH ROW "
        "WHEN (OLD.hash IS NOT NULL OR NEW.entry IS DISTINCT FROM OLD.entry) "
        "EXECUTE FUNCTION audit_append_only()"
    ),
)
_SQLITE_HEADS = tuple(
    f"CREATE TRIGGER audit_heads_{name} BEFORE {act} ON audit_heads "
    "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
    for name, act in (("kept", "DELETE"), ("as_written", "UPDATE"))
)
_POSTGRESQL_HEADS = tuple(
    f"CREATE TRIGGER audit_heads_{name} BEFORE {act} ON audit_heads "
    "FOR EACH ROW EXECUTE FUNCTION audit_append_only()"
    for name, act in (("kept", "DELETE"), ("as_written", "UPDATE"))
)
for _table, _dialect, _statements in (
    (audit, "sqlite", _SQLITE),
    (audit, "postgresql", _POSTGRESQL),
    (audit_heads, "sqlite", _SQLITE_HEADS),
    (audit_heads, "postgresql", _POSTGRESQL_HEADS),
):
    for _statement in _statements:
        _ddl = DDL(_statement)  # type: ignore[no-untyped-call]
        event.listen(_table, "after_create", _ddl.execute_if(dialect=_dialect))
