"""Who may do what on a GitLab, who approved; what others posted and ran."""

import pytest

from app.forges import Gone
from app.forges.gitlab.texts import of_jobs, progress
from app.model import ActorKind, ExternalPosted, Misconfigured, Sha
from tests.support.gitlab_stage import GitLabStage


async def test_access_levels_are_permissions(stage: GitLabStage) -> None:
    levels = {"admin": "admin", "maintain": "maintain", "write": "write", "triage": "triage", "read": "read"}
    for level, expected in levels.items():
        stage.repo.permissions["bob"] = level
        assert (await stage.gitlab.permission(stage.repository, "Bob")).level == expected
    assert (await stage.gitlab.permission(stage.repository, "mallory")).level == "none"
    assert (await stage.gitlab.permission(stage.repository, "nobody")).level == "none"
    bot = await stage.gitlab.permission(stage.repository, stage.bot.login)
    assert (bot.level, bot.actor.kind) == ("maintain", ActorKind.BOT)


async def test_a_group_is_a_team(stage: GitLabStage) -> None:
    assert await stage.gitlab.team_members(stage.repository, "@acme/platform") == ("bob",)
    with pytest.raises(Gone):
        await stage.gitlab.team_members(stage.repository, "@acme/none")
    with pytest.raises(Misconfigured, match="does not name a group"):
        await stage.gitlab.team_members(stage.repository, "@a b")


async def test_an_approval_is_for_the_head_that_there_was(stage: GitLabStage) -> None:
    pull = await stage.open()
    first = pull.head_sha
    stage.clock.at += 60
    await stage.practice.review("bob", stage.repo, pull, "APPROVED")
    stage.clock.at += 60
    await stage.practice.push("alice", stage.repo, "feature", {"src/shop.py": "PRICE = 3\n"})
    [review] = await stage.gitlab.reviews(stage.repository, pull.number)
    assert (review.author.login, review.decision, review.commit) == ("bob", "approved", first)


async def test_who_asks_for_changes_is_told(stage: GitLabStage) -> None:
    pull = await stage.open()
    review = await stage.practice.review("bob", stage.repo, pull, "CHANGES_REQUESTED")
    [found] = await stage.gitlab.reviews(stage.repository, pull.number)
    assert found.decision == "changes_requested"
    await stage.practice.dismiss("bob", stage.repo, pull, review)
    assert await stage.gitlab.reviews(stage.repository, pull.number) == ()


async def test_authors_are_addresses_and_private_ones_accounts(stage: GitLabStage) -> None:
    pull = await stage.open()
    authors = await stage.gitlab.commit_authors(stage.repository, pull.number)
    assert authors.logins == ("alice",)
    assert set(authors.by_email.values()) == {"alice"}
    assert await stage.gitlab.commit_author(stage.repository, Sha(pull.head_sha)) == "alice"
    stage.world.account("bob").email = "bob@example.com"
    profile = await stage.gitlab.profile(stage.repository, "bob")
    assert (profile.name, profile.email) == ("Bob", "bob@example.com")
    with pytest.raises(Gone):
        await stage.gitlab.profile(stage.repository, "nobody")


async def posts(stage: GitLabStage, sha: str) -> tuple[ExternalPosted, ...]:
    return await stage.gitlab.external_posts(
        stage.repository, Sha(sha), ("status", "workflow_run", "check_run")
    )


async def test_what_others_posted_and_ran(stage: GitLabStage) -> None:
    pull = await stage.open()
    await stage.practice.set_status(
        stage.world.account("bob"),
        stage.repo,
        pull.head_sha,
        state="failed",
        name="jenkins",
        target_url="https://ci",
    )
    run = stage.practice.begin_pipeline("alice", stage.repo, pull.head_sha, ref="feature")
    found = {(post.kind, post.name): post for post in await posts(stage, pull.head_sha)}
    status = found["status", "jenkins"]
    assert (status.poster, status.status, status.conclusion, status.url) == (
        "bob",
        "completed",
        "failure",
        "https://ci",
    )
    pipeline = found["workflow_run", ".gitlab-ci.yml"]
    assert (pipeline.poster, pipeline.status, pipeline.external_id) == ("gitlab-ci", "queued", run.id)


async def test_our_own_status_in_a_pipeline_does_not_keep_it_from_ending(stage: GitLabStage) -> None:
    pull = await stage.open()
    run = stage.practice.begin_pipeline("alice", stage.repo, pull.head_sha, ref="feature")
    await stage.practice.set_status(
        stage.bot, stage.repo, pull.head_sha, state="running", name="portcullis", pipeline_id=run.id
    )
    stage.practice.finish_pipeline(stage.repo, run, "success")
    assert stage.practice.own(stage.repo).status_of(run) == "running"
    [post] = [each for each in await posts(stage, pull.head_sha) if each.kind == "workflow_run"]
    assert (post.status, post.conclusion) == ("completed", "success")


