"""A pull request from a fork tries every hostile act: none succeeds, the verdict says what failed."""

import json
import os
import sys
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Connection, select

from app.executors import LocalExecutor, Sandbox
from app.executors import hostile as hostile_file
from app.executors.cgroup import descendants
from app.executors.probe_world import World, world
from app.practice import PullRequest, Repository
from app.store import metadata, records
from tests.support.aftermath import GATE as PLAIN_GATE
from tests.support.aftermath import rest
from tests.support.clock import HandTurnedClock
from tests.support.prerequisites import program
from tests.support.service import Stage, stage

pytestmark = pytest.mark.sandbox
HOSTILE = Path(hostile_file.__file__).read_text()
PLAIN = [
    "read_shadow",
    "service_environment",
    "key_file",
    "other_workspace_read",
    "other_workspace_write",
    "shared_tree_write",
    "write_usr",
    "proc_sys_write",
    "loopback_tcp",
    "loopback_udp",
    "metadata_tcp",
    "metadata_udp",
    "unix_path",
    "unix_abstract",
    "user_namespace",
    "io_uring",
    "kernel_keys",
    "bpf",
    "userfault",
    "trace_service",
    "signal_service",
    "outlive",
]

GATE = """\
version: 1
defaults: {timeout: 20s, resources: {memory: 48M, pids: 24, disk: 16M}}
checks:
  plain: {run: 'python3 -I attack.py plain'}
  memory: {run: 'python3 -I attack.py memory_one'}
  memory_tree: {run: 'python3 -I attack.py memory_tree'}
  forks: {run: 'python3 -I attack.py forks'}
  disk: {run: 'python3 -I attack.py fill_disk'}
  links: {run: 'python3 -I attack.py report_links || true', reports: [{path: 'out/link.xml', format: junit}]}
  linger: {run: 'python3 -I attack.py linger', timeout: 2s}
  look: {run: 'sh look.sh'}
gate:
  - checks.passed
"""
LOOK = """\
env; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'; ls -la / /workspace . .. /tmp /home /root /run /var 2>&1
find / -xdev \\( -name '*.db' -o -name '*.pem' -o -name '*.git' -o -name mirrors \\) 2>/dev/null
cat .git/config ../.git/config 2>/dev/null
echo looked; exit 7
"""


def attack(outside: World) -> str:
    """The hostile set, all that it has to know built in: the worst case, an attacker who knows it all."""
    told = json.dumps(msgspec.to_builtins(outside))
    head, _, _ = HOSTILE.partition('\nif __name__ == "__main__":')
    names = f"{PLAIN!r} if sys.argv[1] == 'plain' else sys.argv[1:]"
    return f"{head}\n\nmain([{told!r}, *({names})])\nsys.exit(9)\n"


async def logs(scene: Stage) -> dict[str, str]:
    """What each check wrote."""
    attempts, checks = metadata.tables["attempts"], metadata.tables["checks"]

    def read(connection: Connection) -> dict[str, str]:
        found = connection.execute(
            select(attempts.c.id, checks.c.key).join(checks, checks.c.id == attempts.c.check_id)
        )
        return {
            row.key: b"".join(data for _, data in records.read_log_from(connection, row.id, 0)).decode(
                "utf-8", "replace"
            )
            for row in found
        }

    return await scene.program.database.read(read)


async def from_fork(
    scene: Stage, base: dict[str, str], files: dict[str, str]
) -> tuple[Repository, PullRequest]:
    scene.world.add_user("mallory")
    repo = await scene.repository(base)
    fork = await scene.forge.fork("mallory", repo)
    await scene.forge.push("mallory", fork, "topic", files, base="main")
    pull = await scene.forge.open_pull_request("mallory", repo, "topic", source=fork)
    await scene.settled(100)
    return repo, pull


@pytest.fixture
def executor(tmp_path):
    program("bwrap")
    return LocalExecutor(Sandbox(), tmp_path / "sandbox", toolbox=Path(sys.prefix), grace=0.3)


