"""What deliveries should have told: read from the forge when a run begins, and again every so often."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from app.engine.services import Services
from app.model import ActorKind, CheckSpec, CommitStatus, ExternalPosted, Plan, PostKind, Repository, Run
from app.store import Unit, changes, projects, publications, records, runs

COMMENTS_BACK: Final = timedelta(days=1)


def awaited_posts(plan: Plan | None) -> tuple[CheckSpec, ...]:
    """The checks of a plan that wait for others' posts."""
    if plan is None:
        return ()
    return tuple(spec for spec in plan.checks if spec.external is not None and spec.external.name)


def kinds_of(specs: Iterable[CheckSpec]) -> tuple[PostKind, ...]:
    """As what is posted that checks wait for: nothing else need be read."""
    return tuple(sorted({spec.external.posted_as for spec in specs if spec.external is not None}))


def look_again(unit: Unit, change_id: int, *, touched: bool) -> None:
    """Wake the reading of all that people (where somebody touched the change) and others' systems (where
    they are waited for: their posts do not touch it) may have changed on a known change.
    """
    if touched:
        changes.want_people(unit, change_id)
        unit.wake("comments", change_id)
    for run in runs.live_runs(unit.connection, change_id):
        if awaited_posts(run.plan) and (touched or run.settled_at is None):
            unit.wake("posts", run.id)
        elif touched:
            unit.wake("run", run.id)


async def read_posts(services: Services, run_id: int) -> None:
    """The handler of ('posts', run id): others' posts that came before we listened, or were not told."""

    def load(connection: Connection) -> tuple[Run, Repository] | None:
        run = runs.load_run(connection, run_id)
        if run is None or not run.status.live:
            return None
        return run, projects.load_repository(connection, run.repository_id)

    loaded = await services.database.read(load)
    if loaded is None:
        return
    run, repository = loaded
    kinds = kinds_of(awaited_posts(run.plan))
    found = await services.forges[repository.forge].external_posts(repository, run.head_sha, kinds)

    def keep(unit: Unit) -> None:
        projects.lock_repository(unit, run.repository_id)  # as deliveries do: one of the two is newer
        for post in found:
            keep_post(unit, services, run.repository_id, post)
        unit.wake("run", run_id)

    await services.database.run(keep)


def keep_post(unit: Unit, services: Services, repository_id: int, post: ExternalPosted) -> bool:
    """Keep another system's post; false for our own, and for one older than the one known."""
    if _is_ours(unit, services, repository_id, post):
        return False
    return records.record_post(unit, repository_id, post, services.clock.now())


def _is_ours(unit: Unit, services: Services, repository_id: int, post: ExternalPosted) -> bool:
    """Check runs tell their app, an account's statuses the account. An app's statuses tell a login that only
    apps have, and ours leads to our page.
    """
    if post.kind == "workflow_run":
        return False
    forge = services.forges[post.repository.forge]
    if post.kind == "check_run" or not forge.capabilities.app:
        return post.poster_id == forge.own_id
    return post.poster.endswith("[bot]") and any(
        isinstance(row.wanted, CommitStatus)
        and (row.wanted.context, row.wanted.target_url) == (post.name, post.url)
        for row in publications.publications_on(unit.connection, repository_id, post.sha)
    )


async def read_comments(services: Services, change_id: int) -> None:
    """The handler of ('comments', change id): commands whose delivery was lost; known ones stay as they are.

    It looks a day back, rounded to the hour, so that an unchanged list is answered from the cache.
    """
    row = await services.database.read(lambda c: changes.load_change(c, change_id))
    repository = await services.database.read(lambda c: projects.load_repository(c, row.repository_id))
    number = row.change.number
    if number is None:
        return
    since = datetime.fromtimestamp(services.clock.now(), UTC) - COMMENTS_BACK
    asked = since.strftime("%Y-%m-%dT%H:00:00Z")
    forge = services.forges[repository.forge]
    found = await forge.recent_comments(repository, number, asked)
    ids = [
        comment.id
        for comment in found
        if comment.author.kind is ActorKind.PERSON
        and (forge.capabilities.app or comment.author.id != forge.own_id)  # an app's id is no account's
        and "/portcullis" in comment.body
    ]

    def keep(unit: Unit) -> None:
        for comment_id in ids:
            command = records.store_command(unit, row.repository_id, number, comment_id, services.clock.now())
            if command is not None:
                unit.wake("command", command)

    if ids:
        await services.database.run(keep)
