"""What is to be seen of a story's changes, held against what the story expects (tests/scenarios/README.md)."""

import html
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from sqlalchemy import Connection, select

from app.engine import recompute
from app.model import Run
from app.practice import CheckRun, Status
from app.store import changes, checks, metadata, runs
from tests.support.faces import ACCOUNT, STATES
from tests.support.player import Player, StoryError

WORDS = {
    "shows", "title", "says", "not_says", "checks", "others", "statuses", "comments", "comment",
    "not_comment", "annotations", "history", "run", "trusted",
}  # fmt: skip


async def differences(player: Player, expected: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Every way in which what is to be seen differs from what is expected; [] where it does not."""
    found = []
    for name, wanted in expected.items():
        if unknown := set(wanted) - WORDS:
            raise StoryError(f"{name}: unknown words {sorted(unknown)}; there are: {sorted(WORDS)}")
        run = await player.scene.program.database.read(lambda c, name=name: _run(c, player, name))
        found += [f"{name}: {line}" for line in _of_head(player, name, wanted)]
        found += [f"{name}: {line}" for line in _of_people(player, name, wanted)]
        found += [f"{name}: {line}" async for line in _of_run(player, run, wanted)]
    return found


def _run(connection: Connection, player: Player, name: str) -> Run | None:
    """The newest run of a change, or of a named head."""
    repository_id = _repository_id(connection, player)
    if repository_id is None:
        return None
    if name in player.pulls:
        key = f"pr-{player.pulls[name].pull.number}"
    elif name in player.groups:
        key = f"mg-{player.groups[name].head_sha}"
    else:
        return None
    change = changes.find_change(connection, repository_id, key)
    return None if change is None else runs.latest_run(connection, change.id)


def _repository_id(connection: Connection, player: Player) -> int | None:
    """The row of the story's repository; None before we heard of it."""
    known = metadata.tables["repositories"]
    return connection.execute(select(known.c.id).where(known.c.forge_id == player.repo.id)).scalar()


# What the forge shows on a head


def _of_head(player: Player, name: str, wanted: Mapping[str, Any]) -> Iterator[str]:
    sha = player.head(name)
    if player.scene.face.statuses:
        yield from _of_statuses(player, sha, wanted)
        return
    ours = player.scene.world.app("portcullis").id
    posted = [run for run in player.repo.runs.values() if run.head_sha == sha and run.app_id == ours]
    newest = {run.name: run for run in posted}  # in the order they were made
    aggregate = newest.pop("portcullis", None)
    shows = _shows(aggregate)
    if shows != wanted.get("shows", shows):
        yield f"shows {shows} ({aggregate.title if aggregate else ''}), not {wanted['shows']}"
    if aggregate is not None:
        yield from _texts("title", wanted.get("title"), aggregate.title or "")
        body = plain(f"{aggregate.summary}\n{aggregate.text}")
        yield from _texts("says", wanted.get("says"), body)
        yield from _absent("says", wanted.get("not_says"), body)
        notes = [f"{each['path']}:{each['start_line']} {each['message']}" for each in aggregate.annotations]
        yield from _texts("annotations", wanted.get("annotations"), "\n".join(notes))
        if wanted.get("annotations") == [] and notes:
            yield f"annotations: {notes}, not none"
        if aggregate.history != wanted.get("history", aggregate.history):
            yield f"history: {aggregate.history}, not {wanted['history']}"
    elif wanted.get("title") or wanted.get("says"):
        yield "shows nothing"
    others = {other: _shows(run) for other, run in newest.items()}
    if others != wanted.get("others", {}):
        yield f"others: {others}, not {wanted.get('others', {})}"
    statuses = {
        status.context: status.state
        for status in player.repo.statuses
        if status.sha == sha and status.creator.login == "portcullis[bot]"
    }
    if statuses != wanted.get("statuses", {}):
        yield f"statuses: {statuses}, not {wanted.get('statuses', {})}"


def _of_statuses(player: Player, sha: str, wanted: Mapping[str, Any]) -> Iterator[str]:
    """The same where verdicts are commit statuses: what their texts would say stands in the comment."""
    newest = {each.context: each for each in _posted(player) if each.sha == sha}
    shown = {name: each.state for name, each in newest.items()}
    aggregate = shown.pop("portcullis", "nothing")
    expected = STATES.get(wanted.get("shows", ""), wanted.get("shows", aggregate))
    if aggregate != expected:
        yield f"shows {aggregate}, not {expected}"
    if "portcullis" in newest:
        yield from _texts("title", wanted.get("title"), newest["portcullis"].description or "")
    elif wanted.get("title"):
        yield "shows nothing"
    others = {name: STATES.get(each, each) for name, each in wanted.get("others", {}).items()}
    if shown != others:
        yield f"others: {shown}, not {others}"


def _posted(player: Player) -> list[Status]:
    """The statuses that we posted."""
    return [
        each
        for each in player.repo.statuses
        if each.creator.login in {ACCOUNT, "portcullis[bot]"} or each.creator.name == ACCOUNT
    ]


def plain(markdown: str) -> str:
    """Markdown as it reads: without escapes, entities and what keeps names from being links."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", html.unescape(markdown)).replace("\u200b", "")


def _own_apps(player: Player) -> set[int]:
    return {app.id for app in player.scene.world.apps.values() if app.slug == "portcullis"}


def _shows(run: CheckRun | None) -> str:
    return "nothing" if run is None else run.conclusion or run.status


def _texts(what: str, wanted: str | list[str] | None, text: str) -> Iterator[str]:
    for each in [wanted] if isinstance(wanted, str) else wanted or []:
        if not (fnmatchcase(text, each) if "*" in each else each in text):
            yield f"{what}: {each!r} is not in: {text}"


def _absent(what: str, unwanted: str | list[str] | None, text: str) -> Iterator[str]:
    for each in [unwanted] if isinstance(unwanted, str) else unwanted or []:
        if each in text:
            yield f"{what}: {each!r} must not be in: {text}"


# What people are told


def _of_people(player: Player, name: str, wanted: Mapping[str, Any]) -> Iterator[str]:
    if name not in player.pulls:
        return
    comments = player.scene.comments(player.repo, player.pulls[name].pull)
    if len(comments) != wanted.get("comments", len(comments)):
        yield f"comments: {len(comments)}, not {wanted['comments']}"
    text = plain("\n".join(comment.body for comment in comments))
    yield from _texts("comment", wanted.get("comment"), text)
    yield from _absent("comment", wanted.get("not_comment"), text)


# What the run knows


async def _of_run(player: Player, run: Run | None, wanted: Mapping[str, Any]) -> Any:
    if run is None:
        for word in {"checks", "run", "trusted"} & set(wanted):
            yield f"{word}: there is no run"
        return
    if run.n != wanted.get("run", run.n):
        yield f"run: number {run.n}, not {wanted['run']}"
    if run.trusted != wanted.get("trusted", run.trusted):
        yield f"trusted: {run.trusted}"
    if "checks" in wanted:
        stored = await player.scene.program.database.read(lambda c: checks.load_checks(c, run.id))
        results = {row.result.key: row.result for row in stored}
        for key in sorted(results.keys() | wanted["checks"].keys()):
            yield_this = _check(results.get(key), wanted["checks"].get(key))
            if yield_this:
                yield f"check {key}: {yield_this}"


def _check(result: Any, wanted: Any) -> str:
    """`success`, or `{is: failure, because: exit 139, attempt: 2}`; '' where it is so."""
    if result is None:
        return "is not in the run"
    is_now = (result.conclusion or result.status).value
    if wanted is None:
        return f"is in the run ({is_now})"
    words = {"is": wanted} if isinstance(wanted, str) else dict(wanted)
    if words.pop("is") != is_now:
        return f"{is_now} ({result.reason}), not {wanted}"
    reasons = list(_texts("because", words.pop("because", None), result.reason))
    if words.pop("attempt", result.attempt) != result.attempt:
        reasons.append(f"attempt {result.attempt}, not {wanted['attempt']}")
    if words:
        raise StoryError(f"unknown words for a check: {sorted(words)}")
    return "; ".join(reasons)


# What holds at every moment, whatever the story


async def broken_promises(player: Player) -> list[str]:
    """At most one sticky comment per pull request; of the check runs of one name on one head, which
    branch rules read the newest of, all older ones completed; and every verdict of a live run gives the
    same bytes when it is computed again.
    """
    found = []
    for opened in player.pulls.values():
        count = len(player.scene.comments(player.repo, opened.pull))
        if count > 1:
            found.append(f"#{opened.pull.number} has {count} sticky comments")
    posted = [run for run in player.repo.runs.values() if run.app_id in _own_apps(player)]
    newest = {(run.head_sha, run.name): run for run in posted}
    found += [
        f"an older check run {run.name!r} on {run.head_sha} is {run.status}"
        for run in posted
        if run.status != "completed" and newest[run.head_sha, run.name] is not run
    ]
    return found + await player.scene.program.database.read(lambda c: _recomputed(c, player))


def _recomputed(connection: Connection, player: Player) -> list[str]:
    repository_id = _repository_id(connection, player)
    found = []
    for run_id in runs.runs_of_repository(connection, repository_id) if repository_id is not None else ():
        again = recompute(connection, run_id, player.scene.program.services.page_link)
        if again is not None and not again.same:
            found.append(f"run {run_id}: stored {again.judgement.verdict}, computed again {again.now}")
    return found


async def leftovers(player: Player) -> list[str]:
    """What a story may not leave behind: check runs in progress, deliveries unread, held checks."""
    ours = _own_apps(player)
    found = [
        f"check run {run.name!r} on {run.head_sha} is left {run.status}: {run.title}"
        for run in player.repo.runs.values()
        if run.app_id in ours and run.status != "completed"
    ]
    latest = {(status.sha, status.context): status.state for status in _posted(player)}
    found += [f"status on {sha} is left pending" for (sha, _), state in latest.items() if state == "pending"]
    unread = await player.scene.program.database.read(_unread)
    found += [f"delivery {row.event} is left {row.status}: {row.reason}" for row in unread]
    found += [f"check {spec.check.key} is left held" for spec in player.runner.running.values()]
    found += [
        f"{count} answers of {key} were asked for by nobody" for key, count in player.runner.unused.items()
    ]
    return found


def _unread(connection: Connection) -> list[Any]:
    kept = metadata.tables["deliveries"].c
    wanted = select(kept.event, kept.status, kept.reason).where(kept.status.not_in(["done", "ignored"]))
    return list(connection.execute(wanted))
