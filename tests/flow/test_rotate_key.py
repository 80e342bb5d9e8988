"""Changing the key: what was encrypted and signed with the one before is still read, and encrypted anew."""

import os
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from app.dashboard import Links, LinkState
from app.engine import StoredApp, Vault
from app.model import Misconfigured
from app.settings import load, secret_keys
from app.store import Database, only_process
from app.store.tables import credentials
from tests.flow.test_command_line import portcullis

APP = StoredApp(app_id=7, slug="gate", html_url="", private_key="-----BEGIN", webhook_secret="hush")
NEW, OLD = "n" * 40, "o" * 40


def save(url: str, *keys: str) -> None:
    database = Database(url)
    with database.unit() as unit:
        Vault(*keys).save_app(unit, APP, 0.0)
    database.close()


def read(url: str, *keys: str) -> StoredApp | None:
    database = Database(url)
    try:
        with database.engine.connect() as connection:
            return Vault(*keys).load_app(connection)
    finally:
        database.close()


async def test_keys_of_the_environment_are_changed_while_all_goes_on(migrated_url):
    save(migrated_url, OLD)
    assert read(migrated_url, NEW, OLD) == APP
    with pytest.raises(Misconfigured, match="PORTCULLIS_SECRET_KEY has changed"):
        read(migrated_url, NEW)
    environment = {
        "PATH": os.environ["PATH"],
        "PORTCULLIS_DATABASE_URL": migrated_url,
        "PORTCULLIS_SECRET_KEY": NEW,
    }
    status, _, err = await portcullis(environment, "rotate-key")
    assert (status, "PORTCULLIS_FORMER_SECRET_KEY" in err) == (2, True)
    assert read(migrated_url, OLD) == APP
    status, _, err = await portcullis({**environment, "PORTCULLIS_FORMER_SECRET_KEY": OLD}, "rotate-key")
    assert (status, "1 stored credential encrypted with the new key" in err) == (0, True), err
    assert read(migrated_url, NEW) == APP


async def test_a_key_in_the_data_directory_is_made_anew(tmp_path):
    environment = {"PATH": os.environ["PATH"], "PORTCULLIS_DATA_DIR": str(tmp_path)}
    settings = load({"PORTCULLIS_DATA_DIR": str(tmp_path)})
    url = settings.database.get_secret_value()
    assert (await portcullis(environment, "migrate"))[0] == 0
    (first,) = secret_keys(settings)
    save(url, first)
    with only_process(Path(f"{tmp_path}/portcullis.db.lock"), hint=""):
        assert (await portcullis(environment, "rotate-key"))[0] == 2
    assert secret_keys(settings) == (first,)
    status, _, err = await portcullis(environment, "rotate-key")
    assert (status, "secret_key.former" in err) == (0, True), err
    second, former = secret_keys(settings)
    assert former == first != second
    assert read(url, second) == APP
    assert (tmp_path / "secret_key.former").stat().st_mode & 0o077 == 0
    assert (await portcullis(environment, "rotate-key"))[0] == 0
    third, former = secret_keys(settings)
    assert former == second
    assert read(url, third) == APP
    database = Database(url)
    with database.engine.connect() as connection:
        (row,) = connection.execute(select(credentials)).all()
    database.close()
    assert b"hush" not in row.secret


def test_links_of_the_former_key_work_until_it_is_gone():
    now = time.time()
    token = Links(OLD).sign(3, now)
    assert Links(NEW, OLD).verify(3, token, now) is LinkState.VALID
    assert Links(NEW).verify(3, token, now) is LinkState.WRONG
    assert Links(NEW, OLD).sign(3, now) == Links(NEW).sign(3, now)
