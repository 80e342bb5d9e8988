"""Fixtures that every test may use."""

from hypothesis import HealthCheck, settings

from tests.support.database import database_url, migrated_url, postgres_template, sqlite_template

__all__ = ["database_url", "migrated_url", "postgres_template", "sqlite_template"]

pytest_plugins = ["tests.support.leaks"]

# how long one example takes is a matter of the machine and its load, never of right or wrong
settings.register_profile("portcullis", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("portcullis")
