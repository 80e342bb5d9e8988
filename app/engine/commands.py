"""Commands in comments (gate-file.md section 9): read by id, checked against the forge, obeyed once."""

import re
from typing import Final

import msgspec
import structlog

from app.engine.opening import start_run
from app.engine.publishing import republish
from app.engine.reruns import knows_check, rerun
from app.engine.services import Services
from app.forges import Comment, Forge, Gone, Permission
from app.model import (
    Actor,
    ActorKind,
    AuditEntry,
    Misconfigured,
    Outage,
    Repository,
    Run,
    Sha,
)
from app.publish import CommandAnswer, answers
from app.store import Unit, changes, pack, projects, records, runs

LOG = structlog.get_logger(__name__)
LINE: Final = re.compile(r"^/portcullis(?:[ \t]+(?P<words>[^\r\n]*))?$", re.MULTILINE)
FENCE: Final = re.compile(r"^(```|~~~).*?(?:^\1[^\n]*$|\Z)", re.MULTILINE | re.DOTALL)
HTML_COMMENT: Final = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
SHORTEST_SHA: Final = 7
NOT_YET: Final = {"waive", "override", "cancel-override"}


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One command line as written."""

    text: str
    verb: str
    words: tuple[str, ...]


def read_commands(body: str) -> tuple[Command, ...]:
    """Command lines at column 1 outside quotes, code and HTML comments, in order."""
    text = HTML_COMMENT.sub("", FENCE.sub("", body.replace("\r\n", "\n")))
    found = []
    for match in LINE.finditer(text):
        words = (match.group("words") or "").split()
        verb = words[0].lower() if words else ""
        found.append(Command(text=match.group(0).strip(), verb=verb, words=tuple(words[1:])))
    return tuple(found)


async def obey(services: Services, command_id: int) -> None:
    """The handler of ('command', id)."""
    row = await services.database.read(lambda c: records.load_command(c, command_id))
    if row is None:
        return
    repository = await services.database.read(lambda c: projects.load_repository(c, row.repository_id))
    forge = services.forges[repository.forge]
    now = services.clock.now()
    try:
        comment = await forge.get_comment(repository, row.comment_id)
        permission = await forge.permission(repository, comment.author.login)
    except Gone:
        await services.database.run(lambda unit: records.finish_command(unit, command_id, ""))
        return
    except (Outage, Misconfigured) as problem:
        retry_at = problem.retry_at if isinstance(problem, Outage) else None
        at = retry_at.timestamp() if retry_at is not None else now + 30
        LOG.warning("a command is read again later", reason=problem.message)
        await services.database.run(lambda unit: _postpone(unit, command_id, at))
        return
    given = await services.database.run(
        lambda unit: _obey(unit, services, row, repository, comment, permission)
    )
    if given:
        await _react(forge, repository, comment, accepted=all(answer.accepted for answer in given))


def _postpone(unit: Unit, command_id: int, at: float) -> None:
    records.postpone_command(unit, command_id, at)
    unit.wake_later("command", command_id, at)


async def _react(forge: Forge, repository: Repository, comment: Comment, *, accepted: bool) -> None:
    try:
        await forge.react(repository, comment.id, "+1" if accepted else "-1")
    except (Outage, Misconfigured) as problem:
        LOG.warning("a reaction was not posted; the comment answers", reason=problem.message)


def _obey(
    unit: Unit,
    services: Services,
    row: records.CommandRow,
    repository: Repository,
    comment: Comment,
    permission: Permission,
) -> tuple[CommandAnswer, ...]:
    """Answer every command of a comment, in one transaction with what it changes."""
    found = changes.find_change(unit.connection, row.repository_id, f"pr-{row.number}")
    commands = read_commands(comment.body)
    run = None if found is None else runs.latest_run(unit.connection, found.id)
    if found is None or run is None or not commands or comment.author.kind is not ActorKind.PERSON:
        records.finish_command(unit, row.id, "")
        return ()
    given = []
    for command in commands[:10]:
        accepted, reason = _answer(unit, services, command, comment, permission, found, run)
        given.append(
            CommandAnswer(command=command.text, by=comment.author.login, accepted=accepted, reason=reason)
        )
        _audit(unit, services, command, comment.author, repository, found, run, accepted=accepted)
    if not records.finish_command(unit, row.id, pack(given[-1]).decode()):
        return ()
    republish(unit, services, row.repository_id, found.change.head_sha)
    return tuple(given)


def _answer(
    unit: Unit,
    services: Services,
    command: Command,
    comment: Comment,
    permission: Permission,
    found: changes.ChangeRow,
    run: Run,
) -> tuple[bool, str]:
    if comment.edited:
        return False, answers.refused_edited()
    is_author = comment.author.login.casefold() == found.change.author.login.casefold()
    match command.verb:
        case "recheck":
            if not (is_author or permission.can_triage):
                return False, answers.refused_permission("the author or people with triage")
            return _recheck(unit, services, " ".join(command.words), run, comment.author)
        case "explain":
            return True, answers.explain_accepted()
        case "ok-to-test":
            if not permission.can_write:
                return False, answers.refused_permission("people with write access")
            return _ok_to_test(unit, services, command, comment.author, found)
        case verb if verb in NOT_YET:
            return False, f"{verb} is not yet supported by this version"
        case verb:
            return False, answers.refused_unknown(verb)


def _recheck(unit: Unit, services: Services, check: str, run: Run, actor: Actor) -> tuple[bool, str]:
    if check and not knows_check(unit, run, check):
        return False, f"there is no check {check!r} in this run"
    rerun(unit, services, run, check=check, actor=actor)
    return True, answers.recheck_accepted(check)


def _ok_to_test(
    unit: Unit, services: Services, command: Command, actor: Actor, found: changes.ChangeRow
) -> tuple[bool, str]:
    head = found.change.head_sha
    named = command.words[0].lower() if command.words else ""
    if len(named) < SHORTEST_SHA or not head.startswith(named):
        return False, answers.refused_head(head)
    changes.approve_to_test(unit, found.id, Sha(head), actor.login, services.clock.now())
    start_run(unit, services, found.repository_id, found.id, found.change, actor=actor)
    return True, answers.ok_to_test_accepted(head[:10])


def _audit(
    unit: Unit,
    services: Services,
    command: Command,
    actor: Actor,
    repository: Repository,
    found: changes.ChangeRow,
    run: Run,
    *,
    accepted: bool,
) -> None:
    records.append_audit(
        unit,
        AuditEntry(
            at=services.clock.now(),
            actor=actor,
            verb="command.obeyed" if accepted else "command.refused",
            repository=repository.full_name,
            change=found.change.key,
            run=run.id,
            details={"command": command.text[:200], "head_sha": found.change.head_sha},
        ),
    )
