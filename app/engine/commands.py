"""Commands in comments (gate-file.md section 9): read by id, checked against the forge, obeyed once."""

import re
from bisect import bisect_left, bisect_right
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
    ChangeState,
    Misconfigured,
    Outage,
    Repository,
    Run,
    Sha,
)
from app.publish import CommandAnswer, answers
from app.store import Unit, changes, checks, pack, projects, records, runs

LOG = structlog.get_logger(__name__)
LINE: Final = re.compile(r"/portcullis(?:[ \t]+(?P<words>.*))?")
FENCE: Final = re.compile(r"(?:[ \t>]|[-*+]|\d{1,9}[.)])*(`{3,}|~{3,})(.*)")
HTML: Final = re.compile(
    r"<!--.*?(?:-->|\Z)|<(pre|code|blockquote|script|style|textarea)\b.*?(?:</\1\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
SHORTEST_SHA: Final = 7
MOST: Final = 10
"""Commands of one comment that are answered."""
NOT_YET: Final = {"waive", "override", "cancel-override"}


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One command line as written."""

    text: str
    verb: str
    words: tuple[str, ...]


def read_commands(body: str) -> tuple[Command, ...]:
    """Command lines at column 1 outside quotes, code and HTML, in order. What is in doubt is no command."""
    text = _without_fences(body.replace("\r\n", "\n").replace("\r", "\n"))
    text = HTML.sub(" ", _without_code_spans(text))  # what follows it does not begin at column 1
    found = []
    quoted = False
    for line in text.split("\n"):
        quoted = line.lstrip().startswith(">") or (quoted and bool(line.strip()))  # lazy lines belong to it
        match = None if quoted else LINE.fullmatch(line)
        if match is None:
            continue
        words = (match.group("words") or "").split()
        verb = words[0].lower() if words else ""
        found.append(Command(text=line.strip(), verb=verb, words=tuple(words[1:])))
    return tuple(found)


def _without_fences(text: str) -> str:
    """The lines outside fenced code (CommonMark 4.5: closed by as many of the same mark, or by the end)."""
    kept, fence = [], ""
    for line in text.split("\n"):
        match = FENCE.match(line)
        if fence:
            closes = match is not None and match.group(1).startswith(fence) and not match.group(2).strip()
            fence = "" if closes else fence
            kept.append("")
        elif match is not None:
            fence = match.group(1)
            kept.append("")
        else:
            kept.append(line)
    return "\n".join(kept)


def _without_code_spans(text: str) -> str:
    """The text with code between backticks blanked (CommonMark 6.1: as many close as opened; a span may
    reach over lines, not over a blank one). Linear in the text.
    """
    marks = list(re.finditer(r"`+", text))
    of_length: dict[int, list[int]] = {}
    for number, mark in enumerate(marks):
        of_length.setdefault(len(mark.group()), []).append(number)
    breaks = [match.start() for match in re.finditer(r"\n(?=[ \t]*\n)", text)]
    kept, at, number = [], 0, 0
    while number < len(marks):
        opening = marks[number]
        same = of_length[len(opening.group())]
        following = bisect_right(same, number)
        closing = marks[same[following]] if following < len(same) else None
        stop = bisect_left(breaks, opening.end())
        if closing is None or (stop < len(breaks) and breaks[stop] < closing.start()):
            number += 1
            continue
        span = text[opening.start() : closing.end()]
        kept += [text[at : opening.start()], "\n " * span.count("\n")]
        at, number = closing.end(), same[following] + 1
    return "".join([*kept, text[at:]])


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
    projects.lock_repository(unit, row.repository_id)
    found = changes.find_change(unit.connection, row.repository_id, f"pr-{row.number}")
    commands = read_commands(comment.body)
    run = None if found is None else runs.latest_run(unit.connection, found.id)
    if found is None or run is None or not commands or comment.author.kind is not ActorKind.PERSON:
        records.finish_command(unit, row.id, "")
        return ()
    given = []
    for command in commands[:MOST]:
        run = runs.latest_run(unit.connection, found.id) or run  # the command before may have opened one
        accepted, reason = _answer(unit, services, command, comment, permission, found, run)
        given.append(
            CommandAnswer(command=command.text, by=comment.author.login, accepted=accepted, reason=reason)
        )
        _audit(unit, services, command, comment.author, repository, found, run, accepted=accepted)
    if not records.finish_command(unit, row.id, pack(given).decode()):
        return ()
    republish(unit, services, row.repository_id, found.change.head_sha, answered=True)
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
    if comment.edited or found.change.state is not ChangeState.OPEN:
        return False, answers.refused_edited() if comment.edited else answers.refused_closed()
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
            return False, answers.refused_later(verb)
        case verb:
            return False, answers.refused_unknown(verb)


def _recheck(unit: Unit, services: Services, check: str, run: Run, actor: Actor) -> tuple[bool, str]:
    if check and not knows_check(unit, run, check):
        known = sorted({row.result.id for row in checks.load_checks(unit.connection, run.id)})
        return False, answers.refused_check(check, known)
    rerun(unit, services, run, check=check, actor=actor)
    return True, answers.recheck_accepted(check)


def _ok_to_test(
    unit: Unit, services: Services, command: Command, actor: Actor, found: changes.ChangeRow
) -> tuple[bool, str]:
    head = found.change.head_sha
    named = command.words[0].lower() if command.words else ""
    if len(named) < SHORTEST_SHA or not head.startswith(named):
        return False, answers.refused_head(head)
    heads = runs.heads_of_change(unit.connection, found.id)
    if any(other.startswith(named) for other in heads if other != head):
        return False, answers.refused_ambiguous(named)
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
