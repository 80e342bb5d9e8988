"""Calls are few: what one change costs of GitHub's rate limits (about 4 requests, 2 of them creating)."""

from collections import Counter

from app.executors import Answer, ScriptedExecutor
from app.store import runs
from tests.support.aftermath import GATE, ended_well, like_github
from tests.support.faces import app_key
from tests.support.service import Stage, stage

APPROVED = GATE + "  - approvals >= 1\n"


def spent(scene: Stage, before: Counter[str]) -> dict[str, int]:
    """Requests by kind since `before`, minting the hourly token aside."""
    now = scene.program.services.forges["github"].requests
    return {kind: count for kind, count in (now - before).items() if kind != "token"}


def so_far(scene: Stage) -> Counter[str]:
    return Counter(scene.program.services.forges["github"].requests)


async def test_a_pull_request_costs_four_requests_and_a_push_four(tmp_path):
    runner = ScriptedExecutor({"lint": (Answer(exit_code=1), Answer())})
    async with stage(tmp_path, runner=runner) as scene:
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "1\n"})
        await scene.forge.push("alice", repo, "topic", {"a.py": "2\n"}, base="main")
        before = so_far(scene)
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        opened = spent(scene, before)
        assert opened == {
            "permission": 1,
            "check_run_create": 1,
            "check_run_update": 1,
            "comment_create": 1,
        }
        before = so_far(scene)
        await scene.forge.push("alice", repo, "topic", {"a.py": "3\n"})
        await scene.settled()
        pushed = spent(scene, before)
        assert pushed == {
            "permission": 1,
            "check_run_create": 1,
            "check_run_update": 1,
            "comment_update": 1,
        }
        await ended_well(scene, repo, pull, "success")
        like_github(scene)


async def test_a_review_costs_what_it_must(tmp_path):
    """Reviews, who wrote the commits, one permission per reviewer, and the two posts."""
    async with stage(tmp_path) as scene:
        repo = await scene.repository({".portcullis.yml": APPROVED, "a.py": "1\n"})
        await scene.forge.push("alice", repo, "topic", {"a.py": "2\n"}, base="main")
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        assert scene.verdict(repo, pull).conclusion == "action_required"
        before = so_far(scene)
        await scene.forge.review("bob", repo, pull, "APPROVED")
        await scene.settled()
        assert spent(scene, before) == {
            "reviews": 1,
            "commits": 1,
            "permission": 1,
            "check_run_get": 1,
            "check_run_update": 1,
            "comment_update": 1,
        }
        await ended_well(scene, repo, pull, "success")
        like_github(scene)


async def test_what_changes_nothing_writes_nothing(tmp_path):
    async with stage(tmp_path) as scene:
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "1\n"})
        await scene.forge.push("alice", repo, "topic", {"a.py": "2\n"}, base="main")
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        before = so_far(scene)
        await scene.forge.label("alice", repo, pull, "colour")
        await scene.forge.comment("bob", repo, pull, "Looks good to me")
        await scene.forge.review("bob", repo, pull, "COMMENTED", body="hm")
        await scene.forge.push("alice", repo, "elsewhere", {"b.py": "1\n"}, base="main")
        await scene.settled()
        assert spent(scene, before) == {"pull": 1}


async def test_progress_of_a_long_plan_is_thrifty(tmp_path):
    """Ten checks end one by one: the pending summary is not rewritten for each."""
    checks = "".join(f"  c{n}: {{run: 'true'}}\n" for n in range(10))
    gate = f"version: 1\nchecks:\n{checks}gate:\n  - checks.passed\n"
    async with stage(tmp_path) as scene:
        repo = await scene.repository({".portcullis.yml": gate, "a.py": "1\n"})
        await scene.forge.push("alice", repo, "topic", {"a.py": "2\n"}, base="main")
        before = so_far(scene)
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        found = spent(scene, before)
        assert found["check_run_create"] == found["check_run_update"] == found["comment_create"] == 1
        assert sum(found.values()) == 4, found
        await ended_well(scene, repo, pull, "success")


FOREIGN = """version: 1
checks:
  lint: {run: 'true'}
  ci: {external: {workflow: ci.yml}}
  unit: {external: {context: unit, app: ci}}
gate:
  - checks.passed
"""


async def test_what_others_post_costs_nothing_unless_a_gate_names_it(tmp_path):
    """Forty check runs of others wake no run; those that are named cost no request of their own."""
    async with stage(tmp_path) as scene:
        repo = await scene.repository({".portcullis.yml": FOREIGN, "a.py": "1\n"})
        world, forge = scene.world, scene.forge
        ci = world.add_app("ci", owner="acme", permissions={"checks": "write"}, key=app_key())
        await forge.push("alice", repo, "topic", {"a.py": "2\n"}, base="main")
        before = so_far(scene)
        pull = await forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        opened = spent(scene, before)
        assert opened.pop("check_run_update", 1) == 1  # that lint has ended, where it was not told at once
        assert opened == {"permission": 1, "check_runs": 1, "workflow_runs": 1, "check_run_create": 1}
        before = so_far(scene)
        database = scene.program.database
        touched = await database.read(lambda c: runs.load_run(c, 1).touched_at)
        for number in range(20):
            body = {"head_sha": pull.head_sha, "name": f"job {number}", "status": "in_progress"}
            run = await forge.create_check_run(ci, repo, body)
            await forge.update_check_run(ci, repo, run, {"conclusion": "failure"})
            await forge.post_status("bob", repo, pull.head_sha, context="elsewhere")
            await forge.start_workflow("alice", repo, ".github/workflows/other.yml", pull.head_sha)
        await scene.settled()
        assert spent(scene, before) == {}
        assert await database.read(lambda c: runs.load_run(c, 1).touched_at) == touched
        body = {"head_sha": pull.head_sha, "name": "unit", "status": "completed", "conclusion": "success"}
        await forge.create_check_run(ci, repo, body)
        workflow = await forge.start_workflow("alice", repo, ".github/workflows/ci.yml", pull.head_sha)
        await forge.finish_workflow(repo, workflow, "success")
        await scene.settled()
        assert set(spent(scene, before)) <= {"check_run_update", "comment_create"}
        await ended_well(scene, repo, pull, "success")
        like_github(scene)
