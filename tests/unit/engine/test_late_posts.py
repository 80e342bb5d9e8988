"""What others posted, read from the forge while a delivery tells something newer: the newer stays."""

import asyncio
import threading
from collections.abc import Collection

import msgspec
import pytest
from sqlalchemy import Connection, event, func, select, update

from app.engine.events import apply_event
from app.engine.missed import read_posts
from app.engine.starting import start
from app.model import (
    CheckSpec,
    External,
    ExternalPosted,
    PostKind,
    PullRequestChanged,
    Repository,
    Run,
    RunStatus,
    Sha,
    StartRequest,
)
from app.store import elsewhere, metadata, records, runs
from tests.unit.engine.conftest import Desk
from tests.unit.engine.test_transactions import ALICE, A, B, change, due, opened, planned
from tests.unit.engine.test_turns import blocked

FILE = ".github/workflows/ci.yml"
POSTS, RUNS = metadata.tables["posts"], metadata.tables["runs"]


def attempt(desk: Desk, number: int, conclusion: str) -> ExternalPosted:
    return ExternalPosted(
        repository=desk.repository,
        kind="workflow_run",
        sha=A,
        name=FILE,
        poster="github-actions",
        external_id=1,
        suite_id=1,
        conclusion=conclusion,
        attempt=number,
        cause="pull_request",
    )


class Lagging:
    """A forge that lists what was there a moment ago."""

    own_id = 1

    def __init__(self, *posts: ExternalPosted) -> None:
        self.posts = posts

    async def external_posts(
        self, _repository: Repository, _sha: Sha, _kinds: Collection[PostKind]
    ) -> tuple[ExternalPosted, ...]:
        return self.posts


def waits(desk: Desk) -> Run:
    """A trusted run with a check that waits for the workflow."""
    _, run = opened(desk, change())
    run = planned(desk, run)
    spec = CheckSpec(id="ci", key="ci", external=External(workflow=FILE, app="github-actions"))
    assert run.plan is not None
    plan = msgspec.structs.replace(run.plan, checks=(spec,))
    with desk.unit() as unit:
        runs.save_preparation(unit, msgspec.structs.replace(run, plan=plan, trusted=True), b"")
    return run


@pytest.mark.parametrize("reader", ["read again", "asked to start"])
async def test_a_list_that_lags_takes_nothing_back_that_a_delivery_tells_meanwhile(
    desk: Desk, reader: str
) -> None:
    run = waits(desk)
    services = msgspec.structs.replace(desk.services, forges={"github": Lagging(attempt(desk, 1, "success"))})
    if reader == "read again":
        work = read_posts(services, run.id)
    else:
        with desk.unit() as unit:
            elsewhere.ask(unit, run.id, StartRequest(key="ci", at=desk.now))
            (row_id,) = [identifier for kind, identifier in unit.wakes if kind == "start"]
        work = start(services, row_id)
    writes, go_on = threading.Event(), threading.Event()

    def pause(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO posts") and not writes.is_set():
            writes.set()
            go_on.wait(30)

    def deliver() -> None:
        with desk.unit() as unit:
            apply_event(unit, services, "github", attempt(desk, 2, "failure"))

    event.listen(desk.program.database.engine, "before_cursor_execute", pause)
    reading = asyncio.create_task(work)
    await asyncio.to_thread(writes.wait, 30)
    delivering = threading.Thread(target=deliver)
    delivering.start()
    while delivering.is_alive() and not desk.services.database.is_sqlite:
        if await asyncio.to_thread(blocked, desk):
            break
    go_on.set()
    await reading
    await asyncio.to_thread(delivering.join, 30)
    with desk.program.database.engine.connect() as connection:
        (post,) = records.posts_on(connection, desk.repository_id, A)
    assert (post.attempt, post.conclusion) == (2, "failure")


def kept(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(POSTS)).scalar_one()


@pytest.mark.parametrize("status", [RunStatus.UNGATED, RunStatus.NEUTRAL, RunStatus.REFUSED])
def test_posts_on_a_head_that_waits_for_nothing_are_not_kept(desk: Desk, status: RunStatus) -> None:
    opened(desk, change())
    with desk.unit() as unit:
        unit.connection.execute(update(RUNS).values(status=status.value))
        told = apply_event(unit, desk.services, "github", attempt(desk, 1, "success"))
        assert told == ("ignored", "no gate names it")
        assert kept(unit.connection) == 0


def test_a_push_from_before_a_retarget_has_the_forge_asked(desk: Desk) -> None:
    """The retarget was read first, and the forge still showed the old head then."""
    change_id, _ = opened(desk, change(base="release"))
    pushed = PullRequestChanged(
        repository=desk.repository,
        action="synchronize",
        change=change(head=B, base="main"),
        sender=ALICE,
        brought_head=True,
        before=A,
    )
    with desk.unit() as unit:
        apply_event(unit, desk.services, "github", pushed)
    assert ("change", change_id) in due(desk)
