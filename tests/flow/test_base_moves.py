"""A push to the target: only what it changes is looked at, and nothing that is lost holds the others up."""

import subprocess

from sqlalchemy import select

from app.executors import TreeEntry, Workspaces
from app.model import Sha
from app.practice import PullRequest, Repository
from app.store import metadata
from tests.support.aftermath import rows
from tests.support.service import Stage, stage

RUNS = metadata.tables["runs"]
GATE = 'version: 1\nchecks:\n  lint: {run: "true"}\n'
STRICTER = f"{GATE}gate:\n  - approvals >= 1\n"


class Watched:
    """Workspaces, and the commits whose trees were listed."""

    def __init__(self, spaces: Workspaces) -> None:
        self.spaces = spaces
        self.listed: list[Sha] = []

    async def entries(self, repository: Repository, sha: Sha) -> tuple[TreeEntry, ...]:
        self.listed.append(sha)
        return await self.spaces.entries(repository, sha)

    def __getattr__(self, name: str) -> object:
        return getattr(self.spaces, name)


async def opened(scene: Stage, repo: Repository, count: int) -> list[PullRequest]:
    found = []
    for number in range(count):
        await scene.forge.push("alice", repo, f"topic-{number}", {f"{number}.py": "1\n"}, base="main")
        found.append(await scene.forge.open_pull_request("alice", repo, f"topic-{number}"))
    await scene.settled()
    return found


async def test_trees_are_listed_only_where_the_gate_file_changed(tmp_path, migrated_url):
    async with stage(tmp_path, database_url=migrated_url) as scene:
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "print(1)\n"})
        pulls = await opened(scene, repo, 3)
        services = scene.program.services
        watched = services.workspaces = Watched(services.workspaces)
        tip = await scene.forge.push("alice", repo, "main", {"README": "more\n"})
        await scene.settled()
        assert set(watched.listed) == {tip}
        tip = await scene.forge.push("alice", repo, "main", {".portcullis.yml": STRICTER})
        await scene.settled()
        tested = {row["tested_sha"] for row in await rows(scene, select(RUNS)) if row["status"] == "planned"}
        assert set(watched.listed) >= tested
        assert [scene.verdict(repo, pull).conclusion for pull in pulls] == ["action_required"] * 3


def git(repo: Repository, script: str) -> str:
    done = subprocess.run(
        ["bash", "-ec", script], cwd=repo.directory, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


async def test_a_change_whose_parts_are_gone_is_judged_anew_and_holds_up_no_other(tmp_path, migrated_url):
    """The target's old tip was replaced and is nowhere any more, the only mirror that had it neither."""
    async with stage(tmp_path, database_url=migrated_url) as scene:
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "print(1)\n"})
        await scene.forge.push("alice", repo, "old", {"a.py": "print(2)\n"}, base="main")
        first = git(repo, "git rev-parse main")
        await scene.forge.push("alice", repo, "main", {"b.py": "print(1)\n"})
        pull = await scene.forge.open_pull_request("alice", repo, "old")
        await scene.settled()
        assert scene.verdict(repo, pull).conclusion == "success"

        git(repo, f"git update-ref refs/heads/main {first}; git update-ref -d refs/practice/new")
        git(repo, f"git update-ref -d refs/pull/{pull.number}/merge")
        git(repo, "git reflog expire --expire=now --all; git gc -q --prune=now")
        scene.forge.set_private("alice", repo, private=True)
        await scene.forge.push("alice", repo, "main", {".portcullis.yml": STRICTER})
        await scene.settled()
        assert scene.verdict(repo, pull).conclusion == "action_required"
        bases = [
            row["status"]
            for row in await rows(
                scene, select(RUNS).where(RUNS.c.head_sha == pull.head_sha).order_by(RUNS.c.id)
            )
        ]
        assert bases == ["superseded", "planned"]
