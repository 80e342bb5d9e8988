"""All SQL: gives and takes model values, never rows.

One module per aggregate: `runs`, `checks`, `changes`, `projects`, `publications`, `records`,
`deliveries`, `uploads`, `tokens`; `wakes` for what is to be looked at. Functions that write take a `Unit`
(one transaction), those that read a connection.
"""

from app.store import (
    changes,
    checks,
    deliveries,
    projects,
    publications,
    records,
    runs,
    tokens,
    uploads,
    wakes,
)
from app.store.only import only_process
from app.store.schema import SchemaLevel, SchemaState, ensure_schema, migrate, schema_state
from app.store.session import Database, Key, Unit, make_engine, pack, squeeze, unpack
from app.store.tables import metadata

__all__ = [
    "Database",
    "Key",
    "SchemaLevel",
    "SchemaState",
    "Unit",
    "changes",
    "checks",
    "deliveries",
    "ensure_schema",
    "make_engine",
    "metadata",
    "migrate",
    "only_process",
    "pack",
    "projects",
    "publications",
    "records",
    "runs",
    "schema_state",
    "squeeze",
    "tokens",
    "unpack",
    "uploads",
    "wakes",
]
