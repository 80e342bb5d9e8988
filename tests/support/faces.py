"""How each kind of forge is made for a story, how our service gets there, and what is seen of it there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.types import ASGIApp

from app.forges import EVENTS, PERMISSIONS
from app.forges.gitlab.hooks import EVENTS as GITLAB_EVENTS
from app.forges.gitlab.signatures import signing_token
from app.practice import (
    Comment,
    GiteaHook,
    PracticeForge,
    PracticeGitea,
    PracticeGitLab,
    Repository,
    World,
    gitea_app,
    gitlab_app,
    practice_app,
)

WEBHOOK_SECRET = "practice webhook secret"
ACCOUNT = "portcullis"
STATES = {
    "in_progress": "pending",
    "action_required": "pending",
    "neutral": "success",
    "skipped": "success",
    "cancelled": "error",
    "timed_out": "failure",
}
"""What a story says of a check run, as a commit status says it."""


@cache
def app_key() -> rsa.RSAPrivateKey:
    """The app's key: making one takes a second, so all stages of a process share it."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True, kw_only=True)
class Face:
    """A kind of forge: `make` it, serve it as `served`, set us up there (`arrive`, with our address; gives the
    service's environment), have us judge (`begin`, once the service runs; `join`, for each repository).
    `ours` is whether a comment is ours; `statuses` that verdicts are commit statuses. `fault` says what goes
    wrong in its words.
    """

    kind: str
    make: Callable[[World], PracticeForge]
    served: Callable[[PracticeForge], ASGIApp]
    arrive: Callable[[PracticeForge, str], Mapping[str, str]]
    begin: Callable[[PracticeForge], None]
    join: Callable[[PracticeForge, Repository, str], None]
    ours: Callable[[Comment], bool]
    statuses: bool
    fault: Callable[[Mapping[str, Any]], Mapping[str, Any]]


def _github_app(forge: PracticeForge, url: str) -> Mapping[str, str]:
    app = forge.world.add_app(
        "portcullis",
        owner="acme",
        webhook_url=f"{url}/webhooks/github",
        webhook_secret=WEBHOOK_SECRET,
        permissions=dict(PERMISSIONS),
        events=list(EVENTS),
        key=app_key(),
    )
    return {
        "PORTCULLIS_GITHUB_API_URL": forge.world.api_url,
        "PORTCULLIS_GITHUB_APP_ID": str(app.id),
        "PORTCULLIS_GITHUB_PRIVATE_KEY": app.private_key,
        "PORTCULLIS_GITHUB_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }


def _install(forge: PracticeForge) -> None:
    forge.install("alice", forge.world.app("portcullis"), "acme")


def _gitea_account(forge: PracticeForge, _url: str) -> Mapping[str, str]:
    return {
        "PORTCULLIS_GITEA_URL": forge.world.url,
        "PORTCULLIS_GITEA_TOKEN": forge.world.add_user(ACCOUNT).token,
        "PORTCULLIS_GITEA_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }


def _gitea_hook(forge: PracticeForge, repo: Repository, url: str) -> None:
    assert isinstance(forge, PracticeGitea)
    repo.permissions[ACCOUNT] = "admin"
    events = {"push", "delete", "repository", "status", "pull_request"} | {
        f"pull_request_{part}" for part in ("sync", "label", "comment", "review")
    }
    hook = GiteaHook(
        id=forge.world.new_id(), url=f"{url}/webhooks/gitea", secret=WEBHOOK_SECRET, events=events
    )
    forge.repository_hooks(repo)[hook.id] = hook


def _gitlab_account(forge: PracticeForge, _url: str) -> Mapping[str, str]:
    assert isinstance(forge, PracticeGitLab)
    forge.world.accounts[ACCOUNT] = forge.add_access_token(ACCOUNT)
    return {
        "PORTCULLIS_GITLAB_URL": forge.world.url,
        "PORTCULLIS_GITLAB_TOKEN": forge.world.account(ACCOUNT).token,
        "PORTCULLIS_GITLAB_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }


def _gitlab_hook(forge: PracticeForge, repo: Repository, url: str) -> None:
    assert isinstance(forge, PracticeGitLab)
    repo.permissions[forge.world.account(ACCOUNT).login] = "maintain"
    forge.add_hook(
        repo,
        f"{url}/webhooks/gitlab",
        token=WEBHOOK_SECRET,
        signing_token=signing_token(WEBHOOK_SECRET),
        tells=set(GITLAB_EVENTS),
    )


def _of_notes(fault: Mapping[str, Any]) -> Mapping[str, Any]:
    """As `_of_statuses`; comments are notes."""
    told = dict(_of_statuses(fault))
    return {**told, "path": told["path"].replace("comments", "notes")}


def _of_statuses(fault: Mapping[str, Any]) -> Mapping[str, Any]:
    """A proxy in front says 429 where GitHub says 403."""
    told = dict(fault)
    told["path"] = told.get("path", "").replace("check-runs", "statuses/")
    return {**told, "status": 429} if told.get("status") == 403 else told


FACES: Mapping[str, Face] = {
    "github": Face(
        kind="github",
        make=PracticeForge,
        served=practice_app,
        arrive=_github_app,
        begin=_install,
        join=lambda _forge, _repo, _url: None,
        ours=lambda comment: comment.app_id is not None,
        statuses=False,
        fault=lambda fault: fault,
    ),
    "gitea": Face(
        kind="gitea",
        make=PracticeGitea,
        served=gitea_app,
        arrive=_gitea_account,
        begin=lambda _forge: None,
        join=_gitea_hook,
        ours=lambda comment: comment.author.login == ACCOUNT,
        statuses=True,
        fault=_of_statuses,
    ),
    "gitlab": Face(
        kind="gitlab",
        make=PracticeGitLab,
        served=gitlab_app,
        arrive=_gitlab_account,
        begin=lambda _forge: None,
        join=_gitlab_hook,
        ours=lambda comment: comment.author.name == ACCOUNT,
        statuses=True,
        fault=_of_notes,
    ),
}
