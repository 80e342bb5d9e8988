"""The contract of app/forges/protocol.py, held against every entry of FORGES over HTTP, with the same assertions.

What one kind alone can do (annotations, an app's tokens) is in the tests beside this one.
"""

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.forges import FORGES, Gone, entry_of
from app.model import (
    ActorKind,
    ChangeState,
    CommentCreated,
    CommitStatus,
    Misconfigured,
    Outage,
    PublishedConclusion,
    PullRequestChanged,
    Pushed,
    ReviewChanged,
    Sha,
    StickyComment,
)
from app.practice import Fault, PullRequest
from tests.contracts.forges.publications import MARKER, blocked, pending
from tests.support.any_stage import STAGES, AnyStage


@pytest.fixture(params=[entry.kind for entry in FORGES])
async def any_stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AnyStage]:
    """Afterwards everything that was said on it must be what the forge describes."""
    async with STAGES[request.param](tmp_path) as made:
        yield made
        await made.practice.settle()
        assert made.unlike() == []


@pytest.fixture
async def pull(any_stage: AnyStage) -> PullRequest:
    practice, repo = any_stage.practice, any_stage.repo
    await practice.push("alice", repo, "feature", {"src/shop.py": "PRICE = 2\n"})
    return await practice.open_pull_request("alice", repo, "feature", title="Raise the price")


# Reading


async def test_reads_a_change_as_it_is(any_stage: AnyStage, pull: PullRequest) -> None:
    forge, practice, repo = any_stage.forge, any_stage.practice, any_stage.repo
    change = await forge.get_change(any_stage.repository, 1)
    assert (change.key, change.base_ref, change.head_ref) == ("pr-1", "main", "feature")
    assert (change.title, change.head_sha, change.from_fork) == ("Raise the price", pull.head_sha, False)
    assert (change.draft, change.pusher, change.author.login) == (False, None, "alice")
    await practice.label("bob", repo, pull, "risky")
    await practice.set_draft("alice", repo, pull, draft=True)
    await practice.close("alice", repo, pull)
    change = await forge.get_change(any_stage.repository, 1)
    assert (change.labels, change.draft, change.state) == (("risky",), True, ChangeState.CLOSED)


async def test_a_fork_is_a_fork_even_after_it_was_deleted(any_stage: AnyStage) -> None:
    practice, repo = any_stage.practice, any_stage.repo
    repo.permissions["mallory"] = "read"
    fork = await practice.fork("mallory", repo)
    await practice.push("mallory", fork, "patch", {"evil.py": "x\n"})
    pull = await practice.open_pull_request("mallory", repo, "patch", source=fork)
    change = await any_stage.forge.get_change(any_stage.repository, pull.number)
    assert change.from_fork
    await practice.delete_repository("mallory", fork)
    change = await any_stage.forge.get_change(any_stage.repository, pull.number)
    assert (change.from_fork, change.head_repository) == (True, None)


async def test_all_open_changes_are_read_oldest_first(any_stage: AnyStage) -> None:
    practice, repo = any_stage.practice, any_stage.repo
    for number in range(55):  # more than one page of any forge
        await practice.push("alice", repo, f"b{number}", {f"f{number}": "x"})
        await practice.open_pull_request("alice", repo, f"b{number}")
    await practice.close("alice", repo, repo.pulls[7])
    found = await any_stage.forge.open_changes(any_stage.repository)
    assert [change.number for change in found.read] == [number for number in range(1, 56) if number != 7]
    assert set(found.touched) == {change.number for change in found.read}
    again = await any_stage.forge.open_changes(any_stage.repository, found.pages)
    assert again.touched == found.touched


async def test_a_file_is_read_as_it_is(any_stage: AnyStage) -> None:
    practice, repo, read = any_stage.practice, any_stage.repo, any_stage.forge.read_file
    assert (await read(any_stage.repository, ".portcullis.yml", "main") or b"").startswith(b"version: 1")
    large = b"x" * (1024 * 1024 + 1)
    await practice.push("alice", repo, "main", {"large.bin": large, "ä ö/#?.txt": "odd"})
    assert await read(any_stage.repository, "large.bin", "main") == large
    assert await read(any_stage.repository, "ä ö/#?.txt", "main") == b"odd"
    assert await read(any_stage.repository, "src", "main") is None
    assert await read(any_stage.repository, "none.txt", "main") is None
    with contextlib.suppress(Misconfigured):  # refused, or no file of the repository
        assert await read(any_stage.repository, "../../../app", "main") is None


