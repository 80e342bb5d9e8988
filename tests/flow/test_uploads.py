"""Reports that CI uploads: from the files of a job to a verdict."""

import asyncio
import json
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path

import httpx
import msgspec
import pytest
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.executors import GitWorkspaces
from app.model import Sha, Upload, Uploader
from app.practice import PullRequest, Repository, listening
from app.store import Database, Unit, commits, metadata, runs, uploads
from tests.support.aftermath import audit, ended_well, later, like_github
from tests.support.ci import JUNIT, RED_JUNIT, cobertura, give_token, upload
from tests.support.clock import HandTurnedClock
from tests.support.issuer import github_claims, issuing
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
CHECKS = metadata.tables["checks"]
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


async def test_an_address_that_sends_tokens_of_nobody_has_to_wait(tmp_path, migrated_url):
    async with stage(tmp_path, clock=HandTurnedClock(), database_url=migrated_url) as scene:
        repo, pull = await opened(scene)
        files = {"junit.xml": JUNIT}
        answers = [await upload(scene, f"pct_{number}", pull.head_sha, files) for number in range(31)]
        assert [answer.status_code for answer in answers] == [401] * 30 + [429]
        assert int(answers[-1].headers["retry-after"]) == 2
        # even a right token waits: whose it is was not looked at
        token = await give_token(scene, repo)
        assert (await upload(scene, token, pull.head_sha, files)).status_code == 429


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


