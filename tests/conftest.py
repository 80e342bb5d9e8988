"""Fixtures that every test may use."""

from tests.support.database import database_url, migrated_url, postgres_template, sqlite_template
from tests.support.prerequisites import contracts

__all__ = ["contracts", "database_url", "migrated_url", "postgres_template", "sqlite_template"]
