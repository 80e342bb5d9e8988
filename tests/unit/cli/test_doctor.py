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
from app.settings import load


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


def test_every_examination_says_what_it_looks_at():
    assert len({item.name for item in EXAMINATIONS}) == len(EXAMINATIONS)
    assert all(item.about and item.examine.__doc__ for item in EXAMINATIONS)
