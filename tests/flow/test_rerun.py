"""GitHub's own re-run, our buttons, and others who post under our name."""

import asyncio

import pytest

from app.executors import Answer, ScriptedExecutor
from app.practice import PullRequest, Repository
from tests.support.aftermath import audit, ended_well, later, like_github, ours
from tests.support.clock import HandTurnedClock
from tests.support.service import Stage, stage

GATE = """\
version: 1
checks:
  lint: {run: "true"}
  test: {run: "true"}
gate:
  - checks.passed
"""


async def opened(scene: Stage, *, private: bool = False) -> tuple[Repository, PullRequest]:
    repo = await scene.repository({".portcullis.yml": GATE, "a.py": "print(1)\n"}, private=private)
    await scene.forge.push("alice", repo, "topic", {"a.py": "print(2)\n"}, base="main")
    pull = await scene.forge.open_pull_request("alice", repo, "topic")
    await scene.settled()
    return repo, pull


@pytest.mark.parametrize("what", ["run", "suite"])
async def test_re_run_from_githubs_own_page(tmp_path, what, migrated_url):
    runner = ScriptedExecutor({"lint": (Answer(exit_code=1), Answer())})
    async with stage(tmp_path, runner=runner, database_url=migrated_url) as scene:
        repo, pull = await opened(scene)
        first = await ended_well(scene, repo, pull, "failure")
        if what == "run":
            await scene.forge.press_rerun("bob", repo, first)
        else:
            await scene.forge.press_rerun_all("bob", repo, scene.world.app("portcullis"), pull.head_sha)
        await scene.settled()
        run = await ended_well(scene, repo, pull, "success")
        assert run.id != first.id  # GitHub wants a new run, the old one stays as it was
        assert first.history[-1] == "completed:failure"
        assert run.history == ["in_progress", "completed:success"]
        assert sorted(spec.check.key for spec in runner.ran) == ["lint", "lint", "test", "test"]
        pressed = [entry for entry in await audit(scene) if entry.verb == "button.pressed"]
        assert [(entry.actor.login, entry.details["button"]) for entry in pressed] == [("bob", "rerun")]
        like_github(scene)


async def test_re_run_failed_runs_only_those_again(tmp_path):
    runner = ScriptedExecutor({"lint": (Answer(exit_code=1), Answer())})
    async with stage(tmp_path, runner=runner) as scene:
        repo, pull = await opened(scene)
        first = await ended_well(scene, repo, pull, "failure")
        assert [action["identifier"] for action in first.actions] == ["rerun_failed", "explain"]
        await scene.forge.press_button("bob", repo, first, "rerun_failed")
        await scene.settled()
        run = await ended_well(scene, repo, pull, "success")
        assert sorted(spec.check.key for spec in runner.ran) == ["lint", "lint", "test"]
        assert run.history == ["in_progress", "completed:success"]
        assert [action["identifier"] for action in run.actions] == ["explain"]
        like_github(scene)


async def test_pressed_twice_and_delivered_twice(tmp_path):
    runner = ScriptedExecutor({"lint": (Answer(exit_code=1), Answer())})
    async with stage(tmp_path, runner=runner) as scene:
        repo, pull = await opened(scene)
        first = scene.verdict(repo, pull)
        scene.forge.hooks.double = True
        for _ in range(2):
            await scene.forge.press_button("bob", repo, first, "rerun_failed")
        await scene.settled()
        await ended_well(scene, repo, pull, "success")


async def test_explain_renews_the_link(tmp_path):
    clock = HandTurnedClock()
    async with stage(tmp_path, clock=clock) as scene:
        repo, pull = await opened(scene, private=True)
        run = await ended_well(scene, repo, pull, "success")
        old = str(run.details_url)
        await later(scene, clock, 5 * 86400)
        await scene.forge.press_button("bob", repo, scene.verdict(repo, pull), "explain")
        await scene.settled()
        run = await ended_well(scene, repo, pull, "success")
        assert len(ours(repo)) == 1
        assert str(run.details_url) != old
        assert str(run.details_url) in str(run.summary)
        assert str(run.details_url) in scene.comments(repo, pull)[0].body
        like_github(scene)


