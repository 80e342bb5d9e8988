"""Triggers that keep the audit trail's daily heads append-only too."""

from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"

NAMES = (("kept", "DELETE"), ("as_written", "UPDATE"))


def upgrade() -> None:
    refuse = (
        "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
        if _is_sqlite()
        else "FOR EACH ROW EXECUTE FUNCTION audit_append_only()"
    )
    for name, act in NAMES:
        op.execute(f"CREATE TRIGGER audit_heads_{name} BEFORE {act} ON audit_heads {refuse}")


def downgrade() -> None:
    on = "" if _is_sqlite() else " ON audit_heads"
    for name, _ in NAMES:
        op.execute(f"DROP TRIGGER audit_heads_{name}{on}")


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
