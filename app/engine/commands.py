"""Commands in comments (gate-file.md section 9): read by id, checked against the forge, obeyed once."""

from typing import Final

import structlog
from sqlalchemy import Connection

from app.engine.days import seconds
from app.engine.granting import (
    VERBS,
    Asked,
    Standing,
    grant,
    head_problem,
    read_standing,
)
from app.engine.opening import PORTCULLIS, start_run
from app.engine.publishing import republish
from app.engine.reading_commands import Command, read_commands
from app.engine.reruns import knows_check, rerun
from app.engine.services import Services
from app.forges import Comment, Forge, Gone
from app.model import (
    Actor,
    ActorKind,
    AuditEntry,
    ChangeState,
    Misconfigured,
    Outage,
    Repository,
    Run,
    Sha,
)
from app.publish import CommandAnswer, answers
from app.store import Unit, changes, checks, granted, pack, projects, records, runs

LOG = structlog.get_logger(__name__)
MOST: Final = 10
"""Commands of one comment that are answered."""
FIRST_RETRY: Final = 30.0
LONGEST_RETRY: Final = 3600.0
GIVEN_UP: Final = 86_400.0
"""Seconds after which a command that could not be read is read no more."""


async def obey(services: Services, command_id: int) -> None:
    """The handler of ('command', id)."""
    row = await services.database.read(lambda c: records.load_command(c, command_id))
    if row is None or row.wake_at > services.clock.now():
        return
    repository = await services.database.read(lambda c: projects.load_repository(c, row.repository_id))
    if not await services.database.read(lambda c: projects.is_active(c, row.repository_id)):
        await _put_off(services, row, repository, Misconfigured("the repository is not ours to judge now"))
        return
    forge = services.forges[repository.forge]
    try:
        comment = await forge.get_comment(repository, row.number, row.comment_id)
        standing = await _standing(services, row, repository, comment)
        given = await services.database.run(
            lambda unit: _obey(unit, services, row, repository, comment, standing)
        )
    except Gone:
        await services.database.run(lambda unit: records.take_command(unit, command_id))
        return
    except (Outage, Misconfigured) as problem:
        await _put_off(services, row, repository, problem)
        return
    if given:
        await _react(forge, repository, comment, accepted=all(answer.accepted for answer in given))


async def _standing(
    services: Services, row: records.CommandRow, repository: Repository, comment: Comment
) -> Standing:
    """What the commands of a comment need to know of whoever wrote it."""
    asked = read_commands(comment.body)

    def load(connection: Connection) -> tuple[changes.ChangeRow, Run] | None:
        found = changes.find_change(connection, row.repository_id, f"pr-{row.number}")
        run = None if found is None else runs.latest_run(connection, found.id)
        return None if found is None or run is None or run.plan is None else (found, run)

    judged = await services.database.read(load) if any(one.verb in VERBS for one in asked) else None
    if judged is None:  # nothing can be let pass
        forge = services.forges[repository.forge]
        return Standing(permission=await forge.permission(repository, comment.author.login))
    return await read_standing(services, repository, *judged, asked, comment.author)


async def _put_off(
    services: Services, row: records.CommandRow, repository: Repository, problem: Outage | Misconfigured
) -> None:
    """Read again later and ever later; after a day no more, which is put on record."""
    now, wait = services.clock.now(), min(FIRST_RETRY * 2.0**row.attempts, LONGEST_RETRY)
    if now - row.at > GIVEN_UP:
        LOG.error("a command was given up", comment=row.comment_id, reason=problem.message)
        await services.database.run(lambda unit: _give_up(unit, services, row, repository, problem.message))
        return
    at = problem.again_at(now, wait) if isinstance(problem, Outage) else now + wait
    LOG.warning("a command is read again later", reason=problem.message, at=at)

    def write(unit: Unit) -> None:
        records.postpone_command(unit, row.id, at)
        unit.wake_later("command", row.id, at)

    await services.database.run(write)


def _give_up(
    unit: Unit, services: Services, row: records.CommandRow, repository: Repository, reason: str
) -> None:
    if records.take_command(unit, row.id):
        records.append_audit(
            unit,
            AuditEntry(
                at=services.clock.now(),
                actor=PORTCULLIS,
                verb="command.given_up",
                repository=repository.full_name,
                change=f"pr-{row.number}",
                details={"comment": row.comment_id, "reason": reason[:4000]},
            ),
        )


