"""What a change is compared with, through the whole service: base runs, ahead of changes and asked for."""

import json
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from app.executors import Answer, Ended, ScriptedExecutor, script_key
from app.model import Baseline, BaselineState
from app.practice import PullRequest, Repository
from app.store import Database, changes, metadata, runs, verdicts
from tests.support.aftermath import ATTEMPTS, ended_well, like_github, rows
from tests.support.ci import JUNIT, give_token, upload
from tests.support.described import answers
from tests.support.issuer import github_claims, issuing
from tests.support.prerequisites import program
from tests.support.service import Stage, stage
from tests.support.service_process import process_stage, until

GATE = """\
version: 1
checks:
  lint:
    run: make lint
    reports: [out/lint.sarif]
    exit_codes: {findings: [1]}
gate:
  - findings('high', 'new') == 0
"""
BASELINES = metadata.tables["baselines"]
RUNS = metadata.tables["runs"]


def found(*findings: str, hold: bool = False) -> tuple[Answer, ...]:
    files = {"out/lint.sarif": {"sarif": list(findings)}}
    return answers({"exit": 1, "files": files, "hold": hold})


OLD = "a.py:1 error F821 Undefined name"


def begun(runner: ScriptedExecutor) -> list[str]:
    return [script_key(spec) for spec in runner.ran]


async def opened(scene: Stage, repo: Repository, number: int) -> PullRequest:
    branch = f"topic-{number}"
    await scene.forge.push("alice", repo, branch, {f"b{number}.py": f"{number}\n"}, base="main")
    return await scene.forge.open_pull_request("alice", repo, branch)


async def baselines_of(database: Database, pull: PullRequest) -> tuple[Baseline, ...]:
    """What the verdict on record of a pull request was compared with."""

    def read(connection):
        change = changes.find_change(connection, 1, f"pr-{pull.number}")
        run = runs.latest_run(connection, change.id)
        return verdicts.load_verdict(connection, run.id).evidence.baselines

    return await database.read(read)


async def test_three_changes_share_one_base_run(tmp_path, migrated_url):
    runner = ScriptedExecutor({"lint": found(OLD), "lint on base": found(OLD, hold=True)})
    async with stage(tmp_path, runner=runner, database_url=migrated_url) as scene:
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "x\n"})
        pulls = [await opened(scene, repo, number) for number in (1, 2, 3)]
        spec = await runner.until_running("lint on base", 30)
        assert spec.trusted
        assert spec.changed == (".portcullis.yml", "a.py")  # all of base: what looks at changes sees it whole
        runner.release("lint on base")
        await scene.settled()
        assert begun(runner).count("lint on base") == 1
        seen = [await baselines_of(scene.program.database, pull) for pull in pulls]
        assert {one.state for baselines in seen for one in baselines} == {BaselineState.READY}
        assert len({one.evidence_id for baselines in seen for one in baselines}) == 1
        assert {one.origin for baselines in seen for one in baselines} == {
            f"base run of main@{pulls[0].base_sha[:7]}"
        }
        assert {found.head_sha for found in repo.runs.values()} == {pull.head_sha for pull in pulls}
        like_github(scene)


async def test_a_push_fills_the_store_and_the_next_change_waits_for_nothing(tmp_path, migrated_url):
    runner = ScriptedExecutor({"lint": found(OLD), "lint on base": found(OLD)})
    async with stage(tmp_path, runner=runner, database_url=migrated_url) as scene:
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "x\n"})
        tip = await scene.forge.push("alice", repo, "main", {"a.py": "y\n"})
        await scene.settled()
        assert begun(runner) == ["lint on base"]
        assert [run for run in repo.runs.values() if run.head_sha == tip] == []  # nothing is posted
        pull = await opened(scene, repo, 1)
        await scene.settled()
        assert begun(runner) == ["lint on base", "lint"]
        [one] = await baselines_of(scene.program.database, pull)
        assert (one.state, len(one.reports)) == (BaselineState.READY, 1)


