"""What our client makes true on a GitLab."""

from collections.abc import Sequence

import pytest

from app.forges import Posted
from app.forges.gitlab.errors import Refused
from app.model import (
    CheckRunStatus,
    CommitStatus,
    Publication,
    PublishedConclusion,
    Sha,
    StickyComment,
)
from app.practice import Fault, Pipeline, PostedStatus, StatusCheck
from tests.support.gitlab_stage import GitLabStage

MARKER = "<!-- portcullis -->"


def publication(
    sha: str, conclusion: PublishedConclusion | None = None, title: str = "Judging"
) -> Publication:
    return Publication(
        name="portcullis",
        head_sha=Sha(sha),
        status=CheckRunStatus.IN_PROGRESS if conclusion is None else CheckRunStatus.COMPLETED,
        conclusion=conclusion,
        title=title,
        summary="",
        details_url="https://gate.example/runs/1",
        external_id="1:portcullis",
    )


def statuses(stage: GitLabStage, run: Pipeline | None = None) -> Sequence[PostedStatus]:
    kept = stage.practice.own(stage.repo).statuses
    return [each for each in kept if run is None or each.pipeline_id == run.id]


@pytest.mark.parametrize(
    ("conclusion", "state"),
    [
        (PublishedConclusion.SUCCESS, "success"),
        (PublishedConclusion.NEUTRAL, "success"),
        (PublishedConclusion.SKIPPED, "success"),
        (PublishedConclusion.FAILURE, "failed"),
        (PublishedConclusion.TIMED_OUT, "failed"),
        (PublishedConclusion.ACTION_REQUIRED, "running"),
        (PublishedConclusion.CANCELLED, "canceled"),
    ],
)
async def test_a_verdict_is_a_status_in_a_pipeline_of_its_branch(
    stage: GitLabStage, conclusion: PublishedConclusion, state: str
) -> None:
    pull = await stage.open()
    await stage.gitlab.publish(stage.repository, publication(pull.head_sha), None, fresh=True)
    [judging] = statuses(stage)
    assert (judging.status, judging.ref, judging.target_url) == (
        "pending",
        "feature",
        "https://gate.example/runs/1",
    )
    posted = await stage.gitlab.publish(stage.repository, publication(pull.head_sha, conclusion), 1)
    [ended] = statuses(stage)
    assert (ended.id, ended.status, ended.author.login) == (posted.id, state, stage.bot.login)
    assert len(stage.practice.own(stage.repo).pipelines) == 1


@pytest.mark.parametrize("repeats", [True, False])
async def test_what_is_so_already_is_no_error(stage: GitLabStage, *, repeats: bool) -> None:
    pull = await stage.open()
    stage.practice.repeats = repeats
    for _ in range(3):
        await stage.gitlab.publish(stage.repository, publication(pull.head_sha), None)
    assert [each.status for each in statuses(stage)] == ["pending"]
    again = publication(pull.head_sha, PublishedConclusion.SUCCESS)
    first = await stage.gitlab.publish(stage.repository, again, None)
    await stage.gitlab.publish(stage.repository, publication(pull.head_sha), None)
    assert [each.status for each in statuses(stage)] == ["success", "pending"]
    assert first.id != statuses(stage)[-1].id


async def test_another_accounts_status_of_our_name_is_not_taken_for_ours(stage: GitLabStage) -> None:
    pull = await stage.open()
    stage.world.faults.append(
        Fault(status=400, path="^/projects/.*/statuses/", message="Cannot transition status via :run from :x")
    )
    await stage.practice.set_status(
        stage.world.account("bob"), stage.repo, pull.head_sha, state="pending", name="portcullis"
    )
    with pytest.raises(Refused, match="there is nothing of ours"):
        await stage.gitlab.publish(stage.repository, publication(pull.head_sha), None)


