"""The forge fails, slows us down, loses answers, throws us out: nothing is posted twice or left behind."""

import time

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select

from app.engine.judging import judgement_of
from app.executors import Answer, ScriptedExecutor
from app.practice import Fault, PullRequest, Repository
from app.store import metadata, runs, troubles
from tests.support.aftermath import GATE, ended_well, later, like_github, ours, rest, rows
from tests.support.clock import HandTurnedClock
from tests.support.service import Stage, stage

DELIVERIES = metadata.tables["deliveries"]
ANOTHER_KEY = (
    rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    .decode()
)
WRITES = "/(check-runs|issues/.*comments)"


async def ready(scene: Stage) -> Repository:
    repo = await scene.repository({".portcullis.yml": GATE, "a.py": "print(1)\n"})
    await scene.forge.push("alice", repo, "topic", {"a.py": "print(2)\n"}, base="main")
    return repo


async def opened(scene: Stage) -> tuple[Repository, PullRequest]:
    repo = await ready(scene)
    return repo, await scene.forge.open_pull_request("alice", repo, "topic")


def no_page(run_id: int, repository: object) -> str:
    return ""


def knocked(scene: Stage, before: int) -> None:
    """Nobody knocks at a closed door: in two hours the app looked twice who lets it in, and no more."""
    since = [seen.path for seen in list(scene.world.requests)[before:]]
    assert since == ["/app/installations"] * 2


async def test_502_three_times_then_403_until_the_reset(tmp_path, migrated_url):
    clock = HandTurnedClock()
    async with stage(tmp_path, clock=clock, database_url=migrated_url) as scene:
        repo = await ready(scene)
        reset = str(int(clock.now() + 600))
        limited = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset, "x-ratelimit-limit": "5000"}
        scene.world.faults += [
            Fault(times=3, path="^/repos/", status=502, message="Bad Gateway"),
            Fault(times=1, path="^/repos/", status=403, headers=limited, message="API rate limit exceeded"),
        ]
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        assert not [run for run in ours(repo) if run.status == "completed"]
        asked = len(scene.world.requests)
        await clock.advance(300, rest(scene, clock))
        assert len(scene.world.requests) == asked  # before the reset nobody asks
        await clock.advance(600, rest(scene, clock))
        run = await ended_well(scene, repo, pull, "success")
        assert len(ours(repo)) == 1, run.history
        like_github(scene)


@pytest.mark.parametrize(
    ("headers", "message", "wait"),
    [
        ({}, "You have exceeded a secondary rate limit", 60),
        ({"retry-after": "120"}, "Slow down", 120),
    ],
    ids=["bare secondary", "retry-after"],
)
async def test_told_to_slow_down_while_posting(tmp_path, headers, message, wait):
    clock = HandTurnedClock()
    async with stage(tmp_path, clock=clock) as scene:
        repo = await ready(scene)
        # a practice answer says how much remains; GitHub's bare secondary limit does not say 0
        scene.world.faults.append(
            Fault(times=1, method="POST", path=WRITES, status=403, headers=headers, message=message)
        )
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        assert ours(repo) == []
        asked = len(scene.world.requests)
        await clock.advance(wait - 5, rest(scene, clock))
        assert len(scene.world.requests) == asked
        await clock.advance(90, rest(scene, clock))
        await ended_well(scene, repo, pull, "success")
        assert len(ours(repo)) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(method="POST", path="/check-runs$", done=True, drop=True),
        Fault(method="POST", path="/check-runs$", done=True, status=502),
        Fault(method="PATCH", path="/check-runs/", done=True, drop=True),
        Fault(method="POST", path="/issues/1/comments$", done=True, drop=True),
    ],
    ids=["created, connection lost", "created, 502", "updated, connection lost", "commented, lost"],
)
async def test_an_answer_lost_after_the_work_was_done(tmp_path, fault):
    runner = ScriptedExecutor({"lint": (Answer(exit_code=1),)})
    async with stage(tmp_path, runner=runner) as scene:
        repo = await ready(scene)
        scene.world.faults.append(fault)
        fault.times = 1
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        await ended_well(scene, repo, pull, "failure")
        assert len(ours(repo)) == 1
        assert fault.times == 0


async def test_nothing_works_for_an_hour(tmp_path, migrated_url):
    clock = HandTurnedClock()
    async with stage(tmp_path, clock=clock, database_url=migrated_url) as scene:
        repo = await ready(scene)
        fault = Fault(times=100_000, path=".", status=503, message="Unavailable")
        scene.world.faults.append(fault)
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        await clock.advance(3600, rest(scene, clock))
        assert ours(repo) == []
        assert 100_000 - fault.times < 500  # it backs off
        scene.world.faults.remove(fault)
        await clock.advance(900, rest(scene, clock))
        await ended_well(scene, repo, pull, "success")
        assert len(ours(repo)) == 1


