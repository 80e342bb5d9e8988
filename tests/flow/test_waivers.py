"""A waiver that ends: every open change is judged again at midnight UTC, without a delivery."""

import datetime as dt
import json

from app.executors import Answer, ScriptedExecutor
from tests.support.aftermath import ended_well, like_github, rest
from tests.support.clock import HandTurnedClock
from tests.support.service import stage

GATE = """\
version: 1
checks:
  lint: {run: make lint, reports: [out/lint.sarif], exit_codes: {findings: [1]}}
gate:
  - findings('high', 'new') == 0
waivers:
  - {rule: F401, path: a.py, max: 1, reason: old, owner: '@dana', granted: 2026-03-01, expires: 2026-03-02}
"""
MIDNIGHT = dt.datetime(2026, 3, 3, tzinfo=dt.UTC).timestamp()
REGION = {"artifactLocation": {"uri": "a.py"}, "region": {"startLine": 1}}
SARIF = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {"driver": {"name": "lint"}},
            "results": [
                {
                    "ruleId": "F401",
                    "level": "error",
                    "message": {"text": "Unused import"},
                    "locations": [{"physicalLocation": REGION}],
                }
            ],
        }
    ],
}


async def test_an_open_change_is_judged_again_when_its_waiver_has_ended(tmp_path, migrated_url):
    found = Answer(exit_code=1, files={"out/lint.sarif": json.dumps(SARIF).encode()})
    runner, clock = ScriptedExecutor({"lint": (found,)}), HandTurnedClock(MIDNIGHT - 600)
    async with stage(tmp_path, runner=runner, clock=clock, database_url=migrated_url) as scene:
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "print(1)\n"})
        await scene.forge.push("alice", repo, "topic", {"a.py": "import os\n"}, base="main")
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        passed = await ended_well(scene, repo, pull, "success")
        assert passed.title.endswith("1 waiver used")
        ran = [spec.check.key for spec in runner.ran]

        await clock.advance(599, rest(scene, clock))
        assert (await ended_well(scene, repo, pull, "success")).id == passed.id
        await clock.advance(61, rest(scene, clock))

        blocked = await ended_well(scene, repo, pull, "failure")
        assert blocked.title == "new high+ findings 1 > 0"
        assert [spec.check.key for spec in runner.ran] == ran  # by the evidence that is there
        like_github(scene)
