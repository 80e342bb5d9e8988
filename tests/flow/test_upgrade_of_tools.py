"""Tools that are upgraded while a check runs."""

from app.executors import Answer, ScriptedExecutor
from tests.support.aftermath import ended_well
from tests.support.service import stage

GATE = """\
version: 1
checks:
  lint: {run: make lint, reuse: [src/**]}
"""


async def test_a_result_that_began_on_other_tools_serves_nobody(tmp_path, migrated_url):
    runner = ScriptedExecutor({"lint": (Answer(hold=True), Answer())})
    async with stage(tmp_path, runner=runner, database_url=migrated_url) as scene:
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "x\n"})
        await scene.forge.push("alice", repo, "topic", {"src/b.py": "1\n"}, base="main")
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await runner.until_running("lint", 20)
        runner.platform = "upgraded"
        runner.release("lint")
        await scene.settled()
        for n, ran in ((1, 2), (2, 2)):
            await scene.forge.push("alice", repo, "topic", {"README.md": f"{n}\n"})
            await scene.settled()
            await ended_well(scene, repo, pull, "success")
            assert len(runner.ran) == ran, "the second one's result serves the third"
