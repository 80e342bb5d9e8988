"""Whose comments are our own: an account's by its id; an app is none, so its id tells nothing of people."""

import msgspec
import pytest
from sqlalchemy import func, select

from app.engine.events import apply_event
from app.engine.missed import read_comments
from app.forges import Comment, entry_of
from app.model import CommentCreated, Repository
from app.store import metadata
from tests.unit.engine.conftest import Desk
from tests.unit.engine.test_transactions import ALICE, change, opened

COMMANDS = metadata.tables["commands"]


class Said:
    """A forge of a kind, on which the one comment is alice's and our id is the number of hers."""

    own_id = ALICE.id

    def __init__(self, kind: str) -> None:
        self.capabilities = entry_of(kind).capabilities

    async def recent_comments(self, _repository: Repository, number: int, _since: str) -> tuple[Comment, ...]:
        return (Comment(id=77, number=number, author=ALICE, body="/portcullis recheck", edited=False),)


def kept(desk: Desk) -> int:
    with desk.unit() as unit:
        return unit.connection.execute(select(func.count()).select_from(COMMANDS)).scalar_one()


@pytest.mark.parametrize(("kind", "commands"), [("github", 1), ("gitea", 0)])
async def test_a_person_whose_number_is_the_apps_gives_commands(desk: Desk, kind: str, commands: int) -> None:
    change_id, _ = opened(desk, change())
    services = msgspec.structs.replace(desk.services, forges={"github": Said(kind)})
    told = CommentCreated(
        repository=desk.repository, number=1, comment_id=76, author=ALICE, body="/portcullis recheck"
    )
    with desk.unit() as unit:
        apply_event(unit, services, "github", told)
    assert kept(desk) == commands, "as told"
    await read_comments(services, change_id)
    assert kept(desk) == 2 * commands, "as read"
