"""Asking other systems to run a check: again, or (where the gate file says `trigger`) for the first time.

A request is a row until the forge was asked or has refused. What it asked before it stopped is not asked
again: what runs by then tells. Never for an untrusted head: its workflow would run by our word.
"""

from collections.abc import Collection
from typing import Final

import msgspec
from sqlalchemy import Connection

from app.engine.external import standing, to_run_again
from app.engine.missed import keep_post
from app.engine.services import Services
from app.model import (
    Change,
    CheckSpec,
    ExternalPosted,
    Misconfigured,
    Repository,
    Run,
    StartRequest,
)
from app.store import Unit, changes, commits, elsewhere, projects, records, runs

UNTRUSTED: Final = "it runs elsewhere, and for an untrusted change nothing is started there"
NOTHING: Final = "nothing of it that has ended is there to run again"


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One request, and whose it is."""

    request: StartRequest
    run: Run
    change: Change
    repository: Repository
    spec: CheckSpec


def ask_first(unit: Unit, run_id: int, keys: Collection[str], now: float) -> None:
    """Have checks started for the first time."""
    for key in keys:
        elsewhere.ask(unit, run_id, StartRequest(key=key, at=now))


def ask_again(unit: Unit, run: Run, spec: CheckSpec, now: float) -> str:
    """Have a check that others run run again; why not, where that cannot be."""
    if not run.trusted:
        return UNTRUSTED
    posts = records.posts_on(unit.connection, run.repository_id, run.head_sha)
    shared = commits.has_other_changes(unit.connection, run.repository_id, run.head_sha)
    found = to_run_again(spec, posts, shared=shared)
    if not found and spec.external is not None and spec.external.trigger:
        ask_first(unit, run.id, (spec.key,), now)
        return ""
    if not found:
        return NOTHING
    elsewhere.ask(unit, run.id, StartRequest(key=spec.key, at=now, again=True, posts=found))
    return ""


async def start(services: Services, row_id: int) -> None:
    """The handler of ('start', row id): ask the forge, once."""
    task = await services.database.read(lambda c: _load(c, row_id))
    if task is None:
        return
    request, repository = task.request, task.repository
    forge, external = services.forges[repository.forge], task.spec.external
    assert external is not None  # noqa: S101 - _load only gives such
    refused = ""
    found: tuple[ExternalPosted, ...] = ()
    try:
        found = await forge.external_posts(repository, task.run.head_sha, (external.posted_as,))
        there = {post.mark for post in found}
        for post in request.posts:
            if post.mark in there:  # else it runs again already
                await forge.run_again(repository, post)
        if not request.again and standing(task.spec, found).status == "absent":
            await forge.dispatch(repository, external.name, _branch_here(task.change))
    except Misconfigured as problem:
        refused = f"{problem.message}; {problem.hint}" if problem.hint else problem.message
    answered = msgspec.structs.replace(request, sent=not refused, refused=refused)

    def write(unit: Unit) -> None:
        projects.lock_repository(unit, task.run.repository_id)  # what deliveries and people bring comes after
        for post in found:
            keep_post(unit, services, task.run.repository_id, post)
        elsewhere.answer(unit, row_id, answered)
        runs.wake_run(unit, task.run.id, services.clock.now())

    await services.database.run(write)


def _branch_here(change: Change) -> str:
    """The change's branch in this repository; raises Misconfigured for a fork's, whose name is anybody's."""
    if change.from_fork:
        raise Misconfigured("its branch is in a fork, where nothing of this repository runs")
    return change.head_ref


def _load(connection: Connection, row_id: int) -> Task | None:
    """What is still to be asked."""
    loaded = elsewhere.load_start(connection, row_id)
    if loaded is None or loaded[1].sent or loaded[1].refused:
        return None
    run = runs.load_run(connection, loaded[0])
    if run is None or not run.status.live or run.plan is None or not run.trusted:
        return None
    spec = next((spec for spec in run.plan.checks if spec.key == loaded[1].key), None)
    if spec is None or spec.external is None or not spec.external.name:
        return None
    return Task(
        request=loaded[1],
        run=run,
        change=changes.load_change(connection, run.change_id).change,
        repository=projects.load_repository(connection, run.repository_id),
        spec=spec,
    )
