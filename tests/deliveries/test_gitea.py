"""What a Gitea 1.26 sent, and what it is read into; signatures as published; whatever else comes."""

import json
from pathlib import Path

import msgspec
import pytest

from app.forges import Account, BadDelivery, Connection, GiteaIntake, GitHubIntake, Means
from app.model import (
    ActorKind,
    ChangeState,
    CommentCreated,
    ExternalPosted,
    Ignored,
    PullRequestChanged,
    Pushed,
    ReviewChanged,
)
from tests.support.contracts import contracts

CAPTURED = Path(__file__).parent / "gitea"
NAMES = sorted(file.stem for file in CAPTURED.glob("*.json"))
SECRET = "secret"
OWN = 5
"""The account that posted the captured status."""


def intake(secret: str = SECRET, kind: str = "gitea") -> GiteaIntake:
    connection = Connection(name=kind, kind=kind, url="https://git.example")
    account = Account(id=OWN, login="portcullis", secret="token", webhook_secret=secret)
    return GiteaIntake(connection, lambda: account, Means())


def captured(name: str) -> tuple[str, dict[str, object]]:
    whole = json.loads((CAPTURED / f"{name}.json").read_text())
    return whole["headers"]["x-gitea-event"], whole["body"]


def read(name: str) -> object:
    event, body = captured(name)
    return intake().read(event, json.dumps(body).encode())


def test_a_pull_request_is_read() -> None:
    opened = read("pull_request_opened")
    assert isinstance(opened, PullRequestChanged)
    assert (opened.action, opened.brought_head) == ("opened", True)
    change, repository = opened.change, opened.repository
    assert (change.key, change.state, change.draft) == ("pr-1", ChangeState.OPEN, False)
    assert (change.base_ref, change.head_ref, change.from_fork) == ("main", "topic", False)
    assert change.url == "https://git.example/acme/shop/pulls/1"
    assert change.pusher == change.author == opened.sender
    assert (repository.forge, repository.full_name, repository.private) == ("gitea", "acme/shop", True)
    assert repository.clone_url == "https://git.example/acme/shop.git"
    assert repository.default_branch == "main"


@pytest.mark.parametrize(
    ("name", "action", "brought", "retargeted", "draft", "state"),
    [
        ("pull_request_synchronized", "synchronized", True, False, False, ChangeState.OPEN),
        ("label_updated", "label_updated", False, False, False, ChangeState.OPEN),
        ("edited_to_draft", "edited", False, False, True, ChangeState.OPEN),
        ("edited_retargeted", "edited", False, True, False, ChangeState.OPEN),
        ("closed", "closed", False, False, False, ChangeState.CLOSED),
        ("reopened", "reopened", False, False, False, ChangeState.OPEN),
    ],
)
def test_what_happens_to_a_pull_request_is_read(name, action, brought, retargeted, draft, state) -> None:
    event = read(name)
    assert isinstance(event, PullRequestChanged)
    assert (event.action, event.brought_head, event.retargeted) == (action, brought, retargeted)
    assert (event.change.draft, event.change.state) == (draft, state)
    assert (event.change.pusher is not None) is brought


def test_labels_are_read() -> None:
    event = read("label_updated")
    assert isinstance(event, PullRequestChanged)
    assert event.change.labels == ("urgent",)


@pytest.mark.parametrize("name", ["review_approved", "review_rejected"])
def test_a_review_is_read(name) -> None:
    event = read(name)
    assert isinstance(event, ReviewChanged)
    assert (event.number, event.sender.login) == (1, "alice")


def test_a_comment_a_push_and_a_status_are_read() -> None:
    comment, push, status = read("issue_comment"), read("push"), read("status")
    assert isinstance(comment, CommentCreated)
    assert (comment.number, comment.body, comment.author.login) == (1, "/portcullis recheck", "bob")
    assert comment.author.kind is ActorKind.PERSON
    assert isinstance(push, Pushed)
    assert (push.branch, push.sender.login) == ("main", "alice")
    assert push.before != push.after
    assert isinstance(status, ExternalPosted)
    assert (status.kind, status.name, status.status) == ("status", "portcullis", "in_progress")
    assert status.poster_id == OWN


def test_our_own_account_is_no_person() -> None:
    event, body = captured("issue_comment")
    body["comment"]["user"]["id"] = OWN  # type: ignore[index]
    found = intake().read(event, json.dumps(body).encode())
    assert isinstance(found, CommentCreated)
    assert found.author.kind is ActorKind.APP


