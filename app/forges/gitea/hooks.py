"""Where we may judge on Gitea and Forgejo, and the webhooks that tell us of it."""

from collections.abc import Sequence
from typing import Final

from app.forges.connection import AccountProvider
from app.forges.gitea.client import Client
from app.forges.gitea.views import INSTALLATION, HookView, Repo
from app.forges.rest.calls import Call, segment, segments
from app.forges.values import Complaint, DeliveryLog, Gone, Hooked
from app.model import Misconfigured, Repository

EVENTS: Final = (
    "push",
    "delete",
    "repository",
    "status",
    "pull_request_only",
    "pull_request_sync",
    "pull_request_label",
    "pull_request_comment",
    "pull_request_review",
)
"""As hooks are told them; servers that do not know one leave it out."""
NEEDED: Final = frozenset({"push", "pull_request", "pull_request_sync", "pull_request_comment"})
"""As hooks tell them: without these nothing is judged in time. The others are read every so often."""


class Hooks:
    """The half that says what we reach, and has us told."""

    def __init__(self, client: Client, account: AccountProvider) -> None:
        self._client = client
        self._account = account

    async def installations(self) -> tuple[tuple[int, str], ...]:
        """The account itself."""
        return ((INSTALLATION, (await self._client.own()).name),)

    async def installation_repositories(self, _installation_id: int) -> tuple[Repository, ...]:
        """All repositories that the account may push to: who may not cannot post a status."""
        return tuple(self._client.place.repository(repo) for repo in await self._repositories())

    async def _repositories(self) -> list[Repo]:
        found = await self._client.items(
            Call(kind="installation_repositories", who=INSTALLATION, path="/user/repos"), Repo
        )
        return [
            repo
            for repo in found
            if not repo.archived
            and not repo.mirror
            and repo.permissions is not None
            and repo.permissions.push
        ]

    async def delivery_log(self, _since: float, _most: int) -> DeliveryLog:
        """Nothing: the forge tells nobody but people what it delivered."""
        return DeliveryLog(entries=())

    async def redeliver(self, _attempt_id: int) -> None:
        """Raises Gone: it cannot be asked for."""
        raise Gone("redeliver: the forge cannot be asked to deliver again")

    async def hook(self, url: str) -> Hooked:
        """A webhook of each organisation that the account owns, else of each repository it administers. One
        that is there already gets our secret and events.
        """
        made, there, complaints = [], [], []
        for place, path in await self._places():
            try:
                known = _leading(await self._hooks(path), url)
                if known is None:
                    await self._create(path, url)
                    made.append(place)
                else:
                    await self._update(f"{path}/{known.id}", url)
                    there.append(place)
            except (Misconfigured, Gone) as problem:
                complaints.append(_unhooked(place, problem))
        return Hooked(made=tuple(made), there=tuple(there), complaints=tuple(complaints))

    async def complaints(self, url: str) -> tuple[Complaint, ...]:
        """Repositories without a webhook of ours, or with one that is off or does not tell enough."""
        await self._client.own()
        found: list[Complaint] = []
        for place, path in await self._places():
            try:
                known = _leading(await self._hooks(path), url)
            except (Misconfigured, Gone) as problem:
                found.append(_unhooked(place, problem))
                continue
            says = _wrong(known)
            if says:
                found.append(Complaint(says=f"{place}: {says}", mend="portcullis forges check --mend"))
        return tuple(found)

    async def _places(self) -> list[tuple[str, str]]:
        """(what it is, path of its hooks): organisations whose hooks we may read, else repositories."""
        owned: dict[str, bool] = {}
        places: list[tuple[str, str]] = []
        for repo in await self._repositories():
            owner = repo.full_name.partition("/")[0]
            if owner not in owned:
                path = f"/orgs/{segment(owner)}/hooks"
                owned[owner] = await self._may(path)
                if owned[owner]:
                    places.append((owner, path))
            if not owned[owner]:
                places.append((repo.full_name, f"/repos/{segments(repo.full_name)}/hooks"))
        return places

    async def _may(self, path: str) -> bool:
        try:
            await self._hooks(path)
        except (Misconfigured, Gone):  # no owner there, or a person's account
            return False
        return True

    async def _hooks(self, path: str) -> list[HookView]:
        return await self._client.items(
            Call(kind="hooks", who=INSTALLATION, path=path, fleeting=True), HookView
        )

    def _wanted(self, url: str) -> dict[str, object]:
        account = self._account()
        secret = account.webhook_secret if account is not None else ""
        return {
            "active": True,
            "branch_filter": "*",
            "events": list(EVENTS),
            "config": {"url": url, "content_type": "json", "secret": secret},
        }

    async def _create(self, path: str, url: str) -> None:
        body = {"type": "gitea", **self._wanted(url)}
        await self._client.send(Call(kind="hook", who=INSTALLATION, method="POST", path=path, body=body))

    async def _update(self, path: str, url: str) -> None:
        body = self._wanted(url)
        await self._client.send(Call(kind="hook", who=INSTALLATION, method="PATCH", path=path, body=body))


def _leading(hooks: Sequence[HookView], url: str) -> HookView | None:
    return next((hook for hook in hooks if hook.config.get("url") == url), None)


def _wrong(hook: HookView | None) -> str:
    if hook is None:
        return "no webhook leads here"
    if not hook.active:
        return "its webhook is switched off"
    lacking = sorted(NEEDED - set(hook.events or ()))
    return f"its webhook does not tell of {', '.join(lacking)}" if lacking else ""


def _unhooked(place: str, problem: Misconfigured) -> Complaint:
    return Complaint(
        says=f"{place}: its webhooks cannot be read or made: {problem.message}",
        mend="let our account administer the repository, or own the organisation",
    )
