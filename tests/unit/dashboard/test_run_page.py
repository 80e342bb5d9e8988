"""The run page as people, and people who should not, see it."""

import asyncio
import html
import re

import httpx
import msgspec
import pytest

from app.dashboard import PAGES, AttemptView, LogPart
from app.dashboard.frame import STATIC
from app.model import AttemptStatus, Conclusion
from app.publish import figures
from tests.unit.dashboard.world import World
from tests.unit.publish.samples import BLOCKED, NOW, PASSED, PENDING, SAMPLES

DAY = 86_400


def text_of(answer: httpx.Response) -> str:
    body = re.sub(r"<(script|style)[^>]*>.*?</\1>", "", answer.text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


@pytest.mark.parametrize("sample", SAMPLES)
async def test_every_kind_of_judgement_opens(sample: str, world: World, browser: httpx.AsyncClient) -> None:
    answer = await browser.get(world.add(SAMPLES[sample]))
    assert answer.status_code == 200
    assert "What this rests on" in answer.text
    tags = set(re.findall(r"<([a-z]+[0-9]?)", answer.text))
    assert not tags & {"img src=x", "style", "iframe", "object", "form", "b"}
    assert re.findall(r"<script[^>]*>", answer.text) == re.findall(
        r'<script src="/static/live\.js\?v=[0-9a-f]{12}" defer>', answer.text
    )
    assert not re.search(r"\son[a-z]+=|\sstyle=", re.sub(r"<pre.*?</pre>", "", answer.text, flags=re.DOTALL))


async def test_the_verdict_comes_first_then_conditions_checks_and_evidence(
    world: World, browser: httpx.AsyncClient
) -> None:
    answer = await browser.get(world.add(BLOCKED))
    seen = text_of(answer)
    order = [
        "Blocked test (3.11) failed",
        "What would open the gate",
        "Conditions",
        "Not met 4",
        "Advice, does not block 1",
        "Met 1",
        "Exempt 1",
        "6 checks: 1 failed",
        "Attempt 1: failed, 20 s from 11:04 UTC, exit code 1",
        "2 failing tests",
        "3 new findings: 1 critical, 1 high, 1 low",
        "4 of 8 new lines and branches covered (50.0 %)",
        "The gate file of this change",
        "The gate file that judges",
        "Notes",
    ]
    places = [seen.index(part) for part in order]
    assert places == sorted(places)
    assert "new code is tested here" in seen
    assert ".portcullis.yml:33 (acme/.portcullis)" in seen
    assert "13-15 and 60" in seen
    assert "out/ruff.sarif" in seen
    assert "timout: 20m" in answer.text
    blob = f"https://github.com/acme/pay/blob/{BLOCKED.change.head_sha}"
    assert f'href="{blob}/src/pay/refund.py#L12"' in answer.text


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("https://git.example/acme/pay/pulls/7", "https://git.example/acme/pay/src/commit/"),
        ("https://lab.example/a/b/pay/-/merge_requests/7", "https://lab.example/a/b/pay/-/blob/"),
    ],
)
async def test_files_are_linked_as_the_forge_addresses_them(
    url, file, world: World, browser: httpx.AsyncClient
) -> None:
    elsewhere = msgspec.structs.replace(BLOCKED, change=msgspec.structs.replace(BLOCKED.change, url=url))
    answer = await browser.get(world.add(elsewhere))
    assert f'href="{file}{BLOCKED.change.head_sha}/src/pay/refund.py#L12"' in answer.text


@pytest.mark.parametrize("sample", [BLOCKED, PENDING, SAMPLES["errored"]])
async def test_a_superseded_run_asks_for_nothing(sample, world: World, browser: httpx.AsyncClient) -> None:
    superseded = msgspec.structs.replace(sample, superseded=True)
    answer = await browser.get(world.add(superseded))
    seen = text_of(answer)
    assert "<h1>Superseded</h1>" in answer.text
    assert "<title>Superseded: " in answer.text
    assert "a newer run is judged instead" in seen
    came_to = {"blocked": "; it had come to: blocked: ", "errored": "; it had come to: could not judge: "}
    assert came_to.get(sample.verdict.state.value, "") in seen
    assert ("it had come to" in seen) == (sample is not PENDING)
    for asked in ("would open the gate", "Waits for", "Re-run failed", "What the gate waits for"):
        assert asked not in seen
    assert "live.js" not in answer.text


