"""What our client reads of a GitLab."""

import pytest

from app.forges import Gone
from app.model import ActorKind, ChangeState, Misconfigured, Outage
from app.practice import Fault
from tests.support.gitlab_stage import GitLabStage


async def test_a_merge_request_is_a_change(stage: GitLabStage) -> None:
    pull = await stage.open()
    await stage.practice.label("alice", stage.repo, pull, "urgent")
    change = await stage.gitlab.get_change(stage.repository, pull.number)
    assert (change.key, change.number, change.head_sha) == ("pr-1", 1, pull.head_sha)
    assert (change.author.login, change.author.kind) == ("alice", ActorKind.PERSON)
    assert (change.base_ref, change.head_ref, change.labels) == ("main", "feature", ("urgent",))
    assert change.head_repository == "acme/platform/shop"
    assert not change.from_fork
    assert change.url.endswith("/acme/platform/shop/-/merge_requests/1")
    await stage.practice.close("alice", stage.repo, pull)
    assert (await stage.gitlab.get_change(stage.repository, 1)).state is ChangeState.CLOSED


async def test_a_forks_project_is_named_once_it_is_asked(stage: GitLabStage) -> None:
    stage.repo.permissions["mallory"] = "read"
    fork = await stage.practice.fork("mallory", stage.repo)
    fork.permissions[stage.bot.login] = "read"
    await stage.practice.push("mallory", fork, "feature", {"a.py": "A = 1\n"})
    for branch in ("feature", "feature"):
        await stage.practice.open_pull_request("mallory", stage.repo, branch, source=fork)
    found = await stage.gitlab.open_changes(stage.repository)
    assert [change.head_repository for change in found.read] == ["mallory/platform/shop"] * 2
    assert all(change.from_fork for change in found.read)
    assert stage.gitlab.requests["project"] == 1


async def test_a_head_that_gitlab_has_not_found_yet_is_asked_for_again(stage: GitLabStage) -> None:
    pull = await stage.open()
    pull.head_sha = None  # type: ignore[assignment] - as GitLab says while it prepares one
    with pytest.raises(Outage, match="has not looked at its head"):
        await stage.gitlab.get_change(stage.repository, pull.number)


async def test_open_ones_are_not_sent_again_while_they_stay_as_they_are(stage: GitLabStage) -> None:
    pull = await stage.open()
    first = await stage.gitlab.open_changes(stage.repository)
    assert [change.number for change in first.read] == [1]
    again = await stage.gitlab.open_changes(stage.repository, first.pages)
    assert (again.read, again.touched) == ((), first.touched)
    await stage.practice.label("alice", stage.repo, pull, "urgent")
    changed = await stage.gitlab.open_changes(stage.repository, first.pages)
    assert changed.read[0].labels == ("urgent",)


async def test_a_project_is_known_by_its_id(stage: GitLabStage) -> None:
    stage.practice.rename_repository(stage.repo, "platform/store")
    found = await stage.gitlab.get_repository(stage.repository)
    assert (found.full_name, found.private, found.default_branch) == ("acme/platform/store", True, "main")
    stage.practice.archive("alice", stage.repo)
    with pytest.raises(Gone, match="archived"):
        await stage.gitlab.get_repository(stage.repository)


async def test_all_projects_of_the_token_are_ours_to_judge(stage: GitLabStage) -> None:
    others = [await stage.practice.create_repository(f"acme/p{n}") for n in range(120)]
    for repo in others:
        repo.permissions[stage.bot.login] = "write"
    others[0].permissions[stage.bot.login] = "read"
    stage.practice.archive("alice", others[1])
    [(installation, account)] = await stage.gitlab.installations()
    assert account == stage.world.url.removeprefix("http://")
    found = await stage.gitlab.installation_repositories(installation)
    assert len(found) == 119
    assert {repository.full_name for repository in found} & {"acme/p0", "acme/p1"} == set()


async def test_protections_with_a_star_are_read_branch_by_branch(stage: GitLabStage) -> None:
    for branch in ("release/1", "release/2", "feature"):
        await stage.practice.push("alice", stage.repo, branch, {branch: "x"})
    stage.repo.protected |= {"main", "release/*", "*/[x]"}
    assert await stage.gitlab.protected_branches(stage.repository) == ("main", "release/1", "release/2")


async def test_a_file_is_read_at_a_ref(stage: GitLabStage) -> None:
    sha = await stage.practice.push("alice", stage.repo, "feature", {"a dir/ü#.py": "x = 1\n"})
    assert await stage.gitlab.read_file(stage.repository, "a dir/ü#.py", sha) == b"x = 1\n"
    assert await stage.gitlab.read_file(stage.repository, "src", "main") is None
    assert await stage.gitlab.read_file(stage.repository, "gone.py", "main") is None


async def test_what_must_succeed_before_a_merge(stage: GitLabStage) -> None:
    [required] = await stage.gitlab.required_checks(stage.repository, "main")
    assert required.context == "portcullis"
    stage.practice.own(stage.repo).pipeline_must_succeed = False
    assert await stage.gitlab.required_checks(stage.repository, "main") == ()


async def test_notes_are_read_since_a_time(stage: GitLabStage) -> None:
    pull = await stage.open()
    old = await stage.practice.comment("alice", stage.repo, pull, "old")
    stage.clock.at += 3600
    since = stage.world.stamp()
    new = await stage.practice.comment("bob", stage.repo, pull, "/portcullis recheck")
    found = await stage.gitlab.recent_comments(stage.repository, pull.number, since)
    assert [(comment.id, comment.author.login, comment.number) for comment in found] == [(new.id, "bob", 1)]
    every = await stage.gitlab.recent_comments(stage.repository, pull.number, "")
    assert {comment.id for comment in every} == {old.id, new.id}
    await stage.practice.edit_comment("bob", stage.repo, new, "edited")
    assert (await stage.gitlab.get_comment(stage.repository, pull.number, new.id)).edited
    with pytest.raises(Gone):
        await stage.gitlab.get_comment(stage.repository, pull.number, 1)


async def test_who_the_token_acts_as(stage: GitLabStage) -> None:
    who = await stage.gitlab.whoami()
    assert (who["slug"], who["id"], who["scopes"]) == (stage.bot.login, stage.bot.id, ["api"])
    assert await stage.gitlab.git_credential(stage.repository) == stage.bot.token


async def test_a_refused_token_is_told_without_showing_it(stage: GitLabStage) -> None:
    stranger = stage.client(token="glpat-00000000000000000000")
    with pytest.raises(Misconfigured, match="does not accept our token") as caught:
        await stranger.whoami()
    assert "glpat" not in str(caught.value)
    assert "portcullis forges add gitlab" in caught.value.hint


async def test_too_fast_is_an_outage_until_the_time_that_gitlab_tells(stage: GitLabStage) -> None:
    stage.world.faults.append(
        Fault(status=429, message="Retry later", headers={"retry-after": "40"}, path="^/user$")
    )
    with pytest.raises(Outage, match="asks to slow down") as caught:
        await stage.gitlab.whoami()
    assert caught.value.again_at(stage.clock.at, 5) == stage.clock.at + 40
    stage.clock.at += 41
    await stage.gitlab.whoami()
    assert stage.gitlab.rates[1].remaining > 0


async def test_what_does_not_answer_is_asked_again(stage: GitLabStage) -> None:
    stage.world.faults.append(Fault(status=502, times=2))
    assert (await stage.gitlab.whoami())["id"] == stage.bot.id
    stage.world.faults.append(Fault(drop=True, times=99))
    with pytest.raises(Outage, match="GitLab does not answer"):
        await stage.gitlab.whoami()
