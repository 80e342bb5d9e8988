"""What is too large to look at whole is never looked at in part."""

import msgspec

from app.executors import GitWorkspaces, ScriptedExecutor
from app.executors.history import HistoryLimits
from tests.support.aftermath import ended_well, like_github
from tests.support.service import stage

GATE = """\
version: 1
checks:
  secrets: {use: detect-secrets}
"""


async def test_a_history_that_is_too_large_to_search_is_the_changes_failure(tmp_path, migrated_url):
    runner = ScriptedExecutor({})
    async with stage(tmp_path, runner=runner, database_url=migrated_url) as scene:
        spaces = scene.program.services.workspaces
        assert isinstance(spaces, GitWorkspaces)
        spaces.limits = msgspec.structs.replace(spaces.limits, history=HistoryLimits(commits=1))
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "x\n"})
        await scene.forge.push("alice", repo, "topic", {"b.py": "1\n"}, base="main")
        await scene.forge.push("alice", repo, "topic", {"b.py": "2\n"})
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        run = await ended_well(scene, repo, pull, "failure")
        assert "secrets failed: too large to judge: it has more than 1 commits" in str(run.title)
        assert runner.ran == [], "nothing was searched, and nothing tried again"
        like_github(scene)
