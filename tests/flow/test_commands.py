"""Commands in comments (gate-file.md section 9): who may, obeyed once, answered thrice."""

import asyncio

import pytest
from sqlalchemy import func, select

from app.executors import Answer, ScriptedExecutor
from app.practice import Comment, Fault, PullRequest, Repository
from app.store import checks, metadata, runs
from tests.support.aftermath import audit, ended_well, later, like_github, ours, rest
from tests.support.clock import HandTurnedClock
from tests.support.service import Stage, stage

GATE = """\
version: 1
checks:
  lint: {run: "true"}
  test: {run: "true"}
  trusted_only: {run: "true", after: pr.trusted, required: false}
gate:
  - checks.passed
"""


async def judged(scene: Stage, by: str = "alice", *, fork: bool = False) -> tuple[Repository, PullRequest]:
    scene.world.add_user("mallory")
    repo = await scene.repository({".portcullis.yml": GATE, "a.py": "print(1)\n"})
    repo.permissions["carol"] = "triage"
    source = await scene.forge.fork(by, repo) if fork else repo
    await scene.forge.push(by, source, "topic", {"a.py": "print(2)\n"}, base="main")
    pull = await scene.forge.open_pull_request(by, repo, "topic", source=source)
    await scene.settled()
    return repo, pull


async def say(scene: Stage, repo: Repository, pull: PullRequest, by: str, body: str) -> Comment:
    comment = await scene.forge.comment(by, repo, pull, body)
    await scene.settled()
    return comment


def reactions(comment: Comment) -> list[str]:
    return [f"{each.content} by {each.author.login}" for each in comment.reactions]


def sticky(scene: Stage, repo: Repository, pull: PullRequest) -> str:
    (comment,) = scene.comments(repo, pull)
    return comment.body


async def commands_of(scene: Stage) -> list[tuple[str, str, str]]:
    return [
        (entry.actor.login, entry.verb, str(entry.details["command"]))
        for entry in await audit(scene)
        if entry.verb.startswith("command.")
    ]


@pytest.mark.parametrize(
    ("who", "accepted"), [("alice", True), ("carol", True), ("bob", True), ("mallory", False)]
)
async def test_recheck_is_for_the_author_and_people_with_triage(tmp_path, who, accepted):
    async with stage(tmp_path) as scene:
        repo, pull = await judged(scene)
        ran = len(scene.program.services.executor.ran)
        comment = await say(scene, repo, pull, who, "/portcullis recheck")
        again = len(scene.program.services.executor.ran) - ran
        assert again == (3 if accepted else 0)
        assert reactions(comment) == [f"{'+1' if accepted else '-1'} by portcullis[bot]"]
        answer = sticky(scene, repo, pull)
        assert f"by {who} was {'accepted' if accepted else 'refused'}" in answer
        verb = "command.obeyed" if accepted else "command.refused"
        assert await commands_of(scene) == [(who, verb, "/portcullis recheck")]
        await ended_well(scene, repo, pull, "success")
        like_github(scene)


async def test_recheck_of_one_check_runs_that_one(tmp_path):
    runner = ScriptedExecutor({"lint": (Answer(exit_code=1), Answer())})
    async with stage(tmp_path, runner=runner) as scene:
        repo, pull = await judged(scene)
        assert scene.verdict(repo, pull).conclusion == "failure"
        before = len(runner.ran)
        await say(scene, repo, pull, "alice", "/portcullis recheck lint")
        assert [spec.check.key for spec in runner.ran[before:]] == ["lint"]
        await ended_well(scene, repo, pull, "success")
        refused = await say(scene, repo, pull, "alice", "/portcullis recheck lnit")
        assert reactions(refused) == ["-1 by portcullis[bot]"]
        text = sticky(scene, repo, pull)
        assert "no check" in text
        assert "lnit" in text
        assert "there are lint, test" in text.replace("`", "")
        assert len(runner.ran) == before + 1


async def test_recheck_while_it_runs_starts_over_once(tmp_path):
    runner = ScriptedExecutor({"test": (Answer(hold=True), Answer())})
    async with stage(tmp_path, runner=runner) as scene:
        scene.world.add_user("mallory")
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "1\n"})
        await scene.forge.push("alice", repo, "topic", {"a.py": "2\n"}, base="main")
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        held = await runner.until_running("test", 20)
        await say(scene, repo, pull, "alice", "/portcullis recheck")
        assert held.attempt_id in runner.cancelled
        await ended_well(scene, repo, pull, "success")


