"""The run page and the API over HTTP: what a signed link opens, what nobody sees, logs while they grow."""

import asyncio
import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import update

from app.executors import Answer, ScriptedExecutor
from app.practice import PullRequest, Repository
from tests.support.aftermath import ATTEMPTS, GATE, ended_well, later, like_github, rest
from tests.support.clock import HandTurnedClock
from tests.support.service import Stage, stage


async def opened(scene: Stage, *, private: bool, settle: bool = True) -> tuple[Repository, PullRequest]:
    repo = await scene.repository({".portcullis.yml": GATE, "a.py": "print(1)\n"}, private=private)
    await scene.forge.push("alice", repo, "topic", {"a.py": "print(2)\n"}, base="main")
    pull = await scene.forge.open_pull_request("alice", repo, "topic", title="Sell <b>more</b>")
    if settle:
        await scene.settled()
    return repo, pull


@pytest.fixture
async def browser():
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


async def test_a_private_run_needs_its_link(tmp_path, browser, migrated_url):
    clock = HandTurnedClock()
    runner = ScriptedExecutor({"lint": (Answer(exit_code=1, log=b"the reason\n"),)})
    async with stage(tmp_path, runner=runner, clock=clock, database_url=migrated_url) as scene:
        repo, pull = await opened(scene, private=True)
        link = str((await ended_well(scene, repo, pull, "failure")).details_url)
        page = await browser.get(link)
        assert page.status_code == 200
        assert "the reason" in page.text
        assert "Sell &lt;b&gt;more&lt;/b&gt;" in page.text
        assert page.headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in page.headers["content-security-policy"]

        bare, token = link.split("?", 1)[0], parse_qs(urlsplit(link).query)["t"][0]
        run_id = int(bare.rpartition("/")[2])
        hidden = await browser.get(bare)
        absent = await browser.get(f"{scene.url}/runs/{run_id + 1}?t={token}")
        assert (hidden.status_code, absent.status_code) == (404, 404)
        assert hidden.text == absent.text  # whether there is one is not told
        assert "shop" not in hidden.text
        for other in (f"{bare}?t={token[:-2]}AA", f"{scene.url}/api/v1/runs/{run_id}", f"{bare}/log/1"):
            assert (await browser.get(other)).status_code == 404, other
        for path in re.findall(rf'href="(/runs/{run_id}/[^"]+)"', page.text):
            assert (await browser.get(scene.url + path.replace("&amp;", "&"))).status_code == 200, path

        api = await browser.get(
            f"{scene.url}/api/v1/runs/{run_id}", headers={"authorization": f"Bearer {token}"}
        )
        assert api.json()["verdict"]["state"] == "blocked"
        await later(scene, clock, 8 * 86400)
        for address in (link, f"{scene.url}/api/v1/runs/{run_id}?t={token}"):
            gone = await browser.get(address)
            assert gone.status_code == 410
            assert "shop" not in gone.text


async def test_a_public_run_is_for_everybody(tmp_path, browser):
    async with stage(tmp_path) as scene:
        repo, pull = await opened(scene, private=False)
        link = str((await ended_well(scene, repo, pull, "success")).details_url)
        assert "?" not in link
        assert (await browser.get(link)).status_code == 200


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("how", ["hidden", "deleted", "uninstalled"])
async def test_a_repository_that_is_not_public_any_more_takes_its_pages_with_it(tmp_path, browser, how, lost):
    clock = HandTurnedClock()
    async with stage(tmp_path, clock=clock) as scene:
        repo, pull = await opened(scene, private=False)
        link = str((await ended_well(scene, repo, pull, "success")).details_url)
        run_id = link.rpartition("/")[2]
        places = (link, f"{link}/log/1", f"{scene.url}/api/v1/runs/{run_id}")
        for place in places:
            assert (await browser.get(place)).status_code == 200, place
        scene.forge.hooks.drop = 1000 if lost else 0
        if how == "hidden":
            scene.forge.set_private("alice", repo, private=True)
        elif how == "deleted":
            await scene.forge.delete_repository("alice", repo)
        else:
            (installation,) = scene.world.installations.values()
            scene.forge.uninstall("alice", installation)
        await scene.settled()
        if lost:  # the hourly look finds it
            await clock.advance(3700, rest(scene, clock))
        for place in places:
            gone = await browser.get(place)
            assert gone.status_code == 404, place
            assert "shop" not in gone.text
        like_github(scene)