async def test_a_pipeline_for_merged_results_counts_for_the_head(stage: GitLabStage) -> None:
    pull = await stage.open()
    run = await stage.practice.merged_results("alice", stage.repo, pull)
    stage.practice.finish_pipeline(stage.repo, run, "failed")
    [post] = [each for each in await posts(stage, pull.head_sha) if each.kind == "workflow_run"]
    assert (post.sha, post.conclusion, post.cause) == (pull.head_sha, "failure", "merge_request_event")


async def test_a_pipeline_is_run_again_and_begun(stage: GitLabStage) -> None:
    pull = await stage.open()
    run = stage.practice.begin_pipeline("alice", stage.repo, pull.head_sha, ref="feature")
    stage.practice.finish_pipeline(stage.repo, run, "failed")
    [failed] = [each for each in await posts(stage, pull.head_sha) if each.kind == "workflow_run"]
    await stage.gitlab.run_again(stage.repository, failed)
    [again] = [each for each in await posts(stage, pull.head_sha) if each.kind == "workflow_run"]
    assert (again.external_id, again.status) == (run.id, "queued")
    assert again.mark != failed.mark
    with pytest.raises(Misconfigured, match="Missing CI config file"):
        await stage.gitlab.dispatch(stage.repository, ".gitlab-ci.yml", "feature")
    await stage.practice.push("alice", stage.repo, "feature", {".gitlab-ci.yml": "build: {script: make}\n"})
    await stage.gitlab.dispatch(stage.repository, ".gitlab-ci.yml", "feature")
    newest = list(stage.practice.own(stage.repo).pipelines.values())[-1]
    assert (newest.source, newest.sha) == ("api", pull.head_sha)


async def test_what_passed_is_run_again_as_a_new_pipeline(stage: GitLabStage) -> None:
    pull = await stage.open()
    ref = f"refs/merge-requests/{pull.number}/head"
    run = stage.practice.begin_pipeline(
        "alice", stage.repo, pull.head_sha, ref=ref, source="merge_request_event", number=pull.number
    )
    stage.practice.finish_pipeline(stage.repo, run, "success")
    [passed] = [each for each in await posts(stage, pull.head_sha) if each.kind == "workflow_run"]
    await stage.gitlab.run_again(stage.repository, passed)
    assert list(stage.practice.own(stage.repo).pipelines.values())[-1].number == pull.number


async def test_a_status_cannot_be_asked_for_again(stage: GitLabStage) -> None:
    pull = await stage.open()
    await stage.practice.set_status(
        stage.world.account("bob"), stage.repo, pull.head_sha, state="failed", name="jenkins"
    )
    [post] = await posts(stage, pull.head_sha)
    with pytest.raises(Gone):
        await stage.gitlab.run_again(stage.repository, post)


@pytest.mark.parametrize(
    ("jobs", "of_all", "expected"),
    [
        ([("success", False), ("success", False)], "running", ("completed", "success")),
        ([("success", False), ("failed", True)], "success", ("completed", "success")),
        ([("success", False), ("failed", False)], "failed", ("completed", "failure")),
        ([("failed", False), ("running", False)], "running", ("in_progress", "")),
        ([("success", False), ("created", False)], "running", ("in_progress", "")),
        ([("pending", False), ("created", False)], "pending", ("queued", "")),
        ([("success", False), ("manual", True)], "success", ("completed", "success")),
        ([("success", False), ("manual", False)], "manual", ("completed", "action_required")),
        ([("canceled", False), ("success", False)], "canceled", ("completed", "cancelled")),
        ([("skipped", False)], "skipped", ("completed", "skipped")),
        ([("skipped", False), ("success", False)], "success", ("completed", "success")),
        ([], "failed", ("completed", "failure")),
        ([], "pending", ("queued", "")),
        ([("failed", True)], "success", ("completed", "success")),
    ],
)
def test_where_a_pipeline_is_by_its_jobs(
    jobs: list[tuple[str, bool]], of_all: str, expected: tuple[str, str]
) -> None:
    assert of_jobs(jobs, of_all) == expected


def test_a_state_that_nobody_knows_is_waited_for() -> None:
    assert progress("levitating") == ("in_progress", "")
    assert progress("canceling") == ("in_progress", "")
