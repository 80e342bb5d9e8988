"""Examinations of how we and the forge got on while the service ran: from its own tables."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Final

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from app.cli.examined import Examined, Health, from_store, good, skipped, warning
from app.engine import REDELIVERY, Looked
from app.forges import Rate
from app.model import PortcullisError
from app.settings import Settings
from app.store import chores, hooks, projects, spendings, troubles

_SLOW: Final = 60.0
_LONG_AGO: Final = 3600.0
_DAY: Final = 86_400.0
_MEND: Final = (
    "see the app's recent deliveries on the forge for what they were answered: the address, a proxy in front "
    "of it, and the webhook's secret"
)


class _Heard(msgspec.Struct, frozen=True, kw_only=True):
    looked: dict[str, Looked]
    health: tuple[hooks.HookHealth, ...]


def _heard(connection: Connection) -> _Heard:
    looked = chores.remembered(connection, REDELIVERY, dict[str, Looked]) or {}
    return _Heard(looked=looked, health=hooks.health(connection))


async def deliveries(settings: Settings) -> tuple[Examined, ...]:
    """Whether what the forge sent came: its own log against our table, and how late the last ones were."""
    try:
        found = await asyncio.to_thread(from_store, settings, _heard)
    except (PortcullisError, SQLAlchemyError):
        return skipped("the database does not answer")
    if found is None or not found.looked:
        return skipped("the service did not look at the forge's log of deliveries yet")
    now = time.time()
    return tuple(_looked(kind, looked, now) for kind, looked in found.looked.items()) + tuple(
        _late(health) for health in found.health if (health.lag or 0.0) > _SLOW
    )


def _looked(kind: str, looked: Looked, now: float) -> Examined:
    if now - looked.at > _LONG_AGO:
        return warning(f"{kind}: nobody looked since {_time(looked.at)}", "start `portcullis serve`")[0]
    if looked.lost:
        failure = f"; the forge was answered: {looked.failure}" if looked.failure else ""
        came = f"{looked.lost} of {looked.sent} deliveries never came"
        return warning(f"{kind}: {came}, {looked.asked} were asked for again{failure}", _MEND)[0]
    return good(f"{kind}: {looked.sent} deliveries looked at, all came")[0]


def _late(health: hooks.HookHealth) -> Examined:
    says = f"{health.full_name}: its last delivery came {health.lag or 0.0:.0f} s after it was sent"
    return warning(says, "see the forge's status page, and whether the service was up and quick")[0]


async def told(settings: Settings) -> tuple[Examined, ...]:
    """What the running service found and cannot mend: repositories that fell silent, rules that drifted."""
    try:
        found = await asyncio.to_thread(from_store, settings, troubles.all_of)
    except (PortcullisError, SQLAlchemyError):
        return skipped("the database does not answer")
    if found is None:
        return skipped("no database yet")
    lines = tuple(
        Examined(
            health=Health.WARNING,
            says=f"{trouble.subject}: {trouble.says} (since {_time(trouble.since)})",
            mend=trouble.mend,
        )
        for trouble in found
    )
    return lines or good("nothing")


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What an installation may still ask."""

    installation: str
    limit: int
    remaining: int
    reset: str


class Calls(msgspec.Struct, frozen=True, kw_only=True):
    """How often an installation asked for something within a day."""

    installation: str
    purpose: str
    calls: int


class ApiView(msgspec.Struct, frozen=True, kw_only=True):
    """What all processes together asked of the forges, and what these said is left."""

    budgets: tuple[Budget, ...] = ()
    calls: tuple[Calls, ...] = ()


def api(settings: Settings) -> ApiView:
    """The budget view: as of a minute ago, for processes write down what they ask once a minute."""
    return from_store(settings, _api) or ApiView()


def _api(connection: Connection) -> ApiView:
    rates = spendings.rates(connection, Rate)
    names = {
        (forge, row.installation_id): f"{row.account} ({row.installation_id})"
        for forge in {forge for forge, _ in rates} | {"github"}
        for row in projects.installations_on(connection, forge)
    }

    def name(forge: str, installation_id: int) -> str:
        return names.get((forge, installation_id), str(installation_id) if installation_id else "the app")

    return ApiView(
        budgets=tuple(
            Budget(
                installation=name(*key), limit=rate.limit, remaining=rate.remaining, reset=_time(rate.reset)
            )
            for key, rate in sorted(rates.items())
        ),
        calls=tuple(
            Calls(installation=name(one.forge, one.installation_id), purpose=one.purpose, calls=one.calls)
            for one in spendings.since(connection, time.time() - _DAY)
        ),
    )


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
