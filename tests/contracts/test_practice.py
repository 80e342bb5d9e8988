"""The practice forge is held against GitHub's own descriptions: every answer, every delivery."""

import asyncio
import contextlib
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from app.forges import (
    GitHubForge,
    GitHubIntake,
    Gone,
    app_manifest,
    check_app,
    convert_manifest,
    manifest_url,
)
from app.model import (
    Annotation,
    Button,
    CheckRunStatus,
    CommitStatus,
    ExternalPosted,
    Misconfigured,
    Outage,
    Publication,
    PublishedConclusion,
    Sha,
    StickyComment,
)
from app.practice import Fault, Forbidden, PullRequest, RequiredCheck
from tests.support.github_stage import SECRET, Stage, app_key, staged, unlike_github

ANNOTATION = {"path": "a", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m"}


EVERY_DELIVERY = {
    "ping None",
    "push None",
    "status None",
    *(f"check_run {each}" for each in ("created", "completed", "rerequested", "requested_action")),
    *(f"check_suite {each}" for each in ("requested", "rerequested")),
    *(f"issue_comment {each}" for each in ("created", "edited", "deleted")),
    *(f"pull_request_review {each}" for each in ("submitted", "dismissed")),
    *(f"merge_group {each}" for each in ("checks_requested", "destroyed")),
    *(f"workflow_run {each}" for each in ("requested", "in_progress", "completed")),
    *(f"installation_repositories {each}" for each in ("added", "removed")),
    *(
        f"installation {each}"
        for each in ("created", "deleted", "suspend", "unsuspend", "new_permissions_accepted")
    ),
    *(
        f"pull_request {each}"
        for each in (
            "opened", "synchronize", "labeled", "unlabeled", "converted_to_draft", "ready_for_review",
            "edited", "closed", "reopened",
        )
    ),
}  # fmt: skip


async def _of_another_app(stage: Stage, head: Sha) -> ExternalPosted:
    other = stage.world.add_app("reviewer", owner="acme", permissions={"checks": "write"}, key=app_key())
    body = {"head_sha": head, "name": "review", "status": "completed", "conclusion": "failure"}
    run = await stage.practice.create_check_run(other, stage.repo, body)
    posts = await stage.github.external_posts(stage.repository, head, ("check_run",))
    return next(post for post in posts if post.external_id == run.id)


async def test_everything_that_happens_looks_like_github(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        practice, repo, github, repository = stage.practice, stage.repo, stage.github, stage.repository
        await practice.push("alice", repo, "feature", {"src/shop.py": "PRICE = 2\n"})
        pull = await practice.open_pull_request("alice", repo, "feature", title="Raise", body="Why not")
        await practice.push("alice", repo, "feature", {"src/new.py": "x\n"}, amend=True)
        await practice.label("bob", repo, pull, "risky")
        await practice.unlabel("bob", repo, pull, "risky")
        await practice.set_draft("alice", repo, pull, draft=True)
        await practice.set_draft("alice", repo, pull, draft=False)
        await practice.retitle("alice", repo, pull, "Raise it")
        await practice.push("alice", repo, "release", {"a": "a"})
        await practice.retarget("alice", repo, pull, "release")
        review = await practice.review("bob", repo, pull, "CHANGES_REQUESTED", body="no")
        await practice.dismiss("alice", repo, pull, review)
        await practice.review("bob", repo, pull, "APPROVED")
        comment = await practice.comment("bob", repo, pull, "/portcullis explain")
        await practice.edit_comment("bob", repo, comment, "/portcullis recheck")
        head = Sha(pull.head_sha)
        publication = Publication(
            name="portcullis",
            head_sha=head,
            status=CheckRunStatus.COMPLETED,
            conclusion=PublishedConclusion.FAILURE,
            title="blocked",
            summary="why",
            text="more",
            annotations=(
                Annotation(path="src/new.py", line=1, end_line=1, level="failure", title="E1", message="bad"),
            ),
            buttons=(Button(label="Re-run failed", description="Run what failed", identifier="rerun"),),
            details_url="https://gate.example/runs/1",
            external_id="p1",
        )
        posted = await github.publish(repository, publication, None)
        await github.publish_comment(
            repository, StickyComment(number=1, marker="<!-- p -->", body="<!-- p -->"), None
        )
        await github.react(repository, comment.number, comment.id, "eyes")
        await github.set_status(
            repository,
            CommitStatus(
                sha=head, context="gate", state="success", description="ok", target_url="https://x.example/"
            ),
        )
        run = repo.runs[posted.id]
        await practice.press_rerun("alice", repo, run)
        await practice.press_button("alice", repo, run, "rerun")
        await practice.press_rerun_all("alice", repo, stage.app, head)
        workflow = await practice.start_workflow("alice", repo, ".github/workflows/ci.yml", head)
        await practice.progress_workflow(repo, workflow)
        await practice.finish_workflow(repo, workflow, "failure")
        (seen,) = await github.external_posts(repository, head, ("workflow_run",))
        await github.run_again(repository, seen)
        await practice.finish_workflow(repo, workflow, "success")
        jobs = await github.external_posts(repository, head, ("check_run", "status"))
        await github.run_again(repository, next(post for post in jobs if post.name == "build"))
        with pytest.raises(Misconfigured, match="not rerequestable"):
            await github.run_again(repository, await _of_another_app(stage, head))
        await practice.push(
            "alice", repo, "by-hand", {".github/workflows/hand.yml": "on: workflow_dispatch\n"}
        )
        await practice.push("alice", repo, "main", {".github/workflows/hand.yml": "on: workflow_dispatch\n"})
        await github.dispatch(repository, ".github/workflows/hand.yml", "by-hand")
        await practice.close("alice", repo, pull)
        await practice.reopen("alice", repo, pull)
        group = await practice.queue("bob", repo, pull)
        await practice.dequeue("bob", repo, group, "merged")
        await practice.merge("bob", repo, pull)
        await practice.delete_comment("bob", repo, comment)
        other = await practice.create_repository("acme/other", {"a": "b"})
        practice.select_repositories("alice", stage.installation, [repo])
        practice.select_repositories("alice", stage.installation, [repo, other])
        practice.suspend("alice", stage.installation)
        practice.unsuspend("alice", stage.installation)
        practice.accept_permissions("alice", stage.installation)
        practice.events.ping(stage.app, stage.world.account("alice"))
        await github.get_change(repository, 1)
        await github.open_changes(repository)
        await github.get_repository(repository)
        await github.protected_branches(repository)
        await github.required_checks(repository, "main")
        await github.read_file(repository, "README.md", "main")
        await github.read_file(repository, "src", "main")
        await github.read_file(repository, "nothing", "main")
        await github.permission(repository, "bob")
        await github.permission(repository, "nobody")
        await github.team_members(repository, "@acme/platform")
        await github.reviews(repository, 1)
        await github.recent_comments(repository, 1, "2020-01-01T00:00:00Z")
        await github.installations()
        await github.installation_repositories(stage.installation.id)
        await github.whoami()
        practice.uninstall("alice", stage.installation)
        await practice.settle()
        assert unlike_github(stage) == []
        told = {f"{each.event} {each.action}" for each in stage.world.deliveries.values()}
        assert told == EVERY_DELIVERY


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path) as made:
        yield made
        await made.practice.settle()
        assert unlike_github(made) == []


async def opened(stage: Stage) -> PullRequest:
    await stage.practice.push("alice", stage.repo, "feature", {"src/shop.py": "PRICE = 2\n"})
    return await stage.practice.open_pull_request("alice", stage.repo, "feature")


async def arrived(stage: Stage) -> list[str]:
    """event.action of what arrived, in order; each is signed and readable."""
    await stage.practice.settle()
    intake = GitHubIntake(lambda: [SECRET])
    found = []
    for headers, body in stage.inbox:
        head = intake.verify(headers, body)
        intake.read(head.event, body)
        action = json.loads(body).get("action") if not body.startswith(b"payload=") else "form"
        found.append(f"{head.event}.{action}" if action else head.event)
    return found


async def test_deliveries_arrive_signed_and_in_order(stage: Stage) -> None:
    await opened(stage)
    assert await arrived(stage) == [
        "installation.created",
        "push",
        "check_suite.requested",
        "pull_request.opened",
    ]
    assert {each.status_code for each in stage.world.deliveries.values()} == {202}


async def test_a_form_is_signed_too(stage: Stage) -> None:
    stage.app.content_type = "form"
    await stage.practice.settle()
    stage.inbox.clear()
    await opened(stage)
    assert await arrived(stage) == ["push.form", "check_suite.form", "pull_request.form"]


async def test_deliveries_can_be_doubled_lost_and_reordered(stage: Stage) -> None:
    await stage.practice.settle()
    hooks = stage.practice.hooks
    pull = await opened(stage)
    await stage.practice.settle()
    stage.inbox.clear()
    hooks.double = True
    await stage.practice.label("alice", stage.repo, pull, "a")
    hooks.double = False
    hooks.drop = 1
    await stage.practice.unlabel("alice", stage.repo, pull, "a")
    hooks.hold()
    await stage.practice.set_draft("alice", stage.repo, pull, draft=True)
    await stage.practice.set_draft("alice", stage.repo, pull, draft=False)
    assert await arrived(stage) == ["pull_request.labeled", "pull_request.labeled"]
    hooks.release(lambda held: held[::-1])
    assert (await arrived(stage))[2:] == ["pull_request.ready_for_review", "pull_request.converted_to_draft"]
    ids = [headers["x-github-delivery"] for headers, _ in stage.inbox]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


async def test_a_failed_delivery_can_be_asked_for_again(stage: Stage) -> None:
    await stage.practice.settle()
    stage.inbox_status.append(500)
    await stage.practice.push("alice", stage.repo, "main", {"a": "b"})
    await stage.practice.settle()
    failed = [each for each in stage.world.deliveries.values() if each.status_code == 500]
    assert [each.event for each in failed] == ["push"]
    again = stage.practice.hooks.redeliver(failed[0])
    await stage.practice.settle()
    assert (again.guid, again.status_code, again.redelivery) == (failed[0].guid, 202, True)
    assert stage.inbox[-1][1] == failed[0].body


async def test_people_push_with_real_git(stage: Stage, tmp_path: Path) -> None:
    world = stage.world
    await opened(stage)
    await stage.practice.settle()
    stage.inbox.clear()

    def git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        env = {
            "GIT_TERMINAL_PROMPT": "0", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path),
            "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@b",
        }  # fmt: skip
        where = tmp_path / "work"
        where.mkdir(exist_ok=True)
        return subprocess.run(["git", *arguments], cwd=where, env=env, capture_output=True, check=False)

    def url(login: str) -> str:
        token = world.account(login).token
        return f"{world.url}/acme/shop.git".replace("://", f"://{login}:{token}@")

    def work() -> list[int]:
        codes = [git("clone", "-q", "-b", "feature", url("alice"), ".").returncode]
        (tmp_path / "work" / "new.py").write_text("x = 1\n" * 10_000)
        git("add", ".")
        git("commit", "-qm", "More")
        codes.append(git("push", "-q", url("mallory"), "feature").returncode)
        codes.append(git("push", "-q", url("alice"), "feature").returncode)
        codes.append(git("push", "-q", url("alice"), "HEAD:refs/pull/1/head").returncode)
        return codes

    cloned, refused, pushed, hidden = await asyncio.to_thread(work)
    assert (cloned, pushed) == (0, 0)
    assert refused != 0
    assert hidden != 0
    assert await arrived(stage) == ["push", "check_suite.requested", "pull_request.synchronize"]
    head = (await asyncio.to_thread(git, "rev-parse", "HEAD")).stdout.decode().strip()
    assert stage.repo.pulls[1].head_sha == head
    assert await stage.repo.git.tip("refs/pull/1/head") == head


