"""A storm: thousands of deliveries over hundreds of pull requests, doubled, reordered and dropped on their way,
while processes of a fleet are killed at random; then everything must be right.
"""

import asyncio
import dataclasses
import random
from collections import Counter
from dataclasses import dataclass, field

from app.forges import GitHubIntake
from app.practice import CheckRun, Delivery, PullRequest, Repository, World
from tests.support.chaos import Chaos
from tests.support.fleet import repository

GUST = (0.1, 0.6)
"""Seconds for which deliveries gather before they leave in the weather's order."""
KILLS = (100, 300)
"""Deliveries between two kills."""
HOUR = 1500
"""Deliveries after which what is done every hour comes again."""
ACCEPTED = 202
WANTED = GitHubIntake.events


@dataclass
class Weather:
    """What becomes of deliveries on their way, by shares of all that leave.

    A dropped one is, by turns, in no log at all, or in the forge's log as failed.
    """

    world: World
    rng: random.Random
    doubled: float = 0.2
    reordered: float = 0.1
    dropped: float = 0.05
    counts: Counter[str] = field(default_factory=Counter)
    late: list[Delivery] = field(default_factory=list)

    def order(self, held: list[Delivery]) -> list[Delivery]:
        """What leaves now of what was held back, in this order; what is reordered leaves the next time."""
        leaving, late = [], []
        for each in held:
            self.counts["deliveries"] += 1
            fate = self.rng.random()
            if fate < self.dropped:
                self._drop(each)
            elif fate < self.dropped + self.reordered:
                self.counts["reordered"] += 1
                late.append(each)
            else:
                leaving.append(each)
                if fate < self.dropped + self.reordered + self.doubled:
                    self.counts["doubled"] += 1
                    leaving.append(self._again(each))
        for each in self.late:
            leaving.insert(self.rng.randint(0, len(leaving)), each)
        self.late = late
        return leaving

    def _drop(self, delivery: Delivery) -> None:
        self.counts["dropped"] += 1
        if self.counts["dropped"] % 2:
            delivery.dropped, delivery.status = True, "dropped"
        else:
            delivery.status_code, delivery.status = 502, "failed to connect to host"
            delivery.delivered_at = self.world.stamp()

    def _again(self, delivery: Delivery) -> Delivery:
        again = dataclasses.replace(delivery, id=self.world.new_id())
        self.world.deliveries[again.id] = again
        return again


@dataclass
class Storm(Chaos):
    """One seeded storm."""

    weather: Weather = field(init=False)
    heads: set[tuple[int, str]] = field(default_factory=set)
    over: bool = False

    def __post_init__(self) -> None:
        self.weather = Weather(self.fleet.world, self.rng)

    def _expect(self, repo: Repository, pull: PullRequest, content: str) -> None:
        super()._expect(repo, pull, content)
        self.heads.add((repo.id, pull.head_sha))

    async def more_repositories(self, count: int) -> None:
        """So many in all, like those that are there."""
        tip = await self.repositories[0].git.tip("refs/heads/main")
        assert tip is not None
        files = {
            path: (await self.repositories[0].git.run("show", f"{tip}:{path}")).decode()
            for path in (".portcullis.yml", "a.py")
        }
        for number in range(len(self.repositories), count):
            self.repositories.append(await repository(self.fleet, files, f"acme/more-{number}"))

    async def blow(self, deliveries: int, pulls: int) -> None:
        """Work and kill until so many deliveries were made for so many pull requests."""
        self.fleet.forge.hooks.hold()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._gusts())
            group.create_task(self._kills())
            group.create_task(self._hours())
            while self.weather.counts["deliveries"] < deliveries or len(self.pulls) < pulls:
                await self._do(deliveries, pulls)
            self.over = True

    async def _do(self, deliveries: int, pulls: int) -> None:
        """One thing that people do; pull requests come evenly over the whole time."""
        if (
            len(self.pulls) * deliveries <= self.weather.counts["deliveries"] * pulls
            and len(self.pulls) < pulls
        ):
            await self.open()
            return
        repo, pull, _ = self.rng.choice(self.pulls)
        act = self.rng.choices(("push", "label", "comment", "review"), (7, 1, 1, 1))[0]
        if act == "push":
            await self.push()
        elif act == "label":
            await self.fleet.forge.label("alice", repo, pull, f"label-{self.rng.randint(0, 9)}")
        elif act == "comment":
            await self.fleet.forge.comment("bob", repo, pull, "How is this going?")
        else:
            await self.fleet.forge.review("bob", repo, pull, "COMMENTED", body="Looks odd.")

    async def _gusts(self) -> None:
        hooks = self.fleet.forge.hooks
        while not self.over:
            await asyncio.sleep(self.rng.uniform(*GUST))
            hooks.release(self.weather.order)
            hooks.hold()
        hooks.release(self.weather.order)
        hooks.hold()
        hooks.release(self.weather.order)  # what came late

    async def _kills(self) -> None:
        while await self._more(self.rng.randint(*KILLS)):
            self.steps.append("kill")
            await self.kill()

    async def _hours(self) -> None:
        while await self._more(HOUR):
            await self.look_again()

    async def _more(self, deliveries: int) -> bool:
        """Wait until so many more were made; false where the storm is over before."""
        wanted = self.weather.counts["deliveries"] + deliveries
        while not self.over and self.weather.counts["deliveries"] < wanted:
            await asyncio.sleep(0.1)
        return not self.over

    async def look_again(self) -> None:
        """The hourly look and the one at the forge's log, now."""
        await super().look_again()
        self.fleet.write("UPDATE chores SET wake_at = 0 WHERE name = 'deliveries'")

    # The end

    def attempts(self) -> list[Delivery]:
        """Every sending of a delivery that somebody here wants, the failed ones too."""
        return [each for each in self.fleet.world.deliveries.values() if each.event in WANTED]

    def acknowledged(self) -> set[str]:
        """Which deliveries were ever acknowledged."""
        return {each.guid for each in self.attempts() if each.status_code == ACCEPTED}

    def forgotten(self, kept: set[str]) -> set[str]:
        """Which deliveries stand in the forge's log, were not kept, and were not asked for again."""
        logged = {each.guid for each in self.attempts() if each.status_code}
        return logged - kept - {each.guid for each in self.attempts() if each.redelivery}

    def runs(self) -> dict[tuple[int, str], list[CheckRun]]:
        """Our check runs by head."""
        found: dict[tuple[int, str], list[CheckRun]] = {}
        for repo in self.repositories:
            for run in repo.runs.values():
                if run.name == "portcullis":
                    found.setdefault((repo.id, run.head_sha), []).append(run)
        return found

    def wrong(self) -> list[str]:
        """As Chaos; and nothing acknowledged is lost, what failed was asked for again, no head has two verdicts."""
        kept = {str(guid) for (guid,) in self.fleet.rows("SELECT delivery_id FROM deliveries")}
        found = [f"acknowledged and lost: {guid}" for guid in self.acknowledged() - kept]
        found += [f"never asked for again: {guid}" for guid in self.forgotten(kept)]
        for head, runs in self.runs().items():
            if len(runs) > 1:
                found.append(f"{head}: {len(runs)} check runs")
            if sum(each.startswith("completed") for run in runs for each in run.history) > 1:
                found.append(f"{head}: {[run.history for run in runs]}")
        return found + super().wrong()
