"""Reports that CI uploads: from the files of a job to a verdict."""

import asyncio

import pytest

from app.practice import PullRequest, Repository
from tests.support.aftermath import audit, ended_well, later, like_github
from tests.support.ci import JUNIT, RED_JUNIT, cobertura, give_token, upload
from tests.support.clock import HandTurnedClock
from tests.support.service import Stage, stage

GATE = """\
version: 1
checks:
  ci:
    external: {upload: ci}
    reports: [junit.xml, coverage.xml]
    timeout: 30m
gate:
  - tests.failed == 0
  - coverage.new >= 80%
settings: {small_change: {lines: 0}}
"""
ROOT = "/home/runner/work/shop/shop"
LINES = "".join(f"print({n})\n" for n in range(1, 11))


async def opened(scene: Stage, gate: str = GATE) -> tuple[Repository, PullRequest]:
    repo = await scene.repository({".portcullis.yml": gate, "b.py": "print(0)\n"})
    await scene.forge.push("alice", repo, "topic", {"a.py": LINES}, base="main")
    pull = await scene.forge.open_pull_request("alice", repo, "topic")
    await scene.settled()
    return repo, pull


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
        await ended_well(scene, repo, pull, "success")
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
        repo = await scene.repository({".portcullis.yml": GATE, "b.py": "print(0)\n"})
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


async def test_a_restart_between_upload_and_reading_loses_nothing(tmp_path, migrated_url):
    async with stage(tmp_path, database_url=migrated_url) as scene:
        repo, pull = await opened(scene)
        token = await give_token(scene, repo)
        files = {"junit.xml": JUNIT, "coverage.xml": cobertura(range(1, 11))}
        assert (await upload(scene, token, pull.head_sha, files, root=ROOT)).status_code == 201
        await scene.stop()
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
