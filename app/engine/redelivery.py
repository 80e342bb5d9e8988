"""Deliveries that the forge sent and that never came: asked for again, once each (a crash between asking and
noting it asks twice: what comes twice is kept once).

The forge's own log says what it sent; our table says what came. Whatever else was lost (a delivery that
the forge never sent, one that failed twice) is healed by reading repositories again.
"""

import contextlib
from collections.abc import Collection, Mapping
from typing import Final

import msgspec
import structlog

from app.engine.services import Services
from app.forges import Gone, LoggedDelivery
from app.store import Unit, chores, hooks, projects

LOG = structlog.get_logger(__name__)
NAME: Final = "deliveries"
BACK: Final = 3 * 86_400.0
"""So far back forges can deliver again (GitHub: three days)."""
OVERLAP: Final = 900.0
"""What was looked at before is looked at again for so long: an attempt may be in the log late."""
ON_ITS_WAY: Final = 60.0
"""So long after an attempt the delivery may still be among those that wait to be kept."""
MOST_ENTRIES: Final = 10_000
MOST_ASKED: Final = 500


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What the last look at a forge's log found: when (epoch seconds), how many deliveries there were since
    the look before, how many of them did not come, how many were asked for again; `failure` is what the
    forge says of one that failed.
    """

    at: float
    sent: int = 0
    lost: int = 0
    asked: int = 0
    failure: str = ""


def find_lost(
    entries: Collection[LoggedDelivery], came: Mapping[str, float], wanted: Collection[str], now: float
) -> tuple[LoggedDelivery, ...]:
    """Of each wanted delivery that never came its newest attempt, the oldest delivery first.

    A good answer is no proof: something in front of us may have given it. A bad one is no proof either:
    the delivery may have been kept before the answer was lost. Only what came counts (`came`, by guid).
    """
    newest: dict[str, LoggedDelivery] = {}
    for entry in entries:
        known = newest.get(entry.guid)
        if known is None or (entry.at, entry.id) > (known.at, known.id):
            newest[entry.guid] = entry
    lost = (
        entry
        for entry in newest.values()
        if entry.event in wanted and entry.guid not in came and entry.at <= now - ON_ITS_WAY
    )
    return tuple(sorted(lost, key=lambda entry: (entry.at, entry.id)))


def last_heard(entries: Collection[LoggedDelivery], came: Mapping[str, float]) -> dict[int, hooks.Heard]:
    """Per repository (the forge's id) its last delivery that came, and how long after the first attempt."""
    found: dict[int, hooks.Heard] = {}
    for entry in sorted(entries, key=lambda entry: (entry.at, entry.id)):
        received = came.get(entry.guid)
        if received is None or not entry.repository_id:
            continue
        known = found.get(entry.repository_id)
        if known is None or received > known.at:
            found[entry.repository_id] = hooks.Heard(at=received, lag=max(0.0, received - entry.at))
    return found


async def fetch_lost_deliveries(services: Services) -> None:
    """The chore: read each forge's log since the last look, ask again for what never came."""
    for kind, forge in tuple(services.forges.items()):
        if not forge.capabilities.delivery_log:
            continue
        if await services.database.read(lambda c, kind=kind: projects.any_active(c, kind)):  # type: ignore[misc]
            await _look(services, kind)


async def _look(services: Services, kind: str) -> None:
    now, forge = services.clock.now(), services.forges[kind]
    before = await services.database.read(lambda c: chores.remembered(c, NAME, dict[str, Looked]))
    last = (before or {}).get(kind)
    back = min(
        BACK, services.options.keep.deliveries
    )  # what we kept no longer would look as if it never came
    since = max(now - back, last.at - OVERLAP if last is not None else 0.0)
    log = await forge.delivery_log(since, MOST_ENTRIES)
    if not log.whole:
        LOG.warning("the forge's log of deliveries is too long to be read back to the last look", forge=kind)
    guids = list({entry.guid for entry in log.entries})
    came = await services.database.read(lambda c: hooks.arrived(c, kind, guids))
    lost = find_lost(log.entries, came, services.intakes[kind].events, now)
    asked = await _ask(services, kind, lost[:MOST_ASKED])
    failed = [entry.status for entry in lost if not entry.good]
    left = lost[MOST_ASKED:]
    looked = Looked(
        at=left[0].at if left else now,
        sent=len(guids),
        lost=len(lost),
        asked=asked,
        failure=failed[-1] if failed else "",
    )
    if lost:
        LOG.warning("deliveries never came", forge=kind, lost=len(lost), asked_again=asked, of=len(guids))

    def keep(unit: Unit) -> None:
        hooks.hear(unit, kind, last_heard(log.entries, came))
        hooks.prune_redeliveries(unit, now - 2 * BACK)
        chores.remember(unit, NAME, {**(before or {}), kind: looked})

    await services.database.run(keep)


async def _ask(services: Services, kind: str, lost: tuple[LoggedDelivery, ...]) -> int:
    """Ask for each that nobody asked for before; gives how many. Raises what the forge raises."""
    asked, forge, now = 0, services.forges[kind], services.clock.now()
    for entry in lost:
        guid = entry.guid
        if await services.database.read(lambda c, guid=guid: hooks.asked_again(c, kind, guid)):  # type: ignore[misc]
            continue
        with contextlib.suppress(Gone):
            await forge.redeliver(entry.id)
            asked += 1
        await services.database.run(
            lambda unit, guid=guid: hooks.note_redelivery(unit, kind, guid, now)  # type: ignore[misc]
        )
    return asked
