"""All SQL: gives and takes model values, never rows."""

from app.store.session import Database, Key, Unit, make_engine, pack, squeeze, unpack

__all__ = ["Database", "Key", "Unit", "make_engine", "pack", "squeeze", "unpack"]