async def test_every_hostile_act_of_a_fork(tmp_path, executor):
    before = descendants(os.getpid())
    async with stage(tmp_path, runner=executor) as scene, world(tmp_path) as outside:
        repo, pull = await from_fork(
            scene,
            {".portcullis.yml": GATE, "a.py": "print(1)\n"},
            {"attack.py": attack(outside), "look.sh": LOOK},
        )
        run = scene.verdict(repo, pull)
        assert (run.status, run.conclusion) == ("completed", "failure")
        said = await logs(scene)
        tried = [json.loads(line) for line in said["plain"].splitlines() if line.startswith("{")]
        assert [each["name"] for each in tried] == PLAIN
        assert {each["name"]: each["detail"] for each in tried if each["open"]} == {}
        for check in ("forks", "disk"):
            tried = [json.loads(line) for line in said[check].splitlines() if line.startswith("{")]
            assert [each["open"] for each in tried] in ([False], []), said[check]
        assert "took" not in said["memory"] + said["memory_tree"]

        text = str(run.text)
        for key, why in (
            ("plain", "exit 9"),
            ("memory", "out of memory"),
            ("linger", "timed out after 2 s"),
            ("links", "out/link.xml"),
            ("look", "exit 7"),
        ):
            (row,) = [line for line in text.splitlines() if line.startswith("|") and f"`{key}`" in line]
            assert why in row.replace("`", ""), row

        assert "looked" in said["look"]
        secrets = [
            *scene.world.tokens,
            scene.program.settings.secret_key.get_secret_value()
            if scene.program.settings.secret_key
            else "none",
            scene.world.account("alice").token,
            "practice webhook secret",
            "BEGIN RSA",
            outside.secret,
        ]
        for secret in secrets:
            for key, log in said.items():
                assert secret not in log, (key, secret)
        for hidden in (str(tmp_path), "portcullis.db", ".pem", "mirrors", ".git\n"):
            assert hidden not in said["look"], hidden

        assert descendants(os.getpid()) - before <= {int(outside.pid)}
        assert list(executor.attempts.iterdir()) == []
        assert Path(outside.other).read_text() == outside.secret

        # the service goes on, and the fork's head was never trusted
        await scene.forge.push("alice", repo, "fine", {"a.py": "print(2)\n", "attack.py": "", "look.sh": ""})
        fine = await scene.forge.open_pull_request("alice", repo, "fine")
        await scene.settled(100)
        assert scene.verdict(repo, fine).status == "completed"


async def test_a_forks_configuration_does_not_change_the_rules(tmp_path, executor):
    """The same head: judged by the base's ruff.toml; what the fork brings counts for nothing."""
    gate = "version: 1\nchecks:\n  lint: {use: ruff}\ngate:\n  - findings('high', 'new') == 0\n"
    flawed = "def f():\n    return undefined\n"
    quiet = {
        "ruff.toml": "[lint]\nselect = []\n",
        ".ruff.toml": "[lint]\nselect = []\n",
        "pyproject.toml": "[tool.ruff.lint]\nselect = []\n",
        "src/ruff.toml": "[lint]\nignore = ['ALL']\n",
        ".gitignore": "*.py\n",
        "ruff": "#!/bin/sh\nexit 0\n",
    }
    async with stage(tmp_path, runner=executor) as scene:
        base = {".portcullis.yml": gate, "ruff.toml": '[lint]\nselect = ["F"]\n', "src/a.py": "x = 1\n"}
        repo, pull = await from_fork(scene, base, {"src/a.py": flawed, **quiet})
        run = scene.verdict(repo, pull)
        assert run.conclusion == "failure", run.text
        assert run.annotations, run.text
        (found,) = [each for each in run.annotations if each["path"] == "src/a.py"]
        assert (found["start_line"], found["annotation_level"]) == (2, "failure")
        assert "F821" in found["title"] + found["message"]


async def test_a_machine_without_protection_runs_no_fork(tmp_path):
    """Where the probe finds a hole, trusted heads are judged and forks are refused, in words."""

    class Leaky(LocalExecutor):
        async def probe(self):
            report = await super().probe()
            first, *others = report.protections
            leak = msgspec.structs.replace(first, held=False, detail="open", mend="mend it")
            return msgspec.structs.replace(report, safe_for_untrusted=False, protections=(leak, *others))

    program("bwrap")
    clock = HandTurnedClock()
    async with stage(tmp_path, runner=Leaky(Sandbox(), tmp_path / "sandbox"), clock=clock) as scene:
        repo, pull = await from_fork(scene, {".portcullis.yml": PLAIN_GATE, "a.py": "1\n"}, {"a.py": "2\n"})
        await clock.advance(30, rest(scene, clock))  # errors are tried again
        run = scene.verdict(repo, pull)
        assert run.conclusion == "failure"
        assert "could not judge" in str(run.title)
        assert "may not run untrusted changes" in str(run.text)
        await scene.forge.push("alice", repo, "own", {"a.py": "3\n"}, base="main")
        own = await scene.forge.open_pull_request("alice", repo, "own")
        await scene.settled(60)
        assert scene.verdict(repo, own).conclusion == "success"