async def test_a_forks_commits_are_reachable_in_the_base(stage: Stage) -> None:
    stage.repo.permissions["mallory"] = "read"
    fork = await stage.practice.fork("mallory", stage.repo)
    await stage.practice.push("mallory", fork, "patch", {"a.py": "1\n"})
    pull = await stage.practice.open_pull_request("mallory", stage.repo, "patch", source=fork)
    git = stage.repo.git
    assert await git.tip(f"refs/pull/{pull.number}/head") == pull.head_sha
    assert await git.blob(f"refs/pull/{pull.number}/merge", "a.py") is not None
    sha = await stage.practice.push("mallory", fork, "patch", {"a.py": "2\n"})
    assert await git.tip(f"refs/pull/{pull.number}/head") == sha
    with pytest.raises(Forbidden):
        await stage.practice.push("mallory", stage.repo, "patch", {"a.py": "3\n"})


async def test_a_required_check_keeps_the_gate(stage: Stage) -> None:
    pull = await opened(stage)
    stage.repo.required.append(RequiredCheck(branch="main", context="portcullis", app_id=stage.app.id))
    other = stage.world.add_app("other", owner="acme")
    body = {"name": "portcullis", "head_sha": pull.head_sha, "status": "completed", "conclusion": "success"}
    await stage.practice.create_check_run(other, stage.repo, body)
    with pytest.raises(Forbidden, match="required: portcullis"):
        await stage.practice.merge("bob", stage.repo, pull)
    await stage.practice.create_check_run(stage.app, stage.repo, body)
    await stage.practice.merge("bob", stage.repo, pull)
    assert pull.merged_at is not None