async def test_another_app_is_asked_to_run_again(tmp_path):
    async with stage(tmp_path) as scene:
        repo, pull = await opened(scene)
        other = scene.world.add_app("other", owner="acme")
        body = {
            "name": "portcullis",
            "head_sha": pull.head_sha,
            "status": "completed",
            "conclusion": "success",
        }
        foreign = await scene.forge.create_check_run(other, repo, body)
        ran = len(scene.program.services.executor.ran)
        await scene.forge.press_rerun("bob", repo, foreign)
        await scene.settled()
        assert len(scene.program.services.executor.ran) == ran


@pytest.mark.parametrize("how", ["check run", "status by a person", "status by an app"])
async def test_others_who_post_under_our_name_are_answered(tmp_path, how):
    runner = ScriptedExecutor({"lint": (Answer(exit_code=1),)})
    async with stage(tmp_path, runner=runner) as scene:
        repo, pull = await opened(scene)
        first = await ended_well(scene, repo, pull, "failure")
        other = scene.world.add_app("lookalike", owner="acme")
        if how == "check run":
            body = {
                "name": "Portcullis",
                "head_sha": pull.head_sha,
                "status": "completed",
                "conclusion": "success",
            }
            foreign = await scene.forge.create_check_run(other, repo, body)
            poster = "lookalike"
        else:
            poster = "bob" if how == "status by a person" else "lookalike[bot]"
            await scene.forge.post_status(poster, repo, pull.head_sha, context="portcullis", state="success")
            foreign = None
        await scene.settled()
        mine = repo.runs[first.id]
        assert mine.conclusion == "failure"
        assert poster.removesuffix("[bot]") in str(mine.text)
        assert "not ours" in str(mine.text)
        assert "expected source" in scene.comments(repo, pull)[0].body
        if foreign is not None:
            assert foreign.history == ["completed:success"]  # others' runs are not ours to change
        like_github(scene)


async def test_our_own_posts_are_not_taken_for_anothers(tmp_path):
    gate = GATE + "settings: {publish: {status: true, checks: true}}\n"
    async with stage(tmp_path) as scene:
        repo = await scene.repository({".portcullis.yml": gate, "a.py": "print(1)\n"})
        await scene.forge.push("alice", repo, "topic", {"a.py": "print(2)\n"}, base="main")
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        run = scene.verdict(repo, pull)
        assert [status.state for status in repo.statuses][-1] == "success"
        assert "not ours" not in str(run.text) + scene.comments(repo, pull)[0].body


async def test_checks_are_in_progress_again_before_the_new_run_has_its_plan(tmp_path):
    gate = GATE + "settings: {publish: {status: true, checks: true}}\n"
    async with stage(tmp_path) as scene:
        repo = await scene.repository({".portcullis.yml": gate, "a.py": "print(1)\n"})
        await scene.forge.push("alice", repo, "topic", {"a.py": "print(2)\n"}, base="main")
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        names = ["portcullis", "portcullis / lint", "portcullis / test"]
        assert {scene.runs(repo, pull.head_sha, name)[-1].conclusion for name in names} == {"success"}
        preparing = scene.program.services.preparing
        permits = 0
        while not preparing.locked():  # no run gets as far as its plan
            await preparing.acquire()
            permits += 1
        await scene.forge.comment("alice", repo, pull, "/portcullis recheck")
        async with asyncio.timeout(20):
            while {scene.runs(repo, pull.head_sha, name)[-1].status for name in names} != {"in_progress"}:
                await asyncio.sleep(0.02)
            while repo.statuses[-1].state != "pending":
                await asyncio.sleep(0.02)
        for _ in range(permits):
            preparing.release()
        await scene.settled()
        assert {scene.runs(repo, pull.head_sha, name)[-1].conclusion for name in names} == {"success"}
        assert not [run for run in repo.runs.values() if run.status != "completed"]