async def test_people_are_read_as_they_are_now(any_stage: AnyStage, pull: PullRequest) -> None:
    forge, repository, repo = any_stage.forge, any_stage.repository, any_stage.repo
    assert (await forge.permission(repository, "bob")).can_write
    repo.permissions["bob"] = "read"
    assert not (await forge.permission(repository, "bob")).can_write
    assert (await forge.permission(repository, "mallory")).level == "none"
    assert (await forge.permission(repository, "who-is-that")).level == "none"
    assert await forge.team_members(repository, "@acme/platform") == ("bob",)
    with pytest.raises(Gone):
        await forge.team_members(repository, "@acme/nobody")
    assert (await forge.commit_authors(repository, 1)).logins == ("alice",)
    assert await forge.commit_author(repository, Sha(pull.head_sha)) == "alice"
    with pytest.raises(Gone):
        await forge.profile(repository, "nobody-at-all")


async def test_only_the_latest_decisive_review_counts(any_stage: AnyStage, pull: PullRequest) -> None:
    practice, repo = any_stage.practice, any_stage.repo
    await practice.review("bob", repo, pull, "APPROVED")
    any_stage.clock.at += 1
    await practice.review("bob", repo, pull, "COMMENTED")
    found = await any_stage.forge.reviews(any_stage.repository, 1)
    assert [(each.author.login, each.decision, each.commit) for each in found] == [
        ("bob", "approved", pull.head_sha)
    ]
    await practice.dismiss("alice", repo, pull, pull.reviews[0])
    assert await any_stage.forge.reviews(any_stage.repository, 1) == ()


async def test_a_comment_tells_who_wrote_it_and_whether_it_was_edited(
    any_stage: AnyStage, pull: PullRequest
) -> None:
    practice, repo, forge = any_stage.practice, any_stage.repo, any_stage.forge
    said = await practice.comment("bob", repo, pull, "/portcullis recheck")
    found = await forge.get_comment(any_stage.repository, 1, said.id)
    assert (found.edited, found.number, found.author.login) == (False, 1, "bob")
    assert found.author.kind is ActorKind.PERSON
    await practice.edit_comment("bob", repo, said, "/portcullis ok-to-test")
    assert (await forge.get_comment(any_stage.repository, 1, said.id)).edited
    listed = await forge.recent_comments(any_stage.repository, 1, "2000-01-01T00:00:00Z")
    assert [each.id for each in listed] == [said.id]
    await practice.delete_comment("bob", repo, said)
    with pytest.raises(Gone):
        await forge.get_comment(any_stage.repository, 1, said.id)


async def test_posts_of_others_are_seen_newest_per_name(any_stage: AnyStage, pull: PullRequest) -> None:
    await any_stage.post("bob", pull.head_sha, "ci", "pending")
    await any_stage.post("bob", pull.head_sha, "ci", "success")
    found = await any_stage.forge.external_posts(any_stage.repository, Sha(pull.head_sha), ("status",))
    assert [(post.name, post.poster, post.status, post.conclusion) for post in found] == [
        ("ci", "bob", "completed", "success")
    ]


async def test_a_renamed_repository_is_followed(any_stage: AnyStage, pull: PullRequest) -> None:
    any_stage.practice.rename_repository(any_stage.repo, any_stage.repo.name.replace("shop", "store"))
    found = await any_stage.forge.get_repository(any_stage.repository)
    assert found.forge_id == any_stage.repository.forge_id
    assert found.full_name == any_stage.repo.full_name != any_stage.repository.full_name
    assert (await any_stage.forge.get_change(any_stage.repository, 1)).number == 1
    await any_stage.forge.publish(any_stage.repository, pending(pull), None)
    assert [state for state, _ in any_stage.verdicts(pull.head_sha, "portcullis")] == ["pending"]


async def test_an_archived_repository_is_gone(any_stage: AnyStage) -> None:
    any_stage.practice.archive("alice", any_stage.repo)
    with pytest.raises(Gone):
        await any_stage.forge.get_repository(any_stage.repository)


async def test_what_branches_require_is_read(any_stage: AnyStage) -> None:
    from app.practice import RequiredCheck

    any_stage.repo.protected |= {"main"}
    any_stage.repo.required.append(RequiredCheck(branch="main", context="portcullis"))
    assert await any_stage.forge.protected_branches(any_stage.repository) == ("main",)
    (wanted,) = await any_stage.forge.required_checks(any_stage.repository, "main")
    assert wanted.names("Portcullis")
    assert not wanted.names("another")


async def test_we_know_where_we_may_judge_and_who_we_are(any_stage: AnyStage) -> None:
    ((number, _),) = await any_stage.forge.installations()
    found = await any_stage.forge.installation_repositories(number)
    assert [each.full_name for each in found] == [any_stage.repository.full_name]
    assert found[0].clone_url == any_stage.repository.clone_url
    assert (await any_stage.forge.whoami())["id"] == any_stage.forge.own_id
    assert any_stage.forge.own_id