async def test_conflicts_are_told(stage: Stage) -> None:
    pull = await opened(stage)
    await stage.practice.push("bob", stage.repo, "main", {"src/shop.py": "PRICE = 3\n"})
    await stage.practice.push("alice", stage.repo, "feature", {"other.py": "x\n"})
    assert pull.mergeable is False
    assert await stage.repo.git.tip("refs/pull/1/merge") is None


@pytest.mark.parametrize(
    "change",
    [
        {"output": {"title": "t", "summary": "x" * 65_536}},
        {"output": {"title": "t"}},
        {"output": {"title": "t", "summary": "s", "annotations": [ANNOTATION] * 51}},
        {"output": {"title": "t", "summary": "s", "annotations": [{**ANNOTATION, "end_line": 0}]}},
        {
            "output": {
                "title": "t",
                "summary": "s",
                "annotations": [{**ANNOTATION, "annotation_level": "error"}],
            }
        },
        {
            "output": {
                "title": "t",
                "summary": "s",
                "annotations": [{**ANNOTATION, "end_line": 2, "start_column": 1}],
            }
        },
        {"actions": [{"label": "x" * 21, "description": "d", "identifier": "i"}]},
        {"actions": [{"label": "l", "description": "d", "identifier": "i"}] * 4},
        {"status": "completed"},
        {"conclusion": "fine"},
        {"head_sha": "ab" * 20},
        {"name": ""},
    ],
)
async def test_what_github_refuses_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    async with staged(tmp_path) as stage:
        pull = await opened(stage)
        token = stage.world.new_token(stage.installation).token
        async with httpx.AsyncClient(base_url=stage.world.api_url, trust_env=False) as http:
            good = {"name": "gate", "head_sha": pull.head_sha, "status": "in_progress"}
            path, headers = "/repos/acme/shop/check-runs", {"authorization": f"Bearer {token}"}
            assert (await http.post(path, json=good, headers=headers)).status_code == 201
            answer = await http.post(path, json={**good, **change}, headers=headers)
            assert answer.status_code == 422, answer.text
            assert answer.json()["message"]


