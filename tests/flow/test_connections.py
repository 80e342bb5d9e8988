"""Several forges in one service: added beside it, taken up while it runs, kept apart, forgotten."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from app.executors import Answer, ScriptedExecutor
from app.forges import EVENTS, PERMISSIONS
from app.practice import App, CheckRun, PracticeForge, PracticeGitea, World, gitea_app, serving
from tests.flow.test_command_line import environment_of, portcullis
from tests.support.faces import app_key
from tests.support.service import Stage, plant_world, stage

GATE = "version: 1\nchecks:\n  lint: {run: 'true'}\ngate:\n  - checks.passed\n"
SECRET = "the other forge's webhook secret"


@asynccontextmanager
async def another_github(root: Path, url: str) -> AsyncIterator[tuple[PracticeForge, App]]:
    """A second GitHub with people and an app of the same name and id, and an account of the same name."""
    forge = PracticeForge(World(root / "other"))
    forge.world.add_organization("acme")
    for login in ("alice", "bob", "carol"):
        forge.world.add_user(login)
    async with serving(forge):
        app = forge.world.add_app(
            "portcullis",
            owner="acme",
            webhook_url=f"{url}/webhooks/github/work",
            webhook_secret=SECRET,
            permissions=dict(PERMISSIONS),
            events=list(EVENTS),
            key=app_key(),
        )
        try:
            yield forge, app
        finally:
            plant_world(forge.world)


async def judged(scene: Stage, forge: PracticeForge) -> CheckRun:
    """A pull request on this forge's own acme/shop, and what we posted there."""
    repo = await forge.create_repository("acme/shop", {".portcullis.yml": GATE, "a.py": "print(1)\n"})
    repo.permissions |= {"alice": "write"}
    await forge.push("alice", repo, "topic", {"a.py": "print(2)\n"}, base="main")
    pull = await forge.open_pull_request("alice", repo, "topic")
    await forge.hooks.settle()
    await scene.settled()
    await forge.hooks.settle()
    (found,) = (run for run in repo.runs.values() if run.head_sha == pull.head_sha)
    return found


async def test_two_githubs_are_served_side_by_side(tmp_path, database_url):
    runner = ScriptedExecutor({"lint": (Answer(exit_code=1), Answer(exit_code=0))})
    async with stage(tmp_path, runner=runner, database_url=database_url) as scene:
        scene.program.credential_seconds = 0.02
        async with another_github(tmp_path, scene.url) as (other, app):
            environment = environment_of(scene.program.settings)
            key, secret = tmp_path / "key.pem", tmp_path / "secret"
            key.write_text(app.private_key)
            secret.write_text(SECRET)
            code, out, err = await portcullis(
                environment,
                *("forges", "add", "github", other.world.api_url, "--name", "work", "--app-id", str(app.id)),
                *("--token-file", str(key), "--webhook-secret-file", str(secret)),
            )
            assert code == 0, err
            assert f"{scene.url}/webhooks/github/work" in err
            async with asyncio.timeout(60):
                while "github/work" not in scene.program.connections.doors:
                    await asyncio.sleep(0.02)
            other.install("alice", app, "acme")
            await other.hooks.settle()
            await scene.settled()

            here = await judged(scene, scene.forge)
            there = await judged(scene, other)
            assert (here.conclusion, there.conclusion) == ("failure", "success")

            _, out, _ = await portcullis(environment, "forges", "list", "--format", "json")
            shown = {one["name"]: one for one in json.loads(out)}
            assert {name: one["source"] for name, one in shown.items()} == {
                "github": "the environment",
                "work": "portcullis forges add",
            }
            assert "BEGIN" not in out
            code, _, err = await portcullis(environment, "forges", "check")
            assert (code, "work: all is there" in err) == (0, True)

            code, _, err = await portcullis(environment, "forges", "remove", "work")
            assert code == 0, err
            async with asyncio.timeout(60):
                while "github/work" in scene.program.connections.doors:
                    await asyncio.sleep(0.02)
            code, _, err = await portcullis(environment, "forges", "remove", "work")
            assert (code, "no forge called work" in err) == (2, True)


async def test_a_gitea_is_added_beside_a_github(tmp_path):
    async with stage(tmp_path) as scene:
        scene.program.credential_seconds = 0.02
        other = PracticeGitea(World(tmp_path / "gitea"))
        other.world.add_organization("acme")
        for login in ("alice", "bob", "portcullis"):
            other.world.add_user(login)
        other.world.add_team("acme", "owners", "portcullis")
        async with serving(other, face=gitea_app):
            plant_world(other.world)
            files = {".portcullis.yml": GATE, "a.py": "print(1)\n"}
            repo = await other.create_repository("acme/shop", files)
            repo.permissions |= {"alice": "write", "portcullis": "admin"}
            environment = environment_of(scene.program.settings)
            token = tmp_path / "token"
            token.write_text(other.world.account("portcullis").token)
            add = ("forges", "add", "gitea", other.world.url, "--token-file", str(token))
            code, _, err = await portcullis(environment, *add)
            assert code == 0, err
            assert "webhook made: acme" in err, "one for the whole organisation"
            async with asyncio.timeout(60):
                while "gitea" not in scene.program.connections.doors:
                    await asyncio.sleep(0.02)
            await other.push("alice", repo, "topic", {"a.py": "print(2)\n"}, base="main")
            pull = await other.open_pull_request("alice", repo, "topic")
            async with asyncio.timeout(60):
                while not any(each.state == "success" for each in repo.statuses):
                    await other.hooks.settle()
                    await scene.settled()
            newest = repo.statuses[-1]
            assert (newest.context, newest.sha, newest.creator.login) == (
                "portcullis",
                pull.head_sha,
                "portcullis",
            )
            assert (newest.target_url or "").startswith(f"{scene.url}/runs/")
            said = [each.author.login for each in repo.comments.values()]
            assert said == ["portcullis"]
            code, _, err = await portcullis(environment, "forges", "check", "gitea")
            assert (code, "gitea: all is there" in err, "no webhook" in err) == (0, True, False), err
