"""The run page in a browser: it follows its run without being loaded anew, and can be read in both schemes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page

from app.executors import Answer, ScriptedExecutor
from tests.support.service import Stage, stage

GATE = """\
version: 1
checks:
  lint: {run: "true", exit_codes: {findings: [1]}, reports: [out/lint.sarif]}
  unit: {needs: [lint], run: "true"}
gate:
  - checks.passed
  - findings('high', 'new') == 0
"""
SARIF = b"""{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "linter"}}, "results": [{"ruleId": "L1",
"level": "error", "message": {"text": "undefined name"}, "locations": [{"physicalLocation": {"artifactLocation":
{"uri": "a.py"}, "region": {"startLine": 1}}}]}]}]}"""

CONTRAST = """() => {
  const parse = (text) => (text.match(/[0-9.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const paper = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parse(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((part) => part.nodeType === 3 && part.textContent.trim());
    if (!own || !node.checkVisibility()) continue;
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(paper(node))];
    found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), node.textContent.trim().slice(0, 40)]);
  }
  return found;
}"""


@asynccontextmanager
async def opened(chromium: Browser, scheme: str = "light") -> AsyncIterator[tuple[Page, list[str]]]:
    """A page and what it complained of: scripts that failed, what its policy forbade."""
    complaints: list[str] = []
    page = await chromium.new_page(color_scheme=scheme)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: said.type == "error" and complaints.append(said.text))
    yield page, complaints
    await page.close()


async def running(scene: Stage, runner: ScriptedExecutor) -> str:
    """A pull request whose first check runs; its run's address."""
    repo = await scene.repository({".portcullis.yml": GATE, "a.py": "print(1)\n"})
    await scene.forge.push("alice", repo, "topic", {"a.py": "print(2)\n"}, base="main")
    await scene.forge.open_pull_request("alice", repo, "topic", title="Sell <b>more</b>")
    await runner.until_running("lint", 20)
    return f"{scene.url}/runs/1"


async def test_a_pending_page_follows_its_run_to_the_end(tmp_path, chromium):
    answers = {
        "lint": (
            Answer(
                hold=True,
                log=b"looking at \x1b[31ma.py\x1b[0m\n",
                files={"out/lint.sarif": SARIF.replace(b"error", b"note")},
            ),
        ),
        "unit": (Answer(hold=True, log=b"1 test ran\n"),),
    }
    runner = ScriptedExecutor(answers)
    async with stage(tmp_path, runner=runner) as scene, opened(chromium) as (page, complaints):
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.resource_type))
        await page.goto(await running(scene, runner))
        await page.wait_for_selector("h1:text-is('Pending')")
        await page.wait_for_selector("pre.log span.c1:text-is('a.py')", timeout=20_000)
        await page.evaluate("window.stayed = true")
        assert "Sell <b>more</b>" in await page.inner_text("p.change")

        runner.release("lint")
        await runner.until_running("unit", 20)
        await page.wait_for_selector("pre.log:has-text('1 test ran')", timeout=20_000)
        await page.click("#check-2 > summary")  # somebody folds it: it stays folded
        assert await page.get_attribute("main", "data-live")

        runner.release("unit")
        await page.wait_for_selector("h1:text-is('Passed')", timeout=20_000)
        assert "Passed" in await page.title()
        assert await page.get_attribute("main", "data-live") is None
        assert await page.get_attribute("#check-2", "open") is None
        assert await page.evaluate("window.stayed")  # never loaded anew
        assert asked.count("document") == 1
        fetched = len(asked)
        await page.wait_for_timeout(4_000)
        assert len(asked) == fetched  # nothing is asked once all is said
        assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_word_can_be_read(tmp_path, chromium, scheme):
    runner = ScriptedExecutor(
        {
            "lint": (
                Answer(
                    hold=True,
                    exit_code=1,
                    log=b"\x1b[1;31mundefined name\x1b[0m\n",
                    files={"out/lint.sarif": SARIF},
                ),
            ),
            "unit": (Answer(exit_code=1, log=b"\x1b[32mok\x1b[0m \x1b[33mwarn\x1b[0m\n"),),
        }
    )
    async with stage(tmp_path, runner=runner) as scene, opened(chromium, scheme) as (page, complaints):
        address = await running(scene, runner)
        for state in ("pending", "blocked"):
            await page.goto(address)
            await page.wait_for_selector(f".verdict.{state}")
            await page.evaluate(
                "document.querySelectorAll('details').forEach((part) => { part.open = true; })"
            )
            found = await page.evaluate(CONTRAST)
            assert len(found) > 20
            assert [each for each in found if each[0] < 4.5] == []  # WCAG 2.2, 1.4.3
            runner.release("lint")
            await scene.settled()
        assert "a.py:1" in await page.inner_text("#findings")
        paper = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, paper[4:-1].split(","))) < 384) is (scheme == "dark")
        assert complaints == []