async def test_nobody_gets_in_without_proof(stage: Stage) -> None:
    async with httpx.AsyncClient(base_url=stage.world.api_url, trust_env=False) as http:
        now = int(stage.clock())
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048)

        def signed(key: object, **claims: int) -> str:
            return jwt.encode(
                {"iss": str(stage.app.id), "iat": now, "exp": now + 60, **claims}, key, algorithm="RS256"
            )  # type: ignore[arg-type]

        async def status(path: str, token: str) -> int:
            return (
                await http.get(path, headers={"authorization": f"Bearer {token}"} if token else {})
            ).status_code

        assert await status("/app", signed(stage.app.private_key)) == 200
        assert await status("/app", signed(other)) == 401
        assert await status("/app", signed(stage.app.private_key, exp=now - 1)) == 401
        assert await status("/app", signed(stage.app.private_key, exp=now + 700)) == 401
        assert await status("/app", signed(stage.app.private_key, iat=now + 5)) == 401
        assert await status("/app", "ghs_nothing") == 401
        assert await status("/repos/acme/shop", "") == 404
        token = stage.world.new_token(stage.installation).token
        assert await status("/repos/acme/shop", token) == 200
        assert await status("/app", token) == 401
        stage.clock.at += 3601
        assert await status("/repos/acme/shop", token) == 401
        assert await status("/repos/acme/shop", stage.world.account("bob").token) == 200
        assert await status("/repos/acme/shop", stage.world.account("mallory").token) == 404
        assert await status("/repos/acme/shop/nonsense", token) == 404


