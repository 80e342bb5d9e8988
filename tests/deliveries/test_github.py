"""Every published GitHub delivery: no crash on any, the right event for those that are consumed."""

import json

import msgspec
import pytest
from inline_snapshot import snapshot

from app.forges import BadDelivery, GitHubIntake
from app.model import Ignored
from tests.support.contracts import contracts
from tests.support.github_deliveries import published, told

intake = GitHubIntake(lambda: ["secret"])


def test_each_consumed_delivery_gives_its_event() -> None:
    found = {name: told(intake.read(event, body)) for name, event, body in published("payloads", "synthetic")}
    consumed = {name: line for name, line in found.items() if not line.startswith("Ignored")}
    assert consumed == snapshot(
        {
            "check_run/completed.1.payload": "ExternalPosted Codertocat/Hello-World sha=ec26c3e57ca3a959ca5aad62de7213c562f8c821 name=Octocoders-linter poster=github-actions poster_id=29310 external_id=128620228 suite_id=118578147 status=completed conclusion=failure url=https://octocoders.io started_at=2019-05-15T15:21:12Z at=2019-05-15T15:21:12Z",
            "check_run/completed.payload": "ExternalPosted Codertocat/Hello-World sha=ec26c3e57ca3a959ca5aad62de7213c562f8c821 name=Octocoders-linter poster_id=29310 external_id=128620228 suite_id=118578147 status=completed conclusion=success url=https://octocoders.io started_at=2019-05-15T15:21:12Z at=2019-05-15T15:21:12Z",
            "check_run/completed.with-organization.payload": "ExternalPosted Codertocat/Hello-World sha=ec26c3e57ca3a959ca5aad62de7213c562f8c821 name=Octocoders-linter poster_id=29310 external_id=128620228 suite_id=118578147 status=completed conclusion=success url=https://octocoders.io started_at=2019-05-15T15:21:12Z at=2019-05-15T15:21:12Z",
            "check_run/created.payload": "ExternalPosted Codertocat/Hello-World sha=ec26c3e57ca3a959ca5aad62de7213c562f8c821 name=Octocoders-linter poster_id=29310 external_id=128620228 suite_id=118578147 status=queued url=https://octocoders.io started_at=2019-05-15T15:21:12Z at=2019-05-15T15:21:12Z",
            "check_run/created.with-organization.payload": "ExternalPosted Codertocat/Hello-World sha=ec26c3e57ca3a959ca5aad62de7213c562f8c821 name=Octocoders-linter poster_id=29310 external_id=128620228 suite_id=118578147 status=queued url=https://octocoders.io started_at=2019-05-15T15:21:12Z at=2019-05-15T15:21:12Z",
            "check_run/requested_action.payload": "RerunRequested electron/electron sha=5bd5f196a46b8222fb7484f05faba41a73cf34bd app_id=25811 name=API Review button=lgtm|26764",
            "check_run/rerequested.payload": "RerunRequested github/hello-world sha=d6fde92930d4715a2b49857d24b940956b26d2d3 app_id=2 name=randscape",
            "check_run/rerequested.with-organization.payload": "RerunRequested github/hello-world sha=d6fde92930d4715a2b49857d24b940956b26d2d3 app_id=2 name=randscape",
            "check_suite/rerequested.payload": "RerunRequested Codertocat/Hello-World sha=ec26c3e57ca3a959ca5aad62de7213c562f8c821 app_id=29310",
            "check_suite/rerequested.with-organization.payload": "RerunRequested Codertocat/Hello-World sha=ec26c3e57ca3a959ca5aad62de7213c562f8c821 app_id=29310",
            "installation/created.payload": "InstallationChanged action=created installation_id=957387 account=Codertocat removed=() added=Codertocat/Hello-World",
            "installation/created.with-requester.payload": "InstallationChanged action=created installation_id=957387 account=Codertocat removed=() added=Codertocat/Hello-World",
            "installation/deleted.payload": "InstallationChanged action=deleted installation_id=2 account=octocat removed=(1296269,) added=",
            "installation/new_permissions_accepted.payload": "InstallationChanged action=new_permissions_accepted installation_id=957387 account=Codertocat removed=() added=Codertocat/Hello-World",
            "installation/suspend.payload": "InstallationChanged action=suspend installation_id=16598467 account=Codertocat removed=() added=",
            "installation/unsuspend.payload": "InstallationChanged action=unsuspend installation_id=16598467 account=Codertocat removed=() added=",
            "installation_repositories/added.payload": "InstallationChanged action=added installation_id=957387 account=Codertocat removed=() added=Codertocat/Space",
            "installation_repositories/removed.payload": "InstallationChanged action=removed installation_id=2 account=octocat removed=(1296269,) added=",
            "merge_group/checks_requested.payload": "MergeGroupChanged octo-org/octo-repo mg-2ffea6db1 open gh-readonly-queue/main/pr-104-929f8209d40f77f4abc622a499c93a83babdbe64→main action=checks_requested",
            "ping/payload": "Ping hook_id=109948940",
            "ping/with-app_id.payload": "Ping hook_id=109948940",
            "ping/with-organization.payload": "Ping hook_id=109948940",
            "pull_request/closed.payload": "PullRequestChanged Codertocat/Hello-World pr-2 closed changes→master action=closed at=2019-05-15T15:21:18Z",
            "pull_request/closed.with-organization.payload": "PullRequestChanged Codertocat/Hello-World pr-2 closed changes→master action=closed at=2019-05-15T15:21:18Z",
            "pull_request/converted_to_draft.payload": "PullRequestChanged Codertocat/Hello-World pr-2 open changes→master draft action=converted_to_draft at=2019-05-15T15:21:18Z",
            "pull_request/converted_to_draft.with-installation.payload": "PullRequestChanged Codertocat/Hello-World pr-2 open changes→master draft action=converted_to_draft at=2019-05-15T15:21:18Z",
            "pull_request/converted_to_draft.with-organization.payload": "PullRequestChanged Codertocat/Hello-World pr-2 open changes→master draft action=converted_to_draft at=2019-05-15T15:21:18Z",
            "pull_request/labeled.payload": "PullRequestChanged Codertocat/Hello-World pr-2 open changes→master action=labeled at=2019-05-15T15:20:35Z",
            "pull_request/labeled.with-organization.payload": "PullRequestChanged Codertocat/Hello-World pr-2 open changes→master action=labeled at=2019-05-15T15:20:35Z",
            "pull_request/opened.payload": "PullRequestChanged Codertocat/Hello-World pr-2 open changes→master action=opened brought_head=True at=2019-05-15T15:20:33Z",
            "pull_request/opened.with-null-body": "PullRequestChanged Codertocat/Hello-World pr-2 open changes→master action=opened brought_head=True at=2019-05-15T15:20:33Z",
            "pull_request/opened.with-organization.payload": "PullRequestChanged Codertocat/Hello-World pr-2 open changes→master action=opened brought_head=True at=2019-05-15T15:20:33Z",
            "pull_request/ready_for_review.payload": "PullRequestChanged Codertocat/Hello-World pr-2 open changes→master action=ready_for_review at=2019-05-15T15:21:18Z",
            "pull_request/ready_for_review.with-installation.payload": "PullRequestChanged Codertocat/Hello-World pr-2 open changes→master action=ready_for_review at=2019-05-15T15:21:18Z",
            "pull_request/ready_for_review.with-organization.payload": "PullRequestChanged Codertocat/Hello-World pr-2 open changes→master action=ready_for_review at=2019-05-15T15:21:18Z",
            "pull_request/reopened.payload": "PullRequestChanged Codertocat/Hello-World pr-2 open changes→master action=reopened at=2019-05-15T15:20:33Z",
            "pull_request/reopened.with-organization.payload": "PullRequestChanged Codertocat/Hello-World pr-2 open changes→master action=reopened at=2019-05-15T15:20:33Z",
            "pull_request/synchronize.payload": "PullRequestChanged Codertocat/Hello-World pr-2 open changes→master action=synchronize brought_head=True before=f95f852bd8fca8fcc58a9a2d6c842781e32a215e at=2019-05-15T15:20:33Z",
            "pull_request/unlabeled.payload": "PullRequestChanged Codertocat/Hello-World pr-2 open changes→master action=unlabeled at=2019-05-15T15:20:36Z",
            "pull_request/unlabeled.with-organization.payload": "PullRequestChanged Codertocat/Hello-World pr-2 open changes→master action=unlabeled at=2019-05-15T15:20:36Z",
            "pull_request_review/dismissed.payload": "ReviewChanged Codertocat/Hello-World number=2",
            "pull_request_review/submitted.payload": "ReviewChanged Codertocat/Hello-World number=2",
            "pull_request_review/submitted.with-organization.payload": "ReviewChanged Codertocat/Hello-World number=2",
            "push/with-new-branch.payload": "Pushed Codertocat/Hello-World branch=master after=6113728f27ae82c7b1a177c8d03f9e96e0adf246",
            "push/with-no-username-committer.payload": "Pushed Codertocat/Hello-World branch=master after=6113728f27ae82c7b1a177c8d03f9e96e0adf246",
            "repository/created.payload": "RepositoryChanged Octocoders/Hello-World action=created",
            "repository/created.with-installation.payload": "RepositoryChanged Octocoders/Hello-World action=created",
            "repository/edited.payload": "RepositoryChanged Octocoders/Hello-World action=edited",
            "repository/edited.with-default_branch-edit.payload": "RepositoryChanged Octocoders/Hello-World action=edited",
            "repository/privatized.payload": "RepositoryChanged Codertocat/Hello-World action=privatized",
            "repository/privatized.with-organization.payload": "RepositoryChanged Codertocat/Hello-World action=privatized",
            "repository/publicized.payload": "RepositoryChanged Codertocat/Hello-World action=publicized",
            "repository/publicized.with-organization.payload": "RepositoryChanged Codertocat/Hello-World action=publicized",
            "repository/renamed.payload": "RepositoryChanged Octocoders/Hello-World action=renamed",
            "repository/transferred.payload": "RepositoryChanged Octocoders/Hello-World action=transferred",
            "repository/transferred.with-installation.payload": "RepositoryChanged Octocoders/Hello-World action=transferred",
            "repository/transferred.with-organization.payload": "RepositoryChanged Octocoders/Hello-World action=transferred",
            "status/payload": "ExternalPosted Codertocat/Hello-World sha=6113728f27ae82c7b1a177c8d03f9e96e0adf246 name=default poster=Codertocat poster_id=21031067 external_id=6805126730 status=completed conclusion=success at=2019-05-15T15:20:55+00:00",
            "status/with-author-committer-null.payload": "ExternalPosted Codertocat/Hello-World sha=6113728f27ae82c7b1a177c8d03f9e96e0adf246 name=default poster=Codertocat poster_id=21031067 external_id=6805126730 status=completed conclusion=success at=2019-05-15T15:20:55+00:00",
            "status/with-installation.payload": "ExternalPosted Codertocat/Hello-World sha=6113728f27ae82c7b1a177c8d03f9e96e0adf246 name=default poster=Codertocat poster_id=21031067 external_id=6805126730 status=completed conclusion=success at=2019-05-15T15:20:55+00:00",
            "workflow_run/completed.payload": "ExternalPosted octo-org/octo-repo sha=3484a3fb816e0859fd6e1cea078d76385ff50625 name=.github/workflows/test.yml poster=github-actions external_id=289782451 suite_id=1291536064 status=completed conclusion=success url=https://github.com/octo-org/octo-repo/ac started_at=2020-10-05T16:33:49Z at=2020-10-05T16:33:49Z attempt=1 cause=repository_dispatch",
            "workflow_run/completed.with-pull-requests.payload": "ExternalPosted octo-org/octo-repo sha=3484a3fb816e0859fd6e1cea078d76385ff50625 name=.github/workflows/test.yml poster=github-actions external_id=289782451 suite_id=1291536064 status=completed conclusion=success url=https://github.com/octo-org/octo-repo/ac started_at=2020-10-05T16:33:49Z at=2020-10-05T16:33:49Z attempt=1 cause=repository_dispatch",
            "workflow_run/requested.payload": "ExternalPosted octo-org/octo-repo sha=3484a3fb816e0859fd6e1cea078d76385ff50625 name=.github/workflows/test.yml poster=github-actions external_id=289782451 suite_id=1291536064 status=queued url=https://github.com/octo-org/octo-repo/ac started_at=2020-10-05T16:33:49Z at=2020-10-05T16:33:24Z attempt=1 cause=repository_dispatch",
            "workflow_run/requested.with-conclusion.payload": "ExternalPosted octo-org/octo-repo sha=3484a3fb816e0859fd6e1cea078d76385ff50625 name=.github/workflows/test.yml poster=github-actions external_id=289782451 suite_id=1291536064 status=completed conclusion=action_required url=https://github.com/octo-org/octo-repo/ac started_at=2020-10-05T16:33:49Z at=2020-10-05T16:33:24Z attempt=1 cause=repository_dispatch",
            "synthetic/merge_group.destroyed": "MergeGroupChanged octo-org/octo-repo mg-2ffea6db1 closed gh-readonly-queue/main/pr-104-929f8209d40f77f4abc622a499c93a83babdbe64→main action=destroyed",
            "synthetic/pull_request.edited.base": "PullRequestChanged Codertocat/Hello-World pr-2 open changes→master action=edited retargeted=True at=2019-05-15T15:20:33Z",
            "synthetic/pull_request.edited": "PullRequestChanged Codertocat/Hello-World pr-2 open changes→master action=edited at=2019-05-15T15:20:33Z",
            "synthetic/workflow_run.in_progress": "ExternalPosted octo-org/octo-repo sha=3484a3fb816e0859fd6e1cea078d76385ff50625 name=.github/workflows/test.yml poster=github-actions external_id=289782451 suite_id=1291536064 status=in_progress url=https://github.com/octo-org/octo-repo/ac started_at=2020-10-05T16:33:49Z at=2020-10-05T16:33:24Z attempt=1 cause=repository_dispatch",
        }
    )
    assert len(found) == 282


