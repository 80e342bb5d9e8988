"""Base runs that a push asks for, before any change waits for them."""

import msgspec
import pytest

from app.model import (
    BaselineState,
    ChangeKind,
    Conclusion,
    Run,
    RunStatus,
    Sha,
)
from app.store import (
    changes,
    projects,
)
from tests.unit.engine.conftest import Desk
from tests.unit.engine.stories import BASE, FOUND, LINT, TREE, Story, check, claim, fill, needed


@pytest.fixture
def story(desk: Desk) -> Story:
    return Story(desk)


def test_a_push_fills_the_store_and_the_next_change_waits_for_nothing(story: Story) -> None:
    fill(story, BASE, TREE)
    base = needed(story.base_run())
    story.settle(base.id)
    story.end(base.id, "lint", Conclusion.SUCCESS, FOUND)
    run = story.open()
    story.end(run.id, "lint", Conclusion.SUCCESS, FOUND)
    assert story.known(run)[0].state is BaselineState.READY
    fill(story, BASE, TREE)
    assert needed(story.base_run()).id == base.id  # what is there is not made again


def test_only_what_can_be_compared_is_made_ahead(story: Story) -> None:
    quiet = check("build", kinds=())
    advisory = msgspec.structs.replace(check("style"), required=False)
    fill(story, BASE, TREE, LINT, quiet, advisory)
    assert set(story.states(needed(story.base_run()))) == {"lint"}


def test_ten_quick_pushes_run_twice(story: Story, desk: Desk) -> None:
    """The first runs; of the others the newest, once the first has ended."""
    tips = [(Sha(f"{number:x}" * 40), Sha(f"{number:x}" * 39 + "f")) for number in range(1, 11)]
    fill(story, *tips[0])
    first = needed(story.base_run(tips[0][0]))
    story.settle(first.id)
    assert claim(story, first) is True
    for tip in tips[1:]:
        fill(story, *tip)
    assert [story.base_run(sha) for sha, _ in tips[1:]] == [None] * 9
    with desk.unit() as unit:
        projects.know_branch(unit, desk.repository_id, "main", tips[-1][0], "present", "", desk.now)
        branch = projects.branch_id(unit.connection, desk.repository_id, "main")
    assert branch is not None
    assert ("branch", branch) in story.end(first.id, "lint", Conclusion.SUCCESS, FOUND)
    older = story.open(1)  # a change on what is no tip any more
    story.end(older.id, "lint", Conclusion.SUCCESS, FOUND)
    woken = story.end(needed(story.base_run()).id, "lint", Conclusion.SUCCESS, FOUND)
    assert ("branch", branch) not in woken, "no push waits for that one"
    fill(story, *tips[-1])
    assert story.states(needed(story.base_run(tips[-1][0]))) == {"lint": "waiting"}


def test_a_push_replaces_what_an_older_one_has_not_begun(story: Story) -> None:
    older, newer = (Sha("1" * 40), Sha("2" * 40)), (Sha("3" * 40), Sha("4" * 40))
    fill(story, *older)
    fill(story, *newer)
    assert needed(story.base_run(older[0])).status is RunStatus.CLOSED
    assert needed(story.base_run(newer[0])).status is RunStatus.PLANNED


def test_a_push_leaves_what_a_change_waits_for(story: Story) -> None:
    run = story.open()
    story.end(run.id, "lint", Conclusion.SUCCESS, FOUND)
    fill(story, Sha("3" * 40), Sha("4" * 40))
    assert needed(story.base_run()).status is RunStatus.PLANNED
    assert story.states(needed(story.base_run())) == {"lint": "queued"}


def test_a_queues_group_on_another_is_no_trusted_base(story: Story, desk: Desk) -> None:
    def group(number: int, base: Sha) -> Run:
        run = story.open(number, base=base, tree=Sha(base[::-1]))
        with desk.unit() as unit:
            row = changes.load_change(unit.connection, run.change_id)
            merged = msgspec.structs.replace(row.change, kind=ChangeKind.MERGE_GROUP)
            changes.upsert_change(unit, desk.repository_id, merged, desk.now)
        story.end(run.id, "lint", Conclusion.SUCCESS, FOUND)
        return needed(story.base_run(base))

    assert group(1, Sha("c" * 40)).trusted is False
    assert group(2, Sha("a" * 40)).trusted is True  # main's tip
