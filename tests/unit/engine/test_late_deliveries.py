"""What a delivery says of its repository may be old: it makes nothing public, and brings nothing back."""

import msgspec
from sqlalchemy import select

from app.engine.events import apply_event
from app.engine.rereading import Reading, _take_over
from app.forges import OpenChanges
from app.model import PullRequestChanged, Pushed, Repository, RepositoryChanged
from app.store import Key, metadata, projects
from tests.unit.engine.conftest import Desk
from tests.unit.engine.test_transactions import ALICE, A, B, change, due

RUNS, REPOSITORIES = metadata.tables["runs"], metadata.tables["repositories"]


def known(desk: Desk) -> Repository:
    with desk.program.database.engine.connect() as connection:
        return projects.load_repository(connection, desk.repository_id)


def told(desk: Desk, repository: Repository) -> tuple[str, dict[Key, float]]:
    pushed = Pushed(repository=repository, branch="main", before=A, after=B, sender=ALICE)
    with desk.unit() as unit:
        status, _ = apply_event(unit, desk.services, "github", pushed)
        return status, unit.later


def as_known(desk: Desk, **fields: object) -> Repository:
    """The repository was read just now, and is so."""
    repository = msgspec.structs.replace(desk.repository, **fields)
    with desk.unit() as unit:
        projects.upsert_repository(unit, repository, desk.now)
        projects.wake_repository(unit, desk.repository_id, desk.now + desk.services.options.reread_every)
    return repository


def test_a_push_from_before_makes_no_private_repository_public_again(desk: Desk) -> None:
    as_known(desk, private=True, default_branch="trunk")
    status, later = told(desk, desk.repository)
    assert status == "done"
    assert (known(desk).private, known(desk).default_branch) == (True, "trunk")
    assert later == {("repository", desk.repository_id): desk.now + 60}, "the forge is asked which is newer"


def test_that_it_is_private_now_holds_at_once(desk: Desk) -> None:
    as_known(desk)
    told(desk, msgspec.structs.replace(desk.repository, private=True, full_name="acme/other"))
    assert known(desk) == msgspec.structs.replace(desk.repository, private=True)


def test_a_delivery_that_says_what_is_known_asks_nobody(desk: Desk) -> None:
    as_known(desk)
    short = msgspec.structs.replace(desk.repository, default_branch="", installation_id=0, clone_url="")
    assert told(desk, short) == ("done", {})


def test_what_was_told_while_the_forge_was_asked_is_newer_than_its_answer(desk: Desk) -> None:
    asked = as_known(desk)
    told(desk, msgspec.structs.replace(asked, private=True))
    found = OpenChanges(pages=(), read=())
    reading = Reading(asked=asked, repository=asked, found=found, left=(), before=None, at=desk.now)
    with desk.unit() as unit:
        _take_over(unit, desk.services, desk.repository_id, reading, desk.now + 9)
    assert known(desk).private
    told_before = msgspec.structs.replace(reading, asked=known(desk))
    with desk.unit() as unit:
        _take_over(unit, desk.services, desk.repository_id, told_before, desk.now + 9)
    assert not known(desk).private


def test_a_removed_repository_is_brought_back_by_the_forge_only(desk: Desk) -> None:
    with desk.unit() as unit:
        installation = projects.upsert_installation(unit, "github", 3, "acme", "active", desk.now)
        projects.remove_repository(unit, "github", desk.repository.forge_id)
    opening = PullRequestChanged(
        repository=desk.repository, action="opened", change=change(7), sender=ALICE, brought_head=True
    )
    with desk.unit() as unit:
        status, reason = apply_event(unit, desk.services, "github", opening)
    assert (status, reason) == ("ignored", "acme/shop was removed; whether it is back is asked")
    with desk.program.database.engine.connect() as connection:
        assert not projects.is_active(connection, desk.repository_id)
        assert connection.execute(select(RUNS)).all() == []
    assert ("installation", installation) in due(desk)


def test_under_another_installation_it_is_looked_for_there(desk: Desk) -> None:
    moved = msgspec.structs.replace(desk.repository, installation_id=4)
    back = RepositoryChanged(repository=moved, action="transferred", sender=ALICE)
    with desk.unit() as unit:
        apply_event(unit, desk.services, "github", back)
        assert [kind for kind, _ in unit.wakes if kind == "chore"] == ["chore"], "it is not known here"
        installation = projects.upsert_installation(unit, "github", 4, "other", "active", desk.now)
        apply_event(unit, desk.services, "github", back)
    assert ("installation", installation) in due(desk)
    assert known(desk).installation_id == 3
