"""A GitLab's merge requests, judged from delivery to status and note by the whole service."""

import pytest

from app.executors import Answer, ScriptedExecutor
from app.practice import Fault, PullRequest, Repository
from tests.support.aftermath import later
from tests.support.clock import HandTurnedClock
from tests.support.gitlab_service import GitLabScene, gitlab_scene

GATE = """\
version: 1
checks:
  lint: {run: "true"}
  test: {run: "true"}
gate:
  - checks.passed
"""


async def opened(
    scene: GitLabScene, gate: str = GATE, *, private: bool = False, **more: str
) -> tuple[Repository, PullRequest]:
    repo = await scene.project({".portcullis.yml": gate, "a.py": "print(1)\n", **more}, private=private)
    await scene.forge.push("alice", repo, "topic", {"a.py": "print(2)\n"}, base="main")
    pull = await scene.forge.open_pull_request("alice", repo, "topic", title="Print two")
    await scene.settled()
    return repo, pull


@pytest.mark.parametrize("private", [False, True])
async def test_a_merge_request_is_judged(tmp_path, migrated_url, private):
    runner = ScriptedExecutor({"lint": (Answer(exit_code=1), Answer())})
    async with gitlab_scene(tmp_path, runner=runner, database_url=migrated_url) as scene:
        repo, pull = await opened(scene, private=private)
        assert scene.shown(repo, pull).startswith("failed: ")
        [note] = scene.comments(repo, pull)
        assert "checks.passed" in note.body
        assert "pull request" not in note.body.lower()
        await scene.forge.push("alice", repo, "topic", {"a.py": "print(3)\n"})
        await scene.settled()
        assert scene.shown(repo, pull).startswith("success: ")
        assert [each.id for each in scene.comments(repo, pull)] == [note.id]
        await scene.forge.merge("bob", repo, pull)
        await scene.settled()


async def test_a_push_supersedes_what_still_runs(tmp_path):
    runner = ScriptedExecutor({"lint": (Answer(hold=True), Answer())})
    async with gitlab_scene(tmp_path, runner=runner) as scene:
        repo = await scene.project({".portcullis.yml": GATE, "a.py": "print(1)\n"})
        await scene.forge.push("alice", repo, "topic", {"a.py": "print(2)\n"}, base="main")
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await runner.until_running("lint")
        old = pull.head_sha
        await scene.forge.push("alice", repo, "topic", {"a.py": "print(3)\n"})
        await scene.settled()
        assert scene.statuses(repo, old)[-1].status == "canceled"
        assert scene.shown(repo, pull).startswith("success: ")


@pytest.mark.parametrize("how", ["doubled", "reordered", "lost"])
async def test_deliveries_that_do_not_come_as_they_should(tmp_path, how):
    clock = HandTurnedClock()
    async with gitlab_scene(tmp_path, clock=clock) as scene:
        hooks = scene.forge.hooks
        repo = await scene.project({".portcullis.yml": GATE, "a.py": "print(1)\n"})
        if how == "doubled":
            hooks.double = True
        elif how == "reordered":
            hooks.hold()
        else:
            await scene.forge.push("alice", repo, "main", {"b.py": "print(1)\n"})
            await scene.settled()
            hooks.drop = 99
        await scene.forge.push("alice", repo, "topic", {"a.py": "print(2)\n"}, base="main")
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.forge.push("alice", repo, "topic", {"a.py": "print(3)\n"})
        if how == "reordered":
            hooks.release(lambda held: held[::-1])
        hooks.drop = 0
        await scene.settled()
        if how == "lost":  # nothing told: reading the project again does
            await later(scene.scene, clock, 3700)
        assert scene.shown(repo, pull).startswith("success: ")
        assert len(scene.statuses(repo, pull.head_sha)) == 1
        assert len(scene.comments(repo, pull)) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=502, times=3, method="POST"),
        Fault(status=429, times=1, headers={"retry-after": "1"}, path="/statuses/"),
        Fault(drop=True, done=True, times=1, method="POST", path="/notes$"),
    ],
)
async def test_a_forge_that_fails_for_a_while(tmp_path, fault):
    clock = HandTurnedClock()
    async with gitlab_scene(tmp_path, clock=clock) as scene:
        repo = await scene.project({".portcullis.yml": GATE, "a.py": "print(1)\n"})
        scene.world.faults.append(fault)
        await scene.forge.push("alice", repo, "topic", {"a.py": "print(2)\n"}, base="main")
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        await later(scene.scene, clock, 900)
        assert scene.shown(repo, pull).startswith("success: ")
        assert len(scene.comments(repo, pull)) == 1


