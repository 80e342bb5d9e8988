"""What no delivery told: results of others from before our looking, lost reviews, lost openings."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from app.practice import Repository, RequiredCheck
from app.store import metadata, troubles
from app.store.tables_operation import redeliveries
from tests.support.aftermath import GATE, RUNS, audit, ended_well, later, like_github, rest, rows
from tests.support.clock import HandTurnedClock
from tests.support.service import Stage, stage

COMMANDS = metadata.tables["commands"]
EXTERNAL = """\
version: 1
checks:
  build: {external: {context: build, app: otherci}}
gate:
  - checks.passed
"""
DONE = {"name": "build", "status": "completed", "conclusion": "success"}
both_databases = pytest.mark.usefixtures("migrated_url")


@pytest.fixture
def clock() -> HandTurnedClock:
    return HandTurnedClock()


@pytest.fixture
async def scene(
    request: pytest.FixtureRequest, tmp_path: Path, clock: HandTurnedClock
) -> AsyncIterator[Stage]:
    """Everything started; at the end all that was asked and sent was as GitHub describes it."""
    url = request.getfixturevalue("migrated_url") if "migrated_url" in request.fixturenames else ""
    async with stage(tmp_path, clock=clock, database_url=url) as staged:
        yield staged
        like_github(staged)


async def shop(scene: Stage, *branches: str, gate: str = GATE) -> Repository:
    """A repository with a branch of each name cut from main, each with a change of its own."""
    repo = await scene.repository({".portcullis.yml": gate, "a.py": "1\n"})
    for branch in branches:
        await scene.forge.push("alice", repo, branch, {"a.py": f"{branch}\n"}, base="main")
    return repo


def redelivered(scene: Stage) -> int:
    """How often we asked for a delivery once more."""
    return sum(seen.path.endswith("/attempts") for seen in scene.world.requests)


@pytest.mark.parametrize("told", ["before the change was opened", "never"])
async def test_a_result_of_another_system(scene, clock, told):
    repo = await scene.repository({".portcullis.yml": EXTERNAL, "a.py": "1\n"})
    other = scene.world.add_app("otherci", owner="acme")
    sha = await scene.forge.push("alice", repo, "topic", {"a.py": "2\n"}, base="main")
    if told == "never":
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        assert scene.verdict(repo, pull).status == "in_progress"
        scene.forge.hooks.drop = 10
        await scene.forge.create_check_run(other, repo, {**DONE, "head_sha": sha})
        scene.forge.hooks.drop = 0
        await clock.advance(3700, rest(scene, clock))
    else:
        await scene.forge.create_check_run(other, repo, {**DONE, "head_sha": sha})
        await scene.settled()
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
    await ended_well(scene, repo, pull, "success")


@both_databases
async def test_a_lost_review_and_a_lost_opening(scene, clock):
    repo = await shop(scene, "topic", "other", gate=GATE + "  - approvals >= 1\n")
    pull = await scene.forge.open_pull_request("alice", repo, "topic")
    await scene.settled()
    assert scene.verdict(repo, pull).conclusion == "action_required"
    scene.forge.hooks.drop = 2
    await scene.forge.review("bob", repo, pull, "APPROVED")
    lost = await scene.forge.open_pull_request("alice", repo, "other")
    await scene.settled()
    await clock.advance(3700, rest(scene, clock))
    assert scene.verdict(repo, pull).conclusion == "success"
    assert scene.verdict(repo, lost).conclusion == "action_required"


@both_databases
@pytest.mark.parametrize("how", ["fail", "swallow"])
async def test_what_was_sent_and_never_came_is_asked_for_once(scene, clock, how):
    """Nobody answered, or something in front of us said that all was well."""
    repo = await shop(scene, "topic", "other")
    known = await scene.forge.open_pull_request("alice", repo, "other")
    await scene.settled()
    await later(scene, clock, 60)
    setattr(scene.forge.hooks, how, 2)
    pull = await scene.forge.open_pull_request("alice", repo, "topic")
    await scene.forge.push("alice", repo, "other", {"a.py": "4\n"})
    await scene.settled()
    assert scene.runs(repo, pull.head_sha) == []
    assert getattr(scene.forge.hooks, how) == 0
    await later(scene, clock, 700)
    assert scene.verdict(repo, pull).conclusion == "success"
    assert scene.verdict(repo, known).conclusion == "success"
    assert redelivered(scene) == 2
    assert len(await rows(scene, select(redeliveries.c.guid))) == 2
    await later(scene, clock, 700)
    assert redelivered(scene) == 2, "what came is not asked for again"


async def test_what_is_lost_again_is_not_asked_for_for_ever(scene, clock):
    repo = await shop(scene, "topic")
    await scene.settled()
    await later(scene, clock, 120)  # it is read once: from now on deliveries tell
    scene.forge.hooks.fail = 2  # and its redelivery
    pull = await scene.forge.open_pull_request("alice", repo, "topic")
    await scene.settled()
    for _ in range(2):
        await later(scene, clock, 700)
    assert scene.forge.hooks.fail == 0
    assert scene.runs(repo, pull.head_sha) == []
    await later(scene, clock, 3600)
    assert scene.verdict(repo, pull).conclusion == "success", "reading the repository heals the rest"
    assert redelivered(scene) == 1


async def test_a_late_opening_of_what_is_closed_by_now_is_not_judged(scene, clock):
    repo = await shop(scene, "topic")
    await scene.settled()
    await later(scene, clock, 120)
    scene.forge.hooks.fail = 1
    pull = await scene.forge.open_pull_request("alice", repo, "topic")
    await scene.settled()
    await later(scene, clock, 120)
    await scene.forge.close("alice", repo, pull)
    await later(scene, clock, 700)
    assert redelivered(scene)
    assert scene.runs(repo, pull.head_sha) == []


async def test_reading_again_looks_only_at_what_somebody_touched(scene, clock):
    names = ("one", "two", "three")
    repo = await shop(scene, *names, gate=GATE + "  - approvals >= 0\n")
    pulls = [await scene.forge.open_pull_request("alice", repo, name) for name in names]
    await scene.settled()
    for _ in range(2):  # the second finds what was touched about when the first looked
        await later(scene, clock, 1600)
    asked = Counter(scene.program.services.forges["github"].requests)
    await later(scene, clock, 1600)
    spent = Counter(scene.program.services.forges["github"].requests) - asked
    assert {kind: spent[kind] for kind in ("repository", "pulls", "comments", "reviews")} == {
        "repository": 1,
        "pulls": 1,
        "comments": 0,
        "reviews": 0,
    }
    scene.forge.hooks.drop = 1
    await scene.forge.comment("bob", repo, pulls[1], "/portcullis rerun")
    asked = Counter(scene.program.services.forges["github"].requests)
    await later(scene, clock, 1600)
    spent = Counter(scene.program.services.forges["github"].requests) - asked
    assert spent["comments"] == 1
    assert await rows(scene, select(COMMANDS.c.number, COMMANDS.c.status)) == [
        {"number": 2, "status": "done"}
    ]


@both_databases
async def test_an_installation_that_nobody_told_of_and_one_that_ended_untold(scene, clock):
    scene.world.add_organization("globex")
    repo = await scene.repository({".portcullis.yml": GATE, "a.py": "1\n"}, "globex/mill")
    await scene.forge.push("alice", repo, "topic", {"a.py": "2\n"}, base="main")
    pull = await scene.forge.open_pull_request("alice", repo, "topic")
    scene.forge.hooks.drop = 1
    installed = scene.forge.install("alice", scene.world.app("portcullis"), "globex")
    await scene.settled()
    assert scene.runs(repo, pull.head_sha) == []
    await later(scene, clock, 3700)
    assert scene.verdict(repo, pull).conclusion == "success"
    scene.forge.hooks.drop = 1
    scene.forge.uninstall("alice", installed)
    await later(scene, clock, 3700)
    live = await rows(scene, select(RUNS.c.id).where(RUNS.c.status.in_(["new", "planned"])))
    assert live == []


async def test_a_repository_that_fell_silent_is_told(scene, clock):
    """Its deliveries go elsewhere: the forge says that all is well, and nothing comes."""
    repo = await shop(scene, "topic")
    await scene.settled()
    await later(scene, clock, 700)
    scene.forge.hooks.swallow = 1000
    await scene.forge.open_pull_request("alice", repo, "topic")
    await scene.settled()
    for _ in range(3):
        await later(scene, clock, 1600)
    told = await scene.program.database.read(troubles.all_of)
    assert [(each.kind, each.subject) for each in told] == [("deliveries", "acme/shop")]
    scene.forge.hooks.swallow = 0
    await scene.forge.push("alice", repo, "topic", {"a.py": "3\n"})
    await scene.settled()
    for _ in range(3):
        await later(scene, clock, 1600)
    assert await scene.program.database.read(troubles.all_of) == ()


@both_databases
async def test_rules_that_drifted_are_told_until_they_are_mended(scene, clock):
    repo = await scene.repository({".portcullis.yml": GATE, "a.py": "1\n"})
    ours = scene.world.app("portcullis").id
    repo.protected.add("main")
    repo.required += [
        RequiredCheck(branch="main", context="portcullis", app_id=ours),
        RequiredCheck(branch="main", context="build"),
    ]
    await scene.forge.push("alice", repo, "topic", {"a.py": "2\n"}, base="main")
    await scene.forge.open_pull_request("alice", repo, "topic")
    await scene.settled()
    await later(scene, clock, 86_500)
    (told,) = await scene.program.database.read(lambda c: troubles.all_of(c, "rules"))
    assert (told.subject, told.says) == ("acme/shop: main", "'build' is required, and nobody posts it")
    del repo.required[1]
    await later(scene, clock, 86_500)
    assert await scene.program.database.read(lambda c: troubles.all_of(c, "rules")) == ()
    verbs = [entry.verb for entry in await audit(scene) if entry.verb.startswith("rules.")]
    assert verbs == ["rules.drifted", "rules.mended"]
