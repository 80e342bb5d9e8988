"""All SQL: gives and takes model values, never rows.

One module per aggregate: `runs` (and `commits`: runs by what they are about), `verdicts`, `checks`,
`attempts`, `evidence`, `baselines`, `flaky`, `changes`, `projects`, `publications`, `records`, `audit_chain`,
`granted`, `deliveries`, `uploads`, `tokens`; `queue` and `leader` for a fleet, `wakes` for what is looked at,
`retention` for what is kept no longer, `chores`, `hooks`, `spendings`, `troubles` for how we and a forge get
on. Functions that write take a `Unit` (one transaction), those that read a connection.
"""

from app.store import (
    admission,
    attempts,
    audit_chain,
    baselines,
    changes,
    checks,
    chores,
    commits,
    deliveries,
    evidence,
    flaky,
    granted,
    hooks,
    leader,
    projects,
    publications,
    records,
    retention,
    runs,
    spendings,
    tokens,
    troubles,
    uploads,
    verdicts,
    wakes,
)
from app.store.admission import Asking, Turns, Waiting
from app.store.backup import back_up, put_back
from app.store.columns import metadata
from app.store.evidence import keep_evidence
from app.store.only import only_process
from app.store.queue import Job, Queue, recover, tell_all, waiting, wake_all
from app.store.reusable import EvidenceSource, Reusable, Serves, find_reusable
from app.store.schema import SchemaLevel, SchemaState, ensure_schema, migrate, schema_state
from app.store.session import Database, Key, Unit, make_engine, pack, squeeze, time_of, unpack

__all__ = [
    "Asking",
    "Database",
    "EvidenceSource",
    "Job",
    "Key",
    "Queue",
    "Reusable",
    "SchemaLevel",
    "SchemaState",
    "Serves",
    "Turns",
    "Unit",
    "Waiting",
    "admission",
    "attempts",
    "audit_chain",
    "back_up",
    "baselines",
    "changes",
    "checks",
    "chores",
    "commits",
    "deliveries",
    "ensure_schema",
    "evidence",
    "find_reusable",
    "flaky",
    "granted",
    "hooks",
    "keep_evidence",
    "leader",
    "make_engine",
    "metadata",
    "migrate",
    "only_process",
    "pack",
    "projects",
    "publications",
    "put_back",
    "records",
    "recover",
    "retention",
    "runs",
    "schema_state",
    "spendings",
    "squeeze",
    "tell_all",
    "time_of",
    "tokens",
    "troubles",
    "unpack",
    "uploads",
    "verdicts",
    "waiting",
    "wake_all",
    "wakes",
]
