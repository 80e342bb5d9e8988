"""What must hold at the end of every flow story, and looks into the service's own tables."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
from sqlalchemy import Connection, Select, select

from app.model import AuditEntry
from app.practice import CheckRun, PullRequest, Repository
from app.store import metadata
from tests.support.clock import HandTurnedClock
from tests.support.github_stage import unlike_github
from tests.support.service import Stage

RUNS, ATTEMPTS, AUDIT = metadata.tables["runs"], metadata.tables["attempts"], metadata.tables["audit"]

GATE = """\
version: 1
checks:
  lint: {run: "true"}
gate:
  - checks.passed
"""


def rest(scene: Stage, clock: HandTurnedClock) -> Callable[[], Awaitable[None]]:
    """For `clock.advance`: wait until all whom it woke are done."""

    async def wait() -> None:
        await scene.settled()
        while not clock.still(()):
            await asyncio.sleep(0.002)
            await scene.settled()
        await scene.settled()  # what the last of them handed out

    return wait


async def later(scene: Stage, clock: HandTurnedClock, seconds: float) -> None:
    """A machine that slept: the time is another at once, and every timer of it rings once."""
    clock.turn_to(clock.now() + seconds)
    await rest(scene, clock)()


def ours(repo: Repository) -> list[CheckRun]:
    """All check runs named as ours are, oldest first."""
    return [run for run in repo.runs.values() if run.name == "portcullis"]


async def rows(scene: Stage, statement: Select) -> list[dict[str, object]]:
    """Rows of the service's own tables."""

    def read(connection: Connection) -> list[dict[str, object]]:
        return [dict(row._mapping) for row in connection.execute(statement)]

    return await scene.program.database.read(read)


async def audit(scene: Stage) -> list[AuditEntry]:
    """The audit record, oldest first."""
    entries = await rows(scene, select(AUDIT.c.entry).order_by(AUDIT.c.id))
    return [msgspec.json.decode(entry["entry"], type=AuditEntry) for entry in entries]


async def ended_well(scene: Stage, repo: Repository, pull: PullRequest, conclusion: str) -> CheckRun:
    """One right verdict on the newest head, one sticky comment, nothing of ours in progress anywhere, no
    attempt outstanding, exactly one live run.
    """
    run = scene.verdict(repo, pull)
    assert (run.status, run.conclusion) == ("completed", conclusion), (run.history, run.title)
    assert [found.id for found in ours(repo) if found.status != "completed"] == []
    assert len(scene.comments(repo, pull)) == 1
    live = await rows(scene, select(RUNS.c.head_sha).where(RUNS.c.status.in_(["new", "planned", "refused"])))
    assert [row["head_sha"] for row in live] == [pull.head_sha]
    outstanding = ATTEMPTS.c.status.in_(["queued", "running"])
    assert await rows(scene, select(ATTEMPTS.c.id).where(outstanding)) == []
    return run


def like_github(scene: Stage) -> None:
    """Every request and delivery of the story is as GitHub describes them."""
    assert unlike_github(scene) == []
