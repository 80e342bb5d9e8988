"""Every published GitLab delivery: no crash on any, the right event for those that are consumed."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from app.forges import BadDelivery
from app.forges.gitlab import GitLabIntake
from app.model import (
    ActorKind,
    ChangeState,
    CommentCreated,
    Event,
    Ignored,
    InstallationChanged,
    PostsChanged,
    PullRequestChanged,
    Pushed,
    ReviewChanged,
)
from tests.support.contracts import contracts
from tests.support.github_deliveries import told
from tests.support.gitlab_deliveries import published

TOKEN = {"x-gitlab-token": "secret"}
intake = GitLabIntake(lambda: ["secret"], host="gitlab.example")


def event_of(headers: dict[str, str], body: bytes) -> tuple[str, Event]:
    """As the service does: proved and named at the door, read later."""
    head = intake.verify({**headers, **TOKEN}, body)
    return head.event, intake.read(head.event, body)


def test_each_published_delivery_gives_its_event_or_a_reason() -> None:
    found = {name: event_of(headers, body)[1] for name, headers, body in published()}
    assert len(found) == 45
    consumed = {name: told(event) for name, event in found.items() if not isinstance(event, Ignored)}
    assert consumed == snapshot(
        {
            "webhooks/merge_request": "PullRequestChanged gitlabhq/gitlab-test pr-1 open ms-viewport→master action=opened brought_head=True at=2013-12-03T17:23:34Z",
            "webhooks/note_merge_request": "CommentCreated gitlab-org/gitlab-test number=1 comment_id=1244",
            "webhooks/pipeline": "PostsChanged gitlab-org/gitlab-test sha=bcbb5ec396a2c0f828686f14fac9b80b780504f2 number=1",
            "webhooks/push": "Pushed mike/diaspora branch=master before=95790bf891e76fee5e1747ab589903a6a1f80f22 after=da1560886d4f094c3e6c9ef40349f7d38b5d27d7",
            "webhooks/service_merge_request": "PullRequestChanged test/woodpecker pr-2 open next-feature→master action=synchronize brought_head=True before=6ef047571374c96a2bf13c361efd1fb008b0063e at=2021-09-27T05:01:21Z",
            "systemhooks/merge_request": "PullRequestChanged jsmith/example pr-1 open ms-viewport→master action=edited at=2017-09-28T12:23:42Z",
            "systemhooks/project_create": "InstallationChanged action=create installation_id=1 account=gitlab.example removed=() added=",
            "systemhooks/project_destroy": "RepositoryChanged jsmith/underscore action=deleted gone=True",
            "systemhooks/project_rename": "InstallationChanged action=rename installation_id=1 account=gitlab.example removed=() added=",
            "systemhooks/project_transfer": "InstallationChanged action=transfer installation_id=1 account=gitlab.example removed=() added=",
            "systemhooks/project_update": "InstallationChanged action=update installation_id=1 account=gitlab.example removed=() added=",
            "systemhooks/push": "Pushed mike/diaspora branch=master before=95790bf891e76fee5e1747ab589903a6a1f80f22 after=da1560886d4f094c3e6c9ef40349f7d38b5d27d7",
        }
    )
    assert all(event.reason for event in found.values() if isinstance(event, Ignored))


def test_why_the_others_are_ignored() -> None:
    found = {name: event_of(headers, body) for name, headers, body in published()}
    reasons = {
        name: event.reason
        for name, (kind, event) in found.items()
        if isinstance(event, Ignored) and kind in intake.events
    }
    assert reasons == snapshot(
        {
            "webhooks/build": "a job of a project that is not told; its pipeline's delivery tells",
            "webhooks/group_merge_request": "merge_request: it tells no merge request with a head",
            "webhooks/job": "a job of a project that is not told; its pipeline's delivery tells",
            "webhooks/note_commit": "a comment on Commit, not on a merge request",
            "webhooks/note_issue": "a comment on Issue, not on a merge request",
            "webhooks/note_snippet": "a comment on Snippet, not on a merge request",
        }
    )


def sample(**attributes: Any) -> dict[str, Any]:
    """The documented merge request, with other attributes and without changes."""
    body = json.loads(contracts("gitlab-webhooks", "testdata", "webhooks", "merge_request.json").read_bytes())
    body["object_attributes"] |= attributes
    body["changes"] = {}
    return dict(body)


def read(body: dict[str, Any], event: str = "merge_request") -> Event:
    return intake.read(event, json.dumps(body).encode())


def pull(body: dict[str, Any]) -> PullRequestChanged:
    found = read(body)
    assert isinstance(found, PullRequestChanged)
    return found


OLD, NEW = "a" * 40, "da1560886d4f094c3e6c9ef40349f7d38b5d27d7"


def test_a_push_to_a_merge_request_brings_its_head() -> None:
    found = pull(sample(action="update", oldrev=OLD))
    assert (found.action, found.brought_head, found.before) == ("synchronize", True, OLD)
    assert found.change.head_sha == NEW
    assert found.change.pusher == found.sender
    assert found.sender.login == "user1"


@pytest.mark.parametrize(
    ("action", "state", "word", "ends"),
    [
        ("open", "opened", "opened", ChangeState.OPEN),
        ("reopen", "opened", "reopened", ChangeState.OPEN),
        ("close", "closed", "closed", ChangeState.CLOSED),
        ("merge", "merged", "closed", ChangeState.MERGED),
        ("", "locked", "edited", ChangeState.OPEN),
    ],
)
def test_what_becomes_of_a_merge_request(action: str, state: str, word: str, ends: ChangeState) -> None:
    found = pull(sample(action=action, state=state))
    assert (found.action, found.change.state) == (word, ends)
    assert found.brought_head is (action == "open")


@pytest.mark.parametrize(
    ("changed", "word", "retargeted"),
    [
        ({"target_branch": {"previous": "a", "current": "b"}}, "edited", True),
        ({"labels": {}}, "labeled", False),
        ({"draft": {"previous": True, "current": False}}, "ready_for_review", False),
        ({"title": {"previous": "Draft: x", "current": "x"}}, "edited", False),
    ],
)
def test_an_update_without_a_push(changed: dict[str, Any], word: str, *, retargeted: bool) -> None:
    found = pull({**sample(action="update"), "changes": changed})
    assert (found.action, found.retargeted, found.brought_head) == (word, retargeted, False)
    assert found.change.pusher is None


@pytest.mark.parametrize("changed", [{}, {"description": {}, "updated_at": {}}, None])
def test_an_update_of_what_nobody_judges_is_ignored(changed: dict[str, Any] | None) -> None:
    found = read({**sample(action="update"), "changes": changed})
    assert isinstance(found, Ignored)
    assert "nothing of it is judged" in found.reason


@pytest.mark.parametrize("action", ["approved", "unapproved", "approval", "unapproval"])
def test_approvals_are_read_again(action: str) -> None:
    found = read(sample(action=action))
    assert isinstance(found, ReviewChanged)
    assert found.number == 1


def test_what_a_reviewer_asks_for_is_read_again() -> None:
    assert isinstance(read({**sample(action="update"), "changes": {"reviewers": {}}}), ReviewChanged)


def test_the_author_is_known_only_where_it_is_who_did_it() -> None:
    known = pull(sample(author_id=1)).change.author
    assert (known.login, known.kind) == ("user1", ActorKind.PERSON)
    unknown = pull(sample(author_id=51)).change.author
    assert (unknown.login, unknown.id) == ("", 51)


@pytest.mark.parametrize("login", ["project_12_bot_0a1b", "group_3_bot", "service_account_x", "ghost1"])
def test_an_access_token_is_no_person(login: str) -> None:
    body = sample(action="open")
    body["user"]["username"] = login
    assert pull(body).sender.kind is ActorKind.BOT


def test_a_fork_is_one_whatever_it_is_called() -> None:
    change = pull(sample(source_project_id=99)).change
    assert change.from_fork
    assert not pull(sample(source_project_id=14)).change.from_fork
    assert pull(sample(draft=True)).change.draft
    assert pull(sample(work_in_progress=True)).change.draft


def push(**fields: Any) -> Event:
    body = json.loads(contracts("gitlab-webhooks", "testdata", "webhooks", "push.json").read_bytes())
    return read({**body, **fields}, "push")


def test_branches_come_and_go() -> None:
    made, gone = push(before="0" * 40), push(after="0" * 40)
    assert isinstance(made, Pushed)
    assert isinstance(gone, Pushed)
    assert (made.before, gone.after) == (None, None)
    assert isinstance(push(ref="refs/tags/v1"), Ignored)


def note(**attributes: Any) -> Event:
    path = contracts("gitlab-webhooks", "testdata", "webhooks", "note_merge_request.json")
    body = json.loads(path.read_bytes())
    body["object_attributes"] |= attributes
    return read(body, "note")


def test_only_new_notes_of_people_hold_commands() -> None:
    assert isinstance(note(action="create"), CommentCreated)
    assert isinstance(note(action="update"), Ignored)
    assert isinstance(note(system=True), Ignored)


def pipeline(**attributes: Any) -> PostsChanged:
    body = json.loads(contracts("gitlab-webhooks", "testdata", "webhooks", "pipeline.json").read_bytes())
    body["object_attributes"] |= attributes
    found = read(body, "pipeline")
    assert isinstance(found, PostsChanged)
    return found


@pytest.mark.parametrize(
    ("status", "source", "began"),
    [
        ("created", "push", True),
        ("pending", "merge_request_event", True),
        ("running", "push", False),
        ("success", "push", False),
        ("pending", "external", False),
        ("a new word", "push", False),
    ],
)
def test_a_pipeline_that_begins_is_a_new_place_for_our_verdict(
    status: str, source: str, *, began: bool
) -> None:
    assert pipeline(status=status, source=source).began is began


def test_a_new_project_has_all_read_again() -> None:
    body = {"event_name": "project_create", "project_id": 7, "path_with_namespace": "a/b"}
    found = read(body, "project_create")
    assert isinstance(found, InstallationChanged)
    assert found.account == "gitlab.example"
    assert isinstance(read({"event_name": "project_create"}, "project_create"), Ignored)


@given(st.sampled_from(sorted(GitLabIntake.events)), st.binary(max_size=200))
def test_any_bytes_are_an_event_or_a_bad_delivery(event: str, content: bytes) -> None:
    try:
        intake.read(event, content)
    except BadDelivery as refused:
        if refused.status != 400:
            pytest.fail(str(refused))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = ("object_kind", "event_name", "user", "project", "project_id", "object_attributes", "changes", "labels",
        "merge_request", "ref", "before", "after", "sha", "build_id", "path_with_namespace")  # fmt: skip


@given(st.sampled_from(sorted(GitLabIntake.events)), st.dictionaries(st.sampled_from(KEYS), JSON))
def test_any_json_is_an_event_or_a_bad_delivery(event: str, content: dict[str, object]) -> None:
    try:
        intake.read(event, json.dumps(content).encode())
    except BadDelivery as refused:
        if refused.status != 400:
            pytest.fail(str(refused))