async def test_a_pending_run_is_live_with_and_without_javascript(
    world: World, browser: httpx.AsyncClient
) -> None:
    pending = await browser.get(world.add(PENDING))
    assert 'data-live="3"' in pending.text
    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in pending.text
    seen = text_of(pending)
    assert "Waits for test (3.11) running since 11:04 UTC" in seen
    assert "integration waiting since 11:05 UTC: held until the draft is ready" in seen
    assert "collecting ... 42 items" in seen
    settled = await browser.get(world.add(PASSED))
    assert "data-live" not in settled.text
    assert "refresh" not in settled.text.split("<body>")[0]


async def test_headers_allow_nothing_from_elsewhere(world: World, browser: httpx.AsyncClient) -> None:
    paths = [world.add(BLOCKED), "/", "/setup/github", "/runs/99", "/static/style.css", "/static/nothing"]
    for path in paths:
        answer = await browser.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http:" not in policy
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        cached = path == "/static/style.css"
        assert ("immutable" in answer.headers["cache-control"]) is cached
        if "html" in answer.headers["content-type"]:
            loaded = re.findall(r'(?:src|href)="(https?:[^"]*)"', answer.text)
            assert all(link in re.findall(r'<a href="([^"]*)"', answer.text) for link in loaded)


async def test_private_runs_and_absent_ones_look_the_same(world: World, browser: httpx.AsyncClient) -> None:
    signed = world.add(BLOCKED)
    bare, token = signed.split("?t=")
    wrong = ["", "?t=", "?t=x", f"?t={token[:-1]}", f"?t={world.links.sign(99, NOW)}"]
    absent = await browser.get("/runs/98")
    for query in wrong:
        answer = await browser.get(bare + query)
        assert (answer.status_code, answer.content) == (404, absent.content)
    assert "acme" not in absent.text
    for path in ("/runs/0", "/runs/-1", "/runs/1e3", "/runs/x", f"/runs/{10**30}", "/runs/٣"):
        assert (await browser.get(path)).content == absent.content


async def test_a_link_that_expired_says_how_to_get_another(world: World, browser: httpx.AsyncClient) -> None:
    signed = world.add(BLOCKED)
    world.clock.at += 8 * DAY
    answer = await browser.get(signed)
    assert answer.status_code == 410
    assert "/portcullis explain" in answer.text
    assert "acme" not in answer.text


async def test_public_runs_need_no_link(world: World, browser: httpx.AsyncClient) -> None:
    signed = world.add(BLOCKED, private=False)
    for path in (signed, signed.split("?", maxsplit=1)[0]):
        assert (await browser.get(path)).status_code == 200
    world.clock.at += 30 * DAY
    assert (await browser.get(signed)).status_code == 200


async def test_few_pages_are_made_ready_at_a_time(world: World, browser: httpx.AsyncClient) -> None:
    """What stands on them is the change's: its size is held by few of them at once, not by many readers."""
    signed = world.add(BLOCKED, log=b"\x1b[1mx\x1b[0my" * 10_000)
    attempt = world.runs.pages[1].attempts[0].id
    paths = [signed, signed.replace("?", f"/log/{attempt}?")] * 6
    answers = await asyncio.gather(*map(browser.get, paths))
    assert {answer.status_code for answer in answers} == {200}
    assert world.runs.most_reading == 2


async def test_an_outage_is_told_kindly(world: World, browser: httpx.AsyncClient) -> None:
    signed = world.add(BLOCKED, private=False)
    world.runs.down = True
    for path in (signed, signed.split("?", maxsplit=1)[0]):
        answer = await browser.get(path)
        assert answer.status_code == 503
        assert "Nothing is lost" in answer.text


async def test_a_newer_head_is_pointed_at(world: World, browser: httpx.AsyncClient) -> None:
    private = world.add(SAMPLES["superseded"])
    public = world.add(SAMPLES["superseded"], private=False)
    for run_id in (1, 2):
        world.runs.pages[run_id] = msgspec.structs.replace(world.runs.pages[run_id], newer=3)
    seen = await browser.get(private)
    assert "<h1>Superseded</h1>" in seen.text
    assert "from the check or the comment" in seen.text
    assert 'href="/runs/3"' not in seen.text
    assert 'href="/runs/3"' in (await browser.get(public)).text