async def _react(forge: Forge, repository: Repository, comment: Comment, *, accepted: bool) -> None:
    try:
        await forge.react(repository, comment.number, comment.id, "+1" if accepted else "-1")
    except (Outage, Misconfigured) as problem:
        LOG.warning("a reaction was not posted; the comment answers", reason=problem.message)


def _obey(
    unit: Unit,
    services: Services,
    row: records.CommandRow,
    repository: Repository,
    comment: Comment,
    standing: Standing,
) -> tuple[CommandAnswer, ...]:
    """Answer every command of a comment, in one transaction with what it changes. Whoever read the comment
    and comes second (a process that stalled) finds it taken, and changes nothing.
    """
    projects.lock_repository(unit, row.repository_id)
    if not records.take_command(unit, row.id):
        return ()
    found = changes.find_change(unit.connection, row.repository_id, f"pr-{row.number}")
    commands = read_commands(comment.body)
    run = None if found is None else runs.latest_run(unit.connection, found.id)
    if found is None or run is None or not commands or comment.author.kind is not ActorKind.PERSON:
        return ()
    given = []
    for command in commands[:MOST]:
        run = runs.latest_run(unit.connection, found.id) or run  # the command before may have opened one
        asked = Asked(command, comment.author, seconds(comment.at), found, run, standing)
        accepted, reason = _answer(unit, services, asked, edited=comment.edited)
        given.append(
            CommandAnswer(command=command.text, by=comment.author.login, accepted=accepted, reason=reason)
        )
        _audit(unit, services, asked, repository, given[-1])
    records.answer_command(unit, row.id, pack(given).decode())
    republish(unit, services, row.repository_id, found.change.head_sha, answered=True)
    return tuple(given)


def _answer(
    unit: Unit,
    services: Services,
    asked: Asked,
    *,
    edited: bool,
) -> tuple[bool, str]:
    command, actor, found, permission = asked.command, asked.by, asked.found, asked.standing.permission
    if edited or found.change.state is not ChangeState.OPEN:
        return False, answers.refused_edited() if edited else answers.refused_closed()
    is_author = actor.login.casefold() == found.change.author.login.casefold()
    match command.verb:
        case "recheck":
            if not (is_author or permission.can_triage):
                return False, answers.refused_permission("the author or people with triage")
            return _recheck(unit, services, " ".join(command.words), asked.run, actor)
        case "explain":
            return True, answers.explain_accepted()
        case "ok-to-test":
            if not permission.can_write:
                return False, answers.refused_permission("people with write access")
            return _ok_to_test(unit, services, command, actor, found)
        case verb if verb in VERBS:
            return grant(unit, services, asked)
        case verb:
            return False, answers.refused_unknown(verb)


def _recheck(unit: Unit, services: Services, check: str, run: Run, actor: Actor) -> tuple[bool, str]:
    if check and not knows_check(unit, run, check):
        known = sorted({row.result.id for row in checks.load_checks(unit.connection, run.id)})
        return False, answers.refused_check(check, known)
    refused = rerun(unit, services, run, check=check, actor=actor)
    if refused:
        return False, answers.refused_again(refused)
    return True, answers.recheck_accepted(check)


def _ok_to_test(
    unit: Unit, services: Services, command: Command, actor: Actor, found: changes.ChangeRow
) -> tuple[bool, str]:
    head = found.change.head_sha
    if problem := head_problem(unit, found, command.words[0] if command.words else ""):
        return False, problem
    changes.approve_to_test(unit, found.id, Sha(head), actor.login, services.clock.now())
    start_run(unit, services, found.repository_id, found.id, found.change, actor=actor)
    return True, answers.ok_to_test_accepted(head[:10])


def _audit(
    unit: Unit,
    services: Services,
    asked: Asked,
    repository: Repository,
    answer: CommandAnswer,
) -> None:
    """Who said what, and what became of it: for an override, all that it covers."""
    head = asked.found.change.head_sha
    details: dict[str, str | int | float | bool | None] = {
        "command": answer.command[:1000],
        "head_sha": head,
        "answer": answer.reason[:4000],
    }
    if answer.accepted and asked.command.verb == "override":
        word = granted.overrides_in_force(unit.connection, asked.found.id, head)[-1]
        details["override"] = pack(word).decode()
    records.append_audit(
        unit,
        AuditEntry(
            at=services.clock.now(),
            actor=asked.by,
            verb="command.obeyed" if answer.accepted else "command.refused",
            repository=repository.full_name,
            change=asked.found.change.key,
            run=asked.run.id,
            details=details,
        ),
    )
