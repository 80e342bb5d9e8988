"""Webhooks that lead to us, made in each project where we may judge, and what lacks.

Source: docs.gitlab.com "Project webhooks API". Group webhooks need a paid tier: projects' are everywhere.
"""

from collections.abc import Callable
from typing import Final

from app.forges.gitlab.calls import on
from app.forges.gitlab.client import Client
from app.forges.gitlab.reads import Reads
from app.forges.gitlab.signatures import signing_token
from app.forges.gitlab.views import INSTALLATION, Hook
from app.forges.values import Complaint, DeliveryLog, Gone, Hooked
from app.model import Misconfigured, Repository

EVENTS: Final = ("push_events", "merge_requests_events", "note_events", "pipeline_events")
SCOPE: Final = "api"
_MEND: Final = "run `portcullis forges check --mend`, with a token that has the role Maintainer there"
_DISABLED: Final = frozenset({"disabled", "temporarily_disabled"})


class Hooks:
    """The half of the GitLab forge that is about its webhooks; `secret` gives what proves deliveries."""

    def __init__(self, client: Client, reads: Reads, secret: Callable[[], str]) -> None:
        self._client = client
        self._reads = reads
        self._secret = secret

    async def hook(self, url: str) -> Hooked:
        """Make webhooks lead to this address in every project; those that do get our secret again."""
        made: list[str] = []
        there: list[str] = []
        complaints: list[Complaint] = []
        repositories = await self._reads.installation_repositories(INSTALLATION)
        for repository in repositories:
            try:
                known = await self._known(repository, url)
                await self._make(repository, url, known)
            except Misconfigured as problem:
                says = f"{repository.full_name}: no webhook can be made: {problem.message}"
                complaints.append(Complaint(says=says, mend=_MEND))
            else:
                (made if known is None else there).append(repository.full_name)
        if not repositories:
            complaints.append(_nothing())
        return Hooked(made=tuple(made), there=tuple(there), complaints=tuple(complaints))

    async def _known(self, repository: Repository, url: str) -> Hook | None:
        hooks = await self._client.items(on(repository, "hooks", "/hooks"), Hook)
        return next((hook for hook in hooks if hook.url == url), None)

    async def _make(self, repository: Repository, url: str, known: Hook | None) -> None:
        secret = self._secret()
        body: dict[str, object] = {
            "url": url,
            "token": secret,
            "signing_token": signing_token(secret),
            "enable_ssl_verification": True,
            **dict.fromkeys(EVENTS, True),
        }
        method, path = ("POST", "/hooks") if known is None else ("PUT", f"/hooks/{known.id}")
        await self._client.send(on(repository, "hook", path, method=method, body=body, once=known is None))

    async def complaints(self, url: str) -> tuple[Complaint, ...]:
        """What lacks of the token and of the webhooks."""
        who = await self._reads.whoami()
        found: list[Complaint] = []
        scopes = who.get("scopes")
        if isinstance(scopes, list) and SCOPE not in scopes:
            says = f"the token has the scopes {', '.join(map(str, scopes)) or 'none'}, needs {SCOPE}"
            found.append(Complaint(says=says, mend=f"make a token with the scope {SCOPE}, and add it again"))
        repositories = await self._reads.installation_repositories(INSTALLATION)
        if not repositories:
            found.append(_nothing())
        for repository in repositories:
            found += await self._lacking(repository, url)
        return tuple(found)

    async def _lacking(self, repository: Repository, url: str) -> list[Complaint]:
        name = repository.full_name
        try:
            hook = await self._known(repository, url)
        except Misconfigured as problem:
            return [Complaint(says=f"{name}: webhooks cannot be seen: {problem.message}", mend=_MEND)]
        if hook is None:
            return [Complaint(says=f"{name}: no webhook leads to {url}", mend=_MEND)]
        unheard = [event for event in EVENTS if not getattr(hook, event)]
        found = []
        if unheard:
            says = f"{name}: the webhook does not tell {', '.join(unheard)}"
            found.append(Complaint(says=says, mend=_MEND))
        if hook.alert_status in _DISABLED:
            says = f"{name}: GitLab has disabled the webhook, as it was not answered"
            mend = "see that GitLab reaches us, then press Test on the webhook's page"
            found.append(Complaint(says=says, mend=mend))
        return found

    async def delivery_log(self, since: float, most: int) -> DeliveryLog:  # noqa: ARG002 - as every forge
        """None: GitLab keeps a log for each webhook of each project. What was lost is found by reading."""
        return DeliveryLog(entries=())

    async def redeliver(self, attempt_id: int) -> None:
        """Nothing that the log told can be asked for, as it tells nothing."""
        raise Gone(f"deliveries: GitLab has no attempt {attempt_id} to repeat")


def _nothing() -> Complaint:
    return Complaint(
        says="the token's account is a member of no project as Developer or more",
        mend="make it a member (Maintainer) of the projects or of their group",
    )
