"""The client of uploads: which head, which files, how it proves who it is, what it does when refused."""

import json
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.cli.ci import find_job, secure
from app.cli.upload import ATTEMPTS, named, send
from app.model import Misconfigured, Outage
from app.practice import listening

HEAD, MERGE, URL = "a" * 40, "b" * 40, "https://gate.example"


def event(tmp_path: Path, **body: object) -> str:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(body))
    return str(path)


@pytest.mark.parametrize(
    ("body", "sha"),
    [
        ({"pull_request": {"head": {"sha": HEAD}}}, HEAD),
        ({"workflow_run": {"head_sha": HEAD}}, HEAD),
        ({"merge_group": {"head_sha": HEAD}}, HEAD),
        ({"ref": "refs/heads/main"}, MERGE),
        ({"pull_request": {"head": [HEAD]}}, MERGE),
    ],
)
def test_the_head_in_github_actions(tmp_path, body, sha):
    environment = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_PATH": event(tmp_path, **body),
        "GITHUB_SHA": MERGE,
        "GITHUB_WORKSPACE": "/home/runner/work/shop/shop",
        "PORTCULLIS_TOKEN": "pct_x",
    }
    job = find_job("", URL, "PORTCULLIS_TOKEN", environment)
    assert (job.head_sha, job.token, job.root) == (sha, "pct_x", "/home/runner/work/shop/shop")
    assert "pct_x" not in repr(job)
    assert find_job(HEAD.upper(), URL, "PORTCULLIS_TOKEN", environment).head_sha == HEAD


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"GITHUB_JOB": "test"}, "test"),
        ({"CI_JOB_NAME": "test 2/3"}, "test 2/3"),
        ({"CIRCLE_JOB": "test", "CIRCLE_NODE_INDEX": "1"}, "test 1"),
        ({"BUILDKITE_LABEL": "test", "BUILDKITE_PARALLEL_JOB": ""}, "test"),
        ({}, ""),
    ],
)
def test_what_ci_calls_the_job(environment, name):
    told = {**environment, "T": "t"}
    assert find_job(HEAD, URL, "T", told).name == name
    assert find_job(HEAD, URL, "T", told, name="mine").name == "mine"


def test_the_head_in_gitlab_ci():
    environment = {
        "GITLAB_CI": "true",
        "CI_COMMIT_SHA": HEAD,
        "CI_PROJECT_DIR": "/builds/acme/shop",
        "T": "t",
    }
    assert find_job("", URL, "T", environment).head_sha == HEAD
    merged = {**environment, "CI_COMMIT_SHA": MERGE, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": HEAD}
    assert find_job("", URL, "T", merged).head_sha == HEAD


@pytest.mark.parametrize(
    ("environment", "hint"),
    [
        ({}, "portcullis tokens create"),
        ({"GITHUB_ACTIONS": "true"}, "id-token: write"),
        ({"GITLAB_CI": "true"}, f"id_tokens: {{PORTCULLIS_TOKEN: {{aud: {URL}}}}}"),
    ],
)
def test_a_job_that_can_prove_nothing(environment, hint):
    with pytest.raises(Misconfigured) as refused:
        find_job(HEAD, URL, "PORTCULLIS_TOKEN", environment)
    assert hint in refused.value.hint


@pytest.mark.parametrize("sha", ["abc1234", "main", "g" * 40])
def test_only_a_full_commit_id_will_do(sha):
    with pytest.raises(Misconfigured, match="no full commit id"):
        find_job(sha, URL, "T", {"T": "t"})


def test_a_token_is_not_sent_in_clear():
    assert secure("https://gate.example/") == URL
    assert secure("http://127.0.0.1:8400") == "http://127.0.0.1:8400"
    for address in ("http://gate.example", "gate.example", "ftp://gate.example"):
        with pytest.raises(Misconfigured):
            secure(address)


async def test_github_gives_a_token_for_us():
    asked: list[tuple[str, str]] = []

    async def give(request: Request) -> Response:
        asked.append((str(request.query_params["audience"]), request.headers["authorization"]))
        return JSONResponse({"value": "a.b.c"})

    async with listening(Starlette(routes=[Route("/token", give)])) as at:
        environment = {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{at}/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request-secret",
        }
        job = await in_thread(find_job, HEAD, URL, "PORTCULLIS_TOKEN", environment)
        assert job.token == "a.b.c"
        assert asked == [(URL, "Bearer request-secret")]
        environment["ACTIONS_ID_TOKEN_REQUEST_URL"] = f"{at}/nothing"
        with pytest.raises(Outage) as refused:
            await in_thread(find_job, HEAD, URL, "PORTCULLIS_TOKEN", environment)
        assert "request-secret" not in refused.value.message


async def in_thread(work, *arguments, **named_arguments):
    import asyncio

    return await asyncio.to_thread(work, *arguments, **named_arguments)


def test_files_are_named_by_their_paths(tmp_path):
    for path in ("junit.xml", "out/a.xml", "out/b.xml", "out/deep/c.xml"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("<x/>")
    assert list(named(["junit.xml", "out/*.xml"], "", tmp_path)) == ["junit.xml", "out/a.xml", "out/b.xml"]
    assert list(named(["./out/../junit.xml"], "shard-1", tmp_path)) == ["shard-1/junit.xml"]
    assert list(named([str(tmp_path / "out/a.xml")], "", tmp_path)) == ["out/a.xml"]
    for bad in (["none.xml"], ["out"], ["*.sarif"], ["/etc/hostname"]):
        with pytest.raises(Misconfigured):
            named(bad, "", tmp_path)
    with pytest.raises(Misconfigured, match="cannot be the name"):
        named(["junit.xml"], "../up", tmp_path)


async def test_it_tries_again_while_the_service_is_busy(tmp_path):
    (tmp_path / "junit.xml").write_text("<x/>")
    answers = [
        Response(status_code=503, headers={"retry-after": "9"}),
        Response(status_code=429),
        Response("x"),
    ]
    got: list[bytes] = []

    async def receive(request: Request) -> Response:
        got.append(await request.body())
        return answers.pop(0) if len(answers) > 1 else answers[0]

    pauses: list[float] = []
    async with listening(Starlette(routes=[Route("/api/v1/reports", receive, methods=["POST"])])) as at:
        files = {"junit.xml": tmp_path / "junit.xml"}
        answer = await in_thread(send, at, "t", {"name": "ci"}, files, pause=pauses.append)
        assert answer.status_code == 200
        assert len(got) == 3
        assert all(b"<x/>" in body for body in got)
        assert pauses[0] == 9
        assert 1 <= pauses[1] <= 2
        answers[:] = [Response(status_code=500)]
        with pytest.raises(Outage, match=f"answers 500, {ATTEMPTS} times"):
            await in_thread(send, at, "t", {}, files, pause=pauses.append)
        answers[:] = [Response(status_code=401)]
        assert (await in_thread(send, at, "t", {}, files, pause=pauses.append)).status_code == 401