async def test_the_hourly_limit_is_kept_and_starts_anew(stage: Stage) -> None:
    stage.world.rate_limit = 3
    for _ in range(3):
        await stage.github.get_repository(stage.repository)  # revalidated, so free
    await opened(stage)
    for number in range(3):
        with contextlib.suppress(Outage):
            await stage.github.read_file(stage.repository, f"f{number}", "main")
    with pytest.raises(Outage) as caught:
        await stage.github.read_file(stage.repository, "again", "main")
    assert caught.value.retry_at is not None
    stage.clock.at = caught.value.retry_at.timestamp() + 1
    assert await stage.github.read_file(stage.repository, "again", "main") is None


async def test_a_stale_read_shows_the_past(stage: Stage) -> None:
    pull = await opened(stage)
    await stage.github.get_change(stage.repository, 1)
    await stage.practice.retitle("alice", stage.repo, pull, "New")
    stage.world.faults.append(Fault(path="/pulls/1$", stale=True))
    assert (await stage.github.get_change(stage.repository, 1)).title == "Change something"
    assert (await stage.github.get_change(stage.repository, 1)).title == "New"


async def test_an_app_is_made_by_its_manifest(stage: Stage) -> None:
    manifest = app_manifest(
        name="Our Gate",
        public_url="https://gate.example",
        redirect_url="https://gate.example/setup/github/done",
        setup_url="https://gate.example/installed",
    )
    where = manifest_url(stage.world.api_url, "acme")
    async with httpx.AsyncClient(trust_env=False) as http:
        form = {"manifest": json.dumps(manifest), "state": "s1"}
        asked = await http.post(where, data=form)
        assert "Create GitHub App for acme" in asked.text
        made = await http.post(where, data={**form, "confirmed": "1"})
        assert made.status_code == 302
        back = httpx.URL(made.headers["location"])
        assert (back.host, back.params["state"]) == ("gate.example", "s1")
        converted = await convert_manifest(stage.world.api_url, back.params["code"])
        assert converted.webhook_secret
        assert converted.pem not in repr(converted)
        with pytest.raises(Gone):
            await convert_manifest(stage.world.api_url, back.params["code"])
        done = await http.post(
            f"{stage.world.url}/apps/{converted.slug}/installations/new", data={"account": "acme"}
        )
        assert done.headers["location"].startswith("https://gate.example/installed?installation_id=")
    theirs = GitHubForge(converted.credentials, api_url=stage.world.api_url, now=stage.clock)
    assert check_app(await theirs.whoami()) == ()
    assert [account for _, account in await theirs.installations()] == ["acme"]
    await theirs.close()


async def test_people_can_look_and_press(stage: Stage) -> None:
    pull = await opened(stage)
    await stage.practice.comment("bob", stage.repo, pull, "<script>alert(1)</script>")
    publication = Publication(
        name="portcullis",
        head_sha=Sha(pull.head_sha),
        status=CheckRunStatus.COMPLETED,
        conclusion=PublishedConclusion.FAILURE,
        title="<b>blocked</b>",
        summary="why",
        details_url="javascript:alert(1)",
        annotations=(
            Annotation(path="a.py", line=7, end_line=7, level="failure", title="E1", message="bad & ugly"),
        ),
        buttons=(Button(label="Explain", description="d", identifier="explain"),),
        external_id="x",
    )
    posted = await stage.github.publish(stage.repository, publication, None)
    await stage.practice.settle()
    stage.inbox.clear()
    async with httpx.AsyncClient(base_url=stage.world.url, trust_env=False, follow_redirects=True) as http:
        assert "acme/shop" in (await http.get("/")).text
        page = (await http.get("/acme/shop/pull/1")).text
        assert "&lt;script&gt;" in page
        assert "<script>" not in page
        assert "javascript:" not in page
        assert "<code>a.py:7</code>" in page
        assert "bad &amp; ugly" in page
        assert (await http.get(f"/acme/shop/runs/{posted.id}")).status_code == 200
        assert (await http.get("/acme/shop/pull/99")).status_code == 404
        assert (await http.get("/acme/nothing/runs/1")).status_code == 404
        await http.post(f"/acme/shop/runs/{posted.id}", data={"identifier": "explain"})
        await http.post(f"/acme/shop/runs/{posted.id}", data={"identifier": ""})
    assert await arrived(stage) == ["check_run.requested_action", "check_run.rerequested"]
