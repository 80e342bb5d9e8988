"""What checks keep between runs, end to end: filled by the target's runs, read by forks, never written by them."""

from pathlib import Path

import pytest

from app.executors import LocalExecutor, Sandbox
from app.practice import PullRequest, Repository
from tests.support.prerequisites import program
from tests.support.service import Stage, stage

pytestmark = pytest.mark.sandbox

GATE = """\
version: 1
checks:
  test:
    setup: mkdir .deps && cp requirements.txt .deps/have && echo set up
    cache: {key: "deps-${hash('requirements.txt')}", paths: [.deps]}
    run: cmp requirements.txt .deps/have && sh check.sh
"""
BASE = {".portcullis.yml": GATE, "requirements.txt": "one\n", "check.sh": "true\n", "a.py": "1\n"}
POISON = "echo poison > .deps/have; rm -rf .deps; mkdir .deps; echo poison > .deps/have\n"


def entries(executor: LocalExecutor) -> list[str]:
    """The scope of each entry that is kept."""
    return sorted(path.parent.name for path in executor.caches.place.glob("*/*/*"))


async def opened(
    scene: Stage, repo: Repository, branch: str, files: dict[str, str], *, fork: bool
) -> PullRequest:
    who = "mallory" if fork else "alice"
    source = await scene.forge.fork(who, repo) if fork else repo
    await scene.forge.push(who, source, branch, files, base="main")
    pull = await scene.forge.open_pull_request(who, repo, branch, source=source)
    await scene.settled(100)
    return pull


async def test_the_targets_runs_fill_the_cache_and_forks_only_read_it(tmp_path: Path):
    program("bwrap")
    executor = LocalExecutor(Sandbox(), tmp_path / "sandbox", grace=0.3)
    async with stage(tmp_path, runner=executor) as scene:
        scene.world.add_user("mallory")
        repo = await scene.repository(BASE)
        await scene.forge.push("alice", repo, "main", {"a.py": "2\n"})
        await scene.settled(100)
        assert entries(executor) == ["base"]

        hostile = await opened(scene, repo, "poison", {"check.sh": POISON}, fork=True)
        assert scene.verdict(repo, hostile).conclusion == "success"
        assert entries(executor) == ["base"]

        wants = {"requirements.txt": "two\n"}
        other = await opened(scene, repo, "wants", wants, fork=True)
        run = scene.verdict(repo, other)
        assert run.conclusion == "failure"
        assert "needs ok-to-test: requirements.txt changed" in str(run.text).replace("\\", "")
        assert entries(executor) == ["base"]

        await scene.forge.comment("bob", repo, other, f"/portcullis ok-to-test {other.head_sha}")
        await scene.settled(100)
        assert scene.verdict(repo, other).conclusion == "success"
        first, own = entries(executor)
        assert (first, own.startswith("change-")) == ("base", True)

        same = await opened(scene, repo, "same", {**wants, "a.py": "3\n"}, fork=True)
        assert scene.verdict(repo, same).conclusion == "failure"
        ours = await opened(scene, repo, "ours", {"a.py": "4\n"}, fork=False)
        assert scene.verdict(repo, ours).conclusion == "success"
        assert entries(executor) == [first, own]
