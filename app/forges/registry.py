"""The forges Portcullis speaks to: add one line here."""

from typing import Final

import msgspec

from app.forges.github import GitHubForge, GitHubIntake


class ForgeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A forge: its kind (also in addresses: `/webhooks/<kind>`), how people call it, its two halves."""

    kind: str
    title: str
    intake: type[GitHubIntake]
    forge: type[GitHubForge]


FORGES: Final = (ForgeEntry(kind="github", title="GitHub", intake=GitHubIntake, forge=GitHubForge),)