async def test_a_pending_gate_says_what_is_usual(tmp_path, browser, migrated_url):
    clock = HandTurnedClock()
    runner = ScriptedExecutor({})
    async with stage(tmp_path, runner=runner, clock=clock, database_url=migrated_url) as scene:
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "print(1)\n"})
        for number, seconds in enumerate((100, 700, 130)):
            if number == 2:
                runner.script("lint", (Answer(hold=True),))
            branch = f"topic{number}"
            await scene.forge.push("alice", repo, branch, {"a.py": f"print(2{number})\n"}, base="main")
            pull = await scene.forge.open_pull_request("alice", repo, branch)
            if number == 2:  # two are too few to speak of a habit
                await runner.until_running("lint", 20)
                page = await browser.get(f"{scene.url}/runs/{number + 1}")
                assert "running since" in page.text
                assert "usually" not in page.text
                runner.release("lint")
            await scene.settled()
            took = update(ATTEMPTS).where(ATTEMPTS.c.run_id == number + 1)
            took = took.values(ended_at=ATTEMPTS.c.started_at + seconds)
            await scene.program.database.run(lambda unit, took=took: unit.connection.execute(took))
        runner.script("lint", (Answer(hold=True),))
        await scene.forge.push("alice", repo, "last", {"a.py": "print(3)\n"}, base="main")
        pull = await scene.forge.open_pull_request("alice", repo, "last")
        await runner.until_running("lint", 20)
        page = await browser.get(f"{scene.url}/runs/4")
        assert ", usually 2 min" in page.text
        clock.turn_to(clock.now() + 16)  # progress is posted now and then
        async with asyncio.timeout(20):
            while not str(scene.verdict(repo, pull).title).endswith(" UTC, usually takes 2 min"):
                await asyncio.sleep(0.02)
        runner.release("lint")
        await scene.settled()
        assert scene.verdict(repo, pull).conclusion == "success"


async def test_a_running_checks_log_is_seen(tmp_path, browser):
    runner = ScriptedExecutor({"lint": (Answer(hold=True, log=b"so far \x1b[31mso good\x1b[0m\n"),)})
    async with stage(tmp_path, runner=runner) as scene:
        repo, _ = await opened(scene, private=False, settle=False)
        await runner.until_running("lint", 20)
        await scene.forge.hooks.settle()
        page = await browser.get(f"{scene.url}/runs/1")
        assert page.status_code == 200
        assert "so far" in page.text
        assert "\x1b" not in page.text
        assert "running" in page.text
        raw = re.search(r'href="(/runs/1/log/\d+[^"]*)"', page.text)
        assert raw is not None
        assert "so good" in (await browser.get(scene.url + raw[1])).text
        runner.release("lint")
        await scene.settled()
        page = await browser.get(str(list(repo.runs.values())[-1].details_url))
        assert "running" not in page.text.lower().replace("now running", "")


async def test_explain_recomputes_the_same_bytes(tmp_path, browser, migrated_url):
    gate = """\
version: 1
checks:
  lint: {run: "true", exit_codes: {findings: [1]}, reports: [out/lint.sarif]}
  unit: {run: "true", reports: [out/junit.xml]}
gate:
  - checks.passed
  - findings('high', 'new') == 0
  - any: [approvals >= 1, {all: [has_label('trivial'), size.added < 10]}]
  - {expect: tests.failed == 0, because: "tests hold"}
"""
    sarif = b"""{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "results": [
        {"ruleId": "R1", "level": "error", "message": {"text": "bad"}, "locations": [{"physicalLocation":
        {"artifactLocation": {"uri": "a.py"}, "region": {"startLine": 1}}}]}]}]}"""
    junit = b'<testsuite><testcase classname="t" name="a"/><testcase classname="t" name="b"><failure/></testcase></testsuite>'
    answers = {
        "lint": (Answer(exit_code=1, files={"out/lint.sarif": sarif}),),
        "unit": (Answer(files={"out/junit.xml": junit}),),
    }
    async with stage(tmp_path, runner=ScriptedExecutor(answers), database_url=migrated_url) as scene:
        repo = await scene.repository({".portcullis.yml": gate, "a.py": "print(1)\n"})
        await scene.forge.push("alice", repo, "topic", {"a.py": "print(2)\n"}, base="main")
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        seen = []
        for act in ("judged", "approved", "labelled"):
            if act == "approved":
                await scene.forge.review("bob", repo, pull, "APPROVED")
            if act == "labelled":
                await scene.forge.label("alice", repo, pull, "trivial")
            await scene.settled()
            answer = (await browser.get(f"{scene.url}/api/v1/runs/1/explain")).json()
            assert answer["same"] is True, act
            assert answer["now"] is None
            assert answer["rules"]["stored"] == answer["rules"]["now"]
            assert answer["verdict"]["state"] == "blocked"
            seen.append(answer["text"])
        assert seen[0] != seen[1]
        assert "tests hold" in seen[0]