def test_each_ignored_delivery_says_why() -> None:
    reasons: dict[str, list[str]] = {}
    for name, event, body in published("payloads", "synthetic"):
        read = intake.read(event, body)
        if isinstance(read, Ignored) and event in GitHubIntake.events:
            reasons.setdefault(read.reason, []).append(name)
    assert reasons == snapshot(
        {
            "check_suite completed: its check runs tell": [
                "check_suite/completed.1.payload",
                "check_suite/completed.payload",
                "check_suite/completed.with-organization.payload",
            ],
            "check_suite requested: pull_request and push deliveries say what to judge": [
                "check_suite/requested.payload",
                "check_suite/requested.payload.with-email-with-special-characters",
                "check_suite/requested.with-organization.payload",
            ],
            "a comment on an issue, not on a pull request": [
                "issue_comment/created.1.payload",
                "issue_comment/created.payload",
                "issue_comment/created.with-installation.payload",
                "issue_comment/created.with-organization.payload",
            ],
            "issue_comment deleted: only new comments hold commands": [
                "issue_comment/deleted.payload",
                "issue_comment/deleted.with-organization.payload",
            ],
            "issue_comment edited: only new comments hold commands": [
                "issue_comment/edited.payload",
                "issue_comment/edited.with-organization.payload",
            ],
            "pull_request assigned changes nothing that is judged": [
                "pull_request/assigned.payload",
                "pull_request/assigned.with-organization.payload",
            ],
            "pull_request locked changes nothing that is judged": [
                "pull_request/locked.payload",
                "pull_request/locked.with-organization.payload",
            ],
            "pull_request review_request_removed changes nothing that is judged": [
                "pull_request/review_request_removed.payload"
            ],
            "pull_request review_requested changes nothing that is judged": [
                "pull_request/review_requested.payload"
            ],
            "pull_request unassigned changes nothing that is judged": [
                "pull_request/unassigned.payload",
                "pull_request/unassigned.with-organization.payload",
            ],
            "pull_request unlocked changes nothing that is judged": [
                "pull_request/unlocked.payload",
                "pull_request/unlocked.with-organization.payload",
            ],
            "a push to refs/tags/simple-tag, which is no branch": [
                "push/1.payload",
                "push/payload",
                "push/with-installation.payload",
                "push/with-organization.payload",
            ],
            "pull_request auto_merge_disabled changes nothing that is judged": [
                "synthetic/pull_request.auto_merge_disabled"
            ],
            "pull_request auto_merge_enabled changes nothing that is judged": [
                "synthetic/pull_request.auto_merge_enabled"
            ],
            "pull_request dequeued changes nothing that is judged": ["synthetic/pull_request.dequeued"],
            "pull_request enqueued changes nothing that is judged": ["synthetic/pull_request.enqueued"],
        }
    )


