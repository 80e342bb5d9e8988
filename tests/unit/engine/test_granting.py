"""Who may let pass what the gate does not, on which verdict, and what the answer says of it."""

from collections.abc import Iterable

import msgspec
import pytest

from app.engine.granting import Asked, Standing, grant
from app.engine.reading_commands import Command
from app.forges import Permission
from app.model import (
    Actor,
    CommandSettings,
    Comparison,
    Condition,
    Evidence,
    Expression,
    GateSettings,
    Outage,
    Override,
    People,
    Plan,
    Readable,
    RunStatus,
    Sha,
)
from app.policy import evaluate
from app.store import changes, granted, runs, verdicts
from tests.unit.engine.conftest import Desk
from tests.unit.engine.test_transactions import A, change, opened

BOB, CAROL = Actor(login="bob", id=2), Actor(login="Carol", id=3)
TREE = Sha("f" * 40)
SAME = Comparison(base_sha=TREE, head_sha=A, tested_sha=TREE, base_tree=TREE, tested_tree=TREE, files=())


class Table:
    """A change that was judged, and the commands that are given on it."""

    def __init__(self, desk: Desk, gate: Iterable[str], **commands: object) -> None:
        self.desk = desk
        self.change_id, run = opened(desk, change())
        settings = CommandSettings(**({"override": ("bob", "carol"), "waive": ("bob",)} | commands))
        self.plan = Plan(
            path=".portcullis.yml",
            policy_sha="",
            gate_hash="",
            gate=tuple(Condition(expression=Expression(text=text)) for text in gate),
            gate_declared=True,
            settings=GateSettings(commands=settings),
        )
        self.run = msgspec.structs.replace(
            run, status=RunStatus.PLANNED, plan=self.plan, comparison=SAME, base_sha=TREE, tested_sha=TREE
        )
        with desk.unit() as unit:
            runs.save_preparation(unit, self.run, b"")

    def judge(self, *labels: str, vetoes: tuple[str, ...] = ()) -> None:
        """Keep a verdict of now."""
        people = People(state=Readable.KNOWN, vetoes=vetoes)
        evidence = Evidence(change=change(labels=labels), comparison=SAME, people=people)
        recorded = verdicts.Recorded(verdict=evaluate(self.plan, evidence), evidence=evidence)
        with self.desk.unit() as unit:
            verdicts.record_verdict(unit, self.run, recorded, (), self.desk.now)

    def say(
        self, text: str, by: Actor = BOB, *, at: float | None = None, level: str = "write", **standing: object
    ) -> tuple[bool, str]:
        """Give a command, written at some time (now), by somebody of that permission."""
        verb, *words = text.split()
        given = {"permission": Permission(level=level, actor=by), "head": A} | standing
        with self.desk.unit() as unit:
            run = runs.latest_run(unit.connection, self.change_id)
            assert run is not None
            asked = Asked(
                Command(text=f"/portcullis {text}", verb=verb, words=tuple(words)),
                by,
                self.desk.now if at is None else at,
                changes.load_change(unit.connection, self.change_id),
                run,
                Standing(**given),
            )
            return grant(unit, self.desk.services, asked)

    def in_force(self) -> tuple[Override, ...]:
        with self.desk.unit() as unit:
            return granted.overrides_in_force(unit.connection, self.change_id, A)

    def wait(self, seconds: float) -> None:
        clock = self.desk.services.clock
        clock.turn_to(clock.now() + seconds)  # type: ignore[attr-defined]


OVERRIDE = f"override because it is urgent {A[:10]}"
LABELS = ("has_label('one')", "has_label('two')")


@pytest.mark.parametrize("level", ["read", "none", "triage"])
def test_somebody_named_by_login_must_have_write_now(desk: Desk, level: str) -> None:
    """Who was removed from the repository, or took a login that was given up, is named all the same."""
    table = Table(desk, LABELS)
    table.judge()
    accepted, answer = table.say(OVERRIDE, CAROL, level=level)
    assert (accepted, answer) == (
        False,
        "the gate file names Carol, who has no write access to this repository now",
    )
    assert table.say(f"waive 3f2a until 2026-03-09 because noise {A}", level=level)[0] is False
    assert not table.in_force()
    assert table.say(OVERRIDE, CAROL)[0]


