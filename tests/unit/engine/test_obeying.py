"""A comment is obeyed once, whoever read it: what a process that stalled does when it wakes."""

from sqlalchemy import select

from app.engine.commands import _obey
from app.engine.granting import Standing
from app.forges import Comment, Permission
from app.model import VerdictState
from app.store import metadata, records, runs
from tests.unit.engine.conftest import Desk
from tests.unit.engine.test_transactions import ALICE, change, decided, opened, planned

AUDIT = metadata.tables["audit"]


def verbs(desk: Desk) -> list[str]:
    with desk.unit() as unit:
        said = AUDIT.c.verb.like("command.%")
        return list(unit.connection.execute(select(AUDIT.c.verb).where(said).order_by(AUDIT.c.id)).scalars())


def test_a_command_that_another_obeyed_meanwhile_changes_nothing(desk: Desk) -> None:
    """Both read the comment; the one that stalled would run everything again, and put it on record."""
    change_id, run = opened(desk, change())
    decided(desk, planned(desk, run), VerdictState.BLOCKED)
    with desk.unit() as unit:
        command_id = records.store_command(unit, desk.repository_id, 1, 77, desk.now)
        assert command_id is not None
        read = records.load_command(unit.connection, command_id)
    assert read is not None
    comment = Comment(id=77, number=1, author=ALICE, body="/portcullis recheck", edited=False)
    standing = Standing(permission=Permission(level="write", actor=ALICE))
    given = []
    for _ in ("the one that was quick", "the one that stalled"):
        with desk.unit() as unit:
            given.append(_obey(unit, desk.services, read, desk.repository, comment, standing))
    assert [len(answers) for answers in given] == [1, 0]
    assert verbs(desk) == ["command.obeyed"]
    with desk.unit() as unit:
        assert len(runs.live_runs(unit.connection, change_id)) == 1
        newest = runs.latest_run(unit.connection, change_id)
        assert newest is not None
        assert newest.n == 2
        assert len(records.last_answers(unit.connection, desk.repository_id, 1)) == 1
