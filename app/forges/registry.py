"""The forges Portcullis speaks to: add one line here."""

from collections.abc import Callable
from typing import Final

import msgspec

from app.forges.connection import AccountProvider, Connection, Means
from app.forges.gitea import GITEA_CAPABILITIES, GiteaForge, GiteaIntake
from app.forges.github import GITHUB_CAPABILITIES, connect_github, hear_github
from app.forges.gitlab import GITLAB_CAPABILITIES, connect_gitlab, hear_gitlab
from app.forges.protocol import Forge, Intake
from app.forges.values import Capabilities


class ForgeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of forge: its name (also in addresses: `/webhooks/<kind>`), how people call it, what it can
    show, where it is if nobody says, and how its two halves are made for one connection.
    """

    kind: str
    title: str
    capabilities: Capabilities
    url: str = ""
    intake: Callable[[Connection, AccountProvider, Means], Intake]
    connect: Callable[[Connection, AccountProvider, Means], Forge]


FORGES: Final = (
    ForgeEntry(
        kind="github",
        title="GitHub",
        capabilities=GITHUB_CAPABILITIES,
        url="https://api.github.com",
        intake=hear_github,
        connect=connect_github,
    ),
    ForgeEntry(
        kind="gitea",
        title="Gitea",
        capabilities=GITEA_CAPABILITIES,
        intake=GiteaIntake,
        connect=GiteaForge,
    ),
    ForgeEntry(
        kind="forgejo",
        title="Forgejo",
        capabilities=GITEA_CAPABILITIES,
        intake=GiteaIntake,
        connect=GiteaForge,
    ),
    ForgeEntry(
        kind="gitlab",
        title="GitLab",
        capabilities=GITLAB_CAPABILITIES,
        url="https://gitlab.com",
        intake=hear_gitlab,
        connect=connect_gitlab,
    ),
)


def entry_of(kind: str) -> ForgeEntry:
    """The entry of a kind. Raises KeyError."""
    return next(entry for entry in FORGES if entry.kind == kind)