def test_the_examples_of_the_package_are_read_too() -> None:
    counts: dict[str, int] = {}
    for _, event, body in published("examples"):
        kind = type(intake.read(event, body)).__name__
        counts[kind] = counts.get(kind, 0) + 1
    assert counts == snapshot(
        {
            "Ignored": 255,
            "ExternalPosted": 15,
            "RerunRequested": 5,
            "InstallationChanged": 10,
            "MergeGroupChanged": 2,
            "Ping": 4,
            "PullRequestChanged": 19,
            "ReviewChanged": 4,
            "Pushed": 2,
            "RepositoryChanged": 13,
        }
    )


def test_fields_may_be_missing_and_new_ones_may_come() -> None:
    for name, event, body in published("payloads", "synthetic"):
        whole = json.loads(body) if event in GitHubIntake.events else {}
        for key in whole:
            less = {other: value for other, value in whole.items() if other != key}
            _survives(event, {**less, "never heard of": {"a": [1]}}, f"{name} without {key}")
            if isinstance(whole[key], dict):
                for inner in whole[key]:
                    part = {other: value for other, value in whole[key].items() if other != inner}
                    _survives(event, {**whole, key: part}, f"{name} without {key}.{inner}")
                    _survives(
                        event, {**whole, key: {**whole[key], inner: None}}, f"{name}: {key}.{inner} null"
                    )


