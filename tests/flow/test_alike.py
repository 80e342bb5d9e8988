"""One gate file, one meaning: the same change on each forge gives the same verdict, byte for byte."""

from pathlib import Path

import msgspec
from sqlalchemy import Connection, select

from app.executors import Answer, ScriptedExecutor
from app.model import Run
from app.practice import PullRequest, Signature
from app.store import metadata, runs
from tests.support.clock import HandTurnedClock
from tests.support.described import answer
from tests.support.faces import FACES
from tests.support.service import Stage, stage

GATE = """\
version: 1
checks:
  lint: {run: lint, reports: [out/lint.sarif], exit_codes: {findings: [1]}}
  test: {run: test, reports: [out/junit.xml]}
  docs: {run: docs, when: "changed('docs/**')", required: false}
gate:
  - findings('high', 'new') == 0
  - tests.failed == 0
  - checks.passed
  - approvals >= 1
  - "'urgent' in pr.labels or size.added < 3"
"""
FILES = {".portcullis.yml": GATE, "shop.py": "one\ntwo\n"}
FLAWED = {"shop.py": "one\ntwo\nthree\nfour\nfive\n"}
SARIF = {"out/lint.sarif": {"sarif": ["shop.py:3 error F401 Unused import"]}}
CLEAN = {"out/lint.sarif": {"sarif": []}}
JUNIT = {"out/junit.xml": {"junit": {"passed": 2}}}


def answers() -> ScriptedExecutor:
    lint = (answer(exit=1, files=SARIF), answer(files=CLEAN))
    return ScriptedExecutor({"lint": lint, "lint on base": (answer(files=CLEAN),), "test": (answer(files=JUNIT),)},
                            default=Answer())  # fmt: skip


async def verdict(scene: Stage, pull: PullRequest) -> bytes:
    """The verdict on a pull request's head, as it is kept."""
    table = metadata.tables["runs"]

    def read(connection: Connection) -> Run | None:
        found = connection.execute(
            select(table.c.id).where(table.c.head_sha == pull.head_sha).order_by(table.c.id.desc())
        ).first()
        return None if found is None else runs.load_run(connection, found.id)

    run = await scene.program.database.read(read)
    assert run is not None
    assert run.verdict is not None
    return msgspec.json.encode(run.verdict)


async def story(name: str, root: Path) -> list[bytes]:
    """Blocked by a finding and by people, labelled, approved, mended by a push that voids the approval."""
    async with stage(root, runner=answers(), clock=HandTurnedClock(), face=name) as scene:
        repo = await scene.repository(FILES)
        told, forge = [], scene.forge
        who = Signature(name="Alice", email="alice@shop.example", at=1_790_000_000)
        await forge.push("alice", repo, "topic", FLAWED, base="main", author=who)
        pull = await forge.open_pull_request("alice", repo, "topic", title="Add three")

        async def moment() -> None:
            await scene.settled()
            told.append(await verdict(scene, pull))

        await moment()
        await forge.label("bob", repo, pull, "urgent")
        await moment()
        await forge.review("bob", repo, pull, "APPROVED")
        await moment()
        await forge.push("alice", repo, "topic", {"shop.py": "one\ntwo\n3\n4\n5\n"}, author=who)
        await moment()
        await forge.review("bob", repo, pull, "APPROVED")
        await moment()
        return told


async def test_the_same_change_is_judged_alike_on_each_forge(tmp_path):
    told = {name: await story(name, tmp_path / name) for name in FACES}
    states = [msgspec.json.decode(each)["state"] for each in told["github"]]
    assert states == ["blocked", "blocked", "blocked", "blocked", "passed"]
    assert len(set(told["github"])) > 3, "each moment says something else"
    for name, moments in told.items():
        assert moments == told["github"], name
