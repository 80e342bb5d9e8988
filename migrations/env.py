"""How Alembic reaches the database: over the caller's connection, or over `alembic -x url=… <command>`."""

from alembic import context
from sqlalchemy import Connection

from app.store import make_engine, metadata
from app.store.schema import alone

NO_ADDRESS = "name the database: alembic -x url=sqlite:///portcullis.db …, or use `portcullis migrate`"


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_server_default=connection.dialect.name != "sqlite",  # there '' compares unequal to ''
        render_as_batch=True,  # SQLite alters a table by copying it
        transactional_ddl=True,  # SQLite too: transactions are begun by us, not by its driver
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    url = context.get_x_argument(as_dictionary=True).get("url")
    if not url:
        raise SystemExit(NO_ADDRESS)
    engine = make_engine(url)
    with engine.connect() as own, alone(own):
        run(own)
    engine.dispose()
