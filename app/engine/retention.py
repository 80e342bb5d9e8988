"""Removing what the operator wants kept no longer: a little with each sweep, so that nothing waits for it."""

import asyncio
import contextlib
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final

import structlog
from sqlalchemy import Connection

from app.engine.services import Services
from app.policy import FLAKY_WINDOW
from app.store import Unit, retention

LOG = structlog.get_logger(__name__)
BATCH: Final = 200
"""Rows (or attempts' logs) of one kind that go with one sweep: 200 a minute are 288,000 a day."""


async def prune(services: Services) -> None:
    """One batch of each kind. A crash in between leaves rows that the next sweep finds again."""
    now, keep = services.clock.now(), services.options.keep
    steps: tuple[tuple[str, Callable[[Unit, float, int], int], float], ...] = (
        ("deliveries", retention.prune_deliveries, keep.deliveries),
        ("logs", retention.prune_logs, keep.logs),
        ("baselines", retention.prune_baselines, keep.evidence),
        ("evidence", retention.prune_evidence, keep.evidence),
        ("base runs", retention.prune_base_runs, keep.evidence),
        ("others' posts", retention.prune_posts, keep.deliveries),
        ("flaky tests", retention.prune_flaky, FLAKY_WINDOW),
    )
    await _artifacts(services, partial(_old, now - keep.artifacts))
    await _artifacts(services, partial(_crowding, keep.artifact_bytes))
    for what, step, age in steps:
        gone = await services.database.run(lambda unit, step=step, age=age: step(unit, now - age, BATCH))  # type: ignore[misc]
        if gone:
            LOG.info("kept no longer", what=what, count=gone)


_Find = Callable[[int, Connection], tuple[retention.OldArtifact, ...]]
"""Gives artifacts that may go, behind a row."""


async def _artifacts(services: Services, find: _Find) -> None:
    """Files before rows: a row without its file is found again, a file without its row never. What cannot be
    removed now is passed over, and tried again with the next sweep.
    """
    after, gone = 0, 0
    stuck: list[str] = []
    while not gone:
        found = await services.database.read(partial(find, after))
        if not found:
            break
        after = found[-1].id
        ids = await asyncio.to_thread(_remove, found)
        stuck += [artifact.stored for artifact in found if artifact.id not in ids]
        if ids:
            await services.database.run(partial(_forget, ids))
            gone = len(ids)
    if stuck:
        LOG.warning("artifacts cannot be removed; they are tried again", count=len(stuck), first=stuck[0])
    if gone:
        LOG.info("kept no longer", what="artifacts", count=gone)


def _forget(ids: list[int], unit: Unit) -> None:
    retention.forget_artifacts(unit, ids)


def _old(before: float, after: int, connection: Connection) -> tuple[retention.OldArtifact, ...]:
    return retention.old_artifacts(connection, before, after, BATCH)


def _crowding(most: int, after: int, connection: Connection) -> tuple[retention.OldArtifact, ...]:
    return retention.crowding_artifacts(connection, most, after, BATCH)


async def forget_dropped(services: Services) -> None:
    """The chore: remove the directories of attempts that are over and keep nothing. They are left where a
    result came too late to count, or where its worker ended before it was stored.
    """
    root = services.artifacts
    if root is None:
        return
    ids = await asyncio.to_thread(_attempts_in, root)
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        dropped = await services.database.read(lambda c, batch=batch: retention.without_artifacts(c, batch))  # type: ignore[misc]
        for attempt_id in dropped:
            await asyncio.to_thread(shutil.rmtree, root / str(attempt_id), ignore_errors=True)
        if dropped:
            LOG.info("kept no longer", what="artifacts of dropped results", count=len(dropped))


def _attempts_in(root: Path) -> list[int]:
    if not root.is_dir():
        return []
    return [int(place.name) for place in root.iterdir() if place.name.isascii() and place.name.isdecimal()]


def _remove(found: tuple[retention.OldArtifact, ...]) -> list[int]:
    """Files, and the folders of their attempts that they leave empty; gives the ids of what is gone."""
    gone = []
    for artifact in found:
        place = Path(artifact.stored)
        try:
            place.unlink(missing_ok=True)
        except OSError:
            continue
        gone.append(artifact.id)
        with contextlib.suppress(OSError):
            for folder in list(place.parents)[: len(PurePosixPath(artifact.path).parts) - 1]:
                folder.rmdir()
    return gone
