"""`ok-to-test` trusts the head that was looked at, and no other that begins alike."""

from app.engine.commands import _ok_to_test
from app.engine.reading_commands import Command, read_commands
from app.model import Sha
from app.store import changes
from tests.unit.engine.conftest import Desk
from tests.unit.engine.test_transactions import ALICE, change, opened

LOOKED_AT = Sha("abc1234" + "0" * 33)
MADE_TO_FIT = Sha("abc1234" + "f" * 33)


def say(desk: Desk, change_id: int, sha: str) -> tuple[bool, str]:
    command = Command(text=f"/portcullis ok-to-test {sha}", verb="ok-to-test", words=(sha,))
    with desk.unit() as unit:
        return _ok_to_test(
            unit, desk.services, command, ALICE, changes.load_change(unit.connection, change_id)
        )


def trusted(desk: Desk, change_id: int, head: Sha) -> bool:
    with desk.unit() as unit:
        return changes.approved_to_test(unit.connection, change_id, head)


def test_a_head_made_to_begin_like_the_one_looked_at_is_not_trusted(desk: Desk) -> None:
    """Seven digits are found within minutes: pushed right after the look, the word would fit them too."""
    change_id, _ = opened(desk, change(1, LOOKED_AT))
    opened(desk, change(1, MADE_TO_FIT))
    accepted, reason = say(desk, change_id, "abc1234")
    assert not accepted
    assert "more than one head" in reason
    assert not trusted(desk, change_id, MADE_TO_FIT)
    assert say(desk, change_id, MADE_TO_FIT[:10])[0]
    assert trusted(desk, change_id, MADE_TO_FIT)


def test_the_head_itself_is_trusted_by_seven_digits(desk: Desk) -> None:
    change_id, _ = opened(desk, change(1, LOOKED_AT))
    assert say(desk, change_id, "ABC1234") == (True, "abc1234000 is trusted; a new push needs a new word")
    assert trusted(desk, change_id, LOOKED_AT)


def test_what_follows_a_html_comment_does_not_begin_at_column_1() -> None:
    assert read_commands("<!-- x -->/portcullis recheck") == ()
    assert read_commands("<!--\n-->/portcullis recheck") == ()
    assert len(read_commands("<!-- x -->\n/portcullis recheck")) == 1
