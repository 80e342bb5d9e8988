"""Deliveries that nobody published: hostile bytes, forms, corner cases of events."""

import hashlib
import hmac
import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.forges import BadDelivery, GitHubIntake
from app.model import (
    ActorKind,
    ChangeState,
    CommentCreated,
    Ignored,
    MergeGroupChanged,
    PullRequestChanged,
    Pushed,
    RerunRequested,
)

intake = GitHubIntake(lambda: ["old", "new"])
REPO = {
    "id": 5,
    "full_name": "acme/shop",
    "clone_url": "https://github.com/acme/shop.git",
    "default_branch": "main",
}
PERSON = {"login": "alice", "id": 7, "type": "User"}
SHA = "a" * 40


def body(**fields: object) -> bytes:
    return json.dumps({"repository": REPO, "installation": {"id": 9}, "sender": PERSON, **fields}).encode()


def pull(**fields: object) -> dict[str, object]:
    return {
        "number": 3,
        "title": "T",
        "state": "open",
        "user": PERSON,
        "head": {"ref": "f", "sha": SHA, "repo": REPO},
        "base": {"ref": "main", "sha": "b" * 40, "repo": REPO},
        **fields,
    }


def signed(content: bytes, secret: str, **headers: str) -> dict[str, str]:
    digest = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    given_headers = {
        "x-github-event": "push",
        "x-github-delivery": "d-1",
        "x-hub-signature-256": f"sha256={digest}",
    }
    return {**given_headers, **headers}


@given(st.sampled_from(sorted(GitHubIntake.events)), st.binary(max_size=200))
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
KEYS = ("action", "repository", "sender", "installation", "pull_request", "check_run", "merge_group", "issue",
        "comment", "check_suite", "ref", "before", "after", "sha", "context", "changes", "requested_action")  # fmt: skip


@given(st.sampled_from(sorted(GitHubIntake.events)), st.dictionaries(st.sampled_from(KEYS), JSON))
def test_any_json_is_an_event_or_a_bad_delivery(event: str, content: dict[str, object]) -> None:
    try:
        intake.read(event, json.dumps({"repository": REPO, **content}).encode())
    except BadDelivery as refused:
        if refused.status != 400:
            pytest.fail(str(refused))


def test_deep_json_is_refused_not_a_crash() -> None:
    with pytest.raises(BadDelivery):
        intake.read("push", b'{"repository":' + b"[" * 100_000)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"x-github-event": ""}, 400),
        ({"x-github-event": "Push!"}, 400),
        ({"x-github-delivery": ""}, 400),
        ({"x-github-delivery": "a\nb"}, 400),
        ({"x-hub-signature-256": ""}, 401),
        ({"x-hub-signature-256": "sha256=" + "0" * 64}, 401),
    ],
)
def test_headers_that_do_not_hold_are_refused(changed: dict[str, str], status: int) -> None:
    with pytest.raises(BadDelivery) as caught:
        intake.verify(signed(b"{}", "new", **changed), b"{}")
    assert caught.value.status == status


def test_either_secret_counts_while_they_are_being_changed() -> None:
    for secret in ("old", "new"):
        head = intake.verify(signed(b"{}", secret, **{"x-github-hook-id": "12"}), b"{}")
        assert (head.event, head.delivery_id, head.hook_id) == ("push", "d-1", "12")
    with pytest.raises(BadDelivery):
        intake.verify(signed(b"{}", "older"), b"{}")


def test_the_signature_covers_the_bytes_as_they_came() -> None:
    with pytest.raises(BadDelivery):
        intake.verify(signed(b'{"a": 1}', "new"), b'{"a":1}')


def test_a_form_says_the_same_as_json() -> None:
    content = body(action="opened", pull_request=pull(title="ä & = + %"))
    form = urlencode({"payload": content.decode()}).encode()
    assert intake.read("pull_request", form) == intake.read("pull_request", content)
    with pytest.raises(BadDelivery):
        intake.read("pull_request", b"payload=%7B&&&&&&&&&")


def test_only_what_brings_a_head_names_a_pusher() -> None:
    opened = intake.read("pull_request", body(action="opened", pull_request=pull()))
    labelled = intake.read("pull_request", body(action="labeled", pull_request=pull()))
    assert isinstance(opened, PullRequestChanged)
    assert isinstance(labelled, PullRequestChanged)
    assert (opened.brought_head, opened.change.pusher) == (True, opened.sender)
    assert (labelled.brought_head, labelled.change.pusher) == (False, None)


@pytest.mark.parametrize(
    ("account", "kind"),
    [
        (PERSON, ActorKind.PERSON),
        ({"login": "dependabot[bot]", "id": 8, "type": "Bot"}, ActorKind.BOT),
        ({"login": "sly[bot]", "id": 8, "type": "User"}, ActorKind.BOT),
        ({"login": "old", "id": 8, "type": "Mannequin"}, ActorKind.BOT),
        ({"login": "acme", "id": 8, "type": "Organization"}, ActorKind.BOT),
        (None, ActorKind.BOT),
    ],
)
def test_only_people_are_people(account: dict[str, object] | None, kind: ActorKind) -> None:
    read = intake.read("pull_request", body(action="opened", pull_request=pull(), sender=account))
    assert isinstance(read, PullRequestChanged)
    assert read.sender.kind is kind


