"""PostgreSQL stopped for 60 s under load, and the forge down for ten minutes of hand-turned time.

What was acknowledged is not lost, what cannot be kept is refused at once and says when to come again, nothing
else fails, and every verdict is posted after.
"""

import asyncio
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Coroutine, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import httpx

from app.practice import Fault
from tests.bench.load import body
from tests.bench.report import Bench, Table
from tests.support.aftermath import GATE, rest
from tests.support.chaos import QUIET_ROLES, chaos
from tests.support.clock import HandTurnedClock
from tests.support.cluster import cluster
from tests.support.edge import signed
from tests.support.faces import WEBHOOK_SECRET
from tests.support.service import stage
from tests.support.storm import ACCEPTED, Storm

STOPPED = 60.0
AROUND = 15.0
"""Seconds of load before and after."""
PER_SECOND = 50
PULLS = 20
DOWN = 600.0
PATIENCE = 600.0
WAITING = 50
PHASES = ("before", "while stopped", "after")
ASKED = {
    "deliveries": "",
    "run page": "/runs/1",
    "API": "/api/v1/runs/1",
    "/readyz": "/readyz",
    "/healthz": "/healthz",
}


@dataclass
class Load:
    """Deliveries at a steady rate, whoever answers how, and looks at pages beside them."""

    url: str
    phase: str = PHASES[0]
    answers: dict[tuple[str, str], list[tuple[str, float]]] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Until cancelled."""
        async with httpx.AsyncClient(
            trust_env=False, timeout=60, limits=httpx.Limits(max_connections=500)
        ) as http:
            try:
                for number in count():
                    self._start(self._deliver(http, number))
                    if number % PER_SECOND == 0:
                        for what, path in ASKED.items():
                            if path:
                                self._start(self._look(http, what, path))
                    await asyncio.sleep(1 / PER_SECOND)
            finally:
                await asyncio.gather(*self._under_way)

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _deliver(self, http: httpx.AsyncClient, number: int) -> None:
        content, guid = body(number % 16), f"load-{number}"
        headers = signed(content, guid, event="pull_request", secret=WEBHOOK_SECRET)
        if await self._ask(
            "deliveries", http.post(f"{self.url}/webhooks/github", content=content, headers=headers)
        ):
            self.acknowledged.add(guid)

    async def _look(self, http: httpx.AsyncClient, what: str, path: str) -> None:
        await self._ask(what, http.get(f"{self.url}{path}"))

    async def _ask(self, what: str, request: Awaitable[httpx.Response]) -> bool:
        """Whether the answer is good; counted in the phase in which it was asked for."""
        phase, started = self.phase, time.perf_counter()
        try:
            answer = await request
            said = str(answer.status_code)
            if "retry-after" in answer.headers:
                said += f" (again in {answer.headers['retry-after']} s)"
        except httpx.HTTPError as error:
            said = type(error).__name__
        self.answers.setdefault((phase, what), []).append((said, time.perf_counter() - started))
        return said == str(ACCEPTED)


async def push_on(story: Storm) -> None:
    """New heads, one after the other, until it is over: half a push would be nobody's expectation."""
    while not story.over:
        await story.push()
        await asyncio.sleep(0.5)


async def stop_database(root: Path) -> list[Table]:
    with cluster() as server:
        async with chaos(root, server, 1, QUIET_ROLES, Storm) as story:
            for _ in range(PULLS):
                await story.open()
            load = Load(story.fleet.url)
            sending, pushing = asyncio.create_task(load.run()), asyncio.create_task(push_on(story))
            await asyncio.sleep(AROUND)
            load.phase = PHASES[1]
            await asyncio.to_thread(server.stop, "fast")
            await asyncio.sleep(STOPPED)
            await asyncio.to_thread(server.start)
            load.phase, started = PHASES[2], time.monotonic()
            await asyncio.sleep(AROUND)
            story.over = True
            await pushing
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await story.calm()
            await story.ends_right(PATIENCE)
            healed = time.monotonic() - started
            kept = {str(guid) for (guid,) in story.fleet.rows("SELECT delivery_id FROM deliveries")}
            lost = load.acknowledged - kept
            assert not lost, f"acknowledged and lost: {sorted(lost)[:5]}"
            return [answered(load), ended(story, load, healed)]


