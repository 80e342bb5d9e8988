"""Chaos: a fleet is worked with while all that can go wrong does, by a seed; then everything must be right.

Processes of every kind are killed and put to sleep, their clocks set, database connections cut, the database
crashed and started again, deliveries doubled, reordered and dropped, requests to the forge broken in every way it knows.
"""

import asyncio
import contextlib
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import psycopg

from app.practice import Fault, PullRequest, Repository
from tests.support.cluster import Cluster
from tests.support.fleet import Fleet, Member, fleet_stage, repository
from tests.support.leftovers import left_behind, orphans, sleepers

GATE = """\
version: 1
checks:
  lint: {run: 'grep -q good a.py'}
  slow: {run: 'sleep %s; grep -q good a.py'}
gate: [checks.passed]
"""
ROLES = ("web", "control", "control", "checks", "checks")
QUIET_ROLES = ("web", "control", "checks")
PATIENCE = 240.0
WORKER_TIMEOUT = 6.0
READS = r"/pulls/|/commits/|/contents/|/collaborators/|/check-runs$"


@dataclass
class Chaos:
    """One seeded run. `steps` says what was done, in order."""

    fleet: Fleet
    cluster: Cluster
    repositories: list[Repository]
    rng: random.Random
    mark: str
    pulls: list[tuple[Repository, PullRequest, str]] = field(default_factory=list)
    expected: dict[tuple[str, int], str] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    sleeping: set[asyncio.Task[None]] = field(default_factory=set)
    pushes: int = 0

    # What people do

    async def open(self) -> None:
        """A new pull request, good or bad."""
        repo = self.rng.choice(self.repositories)
        branch, content = f"topic{len(self.pulls)}", self._content()
        await self.fleet.forge.push("alice", repo, branch, {"a.py": content}, base="main")
        pull = await self.fleet.forge.open_pull_request("alice", repo, branch)
        self.pulls.append((repo, pull, branch))
        self._expect(repo, pull, content)

    async def push(self) -> None:
        """A new head for one of them."""
        if not self.pulls:
            await self.open()
            return
        repo, pull, branch = self.rng.choice(self.pulls)
        content = self._content()
        await self.fleet.forge.push("alice", repo, branch, {"a.py": content})
        self._expect(repo, pull, content)

    def _content(self) -> str:
        self.pushes += 1
        return f"{self.rng.choice(('good', 'bad'))} {self.pushes}\n"

    def _expect(self, repo: Repository, pull: PullRequest, content: str) -> None:
        self.expected[repo.full_name, pull.number] = "success" if content.startswith("good") else "failure"

    # What goes wrong

    async def kill(self) -> None:
        """A process dies at once and is started again, as its supervisor does."""
        member = self._victim()
        self.steps[-1] += f" {member.name}"
        await member.kill()
        await member.start()

    async def sleep(self) -> None:
        """A process sleeps, at times for longer than the others wait for it."""
        member = self._victim()
        self.steps[-1] += f" {member.name}"
        seconds = self.rng.choice((0.5, 2.0, 2 * WORKER_TIMEOUT))
        member.send(signal.SIGSTOP)
        task = asyncio.create_task(self._awake(member, seconds))
        self.sleeping.add(task)
        task.add_done_callback(self.sleeping.discard)

    async def _awake(self, member: Member, seconds: float) -> None:
        await asyncio.sleep(seconds)
        member.send(signal.SIGCONT)

    async def set_clock(self) -> None:
        """Somebody sets the clock of one machine, by hours."""
        member = self._victim()
        self.steps[-1] += f" {member.name}"
        member.clock.set_off(self.rng.choice((-90_000, -3600, 0, 3600, 90_000)))

    def _victim(self) -> Member:
        return self.rng.choice([member for member in self.fleet.members if member.alive])

    async def drain(self) -> None:
        """A process is stopped in order, and started again."""
        member = self._victim()
        self.steps[-1] += f" {member.name}"
        member.send(signal.SIGCONT)
        await member.terminate(120)
        await member.start()

    async def cut(self) -> None:
        """All connections to the database are cut, also in the midst of transactions."""
        await asyncio.to_thread(self._cut)

    def _cut(self) -> None:
        address = self.cluster.url.replace("+psycopg", "", 1)
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(address, autocommit=True) as own:
            own.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename = current_user AND pid <> pg_backend_pid()"
            )

    async def crash_database(self) -> None:
        """The database crashes and comes back."""
        await asyncio.to_thread(self.cluster.stop)
        await asyncio.sleep(self.rng.uniform(0, 2))
        await asyncio.to_thread(self.cluster.start)

    async def deliveries(self) -> None:
        """The forge tells things twice, in another order, or not at all."""
        hooks = self.fleet.forge.hooks
        how = self.rng.choice(("double", "drop", "reorder"))
        self.steps[-1] += f" {how}"
        if how == "double":
            hooks.double = True
            await self.push()
            hooks.double = False
        elif how == "drop":
            hooks.drop = self.rng.randint(1, 3)
            await self.push()
        else:
            hooks.hold()
            await self.push()
            await self.open()
            hooks.release(lambda held: self.rng.sample(held, len(held)))

    async def fault(self) -> None:
        """Requests to the forge fail, get lost, or do their work and lose the answer."""
        kinds = (
            Fault(status=502, times=3),
            Fault(status=500, times=2, path=READS),
            Fault(drop=True, times=2),
            Fault(method="POST", drop=True, done=True, times=1),
            Fault(method="PATCH", drop=True, done=True, times=1),
            Fault(method="POST", status=502, done=True, times=1, path="/check-runs|/comments"),
            Fault(delay=1.0, times=4),
        )
        fault = self.rng.choice(kinds)
        self.steps[-1] += f" {fault.method or 'any'} {fault.status or ''} {'done' if fault.done else ''}"
        self.fleet.world.faults.append(fault)

    @property
    def acts(self) -> dict[Callable[[], Awaitable[None]], int]:
        """All that may happen, and how often it does among others."""
        return {
            self.open: 3,
            self.push: 6,
            self.kill: 6,
            self.sleep: 3,
            self.drain: 1,
            self.set_clock: 2,
            self.cut: 2,
            self.crash_database: 1,
            self.deliveries: 3,
            self.fault: 4,
        }

    async def act(self) -> None:
        """One step of anything."""
        (act,) = self.rng.choices(list(self.acts), list(self.acts.values()))
        await self._do(act)

    async def each(self) -> None:
        """Everything once, in an order of chance: a short story too has all of it."""
        for act in self.rng.sample(list(self.acts), len(self.acts)):
            await self._do(act)

    async def _do(self, act: Callable[[], Awaitable[None]]) -> None:
        self.steps.append(act.__name__)
        await act()

    # The end

    async def calm(self) -> None:
        """All wake, all run, nothing fails any more; the hourly look comes now."""
        await asyncio.gather(*self.sleeping)
        self.fleet.world.faults.clear()
        self.fleet.forge.hooks.drop = 0
        await self.fleet.start_all()
        await self.fleet.forge.settle()
        await self.look_again()

    async def look_again(self) -> None:
        """The hourly look, now."""
        self.fleet.write("UPDATE repositories SET wake_at = 0")

    def wrong(self) -> list[str]:
        """What is not as it should be at the end."""
        found: list[str] = []
        for repo, pull, _ in self.pulls:
            place = f"{repo.full_name}#{pull.number}"
            ours = [
                run for run in repo.runs.values() if (run.name, run.head_sha) == ("portcullis", pull.head_sha)
            ]
            said = [(run.status, run.conclusion) for run in ours]
            if said[-1:] != [("completed", self.expected[repo.full_name, pull.number])]:
                found.append(f"{place}: {said}, not {self.expected[repo.full_name, pull.number]}")
            comments = [one for one in repo.comments.values() if one.number == pull.number and one.app_id]
            if len(comments) != 1:
                found.append(f"{place}: {len(comments)} comments")
        for repo in self.repositories:
            found += [
                f"{repo.full_name}: {run.head_sha} is left {run.status}"
                for run in repo.runs.values()
                if run.name == "portcullis" and run.status != "completed"
            ]
        found += self._rows()
        found += [left for member in self.fleet.members for left in left_behind(member.data)]
        found += [f"process {pid} is left" for pid in sleepers(f"sleep\0{self.mark}")]
        found += [f"process {words} is left alone" for words in orphans(self.fleet.root)]
        return found

    def _rows(self) -> list[str]:
        asked = {
            "an attempt is open": "SELECT id FROM attempts WHERE status IN ('queued', 'running')",
            "a result was stored twice": (
                "SELECT check_id FROM attempts WHERE status = 'completed' GROUP BY check_id, n"
                " HAVING count(*) > 1"
            ),
            "a check has no result": (
                "SELECT checks.id FROM checks JOIN runs ON runs.id = run_id"
                " WHERE runs.status = 'planned' AND checks.status <> 'completed'"
            ),
            "a change has two live runs": (
                "SELECT change_id FROM runs WHERE status IN ('new', 'planned', 'refused')"
                " GROUP BY change_id HAVING count(*) > 1"
            ),
            "something is still to be posted": (
                "SELECT id FROM publications WHERE wanted_hash <> posted_hash AND wake_at IS NOT NULL"
                " UNION ALL SELECT id FROM comments WHERE wanted_hash <> posted_hash AND wake_at IS NOT NULL"
            ),
            "a delivery was not read": "SELECT id FROM deliveries WHERE status NOT IN ('done', 'ignored')",
            "a key is left in the queue": "SELECT id FROM portcullis_queue.procrastinate_jobs",
        }
        return [
            f"{what}: {rows[:3]}" for what, statement in asked.items() if (rows := self.fleet.rows(statement))
        ]

    async def ends_right(self, patience: float = PATIENCE) -> float:
        """Wait until nothing is wrong; gives the seconds it took."""
        started = time.monotonic()
        again = started + 20
        while wrong := await asyncio.to_thread(self.wrong):
            if time.monotonic() > started + patience:
                steps = "\n".join(self.steps)
                raise AssertionError(f"{wrong}\n{steps}\n{self.fleet.log()}")
            for member in self.fleet.members:
                if not member.alive:  # its supervisor starts who found no database as it began
                    await member.start()
            if time.monotonic() > again:
                again += 20
                await self.look_again()
            await asyncio.sleep(0.25)
        return time.monotonic() - started

    def counted(self) -> Counter[str]:
        """How often each thing was done."""
        return Counter(step.split()[0] for step in self.steps)


Story = TypeVar("Story", bound=Chaos)


@asynccontextmanager
async def chaos(
    root: Path, cluster: Cluster, seed: int, roles: tuple[str, ...], kind: type[Story]
) -> AsyncIterator[Story]:
    """A fleet on this cluster with two repositories, ready to be maltreated."""
    rng = random.Random(seed)  # noqa: S311 - chance that can be repeated
    mark = f"0.{rng.randint(100_000, 999_999)}"
    environment = {"PORTCULLIS_WORKER_TIMEOUT": f"{WORKER_TIMEOUT:g}s"}
    async with fleet_stage(root, cluster.url, roles, environment=environment) as fleet:
        files = {".portcullis.yml": GATE % mark, "a.py": "bad\n"}
        repositories = [await repository(fleet, files, name) for name in ("acme/shop", "acme/till")]
        yield kind(fleet, cluster, repositories, rng, mark)
