"""Reports that CI uploads: from the files of a job to a verdict."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing

import msgspec
import pytest
from sqlalchemy import select

from app.executors import GitWorkspaces
from app.store import Database, metadata
from tests.support.aftermath import audit, ended_well, later, like_github
from tests.support.ci import CI_GATE, JUNIT, LINES, RED_JUNIT, ROOT, cobertura, give_token, opened, upload
from tests.support.clock import HandTurnedClock
from tests.support.service import Stage, stage

CHECKS = metadata.tables["checks"]


async def test_ci_uploads_and_is_judged(tmp_path, migrated_url):
    async with stage(tmp_path, database_url=migrated_url) as scene:
        repo, pull = await opened(scene)
        waiting = scene.verdict(repo, pull)
        assert waiting.status == "in_progress"
        assert f"waits for upload ci for head {pull.head_sha[:7]}: junit.xml, coverage.xml" in str(
            waiting.text
        )
        token = await give_token(scene, repo)
        files = {"junit.xml": RED_JUNIT, "coverage.xml": cobertura(range(1, 8), range(8, 11))}
        answer = await upload(scene, token, pull.head_sha, files, root=ROOT)
        assert answer.status_code == 201, answer.text
        assert answer.json() == {
            "repository": "acme/shop",
            "head_sha": pull.head_sha,
            "name": "ci",
            "uploader": "token ci-main",
            "files": [
                {"path": path, "size": len(content), "outcome": "stored", "problem": ""}
                for path, content in files.items()
            ],
            "checks": ["ci"],
            "notes": [],
        }
        await scene.settled()
        run = await ended_well(scene, repo, pull, "failure")
        assert run.title == "failed tests 1 > 0; coverage on new code 70 % < 80 %"
        assert "uploaded by token ci-main" in str(run.text)
        # the job is mended and uploads again: each file replaces the one before
        files = {"junit.xml": JUNIT, "coverage.xml": cobertura(range(1, 11))}
        answer = await upload(scene, token, pull.head_sha, files, root=ROOT)
        assert [file["outcome"] for file in answer.json()["files"]] == ["replaced", "replaced"]
        await scene.settled()
        green = await ended_well(scene, repo, pull, "success")
        assert "1 flaky test: 1 passed only when tried again" in str(green.text)  # of the same commit
        entries = [entry for entry in await audit(scene) if entry.verb == "report.uploaded"]
        assert [entry.actor.login for entry in entries] == ["token:ci-main"] * 2
        assert entries[0].details["files"] == "junit.xml, coverage.xml"
        like_github(scene)


async def test_an_upload_for_another_head_does_not_count(tmp_path, migrated_url):
    async with stage(tmp_path, database_url=migrated_url) as scene:
        repo, pull = await opened(scene)
        token = await give_token(scene, repo)
        files = {"junit.xml": JUNIT, "coverage.xml": cobertura(range(1, 11))}
        for other in (pull.head_sha[:-1] + ("0" if pull.head_sha[-1] != "0" else "1"), "f" * 40):
            assert (await upload(scene, token, other, files, root=ROOT)).status_code == 201
        assert (await upload(scene, token, pull.head_sha, files, name="other")).status_code == 201
        await scene.settled()
        assert scene.verdict(repo, pull).status == "in_progress"
        assert (await upload(scene, token, pull.head_sha, files, root=ROOT)).status_code == 201
        await scene.settled()
        await ended_well(scene, repo, pull, "success")
        # the next head waits for its own
        await scene.forge.push("alice", repo, "topic", {"a.py": LINES + "print(11)\n"})
        await scene.settled()
        assert scene.verdict(repo, pull).status == "in_progress"


async def test_an_upload_that_comes_before_the_change(tmp_path, migrated_url):
    async with stage(tmp_path, database_url=migrated_url) as scene:
        repo = await scene.repository({".portcullis.yml": CI_GATE, "b.py": "print(0)\n"})
        head_sha = await scene.forge.push("alice", repo, "topic", {"a.py": LINES}, base="main")
        await scene.settled()
        token = await give_token(scene, repo)
        files = {"junit.xml": JUNIT, "coverage.xml": cobertura(range(1, 11))}
        answer = await upload(scene, token, head_sha, files, root=ROOT)
        assert answer.json()["notes"] == ["no change with this head is judged yet; it is kept until then"]
        pull = await scene.forge.open_pull_request("alice", repo, "topic")
        await scene.settled()
        await ended_well(scene, repo, pull, "success")


async def test_a_time_out_and_then_a_late_upload(tmp_path, migrated_url):
    clock = HandTurnedClock()
    async with stage(tmp_path, clock=clock, database_url=migrated_url) as scene:
        repo, pull = await opened(scene)
        token = await give_token(scene, repo)
        assert (await upload(scene, token, pull.head_sha, {"junit.xml": JUNIT})).status_code == 201
        await later(scene, clock, 29 * 60)
        waiting = scene.verdict(repo, pull)
        assert waiting.status == "in_progress"
        assert "coverage.xml (1 here)" in str(waiting.text)
        await later(scene, clock, 2 * 60)
        run = await ended_well(scene, repo, pull, "failure")
        assert "upload ci: coverage.xml not uploaded within 30 min" in str(run.text)
        late = await upload(scene, token, pull.head_sha, {"coverage.xml": cobertura(range(1, 11))}, root=ROOT)
        assert late.status_code == 201
        await scene.settled()
        await ended_well(scene, repo, pull, "success")


SHARDS = """\
version: 1
checks:
  ci:
    external: {upload: ci}
    reports: [shard-1/junit.xml, shard-2/junit.xml, {path: "*.sarif", optional: true}]