async def test_a_verdict_is_shown_where_merging_waits_for_it(stage: GitLabStage) -> None:
    """In the merge request's own pipeline, whose SHA is the merge's, not the head's."""
    pull = await stage.open()
    merged = await stage.practice.merged_results("alice", stage.repo, pull)
    assert merged.sha != pull.head_sha
    await stage.gitlab.publish(
        stage.repository, publication(pull.head_sha, PublishedConclusion.FAILURE), None
    )
    [status] = statuses(stage, merged)
    assert (status.status, status.sha, status.ref) == ("failed", merged.sha, "refs/merge-requests/1/merge")


async def test_an_earlier_heads_pipeline_is_not_where_it_is_shown(stage: GitLabStage) -> None:
    pull = await stage.open()
    old = await stage.practice.merged_results("alice", stage.repo, pull)
    await stage.practice.push("alice", stage.repo, "feature", {"src/shop.py": "PRICE = 3\n"})
    await stage.gitlab.publish(
        stage.repository, publication(pull.head_sha, PublishedConclusion.SUCCESS), None
    )
    assert statuses(stage, old) == []
    assert [each.sha for each in statuses(stage)] == [pull.head_sha]


async def test_a_forks_head_has_a_place_in_the_target(stage: GitLabStage) -> None:
    stage.repo.permissions["mallory"] = "read"
    fork = await stage.practice.fork("mallory", stage.repo)
    await stage.practice.push("mallory", fork, "feature", {"a.py": "A = 1\n"})
    pull = await stage.practice.open_pull_request("mallory", stage.repo, "feature", source=fork)
    await stage.gitlab.publish(stage.repository, publication(pull.head_sha), None)
    [status] = statuses(stage)
    assert status.ref == "refs/merge-requests/1/head"


async def test_a_forks_own_pipeline_is_no_place_in_the_target(stage: GitLabStage) -> None:
    stage.repo.permissions["mallory"] = "read"
    fork = await stage.practice.fork("mallory", stage.repo)
    await stage.practice.push("mallory", fork, "feature", {"a.py": "A = 1\n"})
    pull = await stage.practice.open_pull_request("mallory", stage.repo, "feature", source=fork)
    stage.practice.begin_pipeline("mallory", fork, pull.head_sha, ref="feature")
    await stage.gitlab.publish(stage.repository, publication(pull.head_sha), None)
    [status] = statuses(stage)
    assert status.ref == "refs/merge-requests/1/head"
    found = await stage.gitlab.external_posts(stage.repository, Sha(pull.head_sha), ("workflow_run",))
    assert found == (), "its jobs are not the project's"


async def test_long_texts_are_cut(stage: GitLabStage) -> None:
    pull = await stage.open()
    await stage.gitlab.publish(stage.repository, publication(pull.head_sha, title="x" * 999), None)
    [status] = statuses(stage)
    assert len(status.description or "") == 255


@pytest.mark.parametrize(
    ("state", "shown"),
    [("pending", "pending"), ("success", "success"), ("failure", "failed"), ("error", "failed")],
)
async def test_a_commit_status(stage: GitLabStage, state: str, shown: str) -> None:
    pull = await stage.open()
    status = CommitStatus(
        sha=Sha(pull.head_sha),
        context="gate",
        state=state,
        description="d",
        target_url="",  # type: ignore[arg-type]
    )
    await stage.gitlab.set_status(stage.repository, status)
    [found] = statuses(stage)
    assert (found.name, found.status) == ("gate", shown)


async def test_a_status_check_is_answered_once_the_verdict_is_there(stage: GitLabStage) -> None:
    pull = await stage.open()
    check = StatusCheck(id=7, name="Portcullis", external_url=stage.hook_url)
    stage.practice.own(stage.repo).checks[7] = check
    await stage.gitlab.publish(stage.repository, publication(pull.head_sha), None)
    assert check.answers == []
    for conclusion in (PublishedConclusion.FAILURE, PublishedConclusion.SUCCESS):
        await stage.gitlab.publish(stage.repository, publication(pull.head_sha, conclusion), None)
    assert [answer["status"] for answer in check.answers] == ["failed", "passed"]
    stage.world.faults.append(
        Fault(status=409, path="status_check_responses", message="SHA does not match HEAD of source branch")
    )
    await stage.gitlab.publish(
        stage.repository, publication(pull.head_sha, PublishedConclusion.SUCCESS), None
    )
    assert len(check.answers) == 2
    assert stage.gitlab.requests["status_checks"] == 1


