"""A small world for pages: runs in memory, a set-up that works once, a hand-turned clock."""

import asyncio
import hmac
import json

import msgspec
from starlette.applications import Starlette

from app.dashboard import (
    AppForm,
    ArtifactView,
    AttemptView,
    Links,
    LogPart,
    RunPage,
    SetupState,
    States,
    Surroundings,
    Visibility,
    routes,
)
from app.model import AttemptStatus, AuthorFault, Conclusion, Judgement, Misconfigured, Outage
from tests.unit.publish.samples import NOW, SAMPLES

SECRET = "k" * 32
TOKEN = "one-time-token"
LOG = (
    b"\x1b[1mcollecting ...\x1b[0m 42 items\n"
    b"downloading  10%\rdownloading 100%\n"
    b"tests/test_refund.py \x1b[32m.\x1b[0m\x1b[31mF\x1b[0m\x1b[31mE\x1b[0m\n"
    b"\x1b[31m\x1b[1mE   assert 10 == 20\x1b[0m\n"
    b"<script>alert('log')</script> \x1b]8;;javascript:alert(1)\x07link\x1b]8;;\x07 \x1b[2J\xff\n"
    b"\x1b[38;5;9mFAILED\x1b[0m tests/test_refund.py::test_twice - assert 10 == 20\n"
)


class Runs:
    """Runs by id; `down` makes every read fail as an unreachable database does, `logs_down` those of logs."""

    def __init__(self) -> None:
        self.pages: dict[int, RunPage] = {}
        self.logs: dict[int, tuple[LogPart, ...]] = {}
        self.down = False
        self.logs_down = False
        self.reading = 0
        self.most_reading = 0

    def _reach(self) -> None:
        if self.down:
            raise Outage("the database does not answer")

    async def visibility(self, run_id: int) -> Visibility:
        self._reach()
        page = self.pages.get(run_id)
        if page is None:
            return Visibility.HIDDEN
        return Visibility.BY_LINK if page.judgement.repository.private else Visibility.PUBLIC

    async def run_page(self, run_id: int) -> RunPage | None:
        self._reach()
        self.reading += 1
        self.most_reading = max(self.most_reading, self.reading)
        await asyncio.sleep(0)
        self.reading -= 1
        return self.pages.get(run_id)

    async def log(self, attempt_id: int, offset: int, limit: int) -> tuple[LogPart, ...]:
        self._reach()
        if self.logs_down:
            raise Outage("the logs cannot be read")
        kept = (
            LogPart(offset=max(offset, part.offset), data=part.data[max(0, offset - part.offset) :])
            for part in self.logs.get(attempt_id, ())
            if part.offset + len(part.data) > offset
        )
        first = next(kept, None)
        return () if first is None else (LogPart(offset=first.offset, data=first.data[:limit]),)


class SetupOnce:
    """Set-up as the service does it, without a forge behind it."""

    def __init__(self, clock: "Clock") -> None:
        self.clock = clock
        self.states = States(SECRET)
        self.configured = False
        self.codes: list[str] = []
        self.install_url = "https://github.com/apps/acme-gate/installations/new"

    async def state(self) -> SetupState:
        url = self.install_url if self.configured else ""
        return SetupState(configured=self.configured, install_url=url, public_url="https://gate.example")

    def allows(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), TOKEN.encode())

    def form(self, name: str, organisation: str) -> AppForm:
        if name == "GitHub":
            raise AuthorFault("an app cannot be named so")
        owner = f"organizations/{organisation}/" if organisation else ""
        state = self.states.make(self.clock.at)
        manifest = {"name": name, "url": "https://gate.example", "default_permissions": {"checks": "write"}}
        return AppForm(
            action=f"https://github.com/{owner}settings/apps/new?state={state}", manifest=json.dumps(manifest)
        )

    async def finish(self, code: str, state: str) -> str:
        if not self.states.verify(state, self.clock.at):
            raise AuthorFault("this answer belongs to no form of ours, or is older than an hour")
        if self.configured:
            raise Misconfigured("an app is set up already")
        if code == "later":
            raise Outage("GitHub does not answer", hint="try again in a minute")
        self.codes.append(code)
        self.configured = True
        return self.install_url


class Clock:
    """Epoch seconds, turned by hand."""

    def __init__(self) -> None:
        self.at = NOW


class World:
    """Everything together, and the application that serves it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.runs = Runs()
        self.setup = SetupOnce(self.clock)
        self.links = Links(SECRET)
        surroundings = Surroundings(
            reads=self.runs, setup=self.setup, links=self.links, now=lambda: self.clock.at
        )
        self.app = Starlette(routes=routes(surroundings))

    def add(self, judgement: Judgement, *, private: bool = True, log: bytes = LOG) -> str:
        """Add a run with an attempt per check that was tried; gives its signed address."""
        repository = msgspec.structs.replace(judgement.repository, private=private)
        run_id = len(self.runs.pages) + 1
        judgement = msgspec.structs.replace(judgement, run_id=run_id, repository=repository)
        attempts = []
        for at, result in enumerate(judgement.evidence.checks if judgement.evidence else ()):
            for n in range(1, result.attempt + 1):
                attempt_id = run_id * 1000 + at * 10 + n
                last = n == result.attempt
                attempts.append(
                    AttemptView(
                        id=attempt_id,
                        check=result.key,
                        n=n,
                        status=AttemptStatus.COMPLETED if result.conclusion else AttemptStatus.RUNNING,
                        conclusion=result.conclusion if last else Conclusion.ERROR,
                        reason=result.reason if last else "the worker was lost",
                        started_at=NOW - 120,
                        ended_at=NOW - 100 if result.conclusion else None,
                        log_bytes=len(log),
                    )
                )
                self.runs.logs[attempt_id] = (LogPart(offset=0, data=log),)
        self.runs.pages[run_id] = RunPage(
            judgement=judgement,
            attempts=tuple(attempts),
            artifacts=(ArtifactView(check="lint", path="out/ruff.sarif", size=1234),),
            judged_at=NOW - 5,
        )
        return f"/runs/{run_id}?t={self.links.sign(run_id, self.clock.at)}"


def full_world() -> World:
    """A world with every sample, in order."""
    world = World()
    for judgement in SAMPLES.values():
        world.add(judgement)
    return world
