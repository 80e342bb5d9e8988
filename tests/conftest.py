"""Fixtures that every test may use."""

from tests.support.database import database_url, migrated_url, postgres_template, sqlite_template

__all__ = ["database_url", "migrated_url", "postgres_template", "sqlite_template"]