async def test_a_credential_clones_a_private_repository(any_stage: AnyStage, tmp_path: Path) -> None:
    token = await any_stage.forge.git_credential(any_stage.repository)

    def clone(user: str, where: str) -> int:
        url = any_stage.repository.clone_url.replace("://", f"://{user}")
        command = ["git", "-c", "credential.helper=", "clone", "-q", url, str(tmp_path / where)]
        env = {"GIT_TERMINAL_PROMPT": "0", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
        return subprocess.run(command, capture_output=True, check=False, env=env).returncode

    assert await asyncio.to_thread(clone, f"x-access-token:{token}@", "one") == 0
    assert await asyncio.to_thread(clone, "", "two") != 0


# Making true


async def test_a_verdict_is_shown_in_the_forges_own_form(any_stage: AnyStage, pull: PullRequest) -> None:
    posted = await any_stage.forge.publish(any_stage.repository, pending(pull), None, fresh=True)
    assert any_stage.verdicts(pull.head_sha, "portcullis")[-1][0] == "pending"
    await any_stage.forge.publish(any_stage.repository, blocked(pull, 3), posted.id)
    assert any_stage.verdicts(pull.head_sha, "portcullis")[-1] == ("failure", "1 new high finding")


async def test_what_was_posted_may_be_posted_again(any_stage: AnyStage, pull: PullRequest) -> None:
    posted = await any_stage.forge.publish(any_stage.repository, blocked(pull), None)
    await any_stage.forge.publish(any_stage.repository, blocked(pull), posted.id)
    await any_stage.another().publish(any_stage.repository, blocked(pull), posted.id)
    assert {state for state, _ in any_stage.verdicts(pull.head_sha, "portcullis")} == {"failure"}


async def test_what_another_worker_showed_meanwhile_does_not_stand(
    any_stage: AnyStage, pull: PullRequest
) -> None:
    """Of two workers each knows only what it posted itself."""
    passed = blocked(pull, conclusion=PublishedConclusion.SUCCESS)
    posted = await any_stage.forge.publish(any_stage.repository, blocked(pull), None)
    await any_stage.another().publish(any_stage.repository, passed, posted.id)
    assert any_stage.verdicts(pull.head_sha, "portcullis")[-1][0] == "success"
    await any_stage.forge.publish(any_stage.repository, blocked(pull), posted.id)
    assert any_stage.verdicts(pull.head_sha, "portcullis")[-1][0] == "failure"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(times=3, path="/(check-runs|statuses)", status=502),
        Fault(times=2, path="/(check-runs|statuses)", drop=True),
        Fault(times=1, method="POST", path="/(check-runs|statuses/)", status=502, done=True),
    ],
    ids=["502 x3", "dropped", "done but 502"],
)
async def test_a_passing_fault_leaves_the_right_verdict(
    any_stage: AnyStage, pull: PullRequest, fault: Fault
) -> None:
    any_stage.practice.world.faults.append(replace(fault))
    posted = await any_stage.forge.publish(any_stage.repository, pending(pull), None, fresh=True)
    await any_stage.forge.publish(any_stage.repository, blocked(pull), posted.id)
    assert any_stage.verdicts(pull.head_sha, "portcullis")[-1][0] == "failure"
    assert not any_stage.practice.world.faults


async def test_a_lasting_fault_is_an_outage_that_names_a_time(any_stage: AnyStage, pull: PullRequest) -> None:
    any_stage.practice.world.faults.append(Fault(times=50, path="/(check-runs|statuses)", status=502))
    with pytest.raises(Outage) as caught:
        await any_stage.forge.publish(any_stage.repository, pending(pull), None)
    assert caught.value.retry_at is not None
    any_stage.practice.world.faults.clear()


async def test_a_rate_limit_is_obeyed(any_stage: AnyStage, pull: PullRequest) -> None:
    limit = Fault(
        path="/(pulls|merge_requests)/1", status=429, headers={"retry-after": "70"}, message="slow down"
    )
    any_stage.practice.world.faults.append(limit)
    with pytest.raises(Outage) as caught:
        await any_stage.forge.get_change(any_stage.repository, 1)
    assert caught.value.retry_at is not None
    assert caught.value.retry_at.timestamp() >= any_stage.clock() + 60
    sent = len(any_stage.practice.world.requests)
    with pytest.raises(Outage):
        await any_stage.forge.get_change(any_stage.repository, 1)
    assert len(any_stage.practice.world.requests) == sent, "nothing is asked before its time"


