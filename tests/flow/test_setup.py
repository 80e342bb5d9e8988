"""The GitHub App is made by the manifest flow: once, its key encrypted, used at once and after a restart."""

import html
import re
from pathlib import Path

import httpx
import pytest

from app.executors import ScriptedExecutor
from app.forges import EVENTS, PERMISSIONS
from app.model import Misconfigured
from app.practice import PracticeForge
from app.settings import load
from app.web import listen
from app.wiring import Program, build
from tests.support.aftermath import GATE, like_github
from tests.support.faces import FACES
from tests.support.service import Stage, practice


def program(root: Path, forge: PracticeForge, url: str, **more: str) -> Program:
    environment = {
        "PORTCULLIS_DATA_DIR": str(root / "data"),
        "PORTCULLIS_PUBLIC_URL": url,
        "PORTCULLIS_GITHUB_API_URL": forge.world.api_url,
        **more,
    }
    return build(load(environment), runner=ScriptedExecutor({}))


def fields(page: str) -> tuple[str, dict[str, str]]:
    """Where a page's form goes and the values it holds."""
    action = re.search(r'<form[^>]*action=["\']([^"\']*)', page)
    inputs = {}
    for tag in re.findall(r"<(?:input|button)[^>]*>", page):
        name = re.search(r'name=["\']?([\w-]+)', tag)
        value = re.search(r"""value=(?:"([^"]*)"|'([^']*)'|([^\s>]*))""", tag)
        if name is not None:
            inputs[name[1]] = html.unescape(next(filter(None, value.groups()), "")) if value else ""
    return html.unescape(action[1]) if action is not None else "", inputs


@pytest.fixture
async def browser():
    async with httpx.AsyncClient(trust_env=False, follow_redirects=False) as client:
        yield client


async def made(browser: httpx.AsyncClient, scene: Stage, organisation: str = "acme") -> httpx.Response:
    """Walk the flow as a person does; the answer to the browser's way back."""
    token = scene.program.setup_token
    page = await browser.get(f"{scene.url}/setup/github?token={token}")
    _, given = fields(page.text)
    answered = await browser.post(
        f"{scene.url}/setup/github", data={**given, "name": "Acme gate", "organisation": organisation}
    )
    action, given = fields(answered.text)
    confirm = await browser.post(action, data=given)
    _, given = fields(confirm.text)
    sent_back = await browser.post(action, data=given)
    assert sent_back.status_code == 302
    return await browser.get(sent_back.headers["location"])


async def test_from_nothing_to_a_verdict(tmp_path, browser):
    async with practice(tmp_path) as forge:
        repo = await forge.create_repository("acme/shop", {".portcullis.yml": GATE, "a.py": "1\n"})
        repo.permissions["alice"] = "write"
        pulls = []
        for number in range(3):  # open before there was any app
            await forge.push("alice", repo, f"topic{number}", {"a.py": f"{number}\n"}, base="main")
            pulls.append(await forge.open_pull_request("alice", repo, f"topic{number}"))

        listener = listen("127.0.0.1", 0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        scene = Stage(forge, lambda: program(tmp_path, forge, url), url, FACES["github"])
        await scene.start(listener)
        try:
            token = scene.program.setup_token
            assert token
            refused = await browser.post(
                f"{url}/setup/github", data={"token": "guess", "name": "x", "organisation": ""}
            )
            assert refused.status_code == 422
            assert not (await browser.get(f"{url}/setup/github/callback?code=x&state=y")).is_redirect

            back = await made(browser, scene)
            app = forge.world.app("acme-gate")
            assert (back.status_code, back.headers["location"]) == (
                303,
                f"{forge.world.url}/apps/acme-gate/installations/new",
            )
            assert (app.owner, app.permissions) == ("acme", dict(PERMISSIONS))
            assert set(app.events) == set(EVENTS)
            assert app.webhook_url == f"{url}/webhooks/github"

            installed = await browser.post(back.headers["location"], data={"account": "acme"})
            assert installed.status_code == 302
            await scene.settled()
            for pull in pulls:
                assert scene.verdict(repo, pull).conclusion == "success"
                assert len(scene.comments(repo, pull)) == 1

            again = await browser.get(f"{url}/setup/github?token={token}")
            assert "<form" not in again.text
            assert (
                await browser.post(f"{url}/setup/github", data={"token": token, "name": "x"})
            ).status_code == 200
            assert len(forge.world.apps) == 1

            await scene.stop()
            await scene.start_again()
            assert scene.program.setup_token == ""
            await forge.push("alice", repo, "topic0", {"a.py": "9\n"})
            await scene.settled()
            assert scene.verdict(repo, pulls[0]).conclusion == "success"
        finally:
            await scene.stop()
        like_github(scene)

        raw = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("portcullis.db*"))
        body = app.private_key.split("-----")[2].strip().splitlines()
        assert len(raw) > 10_000
        for secret in (b"PRIVATE KEY", body[3].encode(), app.webhook_secret.encode()):
            assert secret not in raw
        assert token.encode() not in raw


async def test_another_secret_key_is_one_clear_sentence(tmp_path, browser):
    async with practice(tmp_path) as forge:
        listener = listen("127.0.0.1", 0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        keys = ["k" * 40, "l" * 40]
        scene = Stage(
            forge,
            lambda: program(tmp_path, forge, url, PORTCULLIS_SECRET_KEY=keys.pop(0)),
            url,
            FACES["github"],
        )
        await scene.start(listener)
        try:
            assert (await made(browser, scene, "")).status_code == 303
            await scene.stop()
            with pytest.raises(Misconfigured, match="PORTCULLIS_SECRET_KEY has changed since"):
                await scene.start_again()
        finally:
            await scene.stop()


async def test_a_code_that_was_used_and_two_at_a_time(tmp_path, browser):
    async with practice(tmp_path) as forge:
        listener = listen("127.0.0.1", 0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        scene = Stage(forge, lambda: program(tmp_path, forge, url), url, FACES["github"])
        await scene.start(listener)
        try:
            first = await made(browser, scene)
            assert first.status_code == 303
            used = await browser.get(str(first.request.url))
            assert used.status_code == 400
            assert "set up already" in used.text
        finally:
            await scene.stop()