async def test_ten_quick_pushes_run_for_the_first_and_the_last(tmp_path, migrated_url):
    runner = ScriptedExecutor({"lint on base": found(OLD, hold=True)})
    async with stage(tmp_path, runner=runner, database_url=migrated_url) as scene:
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "0\n"})
        await scene.forge.push("alice", repo, "main", {"a.py": "1\n"})
        await runner.until_running("lint on base", 30)
        for number in range(2, 11):
            tip = await scene.forge.push("alice", repo, "main", {"a.py": f"{number}\n"})
        await scene.forge.hooks.settle()
        runner.release("lint on base")
        await scene.settled()
        assert begun(runner) == ["lint on base", "lint on base"]
        made = await rows(scene, select(BASELINES.c.base_sha, BASELINES.c.state).order_by(BASELINES.c.id))
        assert [row["state"] for row in made] == ["ready", "ready"]
        assert made[-1]["base_sha"] == tip


async def test_what_cannot_be_had_is_said(tmp_path, migrated_url):
    runner = ScriptedExecutor({"lint": found(OLD), "lint on base": (Answer(exit_code=2),)})
    async with stage(tmp_path, runner=runner, database_url=migrated_url) as scene:
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "x\n"})
        pull = await opened(scene, repo, 1)
        await scene.settled()
        [one] = await baselines_of(scene.program.database, pull)
        assert one.state is BaselineState.IMPOSSIBLE
        assert one.reason == f"lint left no report on main@{pull.base_sha[:7]}: exit 2"
        await ended_well(scene, repo, pull, "success")


@pytest.mark.parametrize("how", [Ended.SIGNALED, Ended.OUT_OF_MEMORY, Ended.DISK_FULL, Ended.LOG_LIMIT])
async def test_what_was_cut_off_on_base_is_nothing_to_compare_with(tmp_path, how):
    """Its report may lack anything, though it can be read."""
    [whole] = found(OLD)
    cut_off = msgspec.structs.replace(whole, ended=how)
    runner = ScriptedExecutor({"lint": found(OLD), "lint on base": (cut_off,)})
    async with stage(tmp_path, runner=runner) as scene:
        repo = await scene.repository({".portcullis.yml": GATE, "a.py": "x\n"})
        pull = await opened(scene, repo, 1)
        await scene.settled()
        [one] = await baselines_of(scene.program.database, pull)
        assert (one.state, one.reports) == (BaselineState.IMPOSSIBLE, ())
        assert one.reason.startswith(f"lint was cut off on main@{pull.base_sha[:7]}: ")
        await ended_well(scene, repo, pull, "success")  # the finding is on no line of the change


async def test_a_check_that_needs_an_upload_runs_on_a_fresh_base_at_once(tmp_path, migrated_url):
    gate = GATE.replace("run: make lint", "run: make lint\n    needs: [ci]").replace(
        "gate:", "  ci: {external: {upload: ci}, reports: [junit.xml]}\ngate:\n  - tests.failed == 0"
    )
    runner = ScriptedExecutor({"lint": found(OLD), "lint on base": found(OLD)})
    async with stage(tmp_path, runner=runner, database_url=migrated_url) as scene:
        repo = await scene.repository({".portcullis.yml": gate, "a.py": "x\n"})
        pull = await opened(scene, repo, 1)
        await scene.settled()
        token = await give_token(scene, repo)
        assert (await upload(scene, token, pull.head_sha, {"junit.xml": JUNIT})).status_code == 201
        await scene.settled()
        assert begun(runner) == ["lint", "lint on base"]
        [one] = await baselines_of(scene.program.database, pull)
        assert one.state is BaselineState.READY
        await ended_well(scene, repo, pull, "success")


async def test_a_closed_asker_leaves_no_base_run(tmp_path, migrated_url):
    """Its worker is busy: what nobody waits for is dropped when its turn comes."""
    runner = ScriptedExecutor({"lint": found(OLD), "busy": (Answer(hold=True),)})
    gate = GATE.replace("gate:", "  busy: {run: sleep}\ngate:")
    environment = {"PORTCULLIS_PARALLEL_CHECKS": "1"}
    async with stage(tmp_path, runner=runner, database_url=migrated_url, environment=environment) as scene:
        repo = await scene.repository({".portcullis.yml": gate, "a.py": "x\n"})
        pull = await opened(scene, repo, 1)
        await runner.until_running("busy", 30)
        await scene.forge.close("alice", repo, pull)
        await scene.settled()
        assert "lint on base" not in begun(runner)
        assert await rows(scene, select(BASELINES.c.id)) == []
        live = await rows(scene, select(ATTEMPTS.c.id).where(ATTEMPTS.c.status.in_(["queued", "running"])))
        assert live == []


