"""`portcullis tokens`: shown once, kept as a hash, for one repository, ended at once."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from app.engine import token_hash
from app.model import Repository
from app.store import Database, metadata, projects
from app.telemetry import redactor

REPOSITORY = Repository(
    forge="github",
    forge_id=7,
    full_name="acme/shop",
    installation_id=3,
    default_branch="main",
    private=True,
    clone_url="",
)


@pytest.fixture
def kept(migrated_url: str):
    database = Database(migrated_url)
    with database.unit() as unit:
        projects.upsert_repository(unit, REPOSITORY, 0.0)
    yield database
    database.close()


def whole(database: Database) -> str:
    """Everything in the database, as text."""
    with database.engine.connect() as connection:
        return str([list(connection.execute(select(table))) for table in metadata.sorted_tables])


def test_a_token_is_made_listed_and_revoked(portcullis, kept):
    portcullis.environment["PORTCULLIS_DATABASE_URL"] = kept.engine.url.render_as_string(hide_password=False)
    of = ("--repository", "Acme/Shop")
    made = portcullis("tokens", "create", *of, "--name", "ci-main", "--expires", "30")
    assert made.status == 0, made.err
    token = made.out.strip()
    assert token.startswith("pct_")
    assert token not in made.err
    assert token not in whole(kept)
    assert token_hash(token) in whole(kept)
    assert "token.created" in whole(kept)
    assert redactor.text(f"it is {token}!") == "it is [redacted]!"
    again = portcullis("tokens", "create", *of, "--name", "ci-main")
    assert (again.status, "has a working token called ci-main" in again.err) == (2, True)
    (listed,) = json.loads(portcullis("tokens", "list", *of, "--format", "json").out)
    assert (listed["name"], listed["state"], listed["used"]) == ("ci-main", "works", "never")
    assert portcullis("tokens", "revoke", *of, "--name", "ci-main").status == 0
    assert portcullis("tokens", "revoke", *of, "--name", "ci-main").status == 1
    shown = portcullis("tokens", "list", *of).out
    assert "revoked" in shown
    assert token not in shown
    another = portcullis("tokens", "create", *of, "--name", "ci-main", "--format", "json")
    assert json.loads(another.out)["token"] != token
    assert json.loads(another.out)["expires"] == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("create", "--repository", "acme/none", "--name", "x"), "no repository acme/none is judged here"),
        (("create", "--repository", "acme/shop", "--name", "a b"), "is no name for a token"),
        (("create", "--repository", "acme/shop", "--name", "x", "--expires", "0"), "--expires"),
        (("list", "--repository", "none"), "no repository none is judged here"),
    ],
)
def test_what_cannot_be_done_is_said(portcullis, kept, arguments, says):
    portcullis.environment["PORTCULLIS_DATABASE_URL"] = kept.engine.url.render_as_string(hide_password=False)
    ran = portcullis("tokens", *arguments)
    assert ran.status == 2
    assert says in ran.err
    assert "pct_" not in ran.out


def test_without_a_schema_nothing_is_done(portcullis, tmp_path: Path):
    ran = portcullis("tokens", "list", "--repository", "a/b", PORTCULLIS_DATA_DIR=str(tmp_path))
    assert (ran.status, "portcullis migrate" in ran.err) == (2, True)