def _survives(event: str, payload: object, what: str) -> None:
    try:
        intake.read(event, msgspec.json.encode(payload))
    except BadDelivery as refused:
        if refused.status != 400:
            pytest.fail(f"{what}: {refused}")


def test_github_signatures_as_published() -> None:
    vectors = json.loads(contracts("signatures", "vectors.json").read_text())
    (good,) = (each for each in vectors["vectors"] if each["name"] == "github documented")
    sure = {"x-github-event": "ping", "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958"}
    body = good["body"].encode()

    def verify(headers: dict[str, str], secrets: list[str]) -> str:
        lowered = {name.lower(): value for name, value in headers.items()}
        return GitHubIntake(lambda: secrets).verify({**sure, **lowered}, body).event

    assert verify(good["headers"], [good["secret"]]) == "ping"
    assert verify(good["headers"], ["the new secret", good["secret"]]) == "ping"
    refused = [each for each in vectors["negative"] if each["of"] == "github documented"]
    assert len(refused) == 5
    for each in refused:
        with pytest.raises(BadDelivery) as caught:
            verify(each["headers"], [good["secret"]])
        assert caught.value.status == 401, each["why"]
    for secrets in ([], [""], ["another"]):
        with pytest.raises(BadDelivery) as caught:
            verify(good["headers"], secrets)
        assert caught.value.status == 401
