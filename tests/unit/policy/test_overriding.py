"""An override covers what was seen, as it was seen, and nothing more."""

import msgspec
import pytest

from app.model import (
    Excused,
    Outcome,
    OutcomeValue,
    Overridden,
    Override,
    UnknownCause,
    Verdict,
    VerdictState,
)
from app.policy import excusable
from app.policy.overriding import carried, excuse

UNMET, MET, UNKNOWN = OutcomeValue.UNMET, OutcomeValue.MET, OutcomeValue.UNKNOWN
HIGH = Outcome(value=UNMET, text="findings('high', 'new') == 0", says="new high+ findings 1 > 0")
PEOPLE = Outcome(value=UNMET, text="approvals >= 2", says="2 approvals", people=True)
CHECKS = Outcome(
    value=UNMET,
    text="checks.passed",
    children=(
        Outcome(value=UNMET, text="lint", says="lint failed: exit 1", kind="check", checks=("lint",)),
        Outcome(value=MET, text="test", kind="check", checks=("test",)),
    ),
)
ADVICE = msgspec.structs.replace(HIGH, text="size.added < 9", advisory=True)


def verdict(*outcomes: Outcome) -> Verdict:
    return Verdict(state=VerdictState.BLOCKED, outcomes=outcomes)


def word(by: str, *outcomes: Outcome) -> Override:
    return Override(by=by, because=f"{by} says so", at=1.0, excused=excusable(verdict(*outcomes)))


def passes(outcome: Outcome, *overrides: Override, people: int = 1) -> bool:
    (marked,), let_pass = excuse((outcome,), overrides, people)
    assert marked.overridden == bool(let_pass)
    return marked.overridden


def test_it_names_what_is_unmet_or_unsettled_and_binding() -> None:
    unknown = Outcome(value=UNKNOWN, text="coverage.new >= 80%", cause=UnknownCause.ERROR, says="our fault")
    later = msgspec.structs.replace(unknown, text="tests.failed == 0", cause=UnknownCause.OUTSTANDING)
    met = Outcome(value=MET, text="size.files < 9")
    found = excusable(verdict(HIGH, met, ADVICE, unknown, later, CHECKS))
    assert [one.text for one in found] == [HIGH.text, unknown.text, "checks.passed"]
    assert found[2].leaves == ("lint: lint failed: exit 1",)


@pytest.mark.parametrize(
    ("seen", "now", "covered"),
    [
        (HIGH, HIGH, True),
        (HIGH, msgspec.structs.replace(HIGH, says="new high+ findings 2 > 0"), False),
        (HIGH, PEOPLE, False),
        (PEOPLE, msgspec.structs.replace(PEOPLE, says="1 more approval"), True),
        (CHECKS, CHECKS, True),
        (
            CHECKS,
            msgspec.structs.replace(
                CHECKS,
                children=(
                    CHECKS.children[0],
                    Outcome(
                        value=UNMET, text="test", says="test failed: exit 1", kind="check", checks=("test",)
                    ),
                ),
            ),
            False,
        ),
    ],
    ids=["same", "more findings", "another condition", "an approval more", "same check", "one check more"],
)
def test_it_covers_what_was_seen_as_it_was(seen: Outcome, now: Outcome, covered: bool) -> None:
    assert passes(now, word("bob", seen)) is covered


def test_a_check_that_was_mended_leaves_the_rest_covered() -> None:
    both = msgspec.structs.replace(
        CHECKS,
        children=(
            CHECKS.children[0],
            Outcome(value=UNMET, text="test", says="test failed", kind="check", checks=("test",)),
        ),
    )
    assert passes(CHECKS, word("bob", both))


def test_what_is_met_or_advisory_is_not_marked() -> None:
    met = msgspec.structs.replace(HIGH, value=MET)
    assert not passes(met, word("bob", HIGH))
    assert not passes(
        ADVICE,
        Override(by="bob", because="b", at=0.0, excused=(Excused(text=ADVICE.text, says="", leaves=()),)),
    )


def test_each_outcome_needs_the_word_of_as_many_people() -> None:
    bob, carol = word("bob", HIGH, CHECKS), word("carol", HIGH)
    assert passes(HIGH, bob, carol, people=2)
    assert not passes(CHECKS, bob, carol, people=2)
    assert not passes(HIGH, bob, word("bob", HIGH), people=2)
    _, (one,) = excuse((HIGH,), (bob, carol), 2)
    assert one == Overridden(
        excused=excusable(verdict(HIGH))[0], by=("bob", "carol"), because=("bob says so", "carol says so")
    )


def test_a_merge_group_carries_what_its_change_was_let_pass() -> None:
    _, let_pass = excuse((HIGH,), (word("bob", HIGH), word("carol", HIGH)), 2)
    subject = msgspec.structs.replace(verdict(HIGH), overridden=let_pass)
    assert passes(HIGH, *carried(subject))
    assert carried(None) == carried(verdict(HIGH)) == ()
