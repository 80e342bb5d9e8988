"""A forge that we are connected to: of which kind it is, where, and whom we act as there."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from app.forges.protocol import Ledger
from app.model import Event, Ignored, InstallationChanged, Ping, Repository

NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
"""How a connection may be called. It stands in addresses and, as `Repository.forge`, in every row."""


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """One forge by its name; `url` is its address for people, or its API's where that is another host. The
    connection that the environment sets up is called as its kind.
    """

    name: str
    kind: str
    url: str

    @property
    def door(self) -> str:
        """Where its deliveries arrive, below `/webhooks/`."""
        return self.kind if self.name == self.kind else f"{self.kind}/{self.name}"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Whom we act as, and what proves it. `id` and `login` are the app's or the account's (0 and '' where
    the forge was not asked yet), `secret` its private key or access token; deliveries are signed with
    `webhook_secret` ('' = none are taken).
    """

    id: int = 0
    login: str = ""
    secret: str
    webhook_secret: str = ""

    def __repr__(self) -> str:
        """Without the secrets: representations end in logs."""
        return f"Account(id={self.id}, login={self.login!r})"


AccountProvider = Callable[[], Account | None]
"""Gives the account that counts now; None before one was set up. Asked at every use."""


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What a forge works with: epoch seconds, waiting for seconds (both turned by hand in tests), and what
    all processes of a fleet write down together (None where there is one).
    """

    now: Callable[[], float] = time.time
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ledger: Ledger | None = None


def named(event: Event, forge: str) -> Event:
    """An event that a connection told: its repositories are that forge's.

    Intakes and clients of one kind are the same for all its forges, and name the kind.
    """
    match event:
        case Ignored() | Ping():
            return event
        case InstallationChanged():
            added = tuple(on(repository, forge) for repository in event.added)
            return msgspec.structs.replace(event, added=added)
        case _:
            return msgspec.structs.replace(event, repository=on(event.repository, forge))


def on(repository: Repository, forge: str) -> Repository:
    """A repository as one of that forge."""
    return repository if repository.forge == forge else msgspec.structs.replace(repository, forge=forge)
