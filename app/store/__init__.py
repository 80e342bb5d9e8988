"""All SQL: gives and takes model values, never rows.

One module per aggregate: `runs`, `checks`, `changes`, `projects`, `publications`, `records`,
`deliveries`. Functions that write take a `Unit` (one transaction), those that read a connection.
"""

from app.store import changes, checks, projects, publications, records, runs
from app.store.session import Database, Key, Unit, make_engine, pack, squeeze, unpack

__all__ = [
    "Database",
    "Key",
    "Unit",
    "changes",
    "checks",
    "make_engine",
    "pack",
    "projects",
    "publications",
    "records",
    "runs",
    "squeeze",
    "unpack",
]