async def test_ten_minutes_of_outage_in_a_busy_hour(tmp_path, migrated_url):
    """The forge takes deliveries on and answers nothing: no storm of requests, nothing acknowledged is lost,
    all verdicts are there soon after.
    """
    clock = HandTurnedClock()
    async with stage(tmp_path, clock=clock, database_url=migrated_url) as scene:
        repo = await ready(scene)
        for number in range(12):
            await scene.forge.push(
                "alice", repo, f"b{number}", {"a.py": f"print({number + 3})\n"}, base="main"
            )
        await scene.settled()
        fault = Fault(times=1_000_000, path=".", status=502, message="Bad Gateway")
        scene.world.faults.append(fault)
        before = len(scene.world.requests)
        pulls = [await scene.forge.open_pull_request("alice", repo, f"b{number}") for number in range(12)]
        await scene.settled()
        await clock.advance(600, rest(scene, clock))
        asked = len(scene.world.requests) - before
        assert asked < 60, "left alone: tries of the first seconds, then one at a time"
        assert {each.status_code for each in scene.world.deliveries.values()} == {202}
        scene.world.faults.remove(fault)
        await clock.advance(150, rest(scene, clock))
        for pull in pulls:
            assert scene.verdict(repo, pull).conclusion == "success"
            assert len(scene.runs(repo, pull.head_sha)) == 1
        stored = await rows(scene, select(DELIVERIES.c.status).where(DELIVERIES.c.status == "stored"))
        assert stored == []
        like_github(scene)


async def test_retry_after_is_honoured_to_the_second(tmp_path):
    clock = HandTurnedClock()
    async with stage(tmp_path, clock=clock) as scene:
        repo = await ready(scene)
        headers = {"retry-after": "37"}
        scene.world.faults.append(
            Fault(times=1, method="POST", path=WRITES, status=503, headers=headers, message="Later")
        )
        await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        asked = len(scene.world.requests)
        await clock.advance(36, rest(scene, clock))
        assert (len(scene.world.requests), ours(repo)) == (asked, [])
        await clock.advance(1.5, rest(scene, clock))
        assert len(ours(repo)) == 1


async def test_suspended_while_judging_then_back(tmp_path):
    clock = HandTurnedClock()
    runner = ScriptedExecutor({"lint": (Answer(hold=True), Answer())})
    async with stage(tmp_path, runner=runner, clock=clock) as scene:
        repo, pull = await opened(scene)
        await runner.until_running("lint", 20)
        installation = next(iter(scene.world.installations.values()))
        scene.forge.suspend("alice", installation)
        await scene.settled()
        assert len(runner.cancelled) == 1
        asked = len(scene.world.requests)
        await clock.advance(7200, rest(scene, clock))
        knocked(scene, asked)
        scene.forge.unsuspend("alice", installation)
        await scene.settled()
        await ended_well(scene, repo, pull, "success")


async def test_uninstalled_while_judging_then_installed_again(tmp_path):
    clock = HandTurnedClock()
    runner = ScriptedExecutor({"lint": (Answer(hold=True), Answer())})
    async with stage(tmp_path, runner=runner, clock=clock) as scene:
        repo, pull = await opened(scene)
        await runner.until_running("lint", 20)
        installation = next(iter(scene.world.installations.values()))
        scene.forge.uninstall("alice", installation)
        await scene.settled()
        assert len(runner.cancelled) == 1
        asked = len(scene.world.requests)
        await clock.advance(7200, rest(scene, clock))
        knocked(scene, asked)
        scene.forge.install("alice", scene.world.app("portcullis"), "acme")
        await scene.settled()
        await ended_well(scene, repo, pull, "success")


async def test_one_repository_taken_away(tmp_path):
    """The other one is judged on; what was under way in the first ends."""
    clock = HandTurnedClock()
    runner = ScriptedExecutor({"lint": (Answer(hold=True), Answer())})
    async with stage(tmp_path, runner=runner, clock=clock) as scene:
        repo, _ = await opened(scene)
        other = await scene.repository({".portcullis.yml": GATE, "a.py": "1\n"}, "acme/till")
        await runner.until_running("lint", 20)
        installation = next(iter(scene.world.installations.values()))
        scene.forge.select_repositories("alice", installation, [other])
        await scene.settled()
        assert len(runner.cancelled) == 1
        asked = len(scene.world.requests)
        await clock.advance(7200, rest(scene, clock))
        since = list(scene.world.requests)[asked:]
        assert [seen.path for seen in since if repo.full_name in seen.path] == []
        await scene.forge.push("bob", other, "topic", {"a.py": "2\n"}, base="main")
        pull = await scene.forge.open_pull_request("bob", other, "topic")
        await scene.settled()
        assert scene.verdict(other, pull).conclusion == "success"


async def test_archived_while_judging_then_back(tmp_path):
    """An archived repository takes no post: nothing of it is judged until it is back."""
    clock = HandTurnedClock()
    runner = ScriptedExecutor({"lint": (Answer(hold=True), Answer())})
    async with stage(tmp_path, runner=runner, clock=clock) as scene:
        repo, pull = await opened(scene)
        await runner.until_running("lint", 20)
        scene.forge.archive("alice", repo)
        await scene.settled()
        assert len(runner.cancelled) == 1
        asked = len(scene.world.requests)
        await clock.advance(7200, rest(scene, clock))
        since = list(scene.world.requests)[asked:]
        assert [seen.path for seen in since if "/repos/" in seen.path] == []
        scene.forge.archive("alice", repo, archived=False)
        await scene.settled()
        await ended_well(scene, repo, pull, "success")


