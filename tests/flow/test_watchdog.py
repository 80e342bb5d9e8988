"""What the watchdog does when some of it cannot be read, and of what is not there any more."""

from app.practice import Fault, PullRequest, Repository
from app.store import troubles
from tests.support.aftermath import GATE, later
from tests.support.clock import HandTurnedClock
from tests.support.service import Stage, stage

DAY, SOON = 86_500.0, 700.0


async def told(scene: Stage) -> list[str]:
    found = await scene.program.database.read(lambda c: troubles.all_of(c, "rules"))
    return sorted(each.subject for each in found)


def asked(scene: Stage, name: str) -> int:
    return sum(f"/repos/{name}/rules/" in seen.path for seen in scene.world.requests)


async def judged(scene: Stage, name: str, *branches: str) -> tuple[Repository, list[PullRequest]]:
    """A repository with a gate file, and a change that is judged for main and each of the branches."""
    repo = await scene.repository({".portcullis.yml": GATE, "a.py": "1\n"}, name)
    pulls = []
    for branch in ("main", *branches):
        if branch != "main":
            repo.protected.add(branch)
            await scene.forge.push("alice", repo, branch, {"b.py": "1\n"}, base="main")
        await scene.forge.push("alice", repo, f"for-{branch}", {"a.py": "2\n"}, base=branch)
        pulls.append(await scene.forge.open_pull_request("alice", repo, f"for-{branch}", base=branch))
    await scene.settled()
    return repo, pulls


async def test_a_repository_that_cannot_be_read_keeps_none_from_being_looked_at(tmp_path, migrated_url):
    clock = HandTurnedClock()
    async with stage(tmp_path, clock=clock, database_url=migrated_url) as scene:
        for name in ("acme/one", "acme/two"):
            await judged(scene, name)
        fault = Fault(times=10_000, path="/repos/acme/one/rules/", status=502)
        scene.world.faults.append(fault)
        await later(scene, clock, DAY)
        assert await told(scene) == ["acme/two: main"]
        before = asked(scene, "acme/one"), asked(scene, "acme/two")
        await later(scene, clock, SOON)
        assert asked(scene, "acme/one") > before[0]
        assert asked(scene, "acme/two") == before[1], "done today"
        fault.times = 0
        await later(scene, clock, SOON)
        assert await told(scene) == ["acme/one: main", "acme/two: main"]


async def test_troubles_of_what_is_gone_end(tmp_path):
    clock = HandTurnedClock()
    async with stage(tmp_path, clock=clock) as scene:
        one, (_, pull) = await judged(scene, "acme/one", "release")
        two, _ = await judged(scene, "acme/two")
        await later(scene, clock, DAY)
        assert await told(scene) == ["acme/one: main", "acme/one: release", "acme/two: main"]
        await scene.forge.close("alice", one, pull)
        one.protected.remove("release")
        await scene.forge.push_commit("alice", one, "release", None)
        await scene.forge.delete_repository("alice", two)
        await scene.settled()
        await later(scene, clock, DAY)
        assert await told(scene) == ["acme/one: main"]
