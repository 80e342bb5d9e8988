import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from app.cli.doctor import EXAMINATIONS
from app.cli.examined import Health
from app.engine import Looked, StoredApp, Vault
from app.forges import Rate
from app.settings import load
from app.store import Database, Unit, chores, projects, spendings, troubles
from tests.support.prerequisites import program


@contextmanager
def server(*, skew: float = 0.0, status: int = 200) -> Iterator[str]:
    """Something that answers every GET, with a clock of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(status)
            self.send_header("Date", formatdate(time.time() + skew, usegmt=True))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}"
        finally:
            listening.shutdown()
            thread.join()


def look(name: str, **environment: str):
    settings = load({f"PORTCULLIS_{key}": value for key, value in environment.items()})
    examination = next(item for item in EXAMINATIONS if item.name == name)
    (found,) = asyncio.run(examination.examine(settings))
    assert bool(found.mend) == (found.health in {Health.WARNING, Health.BROKEN}), "a fault has a way out"
    return found


def script(folder: Path, text: str) -> str:
    folder.mkdir()
    (folder / "git").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "git").chmod(0o755)
    return str(folder)


@pytest.mark.parametrize(
    ("prints", "health", "says"),
    [
        ("echo git version 2.39.5", Health.GOOD, "git 2.39.5"),
        ("echo git version 2.37.9.windows.1", Health.BROKEN, "older than 2.38"),
        ("echo git version 3.0.0", Health.GOOD, "git 3.0.0"),
        ("echo nonsense", Health.BROKEN, "says nothing we understand"),
    ],
)
def test_git_must_be_new_enough(prints, health, says, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", script(tmp_path / "bin", prints))
    found = look("git", DATA_DIR=str(tmp_path))
    assert found.health is health
    assert says in found.says


def test_git_must_be_there(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert look("git", DATA_DIR=str(tmp_path)).health is Health.BROKEN


def test_the_data_directory_must_be_ours(tmp_path):
    (tmp_path / "file").write_text("")
    assert look("data", DATA_DIR=str(tmp_path / "new")).health in {Health.GOOD, Health.WARNING}
    assert not (tmp_path / "new").exists(), "looking makes nothing"
    assert look("data", DATA_DIR=str(tmp_path / "file" / "x")).health is Health.BROKEN


def test_a_database_that_is_not_there_yet_is_fine_and_stays_so(tmp_path):
    assert look("database", DATA_DIR=str(tmp_path)).says == "SQLite: no file yet, `portcullis serve` makes it"
    assert look("migrations", DATA_DIR=str(tmp_path)).health is Health.SKIPPED
    assert not list(tmp_path.iterdir())


def test_an_empty_database_wants_its_migrations(database_url, tmp_path):
    if database_url.startswith("sqlite"):
        Path(database_url.removeprefix("sqlite:///")).touch()
    assert look("database", DATABASE_URL=database_url).health is Health.GOOD
    wanted = Health.WARNING if database_url.startswith("sqlite") else Health.BROKEN
    assert look("migrations", DATABASE_URL=database_url).health is wanted


def test_a_migrated_database_is_current(migrated_url):
    assert look("migrations", DATABASE_URL=migrated_url).health is Health.GOOD


def test_a_database_server_that_is_away_is_named_without_its_password():
    url = "postgresql://me:hunter22@127.0.0.1:1/gate"
    found = look("database", DATABASE_URL=url)
    assert found.health is Health.BROKEN
    assert "hunter22" not in found.says + found.mend
    assert look("migrations", DATABASE_URL=url).health is Health.SKIPPED


def test_the_secret_key(tmp_path):
    assert look("key", DATA_DIR=str(tmp_path)).health is Health.SKIPPED
    (tmp_path / "secret_key").write_text("k" * 40)
    (tmp_path / "secret_key").chmod(0o644)
    assert look("key", DATA_DIR=str(tmp_path)).mend == f"chmod 600 {tmp_path / 'secret_key'}"
    (tmp_path / "secret_key").chmod(0o600)
    assert look("key", DATA_DIR=str(tmp_path)).health is Health.GOOD
    assert look("key", DATABASE_URL="postgresql://db/gate").health is Health.BROKEN


@pytest.mark.parametrize(
    ("skew", "health", "says"),
    [
        (0, Health.GOOD, "within 1 s of 127.0.0.1"),
        (120, Health.BROKEN, "behind"),
        (-120, Health.BROKEN, "ahead"),
    ],
)
def test_the_clock_must_agree_with_the_forges(skew, health, says):
    with server(skew=skew, status=401) as url:
        found = look("clock", GITHUB_API_URL=url)
    assert found.health is health
    assert says in found.says


def test_a_forge_that_does_not_answer_is_named():
    assert look("clock", GITHUB_API_URL="http://127.0.0.1:1").health is Health.BROKEN


def test_the_public_address_must_lead_here():
    with server() as url:
        assert look("webhook", PUBLIC_URL=url, GITHUB_API_URL=url).health is Health.GOOD
        unreachable = look("webhook", PUBLIC_URL=url)
        assert unreachable.health is Health.WARNING
        assert "github.com cannot reach 127.0.0.1" in unreachable.says
    with server(status=404) as url:
        assert "answers 404" in look("webhook", PUBLIC_URL=url).says
    assert look("webhook", PUBLIC_URL="http://127.0.0.1:1").health is Health.BROKEN


def test_the_command_tells_all_and_exits_by_the_worst(portcullis, tmp_path):
    with server() as url:
        ran = portcullis("doctor", "--only", "git", "--only", "clock", PORTCULLIS_GITHUB_API_URL=url)
    assert ran.status == 0
    assert [line.split()[:2] for line in ran.out.splitlines()] == [["good", "git"], ["good", "clock"]]

    broken = portcullis(
        "doctor", "--only", "webhook", "--format", "json", PORTCULLIS_PUBLIC_URL="http://127.0.0.1:1"
    )
    assert broken.status == 1
    (line,) = json.loads(broken.out)
    assert (line["name"], line["health"]) == ("webhook", "broken")
    assert line["mend"]


def test_a_setting_that_cannot_be_read_is_told_first(portcullis):
    ran = portcullis("doctor", PORTCULLIS_PORT="x", PORTCULLIS_LOG_FORMAT="xml")
    assert ran.status == 2
    assert ran.err.count("error: PORTCULLIS_") == 2
    assert ran.err.endswith("hint: the README lists every setting with its form and default\n")


@pytest.mark.sandbox
def test_a_data_directory_that_cannot_be_made_is_told_and_looking_makes_none(portcullis, tmp_path):
    program("bwrap")
    (tmp_path / "file").write_text("")
    only = ("--only", "data", "--only", "sandbox", "--only", "network")
    ran = portcullis("doctor", *only, PORTCULLIS_DATA_DIR=str(tmp_path / "file/data"))
    assert ran.status == 1
    assert ran.out.startswith("broken  data")
    assert "bug" not in ran.err
    assert portcullis("doctor", *only, PORTCULLIS_DATA_DIR=str(tmp_path / "later")).out.startswith("good")
    assert not (tmp_path / "later").exists()


def test_an_app_whose_credentials_cannot_be_read_is_told_once(portcullis, migrated_url):
    stored = {"PORTCULLIS_DATABASE_URL": migrated_url, "PORTCULLIS_SECRET_KEY": "k" * 40}
    app = StoredApp(app_id=7, slug="gate", html_url="", private_key="key", webhook_secret="hook")
    seeded(migrated_url, lambda unit: Vault("k" * 40).save_app(unit, app, 0.0))
    only = ("--only", "credentials", "--only", "app", "--only", "rules")
    ran = portcullis("doctor", *only, **{**stored, "PORTCULLIS_SECRET_KEY": "j" * 40})
    assert [line.split()[0] for line in ran.out.splitlines()] == ["broken", "skipped", "skipped"]
    assert ran.err.count("PORTCULLIS_FORMER_SECRET_KEY") == 1


def test_every_examination_says_what_it_looks_at():
    assert len({item.name for item in EXAMINATIONS}) == len(EXAMINATIONS)
    assert all(item.about and item.examine.__doc__ for item in EXAMINATIONS)


def seeded(url: str, work) -> None:
    database = Database(url)
    with database.unit() as unit:
        work(unit)
    database.close()


def test_deliveries_that_never_came_are_told_with_what_the_forge_was_answered(migrated_url):
    assert look("deliveries", DATABASE_URL=migrated_url).health is Health.SKIPPED
    now = time.time()

    def looked(**more: object):
        def work(unit: Unit) -> None:
            chores.begin(unit, ["deliveries"], now)
            chores.remember(unit, "deliveries", {"github": Looked(**{"at": now, "sent": 40, **more})})

        return work

    seeded(migrated_url, looked())
    assert look("deliveries", DATABASE_URL=migrated_url).says == "github: 40 deliveries looked at, all came"
    seeded(migrated_url, looked(lost=3, asked=2, failure="502 failed to connect to host"))
    found = look("deliveries", DATABASE_URL=migrated_url)
    assert found.health is Health.WARNING
    assert "3 of 40 deliveries never came, 2 were asked for again" in found.says
    assert "502 failed to connect" in found.says
    seeded(migrated_url, looked(at=now - 7200))
    assert "nobody looked since" in look("deliveries", DATABASE_URL=migrated_url).says


def test_what_the_service_found_is_told_as_long_as_it_lasts(migrated_url):
    assert look("troubles", DATABASE_URL=migrated_url).health is Health.GOOD
    seeded(
        migrated_url, lambda unit: troubles.tell(unit, "rules", "acme/shop", says="bad", mend="do", now=0.0)
    )
    found = look("troubles", DATABASE_URL=migrated_url)
    assert (found.health, found.mend) == (Health.WARNING, "do")
    assert found.says == "acme/shop: bad (since 1970-01-01 00:00 UTC)"
    seeded(migrated_url, lambda unit: troubles.mended(unit, "rules", "acme/shop"))
    assert look("troubles", DATABASE_URL=migrated_url).health is Health.GOOD


def test_the_budget_of_each_installation_and_what_it_was_spent_on(portcullis, migrated_url):
    now = time.time()

    def spend(unit: Unit) -> None:
        projects.upsert_installation(unit, "github", 7, "acme", "active", now)
        calls = {(7, "check_run_create"): 4, (7, "pull"): 1, (0, "token"): 1}
        for _ in range(2):  # two processes
            spendings.note(unit, "github", calls, {7: Rate(limit=5000, remaining=4321, reset=0.0)}, now)

    seeded(migrated_url, spend)
    ran = portcullis("doctor", "--api", PORTCULLIS_DATABASE_URL=migrated_url)
    assert ran.status == 0
    assert [line.split() for line in ran.out.splitlines() if line] == [
        ["installation", "limit", "left", "anew", "at"],
        ["acme", "(7)", "5000", "4321", "1970-01-01", "00:00", "UTC"],
        ["installation", "calls", "for"],
        ["acme", "(7)", "8", "check_run_create"],
        ["the", "app", "2", "token"],
        ["acme", "(7)", "2", "pull"],
    ]
    view = json.loads(
        portcullis("doctor", "--api", "--format", "json", PORTCULLIS_DATABASE_URL=migrated_url).out
    )
    assert view["budgets"][0]["remaining"] == 4321