UPLOADED = """\
version: 1
checks:
  ci:
    external: {upload: ci}
    reports: [lint.sarif]
gate:
  - findings('high', 'new') == 0
"""


async def test_uploads_for_base_count_whenever_they_come(tmp_path, migrated_url):
    async with stage(tmp_path, database_url=migrated_url) as scene:
        repo = await scene.repository({".portcullis.yml": UPLOADED, "a.py": "x\n"})
        pull = await opened(scene, repo, 1)
        await scene.settled()
        token = await give_token(scene, repo)
        files = {"lint.sarif": json.dumps(SARIF).encode()}
        assert (await upload(scene, token, pull.head_sha, files)).status_code == 201
        await scene.settled()
        [one] = await baselines_of(scene.program.database, pull)
        assert (one.state, one.reason) == (
            BaselineState.IMPOSSIBLE,
            f"no upload of ci for main@{pull.base_sha[:7]}",
        )
        assert (await upload(scene, token, pull.base_sha, files)).status_code == 201
        await scene.settled()
        [one] = await baselines_of(scene.program.database, pull)
        assert (one.state, len(one.reports)) == (BaselineState.READY, 1)
        assert one.origin == f"base run of main@{pull.base_sha[:7]}, ci uploaded by token ci-main"
        second = await opened(scene, repo, 2)
        assert (await upload(scene, token, second.head_sha, files)).status_code == 201
        await scene.settled()
        [other] = await baselines_of(scene.program.database, second)
        assert other.evidence_id == one.evidence_id
        await ended_well_on(scene, repo, second)


async def test_a_baseline_follows_what_is_uploaded_for_base(tmp_path, migrated_url):
    """A replaced file is read anew, as is one more of a glob; runs that are compared with it are told."""
    gate = UPLOADED.replace("lint.sarif", "'*.sarif'")
    async with stage(tmp_path, database_url=migrated_url) as scene:
        repo = await scene.repository({".portcullis.yml": gate, "a.py": "x\n"})
        pull = await opened(scene, repo, 1)
        await scene.settled()
        token = await give_token(scene, repo)
        ours = {"lint.sarif": json.dumps(SARIF).encode()}
        nothing = json.dumps({"version": "2.1.0", "runs": []}).encode()
        await upload(scene, token, pull.head_sha, ours)
        for files, shards, findings in (
            ({"lint.sarif": b"{"}, 0, 0),
            ({"lint.sarif": nothing}, 1, 0),
            (ours, 1, 1),
            ({"more.sarif": nothing}, 2, 1),
        ):
            await upload(scene, token, pull.base_sha, files)
            await scene.settled()
            [one] = await baselines_of(scene.program.database, pull)
            assert one.state is (BaselineState.READY if shards else BaselineState.IMPOSSIBLE)
            assert len(one.reports) == shards
            assert sum(len(report.findings) for report in one.reports) == findings
        run = await ended_well(scene, repo, pull, "failure")
        assert "main has a findings report more.sarif, this change has not" in str(run.title)
        made = await rows(scene, select(RUNS.c.id))
        again = json.dumps(SARIF).encode()  # the same bytes
        await upload(scene, token, pull.base_sha, {"lint.sarif": again})
        await scene.settled()
        assert await rows(scene, select(RUNS.c.id)) == made, "nothing is read twice"


@pytest.mark.parametrize(("ref", "counts"), [("refs/heads/topic-9", False), ("refs/heads/main", True)])
async def test_whose_upload_speaks_for_base(tmp_path, migrated_url, ref, counts):
    """A job of a branch knew this commit before it became main's tip by a fast-forward."""
    async with issuing() as issuer:
        environment = {"PORTCULLIS_GITHUB_OIDC_ISSUER": issuer.url}
        async with stage(tmp_path, database_url=migrated_url, environment=environment) as scene:
            repo = await scene.repository({".portcullis.yml": UPLOADED, "a.py": "x\n"})
            pull = await opened(scene, repo, 1)
            await scene.settled()
            files = {"lint.sarif": json.dumps(SARIF).encode()}
            claims = github_claims(
                scene.url, time.time(), repo.id, event_name="push", ref=ref, sha=pull.base_sha
            )
            assert (await upload(scene, issuer.sign(claims), pull.base_sha, files)).status_code == 201
            assert (
                await upload(scene, await give_token(scene, repo), pull.head_sha, files)
            ).status_code == 201
            await scene.settled()
            [one] = await baselines_of(scene.program.database, pull)
            assert one.state is (BaselineState.READY if counts else BaselineState.IMPOSSIBLE)