async def test_the_sticky_comment_is_one_and_only_written_when_it_changes(
    any_stage: AnyStage, pull: PullRequest
) -> None:
    forge, practice, repo = any_stage.forge, any_stage.practice, any_stage.repo
    await practice.comment("mallory", repo, pull, f"{MARKER}\nI am the gate, all is well")
    wanted = StickyComment(number=1, marker=MARKER, body=f"{MARKER}\nblocked")
    first = await forge.publish_comment(any_stage.repository, wanted, None)
    again = await any_stage.another().publish_comment(any_stage.repository, wanted, None)
    assert first.id == again.id
    changed = StickyComment(number=1, marker=MARKER, body=f"{MARKER}\npassed")
    assert (await forge.publish_comment(any_stage.repository, changed, first.id)).id == first.id
    (ours,) = any_stage.ours()
    assert ours.body == f"{MARKER}\npassed"
    await practice.delete_comment("alice", repo, ours)
    anew = await forge.publish_comment(any_stage.repository, changed, first.id)
    assert anew.id != first.id
    assert len(any_stage.ours()) == 1


async def test_a_comment_whose_answer_was_lost_is_not_doubled(any_stage: AnyStage, pull: PullRequest) -> None:
    lost = Fault(times=2, method="POST", path="/comments$", status=502, done=True)
    any_stage.practice.world.faults.append(lost)
    wanted = StickyComment(number=1, marker=MARKER, body=f"{MARKER}\nblocked")
    await any_stage.forge.publish_comment(any_stage.repository, wanted, None, fresh=True)
    assert len(any_stage.ours()) == 1


async def test_reactions_and_statuses_may_be_repeated(any_stage: AnyStage, pull: PullRequest) -> None:
    said = await any_stage.practice.comment("bob", any_stage.repo, pull, "/portcullis recheck")
    for _ in range(2):
        await any_stage.forge.react(any_stage.repository, 1, said.id, "+1")
    (reaction,) = said.reactions
    assert (reaction.author.login, reaction.content in {"+1", "thumbsup"}) == (any_stage.own, True)
    long = CommitStatus(
        sha=Sha(pull.head_sha),
        context="gate",
        state="failure",
        description="x " * 300,
        target_url="https://x.example",
    )
    await any_stage.forge.set_status(any_stage.repository, long)
    ((state, description),) = any_stage.verdicts(pull.head_sha, "gate")
    assert state == "failure"
    assert len(description) == entry_of(any_stage.kind).capabilities.status_description_limit


async def test_what_is_hidden_or_vanished_is_gone(any_stage: AnyStage) -> None:
    with pytest.raises(Gone):
        await any_stage.forge.get_change(any_stage.repository, 77)


# Hearing


async def test_what_happens_is_delivered_verified_and_read(any_stage: AnyStage) -> None:
    practice, repo = any_stage.practice, any_stage.repo
    await practice.push("alice", repo, "feature", {"src/shop.py": "PRICE = 2\n"})
    pull = await practice.open_pull_request("alice", repo, "feature")
    await practice.push("bob", repo, "feature", {"src/shop.py": "PRICE = 3\n"})
    await practice.comment("bob", repo, pull, "/portcullis recheck")
    await practice.review("bob", repo, pull, "APPROVED")
    await practice.push_commit("bob", repo, "feature", None)
    await practice.settle()
    read = []
    for headers, body in any_stage.inbox:
        head = any_stage.intake.verify(headers, body)
        if head.event in any_stage.intake.events:
            read.append(any_stage.intake.read(head.event, body))
    pulls = [event for event in read if isinstance(event, PullRequestChanged)]
    assert [(event.brought_head, event.sender.login) for event in pulls][:2] == [
        (True, "alice"),
        (True, "bob"),
    ]
    assert pulls[1].change.head_sha == pull.head_sha
    assert pulls[1].change.pusher is not None
    assert {event.repository.forge for event in pulls} == {any_stage.kind}
    (comment,) = (event for event in read if isinstance(event, CommentCreated))
    assert (comment.number, comment.author.login) == (1, "bob")
    assert [event.number for event in read if isinstance(event, ReviewChanged)] == [1]
    pushes = [event for event in read if isinstance(event, Pushed)]
    assert pushes[-1].after is None
    assert {event.branch for event in pushes} == {"feature"}


async def test_deliveries_are_known_by_an_id_of_their_own(any_stage: AnyStage) -> None:
    await any_stage.practice.push("alice", any_stage.repo, "one", {"a": "1"})
    await any_stage.practice.push("alice", any_stage.repo, "two", {"a": "2"})
    await any_stage.practice.settle()
    ids = [any_stage.intake.verify(headers, body).delivery_id for headers, body in any_stage.inbox]
    assert len(set(ids)) == len(ids) >= 2


async def test_nothing_lacks_once_all_is_set_up(any_stage: AnyStage) -> None:
    assert await any_stage.forge.complaints(any_stage.hook_url) == ()
    again = await any_stage.forge.hook(any_stage.hook_url)
    assert (again.made, again.complaints) == ((), ())