def test_a_deleted_branch_is_read() -> None:
    _, push = captured("push")
    body = {"ref": "topic", "ref_type": "branch", "repository": push["repository"], "sender": push["sender"]}
    event = intake().read("delete", json.dumps(body).encode())
    assert isinstance(event, Pushed)
    assert (event.branch, event.after) == ("topic", None)
    tag = intake().read("delete", json.dumps({**body, "ref_type": "tag"}).encode())
    assert isinstance(tag, Ignored)


def test_older_servers_tell_drafts_by_the_title() -> None:
    event, body = captured("edited_to_draft")
    del body["pull_request"]["draft"]  # type: ignore[attr-defined]
    found = intake().read(event, json.dumps(body).encode())
    assert isinstance(found, PullRequestChanged)
    assert found.change.draft


def test_what_nobody_needs_is_ignored() -> None:
    found = read("create")
    assert isinstance(found, Ignored)
    assert found.reason == "nobody needs create deliveries"


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_or_null_field_never_breaks_us(name) -> None:
    event, whole = captured(name)
    for key in whole:
        _survives(event, {other: value for other, value in whole.items() if other != key})
        _survives(event, {**whole, key: None})
        _survives(event, {**whole, key: "text"})
        value = whole[key]
        for inner in value if isinstance(value, dict) else ():
            part = {other: held for other, held in value.items() if other != inner}
            _survives(event, {**whole, key: part})
            _survives(event, {**whole, key: {**value, inner: None}})


def _survives(event: str, payload: object) -> None:
    try:
        intake().read(event, msgspec.json.encode(payload))
    except BadDelivery as refused:
        if refused.status != 400:
            pytest.fail(f"{event}: {refused}")


def vectors(*kinds: str) -> list[dict[str, object]]:
    found = json.loads(contracts("signatures", "vectors.json").read_text())["vectors"]
    return [one for one in found if one["name"].startswith(kinds) and "body" in one]


@pytest.mark.parametrize("kind", ["gitea", "forgejo"])
def test_signatures_as_published(kind) -> None:
    (good,) = vectors(kind)
    headers = {str(name).lower(): value for name, value in good["headers"].items()}  # type: ignore[attr-defined]
    sure = {f"x-{kind}-event": "push", f"x-{kind}-delivery": "1d0b4b10-66a4-4fd4-a7cd-8b9d61d5b1b7"}
    body = str(good["body"]).encode()
    head = intake(str(good["secret"]), kind).verify({**sure, **headers}, body)
    assert (head.event, head.delivery_id) == ("push", sure[f"x-{kind}-delivery"])
    own = f"x-{kind}-signature"
    wrong = str(headers[own])
    without = {name: value for name, value in headers.items() if name not in {own, "x-gitea-signature"}}
    for bad in (
        {**headers, own: wrong[:-1] + ("0" if wrong[-1] != "0" else "1")},
        {**headers, own: wrong.upper()},
        {**headers, own: f"sha256={wrong}"},
        without,  # GitHub's own headers prove nothing here
    ):
        with pytest.raises(BadDelivery) as caught:
            intake(str(good["secret"]), kind).verify({**sure, **bad}, body)
        assert caught.value.status == 401
    for secret in ("", "another"):
        with pytest.raises(BadDelivery) as caught:
            intake(secret, kind).verify({**sure, **headers}, body)
        assert caught.value.status == 401


def test_githubs_headers_alone_are_no_delivery() -> None:
    (github,) = vectors("github")
    headers = {"x-github-event": "push", "x-github-delivery": "d-1"}
    headers |= {str(name).lower(): str(value) for name, value in github["headers"].items()}  # type: ignore[attr-defined]
    with pytest.raises(BadDelivery) as caught:
        intake(str(github["secret"])).verify(headers, str(github["body"]).encode())
    assert caught.value.status == 400


def test_github_refuses_what_gitea_signs_in_its_name() -> None:
    (good,) = vectors("gitea all")
    headers = {str(name).lower(): str(value) for name, value in good["headers"].items()}  # type: ignore[attr-defined]
    named = {"x-github-event": "push", "x-github-delivery": "d-1", "x-gitea-event": "push"}
    with pytest.raises(BadDelivery, match="belongs to /webhooks/gitea"):
        GitHubIntake(lambda: [str(good["secret"])]).verify({**named, **headers}, str(good["body"]).encode())