async def test_the_sticky_note_is_found_edited_and_written_once(stage: GitLabStage) -> None:
    pull = await stage.open()
    other = await stage.practice.comment("bob", stage.repo, pull, f"{MARKER}\ncopied")
    wanted = StickyComment(number=pull.number, marker=MARKER, body=f"{MARKER}\none")
    first = await stage.gitlab.publish_comment(stage.repository, wanted, None, fresh=True)
    assert await stage.gitlab.publish_comment(stage.repository, wanted, None) == Posted(id=first.id)
    changed = StickyComment(number=pull.number, marker=MARKER, body=f"{MARKER}\ntwo")
    assert (await stage.gitlab.publish_comment(stage.repository, changed, first.id)).id == first.id
    assert stage.repo.comments[first.id].body.endswith("two")
    await stage.practice.delete_comment("alice", stage.repo, stage.repo.comments[first.id])
    again = await stage.gitlab.publish_comment(stage.repository, changed, first.id)
    assert set(stage.repo.comments) == {other.id, again.id}


async def test_a_note_whose_answer_was_lost_is_not_written_twice(stage: GitLabStage) -> None:
    pull = await stage.open()
    stage.world.faults.append(Fault(status=502, done=True, method="POST", path="/notes$"))
    wanted = StickyComment(number=pull.number, marker=MARKER, body=f"{MARKER}\none")
    await stage.gitlab.publish_comment(stage.repository, wanted, None, fresh=True)
    assert len(stage.repo.comments) == 1


async def test_a_reaction_is_an_emoji_once(stage: GitLabStage) -> None:
    pull = await stage.open()
    comment = await stage.practice.comment("alice", stage.repo, pull, "/portcullis recheck")
    for _ in range(2):
        await stage.gitlab.react(stage.repository, pull.number, comment.id, "+1")
    assert [each.content for each in comment.reactions] == ["thumbsup"]


async def test_webhooks_are_made_and_brought_up_to_date(stage: GitLabStage) -> None:
    other = await stage.practice.create_repository("acme/other")
    other.permissions[stage.bot.login] = "write"
    hooked = await stage.gitlab.hook(stage.hook_url)
    assert hooked.made == ("acme/platform/shop",)
    [complaint] = hooked.complaints
    assert complaint.says.startswith("acme/other: no webhook can be made")
    [hook] = stage.practice.own(stage.repo).hooks.values()
    assert hook.signing_token.startswith("whsec_")
    hook.tells.clear()
    found = [each.says for each in await stage.gitlab.complaints(stage.hook_url)]
    assert any("the webhook does not tell push_events" in says for says in found)
    assert any(says.startswith("acme/other: webhooks cannot be seen") for says in found)
    assert (await stage.gitlab.hook(stage.hook_url)).there == ("acme/platform/shop",)
    del other.permissions[stage.bot.login]
    assert await stage.gitlab.complaints(stage.hook_url) == ()
    missing = await stage.gitlab.complaints("https://elsewhere.example/webhooks/gitlab")
    assert "no webhook leads to" in missing[0].says


async def test_a_token_of_no_project_is_told(stage: GitLabStage) -> None:
    del stage.repo.permissions[stage.bot.login]
    [complaint] = (await stage.gitlab.hook(stage.hook_url)).complaints
    assert "member of no project" in complaint.says
    assert await stage.gitlab.complaints(stage.hook_url) == (complaint,)
