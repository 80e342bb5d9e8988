"""Reading: what every forge must tell (app/forges/protocol.py), asked of its practice forge over HTTP."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from app.forges import Gone, Profile
from app.model import ChangeState, ExternalPosted, Misconfigured, Sha
from app.practice import PullRequest, Signature
from tests.contracts.forges.publications import pending
from tests.support.github_stage import Stage

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
    found = await stage.github.get_comment(stage.repository, comment.number, comment.id)
    assert (found.edited, found.number, found.author.login) == (False, 1, "bob")
    await stage.practice.edit_comment("bob", stage.repo, comment, "/portcullis ok-to-test")
    assert (await stage.github.get_comment(stage.repository, comment.number, comment.id)).edited
    await stage.practice.delete_comment("bob", stage.repo, comment)
    with pytest.raises(Gone):
        await stage.github.get_comment(stage.repository, comment.number, comment.id)


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
    found = await stage.github.external_posts(stage.repository, Sha(sha), ("check_run", "status"))

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
