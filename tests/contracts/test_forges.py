"""What every forge must do (app/forges/protocol.py), played against its practice forge over HTTP."""

import asyncio
import logging
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from app.forges import FORGES, AppCredentials, Gone, Limits, Profile
from app.model import (
    Annotation,
    Button,
    ChangeState,
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
from app.practice import Fault, PullRequest, Signature
from tests.support.github_stage import Clock, Stage, staged, unlike_github

STAGES = {"github": staged}
MARKER = "<!-- portcullis -->"


@pytest.fixture(params=[entry.kind for entry in FORGES])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage per forge. Afterwards everything that was said on it must be what the forge describes."""
    async with STAGES[request.param](tmp_path) as made:
        yield made
        await made.practice.settle()
        assert unlike_github(made) == []


@pytest.fixture
async def pull(stage: Stage) -> PullRequest:
    await stage.practice.push("alice", stage.repo, "feature", {"src/shop.py": "PRICE = 2\n"})
    return await stage.practice.open_pull_request("alice", stage.repo, "feature", title="Raise the price")


def pending(pull: PullRequest, **changes: object) -> Publication:
    publication = Publication(
        name="portcullis",
        head_sha=Sha(pull.head_sha),
        status=CheckRunStatus.IN_PROGRESS,
        title="waits for 2 checks",
        summary="| check | |\n|---|---|",
        details_url="https://gate.example/runs/1",
        external_id="publication-1",
        started_at="2026-11-21T07:00:00Z",
    )
    return msgspec.structs.replace(publication, **changes)


def blocked(pull: PullRequest, count: int = 0, **changes: object) -> Publication:
    done = pending(
        pull,
        status=CheckRunStatus.COMPLETED,
        conclusion=PublishedConclusion.FAILURE,
        title="1 new high finding",
        text="details",
        completed_at="2026-11-21T07:01:00Z",
        annotations=tuple(
            Annotation(
                path="src/shop.py",
                line=n + 1,
                end_line=n + 1,
                level="failure",
                title="F821",
                message=f"bad {n}",
            )
            for n in range(count)
        ),
    )
    return msgspec.structs.replace(done, **changes)


# Reading


async def test_reads_a_change_as_it_is(stage: Stage, pull: PullRequest) -> None:
    change = await stage.github.get_change(stage.repository, 1)
    assert (change.key, change.title, change.base_ref, change.head_ref) == (
        "pr-1",
        "Raise the price",
        "main",
        "feature",
    )
    assert (change.head_sha, change.from_fork, change.draft, change.pusher) == (
        pull.head_sha,
        False,
        False,
        None,
    )
    await stage.practice.label("bob", stage.repo, pull, "risky")
    await stage.practice.set_draft("alice", stage.repo, pull, draft=True)
    await stage.practice.close("alice", stage.repo, pull)
    change = await stage.github.get_change(stage.repository, 1)
    assert (change.labels, change.draft, change.state) == (("risky",), True, ChangeState.CLOSED)


async def test_a_fork_is_a_fork_even_after_it_was_deleted(stage: Stage) -> None:
    stage.repo.permissions["mallory"] = "read"
    fork = await stage.practice.fork("mallory", stage.repo)
    await stage.practice.push("mallory", fork, "patch", {"evil.py": "x\n"})
    pull = await stage.practice.open_pull_request("mallory", stage.repo, "patch", source=fork)
    change = await stage.github.get_change(stage.repository, pull.number)
    assert change.from_fork
    assert change.head_repository == "mallory/shop"
    await stage.practice.delete_repository("mallory", fork)
    change = await stage.github.get_change(stage.repository, pull.number)
    assert change.from_fork
    assert change.head_repository is None


async def test_lists_are_read_to_their_end(stage: Stage) -> None:
    for number in range(3):
        await stage.practice.push("alice", stage.repo, f"b{number}", {f"f{number}": "x"})
        await stage.practice.open_pull_request("alice", stage.repo, f"b{number}")
    first = stage.repo.pulls[1]
    for _ in range(60):  # 180 in all: two pages of the largest size
        for author in ("alice", "bob", "mallory"):
            await stage.practice.comment(author, stage.repo, first, "hi")
    changes = await stage.github.open_changes(stage.repository)
    assert {change.key for change in changes.read} == {"pr-1", "pr-2", "pr-3"}
    comments = await stage.github.recent_comments(stage.repository, 1, "")
    assert len(comments) == 180
    assert stage.github.requests["comments"] == 2


async def test_pages_of_open_changes_that_stayed_the_same_cost_nothing(stage: Stage) -> None:
    for number in range(3):
        await stage.practice.push("alice", stage.repo, f"b{number}", {f"f{number}": "x"})
        await stage.practice.open_pull_request("alice", stage.repo, f"b{number}")
    first = await stage.github.open_changes(stage.repository)
    assert {change.key for change in first.read} == {"pr-1", "pr-2", "pr-3"}
    assert set(first.touched) == {1, 2, 3}
    left = stage.github.rates[stage.installation.id].remaining
    again = await stage.github.open_changes(stage.repository, first.pages)
    assert (again.read, again.pages) == ((), first.pages)
    assert stage.github.rates[stage.installation.id].remaining == left, "a 304 is free"
    stage.clock.at += 60
    await stage.practice.comment("bob", stage.repo, stage.repo.pulls[2], "hm")
    touched = await stage.github.open_changes(stage.repository, again.pages)
    assert {number for number in (1, 2, 3) if touched.touched[number] != first.touched[number]} == {2}
    stage.clock.at += 3600  # another token: GitHub's ETags are a token's own
    anew = await stage.github.open_changes(stage.repository, touched.pages)
    assert len(anew.read) == 3
    assert anew.touched == touched.touched


async def test_a_full_page_is_always_asked_for_a_follower(stage: Stage) -> None:
    for number in range(100):
        await stage.practice.push("alice", stage.repo, f"b{number}", {f"f{number}": "x"})
        await stage.practice.open_pull_request("alice", stage.repo, f"b{number}")
    full = await stage.github.open_changes(stage.repository)
    assert [len(page.touched) for page in full.pages] == [100, 0]
    await stage.practice.push("alice", stage.repo, "more", {"more": "x"})
    await stage.practice.open_pull_request("alice", stage.repo, "more")
    found = await stage.github.open_changes(stage.repository, full.pages)
    assert [len(page.touched) for page in found.pages] == [100, 1]
    assert {change.number for change in found.read} == set(range(1, 102)), "a push changes every page"


async def test_a_file_is_revalidated_not_read_twice(stage: Stage) -> None:
    read = stage.github.read_file
    assert (await read(stage.repository, ".portcullis.yml", "main") or b"").startswith(b"version: 1")
    assert (await read(stage.repository, ".portcullis.yml", "main") or b"").startswith(b"version: 1")
    assert [each.status for each in stage.world.requests if "/contents/" in each.path] == [200, 304]
    await stage.practice.push("alice", stage.repo, "main", {".portcullis.yml": "version: 2\n"})
    assert await read(stage.repository, ".portcullis.yml", "main") == b"version: 2\n"
    await stage.practice.push("alice", stage.repo, "main", {".portcullis.yml": None})
    assert await read(stage.repository, ".portcullis.yml", "main") is None


async def test_a_file_larger_than_the_json_answer_is_read_raw(stage: Stage) -> None:
    large = b"x" * (1024 * 1024 + 1)
    await stage.practice.push("alice", stage.repo, "main", {"large.bin": large, "ä ö/#?.txt": "odd"})
    assert await stage.github.read_file(stage.repository, "large.bin", "main") == large
    assert await stage.github.read_file(stage.repository, "ä ö/#?.txt", "main") == b"odd"
    assert await stage.github.read_file(stage.repository, "src", "main") is None


@pytest.mark.parametrize("path", ["../../../app", "a/../b", "", "a//b", "./a"])
async def test_a_path_never_leaves_its_place(stage: Stage, path: str) -> None:
    with pytest.raises(Misconfigured):
        await stage.github.read_file(stage.repository, path, "main")
    assert not stage.world.requests


async def test_people_are_read_as_they_are_now(stage: Stage, pull: PullRequest) -> None:
    github, repository = stage.github, stage.repository
    assert (await github.permission(repository, "bob")).can_write
    stage.repo.permissions["bob"] = "triage"
    bob = await github.permission(repository, "bob")
    assert (bob.level, bob.can_write, bob.can_triage) == ("triage", False, True)
    assert (await github.permission(repository, "mallory")).level == "none"
    assert (await github.permission(repository, "who-is-that")).level == "none"
    stage.world.add_team("acme", "night", "Alice", parent="platform")
    assert await github.team_members(repository, "@acme/platform") == ("alice", "bob")
    with pytest.raises(Gone):
        await github.team_members(repository, "@acme/nobody")


async def test_commit_authors_are_accounts(stage: Stage, pull: PullRequest) -> None:
    stranger = Signature(name="Somebody", email="somebody@example.org", at=int(stage.clock()))
    await stage.practice.push("bob", stage.repo, "feature", {"b.py": "1\n"})
    await stage.practice.push("alice", stage.repo, "feature", {"c.py": "1\n"}, author=stranger)
    found = await stage.github.commit_authors(stage.repository, 1)
    assert found.logins == ("alice", "bob")
    assert found.by_email["somebody@example.org"] == ""
    assert set(found.by_email.values()) == {"", "alice", "bob"}
    assert await stage.github.commit_author(stage.repository, pull.head_sha) == ""
    stage.world.account("bob").addresses.add("somebody@example.org")
    assert await stage.github.commit_author(stage.repository, pull.head_sha) == "bob"
    stage.world.account("bob").name = "Bob B."
    assert await stage.github.profile(stage.repository, "bob") == Profile(name="Bob B.")
    with pytest.raises(Gone):
        await stage.github.profile(stage.repository, "nobody-at-all")


async def test_only_the_latest_decisive_review_counts(stage: Stage, pull: PullRequest) -> None:
    review = stage.practice.review
    await review("bob", stage.repo, pull, "CHANGES_REQUESTED")
    stage.clock.at += 1
    await review("bob", stage.repo, pull, "APPROVED")
    stage.clock.at += 1
    await review("bob", stage.repo, pull, "COMMENTED")
    veto = await review("mallory", stage.repo, pull, "CHANGES_REQUESTED")
    found = await stage.github.reviews(stage.repository, 1)
    assert {(each.author.login, each.decision) for each in found} == {
        ("bob", "approved"),
        ("mallory", "changes_requested"),
    }
    assert {each.commit for each in found} == {pull.head_sha}
    await stage.practice.dismiss("alice", stage.repo, pull, veto)
    assert [each.author.login for each in await stage.github.reviews(stage.repository, 1)] == ["bob"]


async def test_a_comment_tells_whether_it_was_ever_edited(stage: Stage, pull: PullRequest) -> None:
    comment = await stage.practice.comment("bob", stage.repo, pull, "/portcullis recheck")
    found = await stage.github.get_comment(stage.repository, comment.id)
    assert (found.edited, found.number, found.author.login) == (False, 1, "bob")
    await stage.practice.edit_comment("bob", stage.repo, comment, "/portcullis ok-to-test")
    assert (await stage.github.get_comment(stage.repository, comment.id)).edited
    await stage.practice.delete_comment("bob", stage.repo, comment)
    with pytest.raises(Gone):
        await stage.github.get_comment(stage.repository, comment.id)


async def test_posts_of_others_are_seen_newest_per_name_and_poster(stage: Stage, pull: PullRequest) -> None:
    ci = stage.world.add_app("ci", owner="acme", permissions={"checks": "write"})
    practice, sha = stage.practice, pull.head_sha
    done = {"head_sha": sha, "status": "completed", "conclusion": "failure"}
    await practice.create_check_run(ci, stage.repo, {"name": "build", **done})
    await practice.create_check_run(ci, stage.repo, {"name": "build", **done, "conclusion": "success"})
    await practice.create_check_run(
        ci, stage.repo, {"name": "slow", "head_sha": sha, "status": "in_progress"}
    )
    await practice.post_status("bob", stage.repo, sha, context="portcullis", state="pending")
    await practice.post_status("bob", stage.repo, sha, context="portcullis", state="success")
    found = await stage.github.external_posts(stage.repository, Sha(sha))

    def told(post: ExternalPosted) -> tuple[str, str, str, str, str]:
        return post.kind, post.name, post.poster, post.status, post.conclusion

    assert sorted(told(post) for post in found) == [
        ("check_run", "build", "ci", "completed", "success"),
        ("check_run", "slow", "ci", "in_progress", ""),
        ("status", "portcullis", "bob", "completed", "success"),
    ]


async def test_a_renamed_repository_is_followed(stage: Stage, pull: PullRequest) -> None:
    stage.practice.rename_repository(stage.repo, "store")
    found = await stage.github.get_repository(stage.repository)
    assert (found.full_name, found.forge_id) == ("acme/store", stage.repository.forge_id)
    assert (await stage.github.get_change(stage.repository, 1)).number == 1
    assert len((await stage.github.open_changes(stage.repository)).read) == 1
    await stage.github.publish(stage.repository, pending(pull), None)
    assert [run.name for run in stage.repo.runs.values()] == ["portcullis"]


async def test_installations_and_their_repositories(stage: Stage) -> None:
    await stage.practice.create_repository("acme/other", {"a": "b"})
    assert await stage.github.installations() == ((stage.installation.id, "acme"),)
    found = await stage.github.installation_repositories(stage.installation.id)
    assert [each.full_name for each in found] == ["acme/shop", "acme/other"]
    stage.practice.suspend("alice", stage.installation)
    assert await stage.github.installations() == ()


async def test_protected_branches_and_what_they_require(stage: Stage) -> None:
    from app.practice import RequiredCheck

    await stage.practice.push("alice", stage.repo, "release", {"a": "b"})
    stage.repo.protected |= {"main"}
    stage.repo.required.append(RequiredCheck(branch="main", context="portcullis", app_id=stage.app.id))
    assert await stage.github.protected_branches(stage.repository) == ("main",)
    (wanted,) = await stage.github.required_checks(stage.repository, "main")
    assert (wanted.context, wanted.app_id) == ("portcullis", stage.app.id)
    assert await stage.github.required_checks(stage.repository, "release") == ()


async def test_a_credential_clones_a_private_repository(stage: Stage, tmp_path: Path) -> None:
    token = await stage.github.git_credential(stage.repository)

    def clone(user: str, where: str) -> int:
        url = stage.repository.clone_url.replace("://", f"://{user}") if user else stage.repository.clone_url
        command = ["git", "-c", "credential.helper=", "clone", "-q", url, str(tmp_path / where)]
        env = {"GIT_TERMINAL_PROMPT": "0", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
        return subprocess.run(command, capture_output=True, check=False, env=env).returncode

    narrow = stage.world.tokens[token]
    assert (narrow.permissions, narrow.repositories) == ({"contents": "read"}, {stage.repo.id})
    assert await asyncio.to_thread(clone, f"x-access-token:{token}@", "one") == 0
    assert (tmp_path / "one" / "src" / "shop.py").read_text() == "PRICE = 1\n"
    assert await asyncio.to_thread(clone, "", "two") != 0
    assert await asyncio.to_thread(clone, "x-access-token:ghs_wrong@", "three") != 0


# Making true


async def test_a_verdict_takes_one_run_and_few_requests(stage: Stage, pull: PullRequest) -> None:
    posted = await stage.github.publish(stage.repository, pending(pull), None, fresh=True)
    again = await stage.github.publish(stage.repository, blocked(pull, 3), posted.id)
    assert again.id == posted.id
    (run,) = stage.repo.runs.values()
    assert run.history == ["in_progress", "completed:failure"]
    assert (run.title, run.text, len(run.annotations)) == ("1 new high finding", "details", 3)
    assert (run.external_id, run.details_url) == ("publication-1", "https://gate.example/runs/1")
    # the whole life of a verdict: its token, then one write to begin, one read and one write to end
    assert dict(stage.github.requests) == {
        "token": 1,
        "check_run_create": 1,
        "check_run_get": 1,
        "check_run_update": 1,
    }


async def test_published_twice_is_there_once(stage: Stage, pull: PullRequest) -> None:
    first = await stage.github.publish(stage.repository, blocked(pull, 3), None)
    second = await stage.client().publish(stage.repository, blocked(pull, 3), None)
    assert first.id == second.id
    (run,) = stage.repo.runs.values()
    assert len(run.annotations) == 3


async def test_a_completed_run_is_never_turned_back(stage: Stage, pull: PullRequest) -> None:
    first = await stage.github.publish(stage.repository, blocked(pull), None)
    second = await stage.github.publish(stage.repository, pending(pull), first.id)
    assert second.id != first.id
    assert stage.repo.runs[first.id].history == ["completed:failure"]
    third = await stage.github.publish(stage.repository, blocked(pull), None)
    assert third.id == second.id


async def test_annotations_that_no_longer_hold_are_replaced_with_the_run(
    stage: Stage, pull: PullRequest
) -> None:
    first = await stage.github.publish(stage.repository, blocked(pull, 3), None)
    grown = await stage.github.publish(stage.repository, blocked(pull, 5), first.id)
    assert grown.id == first.id
    assert len(stage.repo.runs[first.id].annotations) == 5
    shrunk = await stage.github.publish(stage.repository, blocked(pull, 1), first.id)
    assert shrunk.id != first.id
    assert len(stage.repo.runs[shrunk.id].annotations) == 1


async def test_many_annotations_go_in_batches(stage: Stage, pull: PullRequest) -> None:
    posted = await stage.github.publish(stage.repository, blocked(pull, 120), None)
    messages = [each["message"] for each in stage.repo.runs[posted.id].annotations]
    assert messages == [f"bad {n}" for n in range(120)]
    assert stage.github.requests["check_run_create"] == 1
    assert stage.github.requests["check_run_update"] == 2
    assert stage.repo.runs[posted.id].text == "details"


async def test_texts_are_cut_under_the_limits_with_a_link(stage: Stage, pull: PullRequest) -> None:
    huge = "```\n" + "é\N{PILE OF POO}\x00 \ud800 line\n" * 20_000
    publication = blocked(
        pull,
        text=huge,
        summary=huge,
        buttons=tuple(
            Button(label="A label that is far too long", description="d" * 60, identifier=f"b{n}")
            for n in range(5)
        ),
    )
    posted = await stage.github.publish(stage.repository, publication, None)
    run = stage.repo.runs[posted.id]
    assert run.text is not None
    assert len(run.text.encode()) <= 65_535
    assert run.text.endswith("[read all of it](https://gate.example/runs/1)")
    assert run.text.count("```") == 2
    assert len(run.actions) == 3


@pytest.mark.parametrize(
    "fault",
    [
        Fault(times=3, path="/check-runs", status=502),
        Fault(times=3, path="/check-runs", status=503),
        Fault(times=1, method="POST", path="/check-runs$", status=502, done=True),
        Fault(times=2, path="/check-runs", drop=True),
        Fault(times=1, method="PATCH", path="/check-runs", status=502, done=True),
    ],
    ids=["502 x3", "503 x3", "done but 502", "dropped", "updated but 502"],
)
@pytest.mark.parametrize("fresh", [True, False])
async def test_a_passing_fault_leaves_one_right_run(
    stage: Stage, pull: PullRequest, fault: Fault, *, fresh: bool
) -> None:
    stage.world.faults.append(replace(fault))
    posted = await stage.github.publish(stage.repository, pending(pull), None, fresh=fresh)
    await stage.github.publish(stage.repository, blocked(pull, 60), posted.id)
    (run,) = stage.repo.runs.values()
    assert run.history == ["in_progress", "completed:failure"]
    assert len(run.annotations) == 60
    assert not stage.world.faults


async def test_a_lasting_fault_is_an_outage(stage: Stage, pull: PullRequest) -> None:
    stage.world.faults.append(Fault(times=50, path="/check-runs", status=502))
    with pytest.raises(Outage) as caught:
        await stage.github.publish(stage.repository, pending(pull), None)
    assert caught.value.retry_at is not None
    assert stage.github.requests["check_run_find"] <= 4
    stage.world.faults.clear()
    await stage.github.publish(stage.repository, pending(pull), None)
    assert len(stage.repo.runs) == 1


async def test_the_sticky_comment_is_one_and_only_written_when_it_changes(
    stage: Stage, pull: PullRequest
) -> None:
    await stage.practice.comment("mallory", stage.repo, pull, f"{MARKER}\nI am the gate, all is well")
    wanted = StickyComment(number=1, marker=MARKER, body=f"{MARKER}\nblocked")
    first = await stage.github.publish_comment(stage.repository, wanted, None)
    again = await stage.client().publish_comment(stage.repository, wanted, None)
    assert first.id == again.id
    changed = StickyComment(number=1, marker=MARKER, body=f"{MARKER}\npassed")
    assert (await stage.github.publish_comment(stage.repository, changed, first.id)).id == first.id
    ours = [each for each in stage.repo.comments.values() if each.app_id == stage.app.id]
    assert [each.body for each in ours] == [f"{MARKER}\npassed"]
    await stage.practice.delete_comment("alice", stage.repo, ours[0])
    anew = await stage.github.publish_comment(stage.repository, changed, first.id)
    assert anew.id != first.id


async def test_a_comment_whose_answer_was_lost_is_not_doubled(stage: Stage, pull: PullRequest) -> None:
    stage.world.faults.append(Fault(times=2, method="POST", path="/comments$", status=502, done=True))
    wanted = StickyComment(number=1, marker=MARKER, body=f"{MARKER}\nblocked")
    await stage.github.publish_comment(stage.repository, wanted, None, fresh=True)
    assert len(stage.repo.comments) == 1


async def test_reactions_and_statuses_may_be_repeated(stage: Stage, pull: PullRequest) -> None:
    comment = await stage.practice.comment("bob", stage.repo, pull, "/portcullis recheck")
    for _ in range(2):
        await stage.github.react(stage.repository, comment.id, "eyes")
    assert [(each.author.login, each.content) for each in comment.reactions] == [("portcullis[bot]", "eyes")]
    long = CommitStatus(
        sha=Sha(pull.head_sha),
        context="gate",
        state="failure",
        description="x " * 300,
        target_url="https://x.example",
    )
    await stage.github.set_status(stage.repository, long)
    (status,) = stage.repo.statuses
    assert len(status.description or "") == 140


# Limits, tokens, secrets


async def test_a_used_up_limit_names_its_reset_and_is_not_asked_again(
    stage: Stage, pull: PullRequest
) -> None:
    await stage.github.get_change(stage.repository, 1)
    reset = int(stage.clock.at) + 1800
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset), "x-ratelimit-limit": "5000"}
    stage.world.faults.append(
        Fault(path="/pulls", status=403, headers=headers, message="API rate limit exceeded")
    )
    for _ in range(3):
        with pytest.raises(Outage) as caught:
            await stage.github.get_change(stage.repository, 1)
        assert caught.value.retry_at == datetime.fromtimestamp(reset, UTC)
    assert stage.github.requests["pull"] == 2
    stage.clock.at = reset + 1
    assert (await stage.github.get_change(stage.repository, 1)).number == 1


async def test_retry_after_is_obeyed(stage: Stage, pull: PullRequest) -> None:
    stage.world.faults.append(
        Fault(path="/pulls", status=429, headers={"retry-after": "45"}, message="slow down")
    )
    with pytest.raises(Outage) as caught:
        await stage.github.get_change(stage.repository, 1)
    assert caught.value.retry_at == datetime.fromtimestamp(stage.clock.at + 45, UTC)


async def test_a_bare_secondary_limit_waits_a_minute_then_longer(stage: Stage, pull: PullRequest) -> None:
    waits = []
    for _ in range(3):
        stage.world.faults.append(
            Fault(path="/pulls", status=403, message="You have exceeded a secondary rate limit")
        )
        with pytest.raises(Outage) as caught:
            await stage.github.get_change(stage.repository, 1)
        assert caught.value.retry_at is not None
        waits.append(caught.value.retry_at.timestamp() - stage.clock.at)
        stage.clock.at += waits[-1]
    assert waits == [60, 120, 240]


async def test_we_hold_back_before_the_forge_has_to_say_so(stage: Stage, pull: PullRequest) -> None:
    github = stage.client(limits=Limits(points_per_minute=0, content_per_minute=3, content_per_hour=500))
    comment = await stage.practice.comment("bob", stage.repo, pull, "hi")
    for _ in range(3):
        await github.react(stage.repository, comment.id, "eyes")
    with pytest.raises(Outage) as caught:
        await github.react(stage.repository, comment.id, "eyes")
    assert caught.value.retry_at is not None
    assert github.requests["reaction"] == 3
    await github.get_change(stage.repository, 1)
    stage.clock.at += 61
    await github.react(stage.repository, comment.id, "eyes")


async def test_tokens_are_minted_once_and_renewed_early(stage: Stage, pull: PullRequest) -> None:
    await asyncio.gather(*(stage.github.get_change(stage.repository, 1) for _ in range(10)))
    assert stage.github.requests["token"] == 1
    first = await stage.github.git_credential(stage.repository)
    stage.clock.at += 49 * 60
    assert await stage.github.git_credential(stage.repository) == first
    stage.clock.at += 2 * 60
    second = await stage.github.git_credential(stage.repository)
    assert second != first
    assert stage.world.tokens[second].expires - stage.clock.at > 5 * 60


async def test_a_refused_token_is_replaced_once(stage: Stage, pull: PullRequest) -> None:
    await stage.github.get_change(stage.repository, 1)
    for token in stage.world.tokens.values():
        token.revoked = True
    assert (await stage.github.get_change(stage.repository, 1)).number == 1
    assert stage.github.requests["token"] == 2


async def test_a_clock_that_is_wrong_is_noticed_and_corrected(stage: Stage, pull: PullRequest) -> None:
    # The practice forge's Date header is the machine's clock; its judgement of tokens is too, here.
    import time

    stage.clock.at = time.time()
    late = stage.client(clock=Clock(time.time() - 3600))
    assert (await late.get_change(stage.repository, 1)).number == 1
    assert 3500 < late.clock_skew < 3700


async def test_a_missing_permission_is_named(stage: Stage, pull: PullRequest) -> None:
    stage.installation.permissions["checks"] = "read"
    with pytest.raises(Misconfigured, match="checks: write"):
        await stage.github.publish(stage.repository, pending(pull), None)


async def test_a_suspended_or_removed_installation_says_so(stage: Stage, pull: PullRequest) -> None:
    stage.practice.suspend("alice", stage.installation)
    with pytest.raises(Misconfigured, match="suspended"):
        await stage.github.get_change(stage.repository, 1)
    stage.practice.uninstall("alice", stage.installation)
    with pytest.raises(Gone):
        await stage.github.get_change(stage.repository, 1)


async def test_what_is_hidden_or_vanished_is_gone(stage: Stage, pull: PullRequest) -> None:
    hidden = await stage.practice.create_repository("alice/diary", {"a": "b"}, private=True)
    other = msgspec.structs.replace(stage.repository, full_name="alice/diary", forge_id=hidden.id)
    with pytest.raises(Gone):
        await stage.github.get_repository(other)
    with pytest.raises(Gone):
        await stage.github.get_change(other, 1)
    with pytest.raises(Gone):
        await stage.github.publish(stage.repository, pending(pull, head_sha=Sha("ab" * 20)), None)


async def test_the_log_of_deliveries_is_read_page_by_page_and_one_is_delivered_again(stage: Stage) -> None:
    stage.practice.hooks.fail = 1
    for number in range(120):
        await stage.practice.push("alice", stage.repo, f"topic-{number}", {"a.txt": str(number)})
    await stage.practice.settle()
    log = await stage.github.delivery_log(0, 10_000)
    assert log.whole
    assert len(log.entries) == len(stage.world.deliveries) > 100
    assert {entry.guid for entry in log.entries} == {each.guid for each in stage.world.deliveries.values()}
    assert [entry.at for entry in log.entries] == sorted((e.at for e in log.entries), reverse=True)
    assert {entry.repository_id for entry in log.entries} == {0, stage.repo.id}
    lost = [entry for entry in log.entries if not entry.good]
    assert [entry.status for entry in lost] == ["502 failed to connect to host"]
    await stage.github.redeliver(lost[0].id)
    await stage.practice.settle()
    assert stage.inbox[-1][0]["x-github-delivery"] == lost[0].guid
    cut = await stage.github.delivery_log(0, 100)
    assert (cut.whole, len(cut.entries), cut.entries[0].guid) == (False, 100, lost[0].guid)
    assert (await stage.github.delivery_log(stage.clock() + 1, 100)).entries == ()
    with pytest.raises(Gone):
        await stage.github.redeliver(1)


async def test_no_secret_is_ever_in_a_log_or_an_error(
    stage: Stage, pull: PullRequest, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    github, texts = stage.github, []
    token = await github.git_credential(stage.repository)
    mirror = f"token {token} in https://x-access-token:{token}@github.example/a.git eyJhbGciOi.eyJpc3M.c2ln"
    for status in (401, 403, 404, 422, 451, 429):
        stage.world.faults.append(
            Fault(times=2 if status == 401 else 1, path="/pulls", status=status, message=mirror)
        )
        with pytest.raises((Misconfigured, Outage)) as caught:
            await github.get_change(stage.repository, 1)
        texts += [str(caught.value), caught.value.hint, repr(caught.value), repr(caught.value.__cause__)]
        stage.clock.at += 4000
        stage.world.faults.clear()
    stage.world.faults.append(Fault(times=9, path="/pulls", drop=True))
    with pytest.raises(Outage) as caught:
        await github.get_change(stage.repository, 1)
    texts += [str(caught.value), repr(caught.value), repr(caught.value.__cause__)]
    texts.append(repr(AppCredentials(app_id=1, private_key=stage.app.private_key)))
    secrets = [*stage.world.tokens, stage.app.private_key.splitlines()[3], "eyJ", stage.app.webhook_secret]
    for text in [*texts, caplog.text]:
        assert not [secret for secret in secrets if secret in text]
