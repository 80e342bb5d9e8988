"""The same change on each kind of forge comes to the same verdict: the same bytes, once what names a forge is gone."""

import msgspec
import pytest

from app.engine import judgement_of
from app.executors import Answer, ScriptedExecutor
from app.model import Judgement, Verdict
from app.store import runs
from tests.support.clock import HandTurnedClock
from tests.support.faces import FACES
from tests.support.service import Stage, stage

GATE = """\
version: 1
checks:
  lint: {run: "true"}
  test: {run: "true"}
gate:
  - checks.passed
  - approvals >= 1
  - size.added <= 100
"""


async def judged(scene: Stage) -> Judgement:
    """A pull request with a failing check and an approval."""
    repo = await scene.repository({".portcullis.yml": GATE, "a.py": "print(1)\n"})
    await scene.forge.push("alice", repo, "topic", {"a.py": "print(2)\n"}, base="main")
    pull = await scene.forge.open_pull_request("alice", repo, "topic")
    await scene.settled()
    await scene.forge.review("bob", repo, pull, "APPROVED")
    await scene.forge.label("bob", repo, pull, "urgent")
    await scene.settled()

    def load(connection: object) -> Judgement:
        run = runs.load_run(connection, 1)  # type: ignore[arg-type]
        assert run is not None
        return judgement_of(connection, run, scene.program.services.page_link)  # type: ignore[arg-type]

    return await scene.program.database.read(load)


@pytest.mark.parametrize("kind", [kind for kind in FACES if kind != "github"])
async def test_a_change_is_judged_alike_on_every_forge(tmp_path, kind):
    verdicts: dict[str, Verdict] = {}
    for face in ("github", kind):
        runner = ScriptedExecutor({"lint": (Answer(exit_code=1),)})
        root = tmp_path / face
        root.mkdir()
        async with stage(root, runner=runner, clock=HandTurnedClock(), face=face) as scene:
            verdicts[face] = (await judged(scene)).verdict
    assert verdicts[kind].outcomes, verdicts[kind]
    assert msgspec.json.encode(verdicts[kind]) == msgspec.json.encode(verdicts["github"])
    assert [outcome.value for outcome in verdicts[kind].outcomes] == ["unmet", "met", "met"]
