"""The fewest leaves that somebody has to change."""

import pytest

from app.policy.fewest import CAP
from tests.unit.policy.judged import BLOCKED, LINT, PENDING, TEST, judge
from tests.unit.policy.world import C, all_of, any_of, check, ended, when


@pytest.mark.parametrize(
    ("gate", "fewest"),
    [
        ([any_of("size.files == 1", "approvals >= 1")], ("approvals 0 < 1",)),
        ([any_of("size.files == 1", "size.added == 1")], ("changed files 0 < 1",)),
        (
            [any_of(all_of("size.files == 1", "size.added == 1"), "size.removed == 1")],
            ("removed lines 0 < 1",),
        ),
        (
            [any_of("size.files == 1", "size.added == 1"), any_of("size.removed == 1", "size.added == 1")],
            ("added lines 0 < 1",),
        ),
        (["size.files == 1", any_of("size.added == 1", "size.files == 1")], ("changed files 0 < 1",)),
        ([any_of("pr.author == 'x'", "size.files == 1")], ("changed files 0 < 1",)),
        (["pr.author == 'x'"], ("the author 'Dana' ≠ 'x'",)),
        ([any_of("pr.author == 'x'", "pr.number == 1")], ("the author 'Dana' ≠ 'x'", "the number 7 > 1")),
        ([when("changed('**') or true", "size.files == 1")], ("changed files 0 < 1",)),
        (["size.files == 1 and (size.added == 1 or true)"], ("changed files 0 < 1",)),
        (["not (size.files == 0 or pr.from_fork)"], ("changed files 0 = 0",)),
        ([any_of("false", "true"), "size.files == 1"], ("changed files 0 < 1",)),
    ],
)
def test_fewest(gate: list[object], fewest: tuple[str, ...]) -> None:
    assert judge(gate).fewest == fewest


def test_a_skipped_check_is_told_by_what_blocks_it() -> None:
    checks = (check("deploy"), LINT, check("test"))
    results = (
        ended("lint", C.FAILURE, reason="exit 2"),
        ended("test", C.SKIPPED, blocked_by="lint"),
        ended("deploy", C.SKIPPED, blocked_by="test"),
    )
    gate = [any_of("approvals >= 2", "checks.test.passed"), "checks.deploy.passed"]
    verdict = judge(gate, *results, checks=checks)
    assert (verdict.state, verdict.fewest) == (BLOCKED, ("lint failed: exit 2",))
    own = judge((), ended("lint", C.SKIPPED), checks=(LINT,))
    assert own.fewest == ("lint was skipped",)


def test_a_check_told_alone_stands_for_its_blocker_too() -> None:
    checks = (check("a", required=False), check("b"))
    results = (ended("a", C.FAILURE), ended("b", C.SKIPPED, blocked_by="a"))
    assert judge((), *results, checks=checks).fewest == ("b was skipped (blocked by a)",)


def test_a_search_that_grows_too_large_names_all() -> None:
    pairs = [any_of(f"size.added == {n + 1}", f"size.removed == {n + 1}") for n in range(12)]
    assert CAP < 2**12
    verdict = judge(pairs)
    assert len(verdict.fewest) == 24
    people = [any_of(f"has_label('{n}')", f"has_label('x{n}')") for n in range(12)]
    assert len(judge(people).fewest) == 24
    assert not judge(all_of(*people)).people_only


def test_unknowns_that_may_come_are_not_named() -> None:
    gate = [all_of("size.files == 1", "tests.failed == 0")]
    verdict = judge(gate, ended("test", None), checks=(TEST,))
    assert (verdict.state, verdict.fewest) == (PENDING, ("changed files 0 < 1",))
    missing = judge(gate, ended("test"), checks=(TEST,))
    assert missing.fewest == (
        "changed files 0 < 1",
        "failed tests: test delivered no complete test report",
    )