async def command(scene: Stage, folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """The real client as a process of its own; gives its exit status and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app",
        "upload",
        *arguments,
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PORTCULLIS_URL": scene.url,
            **environment,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_a_job_of_github_actions_proves_who_it_is(tmp_path, migrated_url):
    """From the client's command line to the verdict: the head from the event, the token from GitHub."""
    async with issuing() as issuer:
        environment = {"PORTCULLIS_GITHUB_OIDC_ISSUER": issuer.url}
        async with stage(tmp_path, database_url=migrated_url, environment=environment) as scene:
            repo, pull = await opened(scene)
            job = tmp_path / "job"
            job.mkdir()
            (job / "junit.xml").write_text(JUNIT)
            (job / "coverage.xml").write_text(cobertura(range(1, 11)))
            event = {"pull_request": {"head": {"sha": pull.head_sha}}}
            (tmp_path / "event.json").write_text(json.dumps(event))

            async def give(request: Request) -> Response:
                claims = github_claims(request.query_params["audience"], time.time(), repo.id)
                return JSONResponse({"value": issuer.sign(claims)})

            async with listening(Starlette(routes=[Route("/token", give)])) as actions:
                status, said = await command(
                    scene,
                    job,
                    "--name",
                    "ci",
                    "*.xml",
                    GITHUB_ACTIONS="true",
                    GITHUB_EVENT_PATH=str(tmp_path / "event.json"),
                    GITHUB_SHA="d" * 40,
                    GITHUB_WORKSPACE=ROOT,
                    ACTIONS_ID_TOKEN_REQUEST_URL=f"{actions}/token?api-version=2",
                    ACTIONS_ID_TOKEN_REQUEST_TOKEN="secret",
                )
            assert status == 0, said
            who = "acme/shop workflow ci.yml@refs/pull/1/merge run 123"
            assert f"uploaded to acme/shop as ci by {who}" in said
            await scene.settled()
            run = await ended_well(scene, repo, pull, "success")
            assert "uploaded by acme/shop workflow ci.yml" in str(run.text)
            assert "run 123" in str(run.text)


async def test_the_client_says_what_was_refused(tmp_path):
    async with stage(tmp_path) as scene:
        repo, pull = await opened(scene)
        (tmp_path / "junit.xml").write_text("<testsuite>")
        arguments = ("--name", "ci", "junit.xml", "--sha", pull.head_sha)
        status, said = await command(scene, tmp_path, *arguments, PORTCULLIS_TOKEN="pct_" + "A" * 43)
        assert (status, "this token was never given, is revoked or has expired" in said) == (2, True)
        token = await give_token(scene, repo)
        status, said = await command(scene, tmp_path, *arguments, PORTCULLIS_TOKEN=token)
        assert (status, "report unreadable: junit.xml" in said, "it is kept" in said) == (1, True, True)
        assert token not in said
        (tmp_path / "junit.xml").write_text(JUNIT)
        status, said = await command(scene, tmp_path, *arguments, PORTCULLIS_TOKEN=token)
        assert (status, "junit.xml replaced earlier ones" in said) == (0, True)


async def test_who_may_upload_for_which_head(tmp_path, migrated_url):
    clock = HandTurnedClock()
    async with issuing() as issuer:
        environment = {"PORTCULLIS_GITHUB_OIDC_ISSUER": issuer.url}
        async with stage(tmp_path, clock=clock, database_url=migrated_url, environment=environment) as scene:
            repo, pull = await opened(scene)
            files = {"junit.xml": JUNIT, "coverage.xml": cobertura(range(1, 11))}
            good = github_claims(scene.url, clock.now(), repo.id)

            async def refused(claims: dict[str, object], **more: str) -> int:
                answer = await upload(scene, issuer.sign(claims), pull.head_sha, files, root=ROOT, **more)
                assert answer.headers["content-type"] == "application/problem+json"
                assert "acme" not in answer.text
                return answer.status_code

            assert await refused({**good, "repository": "mallory/shop", "repository_id": "999"}) == 404
            assert await refused({**good, "aud": "https://elsewhere.example"}) == 401
            assert await refused({**good, "exp": int(clock.now()) - 3600}) == 401
            assert await refused({**good, "iss": "https://evil.example"}) == 401
            assert await refused({**good, "event_name": "push", "ref": "refs/heads/x"}) == 403
            assert await refused(good, repository="acme/other") == 404
            none = issuer.unsigned(good, {"alg": "none", "kid": "one"})
            assert (await upload(scene, none, pull.head_sha, files)).status_code == 401
            assert (await upload(scene, "", pull.head_sha, files)).status_code == 401
            old = await give_token(scene, repo, "old", expires_at=clock.now() + 60)
            # a job of another pull request speaks for that one only
            ref = "refs/pull/2/merge"
            other = {**good, "ref": ref, "workflow_ref": f"acme/shop/.github/workflows/ci.yml@{ref}"}
            answer = await upload(scene, issuer.sign(other), pull.head_sha, files, root=ROOT)
            assert answer.status_code == 201
            await scene.settled()
            assert scene.verdict(repo, pull).status == "in_progress"
            await later(scene, clock, 120)
            assert (await upload(scene, old, pull.head_sha, files)).status_code == 401
            good = github_claims(scene.url, clock.now(), repo.id)
            red = {**files, "junit.xml": RED_JUNIT}
            assert (await upload(scene, issuer.sign(good), pull.head_sha, red, root=ROOT)).status_code == 201
            await scene.settled()
            await ended_well(scene, repo, pull, "failure")
            # two jobs of one run under one name: the second must not hide what the first found
            answer = await upload(scene, issuer.sign(good), pull.head_sha, files, root=ROOT)
            assert (answer.status_code, "by --prefix" in answer.json()["hint"]) == (409, True)
            again = {**good, "run_attempt": "2"}
            assert (
                await upload(scene, issuer.sign(again), pull.head_sha, files, root=ROOT)
            ).status_code == 201
            await scene.settled()
            await ended_well(scene, repo, pull, "success")


@pytest.mark.parametrize("event", ["pull_request_target", "workflow_run"])
async def test_only_the_default_branchs_workflow_vouches_for_a_head(tmp_path, event):
    """Who may push to some branch can put a workflow there that such an event runs."""
    async with issuing() as issuer:
        environment = {"PORTCULLIS_GITHUB_OIDC_ISSUER": issuer.url}
        async with stage(tmp_path, environment=environment) as scene:
            repo, pull = await opened(scene)
            files = {"junit.xml": JUNIT, "coverage.xml": cobertura(range(1, 11))}
            job = github_claims(scene.url, time.time(), repo.id, event_name=event)
            for ref, status in (
                ("refs/heads/theirs", 403),
                ("refs/tags/main", 403),
                ("refs/heads/main", 201),
            ):
                token = issuer.sign({**job, "ref": ref})
                assert (await upload(scene, token, pull.head_sha, files, root=ROOT)).status_code == status
            await scene.settled()
            await ended_well(scene, repo, pull, "success")


async def pretend(scene: Stage, head_sha: str, path: str, size: int) -> None:
    """A stored file that says it is so large."""

    def keep(unit: Unit) -> None:
        one = Upload(
            name="ci",
            path=path,
            head_sha=Sha(head_sha),
            uploader=Uploader(key="token:large", says="token large"),
            digest=path,
            size=size,
        )
        uploads.keep_upload(unit, 1, one, uploads.compress(b"x"))
        for run_id in commits.live_runs_on(unit.connection, 1, Sha(head_sha)):
            runs.wake_run(unit, run_id, 0.0)

    await scene.program.database.run(keep)


async def test_what_is_too_large_together_is_not_read(tmp_path, migrated_url):
    async with stage(tmp_path, database_url=migrated_url) as scene:
        repo, pull = await opened(scene)
        await pretend(scene, pull.head_sha, "junit.xml", 200 << 20)
        await pretend(scene, pull.head_sha, "coverage.xml", 100 << 20)
        await scene.settled()
        run = await ended_well(scene, repo, pull, "failure")
        assert "its 2 files have 300 MiB together, at most 256 MiB are read" in str(run.text)


async def test_a_head_takes_so_many_bytes_and_no_more(tmp_path, migrated_url):
    async with stage(tmp_path, database_url=migrated_url) as scene:
        repo, pull = await opened(scene)
        token = await give_token(scene, repo, "large")
        await pretend(scene, pull.head_sha, "junit.xml", (1 << 30) - 10)
        answer = await upload(scene, token, pull.head_sha, {"more.xml": JUNIT})
        assert answer.status_code == 409
        assert "more than 1024 MiB would be uploaded for this head" in answer.json()["detail"]
        answer = await upload(scene, token, pull.head_sha, {"junit.xml": JUNIT})
        assert answer.status_code == 201, "it replaces the large one"


async def test_who_lets_uploads_trickle_in_shuts_nobody_else_out(tmp_path):
    async with stage(tmp_path) as scene:
        repo, pull = await opened(scene)
        other = await scene.repository({".portcullis.yml": GATE, "a.py": "x\n"}, name="acme/other")
        await scene.forge.push("alice", other, "topic", {"b.py": "1\n"}, base="main")
        await scene.forge.open_pull_request("alice", other, "topic")
        await scene.settled()
        token, quick, theirs = [
            await give_token(scene, *of) for of in ((repo, "slow"), (repo, "quick"), (other, "ci"))
        ]
        go_on = asyncio.Event()

        async def trickle() -> AsyncIterator[bytes]:
            yield JUNIT[:10].encode()
            await go_on.wait()
            yield JUNIT[10:].encode()

        async def slow(number: int) -> int:
            named = {"head_sha": pull.head_sha, "name": "ci", "file": f"{number}.xml"}
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"}
            async with httpx.AsyncClient(timeout=60) as client:
                address = f"{scene.url}/api/v1/reports"
                answer = await client.post(address, params=named, headers=headers, content=trickle())
            return answer.status_code

        waiting = []
        for number in range(50):  # until eight of them are being received; a quick one may be in the way
            waiting.append(asyncio.ensure_future(slow(number)))
            answer = await upload(scene, quick, pull.head_sha, {"junit.xml": JUNIT})
            if answer.status_code == 503:
                break
        assert answer.status_code == 503
        assert (await upload(scene, theirs, "a" * 40, {"junit.xml": JUNIT})).status_code == 201
        go_on.set()
        assert (await asyncio.gather(*waiting, return_exceptions=True)).count(201) == 8
        assert (await upload(scene, quick, pull.head_sha, {"junit.xml": JUNIT})).status_code == 201


async def test_a_raw_body_is_one_file_and_no_larger(tmp_path):
    """However it is declared: it is read no further than a file may go."""
    async with stage(tmp_path) as scene:
        repo, pull = await opened(scene)

        async def body() -> AsyncIterator[bytes]:
            for _ in range(90):
                yield bytes(1_000_000)

        headers = {"Authorization": f"Bearer {await give_token(scene, repo)}"}
        named = {"head_sha": pull.head_sha, "name": "ci", "file": "junit.xml"}
        async with httpx.AsyncClient(timeout=60) as client:
            answer = await client.post(
                f"{scene.url}/api/v1/reports", params=named, headers=headers, content=body()
            )
        assert (answer.status_code, answer.json()["detail"]) == (413, "the upload is larger than 80 MB")


async def test_a_repository_may_not_fill_the_disk(tmp_path, migrated_url):
    environment = {"PORTCULLIS_MAX_UPLOAD_BYTES": "1MiB"}
    async with stage(tmp_path, database_url=migrated_url, environment=environment) as scene:
        repo, _ = await opened(scene)
        token = await give_token(scene, repo)
        noise = secrets.token_hex(700_000)  # half of it is left once it is compressed
        assert (await upload(scene, token, "a" * 40, {"a.txt": noise})).status_code == 422
        answer = await upload(scene, token, "b" * 40, {"a.txt": noise})
        assert (answer.status_code, "take all the room" in answer.json()["detail"]) == (409, True)
        assert (await upload(scene, token, "b" * 40, {"junit.xml": JUNIT})).status_code == 201
