"""The command line beside a running service: the same database, the same forge, another process."""

import asyncio
import json
import os
import socket
import sys
from collections.abc import Mapping
from contextlib import closing

from sqlalchemy import text

from app.engine import StoredApp, Vault
from app.executors import Answer, ScriptedExecutor
from app.model import RULES_VERSION, Verdict, VerdictState
from app.practice import RequiredCheck
from app.settings import Settings
from app.store import Database, metadata, squeeze
from tests.support.faces import WEBHOOK_SECRET
from tests.support.leaks import heard, plant_environment
from tests.support.service import stage

GATE = "version: 1\nchecks:\n  lint: {run: 'true'}\ngate:\n  - checks.passed\n  - size.added <= 100\n"


def environment_of(settings: Settings) -> dict[str, str]:
    assert settings.github is not None
    assert settings.secret_key is not None
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(settings.data_dir),
        "PORTCULLIS_DATA_DIR": str(settings.data_dir),
        "PORTCULLIS_DATABASE_URL": settings.database.get_secret_value(),
        "PORTCULLIS_PUBLIC_URL": settings.base_url,
        "PORTCULLIS_GITHUB_API_URL": settings.github_api_url,
        "PORTCULLIS_GITHUB_APP_ID": str(settings.github.app_id),
        "PORTCULLIS_GITHUB_PRIVATE_KEY": settings.github.private_key.get_secret_value(),
        "PORTCULLIS_GITHUB_WEBHOOK_SECRET": settings.github.webhook_secret.get_secret_value(),
        "PORTCULLIS_SECRET_KEY": settings.secret_key.get_secret_value(),
    }


async def portcullis(environment: Mapping[str, str], *arguments: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app",
        *arguments,
        env=dict(environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    plant_environment(environment)
    out, err = await process.communicate()
    heard(err.decode(), f"portcullis {' '.join(arguments)}")
    return process.returncode, out.decode(), err.decode()


async def examined(environment: Mapping[str, str], *names: str) -> list[dict[str, str]]:
    only = [part for name in names for part in ("--only", name)]
    _, out, err = await portcullis(environment, "doctor", "--format", "json", *only)
    assert out, err
    found = json.loads(out)
    assert all(bool(item["mend"]) == (item["health"] in {"warning", "broken"}) for item in found)
    return found


async def test_a_run_is_explained_and_judged_again(tmp_path, database_url):
    runner = ScriptedExecutor({"lint": (Answer(exit_code=1),)})
    async with stage(tmp_path, runner=runner, database_url=database_url) as scene:
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "print(1)\n"})
        await scene.forge.push("alice", repo, "topic", {"a.py": "print(2)\n"}, base="main")
        await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        environment = environment_of(scene.program.settings)

        plain, as_json, absent = await asyncio.gather(
            portcullis(environment, "explain", "1"),
            portcullis(environment, "explain", "1", "--format", "json"),
            portcullis(environment, "explain", "99"),
        )

    status, out, err = plain
    assert (status, err) == (0, f"judged again from its inputs by rules {RULES_VERSION}: the same\n")
    assert out.startswith("BLOCKED")
    assert "lint" in out
    assert "\x1b" not in out
    told = json.loads(as_json[1])
    assert (as_json[0], told["same"], told["judgement"]["verdict"]["state"]) == (0, True, "blocked")
    status, out, err = absent
    assert (status, out) == (2, "")
    assert err.startswith("error: there is no run 99\nhint: ")


async def test_a_verdict_that_its_inputs_do_not_give_is_an_alarm(tmp_path):
    runner = ScriptedExecutor({"lint": (Answer(exit_code=0),)})
    async with stage(tmp_path, runner=runner) as scene:
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "print(1)\n"})
        await scene.forge.push("alice", repo, "topic", {"a.py": "print(2)\n"}, base="main")
        await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        tampered = Verdict(state=VerdictState.BLOCKED, reason="somebody was here")
        runs = metadata.tables["runs"]
        change = runs.update().values(verdict=squeeze(tampered))
        await scene.program.database.run(lambda unit: unit.connection.execute(change))
        status, out, err = await portcullis(environment_of(scene.program.settings), "explain", "1")

    assert status == 2
    assert "somebody was here" in out
    assert err.startswith("error: judged again from its inputs the verdict differs\nhint: ")