gate: [tests.failed == 0, tests.total == 2, "findings('low', 'all') == 0"]
"""


async def test_two_shards_are_one_upload(tmp_path, migrated_url):
    async with stage(tmp_path, database_url=migrated_url) as scene:
        repo, pull = await opened(scene, SHARDS)
        token = await give_token(scene, repo)
        await upload(scene, token, pull.head_sha, {"shard-1/junit.xml": JUNIT})
        await scene.settled()
        assert scene.verdict(repo, pull).status == "in_progress"
        await upload(scene, token, pull.head_sha, {"shard-2/junit.xml": JUNIT})
        await scene.settled()
        await ended_well(scene, repo, pull, "success")
        await upload(scene, token, pull.head_sha, {"shard-2/junit.xml": RED_JUNIT})
        await scene.settled()
        await ended_well(scene, repo, pull, "failure")


ONE_NAME = """\
version: 1
checks:
  ci: {external: {upload: ci}, reports: [coverage.xml]}
gate: [coverage.new >= 80%]
settings: {small_change: {lines: 0}}
"""


async def test_shards_of_one_file_name_by_two_jobs_are_united(tmp_path, migrated_url):
    async with stage(tmp_path, database_url=migrated_url) as scene:
        repo, pull = await opened(scene, ONE_NAME)
        token = await give_token(scene, repo)

        async def shard(job: str, covered: range, missed: range) -> str:
            files = {"coverage.xml": cobertura(covered, missed)}
            answer = await upload(scene, token, pull.head_sha, files, root=ROOT, job=job)
            assert answer.json()["uploader"] == f"token ci-main, job {job}"
            await scene.settled()
            return answer.json()["files"][0]["outcome"]

        assert await shard("test 1/2", range(1, 6), range(6, 11)) == "stored"
        run = await ended_well(scene, repo, pull, "failure")
        assert run.title == "coverage on new code 50 % < 80 %"
        assert await shard("test 2/2", range(6, 11), range(1, 6)) == "stored"
        run = await ended_well(scene, repo, pull, "success")
        assert "job test 1/2" in str(run.text)
        # a job that runs again replaces its own, and nothing of the other's
        assert await shard("test 2/2", range(6, 7), range(7, 11)) == "replaced"
        run = await ended_well(scene, repo, pull, "failure")
        assert run.title == "coverage on new code 60 % < 80 %"
        files = {"coverage.xml": cobertura(range(1, 2))}
        assert (await upload(scene, token, pull.head_sha, files, job="a\nb")).status_code == 400


async def test_as_many_shards_are_waited_for_as_are_declared(tmp_path, migrated_url):
    clock = HandTurnedClock()
    async with stage(tmp_path, clock=clock, database_url=migrated_url) as scene:
        repo, pull = await opened(scene, ONE_NAME.replace("upload: ci", "upload: ci, shards: 2"))
        token = await give_token(scene, repo)
        first = {"coverage.xml": cobertura(range(1, 6), range(6, 11))}
        await upload(scene, token, pull.head_sha, first, root=ROOT, job="test 1/2")
        await later(scene, clock, 60)
        waiting = scene.verdict(repo, pull)
        assert waiting.status == "in_progress"
        assert "1 of 2 shards of coverage.xml uploaded" in str(waiting.text)
        second = {"coverage.xml": cobertura(range(6, 11), range(1, 6))}
        await upload(scene, token, pull.head_sha, second, root=ROOT, job="test 2/2")
        await scene.settled()
        await ended_well(scene, repo, pull, "success")
        like_github(scene)


async def test_a_malformed_report_is_answered_and_fails_the_check(tmp_path, migrated_url):
    async with stage(tmp_path, database_url=migrated_url) as scene:
        repo, pull = await opened(scene)
        token = await give_token(scene, repo)
        broken = JUNIT.replace("</testsuite>", "")
        files = {"junit.xml": broken, "coverage.xml": cobertura(range(1, 11))}
        answer = await upload(scene, token, pull.head_sha, files, root=ROOT)
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert "report unreadable: junit.xml: line 1" in answer.json()["detail"]
        assert answer.json()["stored"] is True
        await scene.settled()
        run = await ended_well(scene, repo, pull, "failure")
        assert "report unreadable: junit.xml: line 1" in str(run.text)
        await upload(scene, token, pull.head_sha, {"junit.xml": JUNIT})
        await scene.settled()
        await ended_well(scene, repo, pull, "success")


async def test_the_same_upload_many_times_at_once_is_one(tmp_path, migrated_url):
    async with stage(tmp_path, database_url=migrated_url) as scene:
        repo, pull = await opened(scene)
        token = await give_token(scene, repo)
        files = {"junit.xml": JUNIT, "coverage.xml": cobertura(range(1, 11))}
        answers = await asyncio.gather(
            *(upload(scene, token, pull.head_sha, files, root=ROOT) for _ in range(6))
        )
        assert [answer.status_code for answer in answers] == [201] * 6
        outcomes = sorted(answer.json()["files"][0]["outcome"] for answer in answers)
        assert outcomes == ["stored", *["unchanged"] * 5]
        await scene.settled()
        await ended_well(scene, repo, pull, "success")
        assert len([one for one in await audit(scene) if one.verb == "report.uploaded"]) == 1


@asynccontextmanager
async def reading_held(scene: Stage) -> AsyncIterator[None]:
    """Nobody reads from any mirror, so that no tree is made beside which reports are read."""
    async with AsyncExitStack() as stack:
        for mirror in list(spaces_of(scene)._mirrors.values()):
            await stack.enter_async_context(mirror.lock("use", exclusive=True))
        yield


def spaces_of(scene: Stage) -> GitWorkspaces:
    spaces = scene.program.services.workspaces
    assert isinstance(spaces, GitWorkspaces)
    return spaces


async def test_a_tree_that_is_too_large_fails_what_is_read_beside_it(tmp_path, migrated_url):
    async with stage(tmp_path, database_url=migrated_url) as scene:
        repo, pull = await opened(scene)
        spaces = spaces_of(scene)
        spaces.limits = msgspec.structs.replace(spaces.limits, tree_files=1)
        token = await give_token(scene, repo)
        files = {"junit.xml": JUNIT, "coverage.xml": cobertura(range(1, 11))}
        assert (await upload(scene, token, pull.head_sha, files, root=ROOT)).status_code == 201
        await scene.settled()
        run = await ended_well(scene, repo, pull, "failure")
        assert "too large to judge: 3 files, at most 1" in str(run.text)


async def test_a_restart_between_upload_and_reading_loses_nothing(tmp_path, migrated_url):
    async with stage(tmp_path, database_url=migrated_url) as scene:
        repo, pull = await opened(scene)
        token = await give_token(scene, repo)
        files = {"junit.xml": JUNIT, "coverage.xml": cobertura(range(1, 11))}
        async with reading_held(scene):
            assert (await upload(scene, token, pull.head_sha, files, root=ROOT)).status_code == 201
            await scene.stop()
        with closing(Database(migrated_url)) as database:
            read = await database.read(lambda c: c.execute(select(CHECKS.c.reading)).scalars().all())
        assert read == [None], "nothing was read before the stop"
        await scene.start_again()
        await scene.settled()
        await ended_well(scene, repo, pull, "success")


@pytest.mark.parametrize("unjudged", [True, False])
async def test_what_no_condition_judges_fails_the_check(tmp_path, unjudged):
    gate = "version: 1\nchecks:\n  ci: {external: {upload: ci}, reports: [junit.xml]}\n"
    gate += "gate: [checks.passed]\n" if unjudged else "gate: [tests.failed <= 1]\n"
    async with stage(tmp_path) as scene:
        repo, pull = await opened(scene, gate)
        token = await give_token(scene, repo)
        await upload(scene, token, pull.head_sha, {"junit.xml": RED_JUNIT})
        await scene.settled()
        run = await ended_well(scene, repo, pull, "failure" if unjudged else "success")
        if unjudged:
            assert "1 failed test, and not all of its reports are judged" in str(run.text)


SCANNED = """\
version: 1
checks:
  scan: {external: {upload: scan}, reports: [{path: scan.sarif}]}
gate: ["findings('info', 'new') == 0"]
"""
LEAK = json.dumps(
    {
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "gitleaks", "rules": [{"id": "aws-access-token"}]}},
                "results": [
                    {
                        "ruleId": "aws-access-token",
                        "level": "error",
                        "message": {"text": "an access token"},
                        "locations": [
                            {
                                "physicalLocation": {
                                    "artifactLocation": {"uri": "a.py"},
                                    "region": {"startLine": 3},
                                }
                            }
                        ],
                    }
                ],
            }
        ],
    }
)


async def test_an_uploaded_secret_that_no_condition_judges_fails_the_check(tmp_path, migrated_url):
    async with stage(tmp_path, database_url=migrated_url) as scene:
        repo, pull = await opened(scene, SCANNED)
        token = await give_token(scene, repo)
        assert (
            await upload(scene, token, pull.head_sha, {"scan.sarif": LEAK}, name="scan")
        ).status_code == 201
        await scene.settled()
        run = await ended_well(scene, repo, pull, "failure")
        assert "1 finding, and no condition judges the secrets among it" in str(run.text)
