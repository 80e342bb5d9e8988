"""All SQL: gives and takes model values, never rows.

One module per aggregate: `runs`, `verdicts`, `checks`, `evidence`, `baselines`, `flaky`, `changes`,
`projects`, `publications`, `records`, `deliveries`, `uploads`, `tokens`; `wakes` for what is to be looked at,
`retention` for what is kept no longer. Functions that write take a `Unit` (one transaction), those that read
a connection.
"""

from app.store import (
    baselines,
    changes,
    checks,
    deliveries,
    evidence,
    flaky,
    projects,
    publications,
    records,
    retention,
    runs,
    tokens,
    uploads,
    verdicts,
    wakes,
)
from app.store.columns import metadata
from app.store.only import only_process
from app.store.schema import SchemaLevel, SchemaState, ensure_schema, migrate, schema_state
from app.store.session import Database, Key, Unit, make_engine, pack, squeeze, unpack

__all__ = [
    "Database",
    "Key",
    "SchemaLevel",
    "SchemaState",
    "Unit",
    "baselines",
    "changes",
    "checks",
    "deliveries",
    "ensure_schema",
    "evidence",
    "flaky",
    "make_engine",
    "metadata",
    "migrate",
    "only_process",
    "pack",
    "projects",
    "publications",
    "records",
    "retention",
    "runs",
    "schema_state",
    "squeeze",
    "tokens",
    "unpack",
    "uploads",
    "verdicts",
    "wakes",
]