async def test_explain_is_for_everybody_and_renews_the_comment(tmp_path):
    clock = HandTurnedClock()
    async with stage(tmp_path, clock=clock) as scene:
        scene.world.add_user("mallory")
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "1\n"}, private=True)
        repo.permissions["mallory"] = "read"
        await scene.forge.push("alice", repo, "topic", {"a.py": "2\n"}, base="main")
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        old = scene.verdict(repo, pull).details_url
        await later(scene, clock, 6 * 86400)
        comment = await say(scene, repo, pull, "mallory", "/portcullis explain")
        assert reactions(comment) == ["+1 by portcullis[bot]"]
        new = scene.verdict(repo, pull).details_url
        assert new != old
        text = sticky(scene, repo, pull)
        assert str(new) in text
        assert str(old) not in text


async def test_ok_to_test_is_for_people_with_write_and_for_one_head(tmp_path, migrated_url):
    async with stage(tmp_path, database_url=migrated_url) as scene:
        repo, pull = await judged(scene, "mallory", fork=True)
        runner = scene.program.services.executor
        assert {spec.trusted for spec in runner.ran} == {False}
        assert pull.head_sha[:7] in sticky(scene, repo, pull)
        for who in ("mallory", "carol"):
            refused = await say(scene, repo, pull, who, f"/portcullis ok-to-test {pull.head_sha}")
            assert reactions(refused) == ["-1 by portcullis[bot]"]
        for sha in ("", pull.head_sha[:6], "f" * 40, pull.base_sha):
            refused = await say(scene, repo, pull, "bob", f"/portcullis ok-to-test {sha}")
            assert reactions(refused) == ["-1 by portcullis[bot]"], sha
        assert {spec.trusted for spec in runner.ran} == {False}
        before = len(runner.ran)
        comment = await say(scene, repo, pull, "bob", f"/portcullis ok-to-test {pull.head_sha[:7].upper()}")
        assert reactions(comment) == ["+1 by portcullis[bot]"]
        assert {spec.trusted for spec in runner.ran[before:]} == {True}
        before = len(runner.ran)
        fork = scene.world.repositories[pull.head_repository]
        first = pull.head_sha
        await scene.forge.push("mallory", fork, "topic", {"a.py": "print(3)\n"})
        await scene.settled()
        assert {spec.trusted for spec in runner.ran[before:]} == {False}
        before = len(runner.ran)
        await scene.forge.push_commit("mallory", fork, "topic", first)  # a returning head keeps its word
        await scene.settled()
        assert runner.ran[before:] == []  # and what it came to then: nothing is run again
        trusted, reasons = await scene.program.database.read(newest_run)
        assert trusted
        assert all(reason.startswith("reused from run 2, attempt") for reason in reasons)
        await ended_well(scene, repo, pull, "success")


def newest_run(connection):
    """(trusted, why each check stands where it stands) of the newest run."""
    newest = select(func.max(metadata.tables["runs"].c.id))
    run = runs.load_run(connection, connection.execute(newest).scalar_one())
    return run.trusted, [row.result.reason for row in checks.load_checks(connection, run.id)]


async def test_unknown_and_later_commands_say_what_there_is(tmp_path):
    async with stage(tmp_path) as scene:
        repo, pull = await judged(scene)
        for words, said in (
            ("frobnicate", "no command"),
            ("", "no command"),
            ("override because I say so", "names no team"),
            ("waive abc until 2027-01-01 because …", "names no team"),
        ):
            comment = await say(scene, repo, pull, "alice", f"/portcullis {words}".strip())
            assert reactions(comment) == ["-1 by portcullis[bot]"]
            assert said in sticky(scene, repo, pull)
        assert [verb for _, verb, _ in await commands_of(scene)] == ["command.refused"] * 4


async def test_several_commands_of_one_comment_are_each_answered(tmp_path):
    async with stage(tmp_path) as scene:
        repo, pull = await judged(scene)
        body = "/portcullis recheck nothing\n/portcullis explain"
        comment = await say(scene, repo, pull, "alice", body)
        assert reactions(comment) == ["-1 by portcullis[bot]"]  # not all of it was done
        text = sticky(scene, repo, pull)
        assert "recheck nothing" in text
        assert "explain" in text
        assert len(await commands_of(scene)) == 2


async def test_an_edited_comment_is_refused(tmp_path):
    async with stage(tmp_path) as scene:
        repo, pull = await judged(scene)
        scene.forge.hooks.hold()
        comment = await scene.forge.comment("alice", repo, pull, "/portcullis recheck")
        await scene.forge.edit_comment("alice", repo, comment, "/portcullis recheck lint")
        scene.forge.hooks.release()
        ran = len(scene.program.services.executor.ran)
        await scene.settled()
        assert len(scene.program.services.executor.ran) == ran
        assert reactions(comment) == ["-1 by portcullis[bot]"]
        assert "edited" in sticky(scene, repo, pull)


async def test_a_comment_edited_later_is_not_read_again(tmp_path):
    async with stage(tmp_path) as scene:
        repo, pull = await judged(scene)
        comment = await say(scene, repo, pull, "alice", "hello")
        await scene.forge.edit_comment("alice", repo, comment, "/portcullis recheck")
        await scene.settled()
        assert (reactions(comment), await commands_of(scene)) == ([], [])


