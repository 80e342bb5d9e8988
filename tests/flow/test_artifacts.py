"""What a check is given of the checks it needs."""

from pathlib import Path

import pytest
from sqlalchemy import delete, select

from app.executors import Answer, Artifact, ScriptedExecutor
from app.model import Conclusion
from app.store import metadata
from tests.support.aftermath import ended_well, like_github, rows
from tests.support.service import stage

ARTIFACTS = metadata.tables["artifacts"]
REUSING = """\
version: 1
checks:
  build: {run: make, artifacts: [out/app, out/lib], reuse: [src/**]}
  test: {run: ./test, needs: [build], retry: {max: 0}}
"""
GATE = """\
version: 1
checks:
  build: {run: make, artifacts: [out/app]}
  test: {run: ./test, needs: [build], retry: {max: 0}}
"""


async def test_a_check_is_given_what_one_attempt_kept_and_nothing_else(tmp_path, migrated_url):
    kept = tmp_path / "kept" / "1"
    artifacts = []
    for name in ("app", "lib/deep/so"):
        (kept / name).parent.mkdir(parents=True, exist_ok=True)
        (kept / name).write_text("x")
        artifacts.append(Artifact(path=f"out/{name}", size=1, stored=str(kept / name)))
    runner = ScriptedExecutor({"build": (Answer(artifacts=tuple(artifacts)),)})
    async with stage(tmp_path, runner=runner, database_url=migrated_url) as scene:
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "x\n"})
        await scene.forge.push("alice", repo, "topic", {"b.py": "1\n"}, base="main")
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        await ended_well(scene, repo, pull, "success")
        assert [spec.inputs for spec in runner.ran] == [{}, {"build": kept}]


async def test_a_check_does_not_run_without_what_it_is_to_be_given(tmp_path, migrated_url):
    kept = tmp_path / "kept" / "1" / "app"
    artifact = Artifact(path="out/app", size=1, stored=str(kept))
    runner = ScriptedExecutor({"build": (Answer(artifacts=(artifact,)),)})
    async with stage(tmp_path, runner=runner, database_url=migrated_url) as scene:
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "x\n"})
        await scene.forge.push("alice", repo, "topic", {"b.py": "1\n"}, base="main")
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()  # its file was never there, as on a machine that lost its disk
        run = await ended_well(scene, repo, pull, "failure")
        assert "the artifacts of build are not here any more: run it again" in str(run.text)
        assert [spec.check.key for spec in runner.ran] == ["build"]
        ended = await rows(
            scene, select(metadata.tables["checks"].c.key, metadata.tables["checks"].c.conclusion)
        )
        assert {row["key"]: row["conclusion"] for row in ended} == {
            "build": Conclusion.SUCCESS, "test": Conclusion.ERROR,
        }  # fmt: skip
        like_github(scene)


@pytest.mark.parametrize("gone", ["rows", "one file"])
async def test_a_check_does_not_run_when_what_a_reused_result_left_is_gone(tmp_path, migrated_url, gone):
    kept = tmp_path / "kept" / "1"
    kept.mkdir(parents=True)
    artifacts = tuple(
        Artifact(path=f"out/{name}", size=1, stored=str(kept / name)) for name in ("app", "lib")
    )
    for artifact in artifacts:
        Path(artifact.stored).write_text("x")
    runner = ScriptedExecutor(
        {"build": (Answer(artifacts=artifacts),), "test": (Answer(exit_code=1), Answer())}
    )
    async with stage(tmp_path, runner=runner, database_url=migrated_url) as scene:
        repo = await scene.repository({".portcullis.yml": REUSING, "a.py": "x\n"})
        await scene.forge.push("alice", repo, "topic", {"src/b.py": "1\n"}, base="main")
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        await ended_well(scene, repo, pull, "failure")
        await scene.forge.push("alice", repo, "topic", {"README.md": "1\n"})
        await scene.settled()
        await ended_well(scene, repo, pull, "success")
        assert [spec.check.key for spec in runner.ran] == ["build", "test", "test"]
        assert runner.ran[-1].inputs == {"build": kept}
        if gone == "rows":
            await scene.program.database.run(lambda unit: unit.connection.execute(delete(ARTIFACTS)))
        else:
            (kept / "lib").unlink()
        await scene.forge.comment("alice", repo, pull, "/portcullis recheck test")
        await scene.settled()
        run = await ended_well(scene, repo, pull, "failure")
        assert "the artifacts of build are not here any more: run it again" in str(run.text)
        assert len(runner.ran) == 3
        like_github(scene)
