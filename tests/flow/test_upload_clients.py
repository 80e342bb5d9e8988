"""Who may upload: a job proves itself, the client tells what was refused."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.practice import listening
from tests.support.aftermath import ended_well, later
from tests.support.ci import JUNIT, RED_JUNIT, ROOT, cobertura, give_token, opened, upload
from tests.support.clock import HandTurnedClock
from tests.support.issuer import github_claims, issuing
from tests.support.leaks import heard, plant_environment
from tests.support.service import Stage, stage


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
    plant_environment(environment)
    heard(said.decode(), "portcullis upload")
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
        assert "portcullis tokens list shows which work" in said
        status, said = await command(scene, tmp_path, *arguments, PORTCULLIS_TOKEN="not-one-of-ours")
        assert (status, "neither a token of ours" in said, "--url" in said) == (2, True, False), said
        elsewhere = (*arguments, "--url", f"{scene.url}/elsewhere")
        status, said = await command(scene, tmp_path, *elsewhere, PORTCULLIS_TOKEN="not-one-of-ours")
        assert (status, "is --url the address of a Portcullis?" in said) == (2, True), said
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