async def ended_well_on(scene: Stage, repo: Repository, pull: PullRequest) -> None:
    run = scene.verdict(repo, pull)
    assert (run.status, run.conclusion) == ("completed", "success"), run.title


SARIF = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {"driver": {"name": "ruff"}},
            "results": [
                {
                    "ruleId": "F821",
                    "level": "error",
                    "message": {"text": "Undefined name"},
                    "locations": [
                        {
                            "physicalLocation": {
                                "artifactLocation": {"uri": "a.py"},
                                "region": {"startLine": 1},
                            }
                        }
                    ],
                }
            ],
        }
    ],
}
REAL_GATE = """\
version: 1
checks:
  lint:
    run: |
      if [ "$PORTCULLIS_HEAD_SHA" = "$PORTCULLIS_BASE_SHA" ]; then SLEEP; fi
      cp report.sarif out/lint.sarif
      exit 1
    reports: [out/lint.sarif]
    exit_codes: {findings: [1]}
gate:
  - findings('high', 'new') == 0
"""


@pytest.mark.sandbox
async def test_killed_while_a_base_run_runs(tmp_path):
    program("bwrap")
    async with process_stage(tmp_path) as served:
        await served.start()
        forge = served.forge
        files = {
            ".portcullis.yml": REAL_GATE.replace("SLEEP", "sleep 1.5"),
            "a.py": "x\n",
            "report.sarif": json.dumps(SARIF),
        }
        repo = await forge.create_repository("acme/shop", files)
        repo.permissions["alice"] = "write"
        await forge.push("alice", repo, "topic", {"b.py": "2\n"}, base="main")
        pull = await forge.open_pull_request("alice", repo, "topic")
        running = (
            "SELECT attempts.id FROM attempts JOIN runs ON runs.id = run_id JOIN changes ON changes.id ="
            " change_id WHERE changes.kind = 'base' AND attempts.status = 'running'"
        )
        await until(lambda: served.rows(running))
        await served.kill()
        await served.start()
        ready = "SELECT state FROM baselines"
        await until(lambda: served.rows(ready) == [("ready",)])
        await served.judged(repo, pull.head_sha)
        await until(lambda: served.rows("SELECT count(*) FROM runs WHERE status = 'planned'") == [(1,)])
        assert served.rows("SELECT status FROM attempts ORDER BY id") == [
            ("completed",), ("lost",), ("completed",),
        ]  # fmt: skip
        assert served.rows("SELECT count(*) FROM baseline_waiters") == [(0,)]


@pytest.mark.sandbox
def test_the_command_line_runs_base_too(tmp_path):
    """`portcullis run`: the same, shown as it goes."""
    program("bwrap")
    repo = tmp_path / "shop"

    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", *identity, "-C", str(repo), *arguments], check=True, capture_output=True)

    repo.mkdir()
    git("init", "-q", "-b", "main")
    (repo / ".portcullis.yml").write_text(REAL_GATE.replace("SLEEP", "true"))
    (repo / "a.py").write_text("x\n")
    (repo / "report.sarif").write_text(json.dumps(SARIF))
    git("add", ".")
    git("commit", "-q", "-m", "one")
    git("switch", "-q", "-c", "topic")
    (repo / "b.py").write_text("2\n")
    done = subprocess.run(
        [sys.executable, "-m", "app", "run", "--format", "json"],
        cwd=repo,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PORTCULLIS_DATA_DIR": str(tmp_path / "data"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "lint on base" in done.stderr
    [one] = json.loads(done.stdout)["evidence"]["baselines"]
    assert (one["state"], len(one["reports"])) == ("ready", 1)
    assert one["origin"].startswith("base run of main@")
