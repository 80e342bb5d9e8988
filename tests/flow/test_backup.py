"""A copy taken while the service works is put back, and what happened since is found out from the forge."""

import sqlite3

import pytest

from app.executors import Answer, ScriptedExecutor
from app.model import Misconfigured
from app.store import back_up, put_back
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