async def test_a_fork_is_not_trusted_until_somebody_says_so(tmp_path):
    runner = ScriptedExecutor({})
    async with gitlab_scene(tmp_path, runner=runner) as scene:
        repo = await scene.project({".portcullis.yml": GATE, "a.py": "print(1)\n"})
        fork = await scene.forge.fork("mallory", repo)
        await scene.forge.push("mallory", fork, "topic", {"a.py": "print(2)\n"})
        pull = await scene.forge.open_pull_request("mallory", repo, "topic", source=fork)
        await scene.settled()
        assert not any(spec.trusted for spec in runner.ran)
        assert scene.shown(repo, pull).startswith("success: ")
        [status] = scene.statuses(repo, pull.head_sha)
        assert status.ref == f"refs/merge-requests/{pull.number}/head"


async def test_commands_are_notes(tmp_path):
    runner = ScriptedExecutor({"lint": (Answer(exit_code=1), Answer())})
    async with gitlab_scene(tmp_path, runner=runner) as scene:
        repo, pull = await opened(scene)
        assert scene.shown(repo, pull).startswith("failed: ")
        comment = await scene.forge.comment("alice", repo, pull, "/portcullis recheck")
        await scene.settled()
        assert scene.shown(repo, pull).startswith("success: ")
        assert [each.content for each in comment.reactions] == ["thumbsup"]
        refused = await scene.forge.comment("carol", repo, pull, "/portcullis recheck")
        await scene.settled()
        assert [each.content for each in refused.reactions] == ["thumbsdown"]
        bots = await scene.forge.comment(scene.bot.login, repo, pull, "/portcullis recheck")
        await scene.settled()
        assert bots.reactions == []


OVERRIDE = GATE + "settings:\n  commands: {override: ['@acme/leads']}\n"


async def test_an_override_by_a_group(tmp_path):
    runner = ScriptedExecutor({"lint": (Answer(exit_code=1),)})
    async with gitlab_scene(tmp_path, runner=runner) as scene:
        scene.world.add_team("acme", "leads", "bob")
        repo, pull = await opened(scene, OVERRIDE)
        await scene.forge.comment(
            "bob", repo, pull, f"/portcullis override because the linter is wrong {pull.head_sha}"
        )
        await scene.settled()
        assert scene.shown(repo, pull).startswith("success: ")


APPROVED = GATE.replace("- checks.passed", "- checks.passed\n  - approvals >= 1")


async def test_approvals_count_for_their_head_and_not_of_authors(tmp_path):
    async with gitlab_scene(tmp_path) as scene:
        repo, pull = await opened(scene, APPROVED)
        assert scene.shown(repo, pull).startswith("running: ")
        await scene.forge.review("bob", repo, pull, "APPROVED")
        await scene.settled()
        assert scene.shown(repo, pull).startswith("success: ")
        await scene.forge.push("bob", repo, "topic", {"a.py": "print(3)\n"})
        await scene.settled()
        assert scene.shown(repo, pull).startswith("running: ")


PIPELINE = """\
version: 1
checks:
  ci:
    external: {pipeline: .gitlab-ci.yml, trigger: true}
gate:
  - checks.passed
"""
CI = {".gitlab-ci.yml": "build: {script: make}\n"}


async def test_a_pipeline_is_begun_waited_for_and_run_again(tmp_path):
    async with gitlab_scene(tmp_path) as scene:
        repo, pull = await opened(scene, PIPELINE, **CI)
        [run] = [each for each in scene.forge.own(repo).pipelines.values() if each.source == "api"]
        assert (run.sha, run.ref) == (pull.head_sha, "topic")
        scene.forge.progress_pipeline(repo, run)
        await scene.settled()
        assert scene.statuses(repo, pull.head_sha)[-1].status == "pending"
        scene.forge.finish_pipeline(repo, run, "failed")
        await scene.settled()
        assert scene.shown(repo, pull).startswith("failed: ")
        await scene.forge.comment("alice", repo, pull, "/portcullis recheck ci")
        await scene.settled()
        assert run.jobs[0].status == "pending"
        scene.forge.finish_pipeline(repo, run, "success")
        await scene.settled()
        assert scene.shown(repo, pull).startswith("success: ")


async def test_a_verdict_is_shown_again_in_a_pipeline_that_begins_later(tmp_path):
    runner = ScriptedExecutor({"lint": (Answer(exit_code=1),)})
    async with gitlab_scene(tmp_path, runner=runner) as scene:
        repo, pull = await opened(scene)
        merged = await scene.forge.merged_results("alice", repo, pull)
        await scene.settled()
        [status] = scene.statuses(repo, merged.sha)
        assert (status.status, status.pipeline_id) == ("failed", merged.id)


async def test_deliveries_are_signed(tmp_path):
    async with gitlab_scene(tmp_path) as scene:
        repo, _ = await opened(scene)
        deliveries = [each for each in scene.world.deliveries.values() if each.repository_id == repo.id]
        assert deliveries
        assert all("webhook-signature" in each.headers for each in deliveries)
        assert {each.status_code for each in deliveries} == {202}
