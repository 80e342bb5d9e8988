"""Tables of how we and a forge get on: what is done every so often, what was lost on the way, what wants
mending, what was asked of the forge.
"""

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

chores = Table(
    "chores",
    metadata,
    row_id(),
    Column("name", String(64), nullable=False, unique=True),  # one of the engine's
    Column("document", LargeBinary, nullable=True),  # what it remembers from one time to the next
    Column("done_at", Float, nullable=True),
    Column("wake_at", Float, nullable=True, index=True),
)

redeliveries = Table(
    "redeliveries",
    metadata,
    Column("forge", String(32), primary_key=True),
    Column("guid", String(128), primary_key=True),
    Column("asked_at", Float, nullable=False, index=True),
)

hook_health = Table(
    "hook_health",
    metadata,
    row_id(),
    reference("repository_id", "repositories", index=False),
    Column("heard_at", Float, nullable=True),  # its last delivery
    Column("lag", Float, nullable=True),  # seconds between what it told of and its coming
    Column("active_at", Float, nullable=True),  # the last thing seen there, told or not
    Column("missed", Integer, nullable=False, server_default="0"),  # what only reading it again showed
    Column("missed_at", Float, nullable=True),
    UniqueConstraint("repository_id"),
)

troubles = Table(
    "troubles",
    metadata,
    row_id(),
    Column("kind", String(32), nullable=False),
    Column("subject", String(600), nullable=False),
    Column("says", Text, nullable=False),
    Column("mend", Text, nullable=False),
    Column("since", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
    UniqueConstraint("kind", "subject"),
)

budgets = Table(
    "budgets",
    metadata,
    Column("forge", String(32), primary_key=True),
    Column("installation_id", BigInteger, primary_key=True, autoincrement=False),  # 0 = the app itself
    Column("document", LargeBinary, nullable=False),  # what the forge last said of its limit
    Column("seen_at", Float, nullable=False),
)

creations = Table(
    "creations",
    metadata,
    row_id(),
    Column("forge", String(32), nullable=False),
    Column("installation_id", BigInteger, nullable=False),
    Column("at", Float, nullable=False),
    Index("ix_creations_of", "forge", "installation_id", "at"),
)

spendings = Table(
    "spendings",
    metadata,
    Column("forge", String(32), primary_key=True),
    Column("installation_id", BigInteger, primary_key=True, autoincrement=False),
    Column("purpose", String(64), primary_key=True),  # of the calls
    Column("hour", BigInteger, primary_key=True, autoincrement=False),  # its start, epoch seconds
    Column("calls", Integer, nullable=False),
)
