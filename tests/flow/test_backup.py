"""A copy taken while the service works is put back, and what happened since is found out from the forge."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from app.executors import Answer, ScriptedExecutor
from app.model import Misconfigured
from app.store import back_up, ensure_schema, only_user, put_back
from tests.flow.test_command_line import environment_of, portcullis
from tests.support.service import stage

GATE = "version: 1\nchecks:\n  lint: {run: 'true'}\n"


async def test_the_forge_tells_what_a_copy_does_not_know(tmp_path):
    runner = ScriptedExecutor({"lint": (Answer(exit_code=1), Answer())})
    async with stage(tmp_path, runner=runner) as scene:
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "1\n"})
        await scene.forge.push("alice", repo, "topic", {"a.py": "2\n"}, base="main")
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        assert scene.verdict(repo, pull).conclusion == "failure"
        environment = environment_of(scene.program.settings)
        copy = tmp_path / "copy.db"
        status, _, err = await portcullis(environment, "backup", str(copy))
        assert status == 0, err
        assert (await portcullis(environment, "backup", str(copy)))[0] == 2
        status, _, err = await portcullis(environment, "restore", str(copy), "--replace")
        assert (status, "stop it first" in err) == (2, True)
        await scene.forge.push("alice", repo, "topic", {"a.py": "3\n"})
        await scene.settled()
        assert scene.verdict(repo, pull).conclusion == "success"
        head = pull.head_sha
        await scene.stop()
        assert (await portcullis(environment, "restore", str(copy)))[0] == 2
        status, out, err = await portcullis(environment, "restore", str(copy), "--replace")
        assert (status, "copy.db now" in out) == (0, True), err
        await scene.start_again()
        await scene.settled()
        assert pull.head_sha == head
        assert scene.verdict(repo, pull).conclusion == "success"
        assert len(scene.comments(repo, pull)) == 1


@pytest.mark.parametrize("content", [b"", b"no database" * 500, b"SQLite format 3\0" + b"x" * 5000])
def test_what_is_no_copy_is_refused_and_the_database_stays(tmp_path, content):
    source, target = tmp_path / "copy.db", tmp_path / "portcullis.db"
    source.write_bytes(content)
    target.write_bytes(b"as it was")
    with pytest.raises(Misconfigured):
        put_back(source, target, replace=True)
    assert target.read_bytes() == b"as it was"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db", "portcullis.db"]


WRITE_AND_DIE = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("PRAGMA journal_mode=WAL")
connection.execute("PRAGMA wal_autocheckpoint=0")
connection.execute("CREATE TABLE t (n INTEGER)")
connection.execute("INSERT INTO t VALUES (1)")
connection.commit()
os._exit(0)
"""


def written_and_killed(place: Path) -> None:
    """A database whose last commit is in its journal only, as a process leaves it that is killed."""
    ensure_schema(f"sqlite:///{place}", embedded=True)
    subprocess.run([sys.executable, "-c", WRITE_AND_DIE, str(place)], check=True)
    assert place.with_name(place.name + "-wal").stat().st_size


def test_a_restore_that_fails_leaves_the_database_with_its_journal(tmp_path):
    """The disk refuses half-way: a journal's name is too long once it is put aside."""
    source, target = tmp_path / "copy.db", tmp_path / "here" / f"{'p' * 218}.db"
    target.parent.mkdir()
    ensure_schema(f"sqlite:///{source}", embedded=True)
    written_and_killed(target)
    there = sorted(path.name for path in target.parent.iterdir())
    with pytest.raises(Misconfigured, match="File name too long"):
        put_back(source, target, replace=True)
    assert sorted(path.name for path in target.parent.iterdir()) == there
    with closing(sqlite3.connect(target)) as old:
        assert old.execute("SELECT n FROM t").fetchall() == [(1,)]


def test_of_what_was_replaced_nothing_is_left(tmp_path):
    source, target = tmp_path / "copy.db", tmp_path / "here" / "portcullis.db"
    target.parent.mkdir()
    ensure_schema(f"sqlite:///{source}", embedded=True)
    written_and_killed(target)
    put_back(source, target, replace=True)
    assert sorted(path.name for path in target.parent.iterdir()) == ["portcullis.db"]
    with closing(sqlite3.connect(target)) as new:
        assert not new.execute("SELECT 1 FROM sqlite_master WHERE name = 't'").fetchall()


async def test_without_a_database_there_is_nothing_to_copy(tmp_path):
    environment = {"PORTCULLIS_DATA_DIR": str(tmp_path / "data"), "PORTCULLIS_SECRET_KEY": "k" * 40}
    status, _, err = await portcullis(environment, "backup", str(tmp_path / "copy.db"))
    assert (status, "there is no database at" in err) == (2, True)
    assert "Traceback" not in err
    assert not (tmp_path / "copy.db").exists()


@pytest.mark.parametrize("more", ["", "?timeout=5"])
async def test_whoever_restores_takes_the_lock_of_the_service(tmp_path, more):
    url = f"sqlite:///{tmp_path / 'p.db'}{more}"
    ensure_schema(url, embedded=True)
    environment = {
        "PORTCULLIS_DATA_DIR": str(tmp_path / "data"),
        "PORTCULLIS_DATABASE_URL": url,
        "PORTCULLIS_SECRET_KEY": "k" * 40,
    }
    copy = str(tmp_path / "copy.db")
    assert (await portcullis(environment, "backup", copy))[0] == 0
    with only_user(url, hint=""):
        status, _, err = await portcullis(environment, "restore", copy, "--replace")
        assert (status, "another portcullis process" in err) == (2, True)
    assert (await portcullis(environment, "restore", copy, "--replace"))[0] == 0
    assert sorted(path.name for path in tmp_path.glob("p.db*")) == ["p.db", "p.db.lock"]


def test_a_copy_is_of_one_moment_whoever_writes(tmp_path):
    source, target = tmp_path / "source.db", tmp_path / "target.db"
    with sqlite3.connect(source) as writing:
        writing.execute("PRAGMA journal_mode=WAL")
        writing.execute("CREATE TABLE t (n INTEGER)")
        writing.commit()
        writing.execute("INSERT INTO t VALUES (1)")
        assert back_up(source, target) > 0
        writing.commit()
    with sqlite3.connect(target) as copy:
        assert copy.execute("SELECT count(*) FROM t").fetchone() == (0,)
    assert target.stat().st_mode & 0o077 == 0
    with pytest.raises(Misconfigured, match="cannot write"):
        back_up(source, tmp_path / "nowhere" / "x.db")