async def test_doctor_knows_a_whole_installation(tmp_path):
    async with stage(tmp_path) as scene:
        repo = await scene.repository({".portcullis.yml": GATE})
        app = next(iter(scene.world.apps.values()))
        repo.required.append(RequiredCheck(branch="main", context="portcullis", app_id=app.id))
        environment = environment_of(scene.program.settings)
        found = await examined(environment, "migrations", "clock", "webhook", "credentials", "app", "rules")

    assert {item["name"]: item["health"] for item in found} == {
        "migrations": "good",
        "clock": "good",
        "webhook": "good",
        "credentials": "good",
        "app": "good",
        "rules": "good",
    }


async def test_doctor_names_what_the_app_lacks_and_who_does_not_wait_for_it(tmp_path):
    async with stage(tmp_path) as scene:
        await scene.repository({".portcullis.yml": GATE})
        app = next(iter(scene.world.apps.values()))
        app.permissions["checks"] = "read"
        app.events.remove("merge_group")
        environment = environment_of(scene.program.settings)
        found = await examined(environment, "app", "rules")

    says = [item["says"] for item in found]
    assert "permission checks: read, needs write" in says
    assert "event merge_group: not subscribed, needs subscribed" in says
    assert "acme/shop: main: 'portcullis' is not required: a verdict blocks nothing" in says
    assert {item["health"] for item in found} == {"broken", "warning"}


async def test_doctor_finds_a_stored_app_and_a_key_that_does_not_fit(tmp_path):
    async with stage(tmp_path) as scene:
        settings = scene.program.settings
        assert settings.github is not None
        stored = StoredApp(
            app_id=settings.github.app_id,
            slug="portcullis",
            html_url="",
            private_key=settings.github.private_key.get_secret_value(),
            webhook_secret=WEBHOOK_SECRET,
        )
        assert settings.secret_key is not None
        vault = Vault(settings.secret_key.get_secret_value())
        await scene.program.database.run(lambda unit: vault.save_app(unit, stored, 0.0))
        environment = environment_of(settings)
        for name in ("APP_ID", "PRIVATE_KEY", "WEBHOOK_SECRET"):
            del environment[f"PORTCULLIS_GITHUB_{name}"]

        credentials, app = await examined(environment, "credentials", "app")
        assert credentials["says"] == f"app {stored.app_id}, from the set-up page"
        assert app["health"] == "good"

        environment["PORTCULLIS_SECRET_KEY"] = "another key " * 4
        credentials, app = await examined(environment, "credentials", "app")
        assert (credentials["health"], app["health"]) == ("broken", "skipped")
        assert "cannot be decrypted" in credentials["says"]


async def test_a_start_that_fails_says_why_once(tmp_path, database_url):
    """One clear message, status 2, no traceback, whatever keeps it from starting."""
    environment = {
        "PATH": os.environ["PATH"],
        "PORTCULLIS_DATA_DIR": str(tmp_path / "data"),
        "PORTCULLIS_DATABASE_URL": database_url,
        "PORTCULLIS_SECRET_KEY": "k" * 40,
        "PORTCULLIS_PORT": "0",
    }

    async def refused(*says: str, **more: str) -> None:
        status, out, err = await portcullis(environment | more, "serve")
        assert (status, out) == (2, "")
        lines = err.splitlines()
        assert [line.partition(": ")[0] for line in lines] == ["error", "hint"], err
        for said in says:
            assert said in err

    migrated = await portcullis(environment, "migrate")
    assert migrated[0] == 0, migrated
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        await refused(f"cannot listen on 127.0.0.1 port {port}", PORTCULLIS_PORT=port)
    await refused("PORTCULLIS_PARALLEL_CHECKS", PORTCULLIS_PARALLEL_CHECKS="many")

    first = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", "serve", env=environment, stderr=asyncio.subprocess.PIPE
    )
    try:
        assert first.stderr is not None
        async for line in first.stderr:
            if b"portcullis serves" in line:
                break
        await refused("another portcullis process")
    finally:
        first.terminate()
        assert await first.wait() == 0

    database = Database(database_url)
    newer = text("UPDATE alembic_version SET version_num = '9999'")
    await database.run(lambda unit: unit.connection.execute(newer))
    database.close()
    await refused("newer")
