"""What all tables have in common."""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Identifier = BigInteger().with_variant(Integer(), "sqlite")


def row_id() -> Column[int]:
    """The primary key."""
    return Column("id", Identifier, primary_key=True, autoincrement=True)


def reference(name: str, target: str, *, nullable: bool = False, index: bool = True) -> Column[int]:
    """A reference to a row without which this one makes no sense."""
    return Column(
        name, Identifier, ForeignKey(f"{target}.id", ondelete="CASCADE"), nullable=nullable, index=index
    )