def answered(load: Load) -> Table:
    rows = []
    for (phase, what), answers in sorted(load.answers.items(), key=lambda each: PHASES.index(each[0][0])):
        said = Counter(each for each, _ in answers)
        took = [seconds * 1000 for _, seconds in answers]
        words = ", ".join(f"{status}: {times}" for status, times in said.most_common())
        rows.append([phase, what, words, f"{statistics.median(took):.0f}", f"{max(took):.0f}"])
    return Table(
        title=f"PostgreSQL stopped for {STOPPED:g} s: {PER_SECOND} deliveries/s, pushes, and looks once a second",
        columns=["", "what", "answers", "p50 ms", "most ms"],
        rows=rows,
    )


def ended(story: Storm, load: Load, healed: float) -> Table:
    said = Counter(each.status_code for each in story.attempts())
    lines = {member.name: member.log().count("\n") for member in story.fleet.members}
    return Table(
        title="after it",
        columns=["", ""],
        rows=[
            ["acknowledged", f"{len(load.acknowledged) + len(story.acknowledged()):,}"],
            ["acknowledged and lost", "0"],
            [
                "the forge's own deliveries, by answer",
                ", ".join(f"{one}: {times}" for one, times in said.items()),
            ],
            ["heads pushed", str(len(story.heads))],
            ["s from PostgreSQL's start until all heads were right", f"{healed:.0f}"],
            [
                "lines logged by each process, in all",
                ", ".join(f"{one} {count}" for one, count in lines.items()),
            ],
        ],
    )


async def forge_down(root: Path) -> Table:
    clock = HandTurnedClock()
    async with stage(root, clock=clock) as scene:
        scene.world.rate_limit = 1_000_000
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "1\n"})
        await scene.settled()
        scene.world.faults = [
            Fault(times=10**9, path="^/repos/.*[02468]$", drop=True),
            Fault(times=10**9, status=502),
        ]
        before = len(scene.world.requests)
        pulls = []
        for number in range(WAITING):
            await scene.forge.push("alice", repo, f"topic{number}", {"a.py": f"{number}\n"}, base="main")
            pulls.append(await scene.forge.open_pull_request("alice", repo, f"topic{number}"))
        await scene.settled(PATIENCE)
        first = len(scene.world.requests) - before
        await clock.advance(DOWN, rest(scene, clock))
        asked = len(scene.world.requests) - before
        scene.world.faults.clear()
        back, latest = clock.now(), 0.0
        while latest < back and clock.now() < back + PATIENCE:
            await clock.advance(1, rest(scene, clock))
            if all(
                scene.runs(repo, pull.head_sha) and scene.verdict(repo, pull).conclusion for pull in pulls
            ):
                latest = clock.now()
        await clock.advance(PATIENCE, rest(scene, clock))
        for pull in pulls:
            (run,) = scene.runs(repo, pull.head_sha)
            assert (run.status, run.conclusion) == ("completed", "success"), (run.history, run.title)
            assert len(scene.comments(repo, pull)) == 1
        answers = Counter(each.status_code for each in scene.world.deliveries.values())
        spent = len(scene.world.requests) - before - asked
    return Table(
        title=f"the forge down for {DOWN:g} s of hand-turned time, {WAITING} pull requests opened meanwhile",
        columns=["", ""],
        rows=[
            ["deliveries, by our answer", ", ".join(f"{one}: {times}" for one, times in answers.items())],
            ["requests to the forge until it was known to be down", str(first)],
            ["requests in the ten minutes then", str(asked - first)],
            ["s from its return until the last verdict", f"{latest - back:.0f}"],
            ["requests then, per pull request", f"{spent / WAITING:.1f}"],
        ],
        notes=["held: one right verdict and one comment on each, nothing outstanding"],
    )


def measure(_rounds: int, _seconds: float) -> Iterator[Table]:
    with tempfile.TemporaryDirectory(prefix="outage-") as folder:
        yield asyncio.run(forge_down(Path(folder)))
    with tempfile.TemporaryDirectory(prefix="outage-") as folder:
        yield from asyncio.run(stop_database(Path(folder)))


BENCH = Bench(name="outage", run=measure)
