"""A process that sleeps between its claim and its post, and posts when another has posted what is newer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager

import msgspec
from sqlalchemy import select

from app.engine.posting import post_comment, post_publication
from app.model import Publication, StickyComment
from app.practice import CheckRun, Comment, Fault
from app.store import metadata, publications
from app.wiring import Program
from tests.flow.test_races import opened
from tests.support.aftermath import ended_well, rest, rows
from tests.support.clock import HandTurnedClock
from tests.support.service import Stage, stage
from tests.support.service_process import until

TABLE, COMMENTS = metadata.tables["publications"], metadata.tables["comments"]


async def judged(scene: Stage, clock: HandTurnedClock) -> tuple[int, CheckRun, Comment]:
    """A pull request with its verdict posted: the repository's row, our check run and our comment. No timer
    is left and the sweep has just been: the service itself does nothing about those until it is told.
    """
    repo, pull = await opened(scene)
    await scene.settled()
    await clock.advance(scene.program.services.options.sweep_every, rest(scene, clock))
    run = await ended_well(scene, repo, pull, "success")
    (row,) = await rows(scene, select(TABLE.c.repository_id).where(TABLE.c.name == "portcullis"))
    (comment,) = scene.comments(repo, pull)
    return int(str(row["repository_id"])), run, comment


@asynccontextmanager
async def two(scene: Stage) -> AsyncIterator[tuple[Program, Program]]:
    """Two more processes of the service, which do only what they are told."""
    programs = scene.made(), scene.made()
    yield programs
    for program in programs:
        for forge in program.services.forges.values():
            await forge.close()
        program.services.reader.close()
        await program.identities.close()
        program.database.close()


async def asleep(
    scene: Stage, posting: Coroutine[None, None, None], fault: Fault
) -> Callable[[], Awaitable[None]]:
    """Begin to post and stop where the fault says; gives what goes on to the end."""
    fault.until = asyncio.Event()
    scene.world.faults.append(fault)
    task = asyncio.create_task(posting)
    await until(lambda: fault.times == 0)

    async def wake() -> None:
        assert fault.until is not None
        fault.until.set()
        await task

    return wake


async def want(program: Program, repository_id: int, run: CheckRun, title: str) -> int:
    """Want another title of the verdict; gives the publication's row."""

    def write(unit):
        row = publications.find_publication(unit.connection, repository_id, run.head_sha, "portcullis")
        assert row is not None
        assert isinstance(row.wanted, Publication)
        wanted = msgspec.structs.replace(row.wanted, title=title)
        return publications.want_publication(unit, repository_id, wanted, program.services.clock.now())

    row_id = await program.database.run(write)
    assert row_id is not None
    return row_id


async def overtaken(
    scene: Stage, clock: HandTurnedClock, sleeper: Program, other: Program, method: str
) -> tuple[CheckRun, int, Callable[[], Awaitable[None]]]:
    """One process falls asleep in a request of this method; after its lease another one posts what is newer.
    Gives the check run, the publication's row, and what wakes the sleeper.
    """
    repository_id, run, _ = await judged(scene, clock)
    row_id = await want(sleeper, repository_id, run, "older")
    fault = Fault(method=method, path="/check-runs/")
    late = await asleep(scene, post_publication(sleeper.services, row_id), fault)
    clock.turn_to(clock.now() + scene.program.services.options.lease + 1)
    await want(other, repository_id, run, "newer")
    await post_publication(other.services, row_id)
    return run, row_id, late


async def settled_row(scene: Stage, row_id: int) -> None:
    (row,) = await rows(scene, select(TABLE).where(TABLE.c.id == row_id))
    assert (row["wanted_hash"], row["wake_at"]) == (row["posted_hash"], None)


async def test_what_arrives_late_is_overwritten(tmp_path, migrated_url):
    """Its request was on the way when it fell behind: the forge takes it after the newer one."""
    clock = HandTurnedClock()
    async with (
        stage(tmp_path, clock=clock, database_url=migrated_url) as scene,
        two(scene) as (sleeper, other),
    ):
        run, row_id, late = await overtaken(scene, clock, sleeper, other, "PATCH")
        assert run.title == "newer"
        await settled_row(scene, row_id)

        await late()
        assert run.title == "older"  # this is the harm
        await post_publication(scene.program.services, row_id)
        await scene.settled()
        assert run.title == "newer"
        await settled_row(scene, row_id)


async def test_who_wakes_before_it_sends_sends_nothing(tmp_path, migrated_url):
    """It fell asleep while it looked at what is there: what it was to write is not its to write any more."""
    clock = HandTurnedClock()
    async with (
        stage(tmp_path, clock=clock, database_url=migrated_url) as scene,
        two(scene) as (sleeper, other),
    ):
        run, row_id, late = await overtaken(scene, clock, sleeper, other, "GET")
        patches = [seen for seen in scene.world.requests if seen.method == "PATCH"]

        await late()
        assert [seen for seen in scene.world.requests if seen.method == "PATCH"] == patches
        assert run.title == "newer"
        await settled_row(scene, row_id)


async def test_a_comment_that_arrives_late_is_overwritten(tmp_path, migrated_url):
    clock = HandTurnedClock()
    async with (
        stage(tmp_path, clock=clock, database_url=migrated_url) as scene,
        two(scene) as (sleeper, other),
    ):
        repository_id, _, comment = await judged(scene, clock)

        async def say(program: Program, word: str) -> int:
            def write(unit):
                row = publications.find_comment(unit.connection, repository_id, comment.number)
                assert row is not None
                assert isinstance(row.wanted, StickyComment)
                first = row.wanted.body.partition("\n\nTold: ")[0]
                wanted = msgspec.structs.replace(row.wanted, body=f"{first}\n\nTold: {word}")
                return publications.want_comment(unit, repository_id, wanted, clock.now())

            return await program.database.run(write)

        row_id = await say(sleeper, "older")
        late = await asleep(
            scene, post_comment(sleeper.services, row_id), Fault(method="PATCH", path="/comments/")
        )
        clock.turn_to(clock.now() + scene.program.services.options.lease + 1)
        await say(other, "newer")
        await post_comment(other.services, row_id)
        await late()
        assert comment.body.endswith("Told: older")
        await post_comment(scene.program.services, row_id)
        await scene.settled()
        assert comment.body.endswith("Told: newer")