class TestLogs:
    async def test_a_log_has_its_own_page_and_its_plain_text(
        self, world: World, browser: httpx.AsyncClient
    ) -> None:
        signed = world.add(BLOCKED)
        path = signed.replace("?", "/log/1011?")
        page = await browser.get(path)
        assert page.status_code == 200
        assert '<span class="c1 b">E   assert 10 == 20</span>' in page.text
        assert "<script>alert" not in page.text
        assert "test (3.11)" in page.text
        raw = await browser.get(f"{path}&raw=1")
        assert raw.headers["content-type"] == "text/plain; charset=utf-8"
        assert raw.content == world.runs.logs[1011][0].data

    async def test_only_attempts_of_the_run_that_was_opened(
        self, world: World, browser: httpx.AsyncClient
    ) -> None:
        first, second = world.add(BLOCKED), world.add(PASSED)
        absent = (await browser.get("/runs/98")).content
        assert (await browser.get(first.replace("?", "/log/2001?"))).content == absent
        assert (await browser.get(second.replace("?", "/log/2001?"))).status_code == 200
        assert (await browser.get(second.replace("?", "/log/nothing?"))).content == absent
        assert (await browser.get("/runs/1/log/1001")).content == absent

    async def test_a_long_log_shows_its_end_from_a_whole_line_on(
        self, world: World, browser: httpx.AsyncClient
    ) -> None:
        lines = b"".join(b"line %06d \xc3\xa9\n" % n for n in range(200_000))
        signed = world.add(BLOCKED, log=lines)
        run = await browser.get(signed)
        assert "line 199999 é" in run.text
        assert "line 100000" not in run.text
        assert "\ufffd" not in re.sub(r"evil", "", run.text.split("<h2>2 failing")[0])
        page = await browser.get(signed.replace("?", "/log/1001?"))
        assert "the end is shown" in page.text
        assert "line 199999 é" in page.text
        raw = await browser.get(signed.replace("?", "/log/1001?") + "&raw=1")
        assert raw.content == lines

    async def test_what_was_not_kept_is_told(self, world: World, browser: httpx.AsyncClient) -> None:
        signed = world.add(BLOCKED, log=b"x" * 100)
        parts = (LogPart(offset=0, data=b"head\n"), LogPart(offset=5005, data=b"tail\n"))
        world.runs.logs[1001] = parts
        page = await browser.get(signed.replace("?", "/log/1001?"))
        assert "head\n\n… 5,000 bytes were not kept …\ntail" in page.text
        raw = await browser.get(signed.replace("?", "/log/1001?") + "&raw=1")
        assert "5,000 bytes were not kept" in raw.text

    async def test_running_ones_and_failures_come_before_others(
        self, world: World, browser: httpx.AsyncClient
    ) -> None:
        signed = world.add(BLOCKED)
        many = tuple(
            AttemptView(
                id=100 + n,
                check="lint",
                n=n,
                status=AttemptStatus.COMPLETED,
                conclusion=Conclusion.SUCCESS,
                log_bytes=10,
            )
            for n in range(1, 40)
        )
        running = AttemptView(
            id=7, check="lint", n=40, status=AttemptStatus.RUNNING, started_at=NOW, log_bytes=5
        )
        page = world.runs.pages[1]
        world.runs.pages[1] = msgspec.structs.replace(page, attempts=(*many, running))
        world.runs.logs[7] = (LogPart(offset=0, data=b"still going"),)
        answer = await browser.get(signed)
        assert "still going" in answer.text
        assert answer.text.count("<pre") < 20


async def test_every_page_of_the_registry_answers(world: World, browser: httpx.AsyncClient) -> None:
    signed = world.add(BLOCKED)
    for page in PAGES:
        assert page.handler.__doc__
        path = page.path.format(run_id="1", attempt_id="1001") + "?" + signed.partition("?")[2]
        answer = await browser.request(page.method, path)
        assert answer.status_code < 500
        assert answer.headers["content-type"].startswith("text/html")


def test_static_files_are_few_and_ours() -> None:
    assert set(STATIC) == {"live.js", "mark.svg", "style.css"}
    for body in STATIC.values():
        assert not re.search(rb"(?<!xmlns=\")https?://(?!www\.w3\.org)", body)
    assert figures.count(len(STATIC), "file") == "3 files"


async def test_an_outage_while_a_log_is_read_is_told_too(world: World, browser: httpx.AsyncClient) -> None:
    signed = world.add(BLOCKED, private=False)
    path = signed.split("?", maxsplit=1)[0] + "/log/1001"
    assert (await browser.get(path)).status_code == 200
    world.runs.logs_down = True
    assert (await browser.get(path)).status_code == 503
    assert (await browser.get(signed)).status_code == 503


async def test_what_rests_outside_any_check_is_shown_as_it_is(
    world: World, browser: httpx.AsyncClient
) -> None:
    verdict = msgspec.structs.replace(PENDING.verdict, waits_for=("approvals",))
    change = msgspec.structs.replace(PENDING.change, url="http://127.0.0.1/acme/pay/pull/1")
    signed = world.add(msgspec.structs.replace(BLOCKED, verdict=verdict, change=change))
    answer = await browser.get(signed)
    assert "<li><code>approvals</code></li>" in answer.text
    assert "/blob/" not in answer.text