@pytest.mark.parametrize(
    ("head_repo", "fork"),
    [(REPO, False), ({**REPO, "id": 6, "full_name": "acme/shop"}, True), (None, True)],
)
def test_a_fork_is_told_by_its_id(head_repo: dict[str, object] | None, *, fork: bool) -> None:
    head = {"ref": "f", "sha": SHA, "repo": head_repo}
    read = intake.read("pull_request", body(action="opened", pull_request=pull(head=head)))
    assert isinstance(read, PullRequestChanged)
    assert read.change.from_fork is fork


def test_a_new_base_is_a_retarget_and_a_new_title_is_not() -> None:
    based = body(action="edited", pull_request=pull(), changes={"base": {"ref": {"from": "dev"}}})
    titled = body(action="edited", pull_request=pull(), changes={"title": {"from": "X"}})
    found = [intake.read("pull_request", each) for each in (based, titled)]
    assert [isinstance(each, PullRequestChanged) and each.retargeted for each in found] == [True, False]


def test_closed_and_merged_are_two_states() -> None:
    closed = intake.read("pull_request", body(action="closed", pull_request=pull(state="closed")))
    merged = intake.read(
        "pull_request", body(action="closed", pull_request=pull(state="closed", merged=True))
    )
    assert isinstance(closed, PullRequestChanged)
    assert isinstance(merged, PullRequestChanged)
    assert (closed.change.state, merged.change.state) == (ChangeState.CLOSED, ChangeState.MERGED)


def test_pushes_of_branches_only() -> None:
    def pushed(ref: str, before: str, after: str, **more: object) -> object:
        return intake.read("push", body(ref=ref, before=before, after=after, **more))

    nothing = "0" * 40
    moved = pushed("refs/heads/a/b", SHA, "b" * 40, forced=True)
    assert isinstance(moved, Pushed)
    assert (moved.branch, moved.before, moved.after, moved.forced) == ("a/b", SHA, "b" * 40, True)
    created = pushed("refs/heads/new", nothing, SHA, created=True)
    deleted = pushed("refs/heads/old", SHA, nothing, deleted=True)
    assert isinstance(created, Pushed)
    assert isinstance(deleted, Pushed)
    assert (created.before, deleted.after) == (None, None)
    assert isinstance(pushed("refs/tags/v1", nothing, SHA), Ignored)
    assert isinstance(pushed(f"refs/heads/gh-readonly-queue/main/pr-1-{SHA}", nothing, SHA), Ignored)


@pytest.mark.parametrize(
    ("head_ref", "number"),
    [
        (f"refs/heads/gh-readonly-queue/main/pr-104-{SHA}", 104),
        (f"refs/heads/gh-readonly-queue/release/1.x/pr-7-{SHA}", 7),
        ("refs/heads/gh-readonly-queue/main/pr-x-1", None),
    ],
)
def test_a_merge_group_names_the_change_it_carries(head_ref: str, number: int | None) -> None:
    group = {"head_sha": SHA, "head_ref": head_ref, "base_sha": "b" * 40, "base_ref": "refs/heads/main"}
    read = intake.read("merge_group", body(action="checks_requested", merge_group=group))
    assert isinstance(read, MergeGroupChanged)
    assert (read.change.key, read.change.number, read.change.base_ref) == (f"mg-{SHA}", number, "main")
    assert read.change.subject_key == (f"pr-{number}" if number else None)


def test_a_pressed_button_and_the_forges_own_rerun() -> None:
    run = {"id": 1, "name": "portcullis", "head_sha": SHA, "external_id": "x1", "app": {"id": 44}}
    button = body(action="requested_action", check_run=run, requested_action={"identifier": "rerun"})
    pressed = intake.read("check_run", button)
    again = intake.read("check_run", body(action="rerequested", check_run=run))
    assert isinstance(pressed, RerunRequested)
    assert isinstance(again, RerunRequested)
    assert (pressed.button, pressed.app_id, pressed.external_id) == ("rerun", 44, "x1")
    assert (again.button, again.name) == ("", "portcullis")
    with pytest.raises(BadDelivery):
        intake.read("check_run", body(action="requested_action", check_run=run))


def test_comments_count_on_pull_requests_only() -> None:
    comment = {"id": 77, "body": "/portcullis recheck", "user": PERSON}
    on_pull = body(action="created", issue={"number": 3, "pull_request": {}}, comment=comment)
    on_issue = body(action="created", issue={"number": 3}, comment=comment)
    read = intake.read("issue_comment", on_pull)
    assert isinstance(read, CommentCreated)
    assert (read.number, read.comment_id, read.author.login) == (3, 77, "alice")
    assert isinstance(intake.read("issue_comment", on_issue), Ignored)


def test_what_nobody_needs_is_ignored_with_a_reason() -> None:
    assert intake.read("star", body(action="created")) == Ignored(reason="nobody needs star deliveries")
    with pytest.raises(BadDelivery):
        intake.read("star", b"not json")


def test_before_set_up_every_delivery_is_refused_with_the_reason() -> None:
    headers = {
        "x-github-event": "ping",
        "x-github-delivery": "d-1",
        "x-hub-signature-256": "sha256=" + "0" * 64,
    }
    with pytest.raises(BadDelivery, match="no GitHub App is set up here yet"):
        GitHubIntake(list).verify(headers, b"{}")
    with pytest.raises(BadDelivery, match="no GitHub App is set up here yet"):
        GitHubIntake(lambda: [""]).verify(headers, b"{}")