async def test_renamed_while_judging(tmp_path):
    """The old address leads to the new one, and what is posted goes there once."""
    runner = ScriptedExecutor({"lint": (Answer(hold=True), Answer())})
    async with stage(tmp_path, runner=runner) as scene:
        repo, pull = await opened(scene)
        await runner.until_running("lint", 20)
        scene.forge.rename_repository(repo, "store")
        runner.release("lint")
        await scene.settled()
        await ended_well(scene, repo, pull, "success")


@pytest.mark.parametrize("installed", [True, False])
async def test_transferred_while_judging(tmp_path, installed):
    """Judged on where the app is installed at the new owner's too; nowhere else is anything asked."""
    clock = HandTurnedClock()
    runner = ScriptedExecutor({"lint": (Answer(hold=True), Answer())})
    async with stage(tmp_path, runner=runner, clock=clock) as scene:
        scene.world.add_organization("umbrella")
        if installed:
            scene.forge.install("alice", scene.world.app("portcullis"), "umbrella")
        repo, pull = await opened(scene)
        await runner.until_running("lint", 20)
        scene.forge.transfer("alice", repo, "umbrella")
        await scene.settled()
        if installed:
            await ended_well(scene, repo, pull, "success")
            return
        assert len(runner.cancelled) == 1
        asked = len(scene.world.requests)
        await clock.advance(7200, rest(scene, clock))
        since = list(scene.world.requests)[asked:]
        assert [seen.path for seen in since if "/repos/" in seen.path] == []


async def test_tokens_revoked_while_judging(tmp_path):
    """A token that is accepted no more is replaced, and nobody notices."""
    runner = ScriptedExecutor({"lint": (Answer(hold=True), Answer())})
    async with stage(tmp_path, runner=runner) as scene:
        repo, pull = await opened(scene)
        await runner.until_running("lint", 20)
        for token in scene.world.tokens.values():
            token.revoked = True
        runner.release("lint")
        await scene.settled()
        await ended_well(scene, repo, pull, "success")


async def test_the_app_s_key_revoked_while_judging_then_given_back(tmp_path, migrated_url):
    """Nothing can be posted: the operator is told, and the verdict follows once we are believed again."""
    clock = HandTurnedClock()
    runner = ScriptedExecutor({"lint": (Answer(hold=True), Answer())})
    async with stage(tmp_path, runner=runner, clock=clock, database_url=migrated_url) as scene:
        repo, pull = await opened(scene)
        await runner.until_running("lint", 20)
        app = scene.world.app("portcullis")
        key, app.public_key = app.public_key, ANOTHER_KEY
        for token in scene.world.tokens.values():
            token.revoked = True
        runner.release("lint")
        await scene.settled()
        (told,) = await scene.program.database.read(troubles.all_of)
        assert (told.kind, told.subject) == ("refused", "acme/shop")
        assert "GitHub does not accept our credentials" in told.says
        run = await scene.program.database.read(lambda c: judgement_of(c, runs.load_run(c, 1), no_page))
        assert any("The forge refuses us" in note and "private key" in note for note in run.notes)
        app.public_key = key
        await later(scene, clock, 700)
        await ended_well(scene, repo, pull, "success")
        assert await scene.program.database.read(troubles.all_of) == ()


async def test_an_outage_says_nothing_secret(tmp_path, capsys):
    async with stage(tmp_path) as scene:
        repo = await ready(scene)
        token = next(iter(scene.world.tokens), "ghs_none")
        scene.world.faults.append(Fault(times=8, path="^/repos/", status=500, message=f"token {token}"))
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        until = time.monotonic() + 20
        while not scene.runs(repo, pull.head_sha) and time.monotonic() < until:
            await scene.settled()
        said = capsys.readouterr()
        assert token not in said.out + said.err


async def test_a_permission_that_was_taken_away_is_told_to_the_operator_until_it_is_back(
    tmp_path, migrated_url
):
    clock = HandTurnedClock()
    async with stage(tmp_path, clock=clock, database_url=migrated_url) as scene:
        repo = await ready(scene)
        await scene.settled()
        installation = next(iter(scene.world.installations.values()))
        granted = installation.permissions.pop("checks")
        for token in scene.world.tokens.values():
            token.revoked = True  # as GitHub does: the next one has what is granted now
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        (told,) = await scene.program.database.read(troubles.all_of)
        assert (told.kind, told.subject) == ("refused", "acme/shop")
        assert "the app lacks the permission checks: " in told.says
        assert "grant the permission" in told.mend
        installation.permissions["checks"] = granted
        for token in scene.world.tokens.values():
            token.revoked = True
        await later(scene, clock, 700)
        assert scene.verdict(repo, pull).conclusion == "success"
        assert await scene.program.database.read(troubles.all_of) == ()
