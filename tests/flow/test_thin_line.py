"""One pull request from its signed delivery to the check run, through the whole service."""

from app.executors import Answer, ScriptedExecutor
from tests.support.service import stage

GATE = """\
version: 1
checks:
  lint: {run: "true"}
gate:
  - checks.passed
"""


async def test_a_pull_request_is_judged(tmp_path):
    runner = ScriptedExecutor({"lint": (Answer(exit_code=1), Answer(exit_code=0))})
    async with stage(tmp_path, runner=runner) as scene:
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "print(1)\n"})
        await scene.forge.push("alice", repo, "topic", {"a.py": "print(2)\n"}, base="main")
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        run = scene.verdict(repo, pull)
        assert run.history == ["in_progress", "completed:failure"]
        assert "lint" in run.title
        assert len(scene.comments(repo, pull)) == 1

        await scene.forge.push("alice", repo, "topic", {"a.py": "print(3)\n"})
        await scene.settled()
        assert scene.verdict(repo, pull).conclusion == "success"
        assert len(scene.comments(repo, pull)) == 1