async def test_code_and_quotes_hold_no_commands(tmp_path):
    async with stage(tmp_path) as scene:
        repo, pull = await judged(scene)
        body = "Try\n```\n/portcullis recheck\n```\n> /portcullis recheck\n\nor `/portcullis explain`"
        comment = await say(scene, repo, pull, "alice", body)
        assert (reactions(comment), await commands_of(scene)) == ([], [])


async def test_a_doubled_delivery_is_obeyed_once(tmp_path, migrated_url):
    async with stage(tmp_path, database_url=migrated_url) as scene:
        repo, pull = await judged(scene)
        ran = len(scene.program.services.executor.ran)
        scene.forge.hooks.double = True
        comment = await say(scene, repo, pull, "alice", "/portcullis recheck")
        scene.forge.hooks.double = False
        for delivery in [each for each in scene.world.deliveries.values() if each.event == "issue_comment"]:
            scene.forge.hooks.redeliver(delivery)
        await scene.settled()
        assert len(scene.program.services.executor.ran) == ran + 3
        assert len(reactions(comment)) == 1
        assert len(await commands_of(scene)) == 1


async def test_bots_are_not_obeyed_nor_we_ourselves(tmp_path):
    async with stage(tmp_path) as scene:
        repo, pull = await judged(scene)
        other = scene.world.add_app("helper", owner="acme")
        for app in (other, scene.world.app("portcullis")):
            comment = await scene.forge.comment(
                app.bot.login, repo, pull, "/portcullis recheck", app_id=app.id
            )
            await scene.settled()
            assert reactions(comment) == []
        assert await commands_of(scene) == []


async def test_on_a_closed_change_nothing_runs(tmp_path):
    async with stage(tmp_path) as scene:
        repo, pull = await judged(scene)
        await scene.forge.close("alice", repo, pull)
        await scene.settled()
        ran = len(scene.program.services.executor.ran)
        comment = await say(scene, repo, pull, "alice", "/portcullis recheck")
        assert len(scene.program.services.executor.ran) == ran
        assert reactions(comment) == ["-1 by portcullis[bot]"]
        assert [run.status for run in ours(repo)] == ["completed"]


async def test_a_lost_command_is_found_by_the_hourly_look(tmp_path):
    clock = HandTurnedClock()
    async with stage(tmp_path, clock=clock) as scene:
        repo, pull = await judged(scene)
        ran = len(scene.program.services.executor.ran)
        scene.forge.hooks.drop = 1
        comment = await say(scene, repo, pull, "alice", "/portcullis recheck")
        assert reactions(comment) == []
        await clock.advance(3 * 3600, rest(scene, clock))
        assert reactions(comment) == ["+1 by portcullis[bot]"]
        assert len(scene.program.services.executor.ran) == ran + 3


async def test_a_command_outlives_an_outage(tmp_path):
    clock = HandTurnedClock()
    async with stage(tmp_path, clock=clock) as scene:
        repo, pull = await judged(scene)
        scene.world.faults.append(Fault(times=12, path="/(collaborators|issues/comments)/", status=502))
        comment = await say(scene, repo, pull, "alice", "/portcullis explain")
        assert reactions(comment) == []
        await clock.advance(2400, rest(scene, clock))
        await asyncio.sleep(0)
        assert reactions(comment) == ["+1 by portcullis[bot]"]
        assert len(await commands_of(scene)) == 1


async def test_a_command_on_a_pending_change_is_answered_at_once(tmp_path):
    clock = HandTurnedClock()  # nobody turns it: what waits some seconds waits for ever
    runner = ScriptedExecutor({"test": (Answer(hold=True),)})
    async with stage(tmp_path, runner=runner, clock=clock) as scene:
        scene.world.add_user("mallory")
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "1\n"})
        await scene.forge.push("alice", repo, "topic", {"a.py": "2\n"}, base="main")
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await runner.until_running("test", 20)
        assert scene.comments(repo, pull) == []
        await scene.forge.comment("mallory", repo, pull, "/portcullis frobnicate")
        async with asyncio.timeout(20):
            while not scene.comments(repo, pull):
                await asyncio.sleep(0.02)
        assert "frobnicate" in sticky(scene, repo, pull)
        assert scene.verdict(repo, pull).status == "in_progress"
        await scene.forge.comment("alice", repo, pull, "/portcullis recheck")
        async with asyncio.timeout(20):
            while "/portcullis recheck" not in sticky(scene, repo, pull):
                await asyncio.sleep(0.02)
        assert scene.verdict(repo, pull).status == "in_progress"
        runner.release("test")
        await scene.settled()
        await ended_well(scene, repo, pull, "success")
