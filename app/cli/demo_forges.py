"""The forges that the demo can show: how each is played, how the service acts there, what it then shows."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from app.forges import EVENTS, PERMISSIONS, Forge
from app.practice import (
    Face,
    PracticeForge,
    PracticeGitea,
    PracticeGitLab,
    Repository,
    World,
    gitea_app,
    gitlab_app,
    practice_app,
)

ACCOUNT: Final = "portcullis"
_STATES: Final = {"failed": "failure", "error": "failure"}
_GOING: Final = frozenset({"pending", "running"})


@dataclass(frozen=True, kw_only=True)
class Told:
    """A verdict as a forge shows it: `conclusion` is success or failure, `notes` are findings on lines."""

    conclusion: str
    title: str
    url: str
    notes: tuple[str, ...] = ()


Ask = Callable[[httpx.AsyncClient, Repository, str], Awaitable[Told | None]]
Said = Callable[[httpx.AsyncClient, Repository, int], Awaitable[list[str]]]


@dataclass(frozen=True, kw_only=True)
class DemoForge:
    """`make` plays it and `face` serves it; `settings` sets our account up (with our address) and gives the
    service's environment; `begin` has it judge a repository. `verdict` asks over HTTP what is shown on a
    head, None while it is judged; `comments` gives the texts of ours; `page` and `api` are paths.
    """

    title: str
    noun: str
    api: str
    page: str
    make: Callable[[World], PracticeForge]
    face: Face
    settings: Callable[[PracticeForge, str], Mapping[str, str]]
    begin: Callable[[PracticeForge, Repository, Forge, str], Awaitable[None]]
    verdict: Ask
    comments: Said


async def _read(http: httpx.AsyncClient, path: str) -> Any:  # noqa: ANN401 - any JSON
    answer = await http.get(path)
    answer.raise_for_status()
    return answer.json()


def _app(forge: PracticeForge, url: str) -> Mapping[str, str]:
    app = forge.world.add_app(
        ACCOUNT,
        owner="acme",
        webhook_url=f"{url}/webhooks/github",
        webhook_secret=secrets.token_urlsafe(32),
        permissions=dict(PERMISSIONS),
        events=list(EVENTS),
    )
    return {
        "PORTCULLIS_GITHUB_API_URL": forge.world.api_url,
        "PORTCULLIS_GITHUB_APP_ID": str(app.id),
        "PORTCULLIS_GITHUB_PRIVATE_KEY": app.private_key,
        "PORTCULLIS_GITHUB_WEBHOOK_SECRET": app.webhook_secret,
    }


async def _install(forge: PracticeForge, _repo: Repository, _ours: Forge, _url: str) -> None:
    forge.install("alice", forge.world.app(ACCOUNT), "acme")


async def _check_run(http: httpx.AsyncClient, repo: Repository, sha: str) -> Told | None:
    base = f"/repos/{repo.full_name}"
    for run in (await _read(http, f"{base}/commits/{sha}/check-runs"))["check_runs"]:
        if run["name"] == ACCOUNT and run["status"] == "completed":
            notes = await _read(http, f"{base}/check-runs/{run['id']}/annotations")
            said = tuple(f"{note['path']}:{note['start_line']}  {note['title']}" for note in notes)
            title = run["output"]["title"]
            return Told(conclusion=run["conclusion"], title=title, url=run["details_url"], notes=said)
    return None


async def _issue_comments(http: httpx.AsyncClient, repo: Repository, number: int) -> list[str]:
    found = await _read(http, f"/repos/{repo.full_name}/issues/{number}/comments")
    return [one["body"] for one in found if one["user"]["login"] in {ACCOUNT, f"{ACCOUNT}[bot]"}]


def _token(kind: str) -> Callable[[PracticeForge, str], Mapping[str, str]]:
    def settings(forge: PracticeForge, _url: str) -> Mapping[str, str]:
        if isinstance(forge, PracticeGitLab):
            forge.world.accounts[ACCOUNT] = forge.add_access_token(ACCOUNT)
        else:
            forge.world.add_user(ACCOUNT)
        return {
            f"PORTCULLIS_{kind}_URL": forge.world.url,
            f"PORTCULLIS_{kind}_TOKEN": forge.world.account(ACCOUNT).token,
            f"PORTCULLIS_{kind}_WEBHOOK_SECRET": secrets.token_urlsafe(32),
        }

    return settings


async def _join(forge: PracticeForge, repo: Repository, ours: Forge, url: str) -> None:
    """As `portcullis forges add` does it: the account is a member, and makes its webhooks."""
    repo.permissions[forge.world.account(ACCOUNT).login.lower()] = "admin"
    await ours.hook(f"{url}/webhooks/{ours.kind}")


def _ended(state: str, title: str | None, url: str | None) -> Told | None:
    if state in _GOING:
        return None
    return Told(conclusion=_STATES.get(state, state), title=title or "", url=url or "")


async def _gitlab_status(http: httpx.AsyncClient, repo: Repository, sha: str) -> Told | None:
    path = f"/projects/{repo.id}/repository/commits/{sha}/statuses?name={ACCOUNT}"
    for one in reversed(await _read(http, path)):
        return _ended(one["status"], one["description"], one["target_url"])
    return None


async def _gitlab_notes(http: httpx.AsyncClient, repo: Repository, number: int) -> list[str]:
    found = await _read(http, f"/projects/{repo.id}/merge_requests/{number}/notes")
    return [one["body"] for one in found if one["author"]["name"] == ACCOUNT]


async def _gitea_status(http: httpx.AsyncClient, repo: Repository, sha: str) -> Told | None:
    found = await _read(http, f"/repos/{repo.full_name}/commits/{sha}/statuses")
    ours = [one for one in found if one["context"] == ACCOUNT]
    newest = max(ours, key=lambda one: int(one["id"]), default=None)
    return None if newest is None else _ended(newest["status"], newest["description"], newest["target_url"])


FORGES: Final[Mapping[str, DemoForge]] = {
    "github": DemoForge(
        title="GitHub",
        noun="pull request",
        api="/api/v3",
        page="/acme/shop/pull/{number}",
        make=PracticeForge,
        face=practice_app,
        settings=_app,
        begin=_install,
        verdict=_check_run,
        comments=_issue_comments,
    ),
    "gitlab": DemoForge(
        title="GitLab",
        noun="merge request",
        api="/api/v4",
        page="/acme/shop/-/merge_requests/{number}",
        make=PracticeGitLab,
        face=gitlab_app,
        settings=_token("GITLAB"),
        begin=_join,
        verdict=_gitlab_status,
        comments=_gitlab_notes,
    ),
    "gitea": DemoForge(
        title="Gitea",
        noun="pull request",
        api="/api/v1",
        page="/acme/shop/pulls/{number}",
        make=PracticeGitea,
        face=gitea_app,
        settings=_token("GITEA"),
        begin=_join,
        verdict=_gitea_status,
        comments=_issue_comments,
    ),
}
