"""A used waiver is told wherever a verdict is told: what it covers, why, by whom and until when."""

import httpx

from app.publish import explain_text, render_comment, render_publication
from tests.unit.dashboard.world import World
from tests.unit.publish.samples import NOW, PASSED, WAIVED

SAYS = "until 2026-12-01"


def test_the_check_run_lists_it_and_marks_the_finding() -> None:
    shown = render_publication(WAIVED, now=NOW)
    assert "**1 waiver used**" in shown.summary
    assert "1 of at most 2 findings" in shown.summary
    assert SAYS in shown.summary
    assert "waived by" in shown.text
    assert "waive" not in render_publication(PASSED, now=NOW).summary


def test_the_comment_and_the_terminal_list_it() -> None:
    comment = render_comment(WAIVED, marker="<!-- m -->").body
    assert "<details><summary>1 waiver used</summary>" in comment
    assert "2 new findings: 1 high, 1 low; 1 waived" in comment
    assert SAYS in comment
    text = explain_text(WAIVED)
    assert "2 new findings: 1 high, 1 low; 1 waived" in text
    assert "\n1 waiver used\n  B602 in src/**, 1 of at most 2 findings: wrapper" in text
    assert "critical bandit B602 (waived by @dana, until 2026-12-01)" in text


async def test_the_page_lists_it() -> None:
    world = World()
    transport = httpx.ASGITransport(app=world.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gate.example") as browser:
        answer = await browser.get(world.add(WAIVED))
    assert "<h2>1 waiver used</h2>" in answer.text
    assert "B602 in src/**, 1 of at most 2 findings" in answer.text
    assert "waived by @dana" in answer.text
