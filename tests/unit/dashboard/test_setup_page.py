"""Set-up: guarded by the one-time token, posted to GitHub, done once."""

import html
import json
import re

import httpx
import pytest

from tests.unit.dashboard.world import TOKEN, World

INSTALL = "https://github.com/apps/acme-gate/installations/new"


def form(**fields: str) -> dict[str, str]:
    return {"token": TOKEN, "name": "Acme gate", "organisation": "acme"} | fields


def state_of(answer: httpx.Response) -> str:
    found = re.search(r'action="[^"]*\?state=([^"]+)"', answer.text)
    assert found is not None
    return found[1]


async def test_the_whole_way(world: World, browser: httpx.AsyncClient) -> None:
    first = await browser.get(f"/setup/github?token={TOKEN}")
    assert f'value="{TOKEN}"' in first.text
    assert "https://gate.example/webhooks/github" in first.text
    assert "form-action 'self'" in first.headers["content-security-policy"]
    confirm = await browser.post("/setup/github", data=form())
    assert confirm.status_code == 200
    assert 'action="https://github.com/organizations/acme/settings/apps/new?state=' in confirm.text
    assert "form-action https://github.com;" in confirm.headers["content-security-policy"]
    manifest = re.search(r'name="manifest" value="([^"]*)"', confirm.text)
    assert manifest is not None
    assert json.loads(html.unescape(manifest[1]))["name"] == "Acme gate"
    back = await browser.get("/setup/github/callback", params={"code": "abc", "state": state_of(confirm)})
    assert (back.status_code, back.headers["location"]) == (303, INSTALL)
    assert back.headers["referrer-policy"] == "no-referrer"
    assert world.setup.codes == ["abc"]


async def test_a_personal_account_needs_no_organisation(browser: httpx.AsyncClient) -> None:
    confirm = await browser.post("/setup/github", data=form(organisation=""))
    assert 'action="https://github.com/settings/apps/new?state=' in confirm.text
    assert "your own account" in confirm.text


async def test_it_works_once(world: World, browser: httpx.AsyncClient) -> None:
    confirm = await browser.post("/setup/github", data=form())
    state = state_of(confirm)
    await browser.get("/setup/github/callback", params={"code": "abc", "state": state})
    again = await browser.get("/setup/github/callback", params={"code": "def", "state": state})
    assert again.status_code == 400
    assert world.setup.codes == ["abc"]
    for answer in (await browser.get("/setup/github"), await browser.post("/setup/github", data=form())):
        assert "is set up" in answer.text
        assert "<form" not in answer.text
        assert INSTALL in answer.text


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"token": "guess"}, "not the set-up token"),
        ({"token": ""}, "not the set-up token"),
        ({"name": ""}, "needs a name"),
        ({"name": "x" * 35}, "needs a name"),
        ({"name": "a\x00b"}, "needs a name"),
        ({"organisation": "../evil"}, "not the name of an organisation"),
        ({"organisation": "a/b?c"}, "not the name of an organisation"),
        ({"name": "GitHub"}, "cannot be named so"),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_is_offered(
    fields: dict[str, str], says: str, browser: httpx.AsyncClient
) -> None:
    answer = await browser.post("/setup/github", data=form(**fields))
    assert answer.status_code == 422
    assert says in answer.text
    assert "manifest" not in answer.text
    assert 'role="alert"' in answer.text


async def test_a_wrong_token_hears_nothing_about_the_rest(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/setup/github", data=form(token="guess", name=""))
    assert "not the set-up token" in answer.text
    assert "needs a name" not in answer.text


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe", b"a=" + b"b" * 20_000, b"&".join(b"k%d=v" % n for n in range(100)), b"token=%FF"],
)
async def test_odd_bodies_are_refused(body: bytes, browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/setup/github", content=body)
    assert answer.status_code == 422


async def test_markup_in_fields_is_text(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/setup/github", data=form(token='"><script>alert(1)</script>'))
    assert "<script>" not in answer.text
    got = await browser.get("/setup/github", params={"token": '"><img src=x>'})
    assert "<img src=x" not in got.text


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ({}, 400, "no code"),
        ({"code": "abc"}, 400, "no code"),
        ({"code": "abc", "state": "forged"}, 400, "no form of ours"),
    ],
)
async def test_a_call_back_that_is_not_ours(
    query: dict[str, str], status: int, says: str, world: World, browser: httpx.AsyncClient
) -> None:
    answer = await browser.get("/setup/github/callback", params=query)
    assert answer.status_code == status
    assert says in answer.text
    assert "begin again" in answer.text
    assert not world.setup.configured


async def test_a_call_back_too_late_or_while_github_is_away(world: World, browser: httpx.AsyncClient) -> None:
    state = world.setup.states.make(world.clock.at)
    away = await browser.get("/setup/github/callback", params={"code": "later", "state": state})
    assert away.status_code == 503
    assert "try again in a minute" in away.text
    world.clock.at += 3601
    late = await browser.get("/setup/github/callback", params={"code": "abc", "state": state})
    assert late.status_code == 400
    assert world.setup.codes == []


async def test_the_start_page_says_where_set_up_stands(world: World, browser: httpx.AsyncClient) -> None:
    before = await browser.get("/")
    assert "not set up yet" in before.text
    assert "/setup/github" in before.text
    world.setup.configured = True
    after = await browser.get("/")
    assert "not set up yet" not in after.text
    assert INSTALL in after.text
    for answer in (before, after):
        assert TOKEN not in answer.text


async def test_an_odd_installation_address_is_not_followed(world: World, browser: httpx.AsyncClient) -> None:
    world.setup.install_url = "javascript:alert(1)"
    state = world.setup.states.make(world.clock.at)
    answer = await browser.get("/setup/github/callback", params={"code": "abc", "state": state})
    assert answer.status_code == 200
    assert "is set up" in answer.text
    assert "javascript" not in answer.text