def test_who_is_in_a_team_that_is_named_too_needs_no_login(desk: Desk) -> None:
    table = Table(desk, LABELS, override=("carol", "@acme/leads"))
    table.judge()
    assert table.say(OVERRIDE, CAROL, level="read", members={"@acme/leads": ("carol",)})[0]


@pytest.mark.parametrize(
    ("known_as", "says"),
    [
        ("", "the author of a change cannot"),
        ("C <c@x>", "you may be C <c@x>, an author of it without an account"),
    ],
)
def test_nobody_who_wrote_a_commit_lets_the_change_pass(desk: Desk, known_as: str, says: str) -> None:
    table = Table(desk, LABELS)
    table.judge()
    for text in (OVERRIDE, f"waive 3f2a until 2026-03-09 because noise {A}"):
        accepted, answer = table.say(text, is_author=True, known_as=known_as)
        assert not accepted
        assert says in answer
    assert table.say(OVERRIDE, CAROL)[0]
    assert table.say("cancel-override", is_author=True)[0], "to be stricter than asked is everybody's"


def test_authors_of_another_head_say_nothing_of_this_one(desk: Desk) -> None:
    """A push came while they were read: the command is read again."""
    table = Table(desk, LABELS)
    table.judge()
    with pytest.raises(Outage, match="another head"):
        table.say(OVERRIDE, head=Sha("9" * 40))


def test_an_override_is_of_the_verdict_that_its_writer_saw(desk: Desk) -> None:
    table = Table(desk, [*LABELS, "reviews.changes_requested == 0"])
    table.judge("one")
    table.wait(60)
    written = desk.now
    table.wait(600)
    table.judge("one", vetoes=("dave",))
    accepted, answer = table.say(OVERRIDE, at=written)
    assert not accepted
    assert "the verdict has changed since this was written" in answer
    assert not table.in_force()
    assert table.say(OVERRIDE)[0]


def test_a_later_verdict_that_lists_no_more_is_overridden_all_the_same(desk: Desk) -> None:
    table = Table(desk, LABELS)
    table.judge()
    written = desk.now
    table.wait(600)
    table.judge("one")
    assert table.say(OVERRIDE, at=written)[0]
    assert [one.text for one in table.in_force()[0].excused] == ["has_label('two')"]


def test_before_any_verdict_nothing_was_seen(desk: Desk) -> None:
    table = Table(desk, LABELS)
    written = desk.now
    table.wait(600)
    table.judge()
    assert "the verdict has changed since" in table.say(OVERRIDE, at=written)[1]


def test_the_answer_lists_all_that_is_covered(desk: Desk) -> None:
    table = Table(desk, [f"has_label('label {number} of many')" for number in range(40)])
    table.judge()
    accepted, answer = table.say(OVERRIDE)
    assert accepted
    assert all(one.says in answer for one in table.in_force()[0].excused)
    assert len(table.in_force()[0].excused) == 40


def test_what_no_answer_can_list_is_not_overridden(desk: Desk) -> None:
    table = Table(desk, [f"has_label('{'x' * 90}{number}')" for number in range(40)])
    table.judge()
    accepted, answer = table.say(OVERRIDE)
    assert not accepted
    assert "40 unmet conditions are more than it has room for" in answer
    assert not table.in_force()


def test_of_two_persons_words_the_answer_says_what_one_alone_gave(desk: Desk) -> None:
    """Carol looked before the second condition was unmet: of that Bob is the first to say so."""
    table = Table(desk, LABELS, two_person=True)
    table.judge("two")
    assert "it counts once a second person" in table.say(OVERRIDE, CAROL)[1]
    table.judge()
    accepted, answer = table.say(OVERRIDE)
    assert accepted
    first, second = (one.says for one in table.in_force()[-1].excused)
    assert f"it covers {first} and {second}; {second} counts once a second person" in answer
    _, answer = table.say(OVERRIDE, CAROL)
    assert "once a second person" not in answer
