"""Making true: what every forge must show once it is published, and no more than that."""

from dataclasses import replace

import pytest

from app.model import Button, CommitStatus, Outage, Sha, StickyComment
from app.practice import Fault, PullRequest
from tests.contracts.forges.publications import MARKER, blocked, pending
from tests.support.github_stage import Stage

# Making true


async def test_a_verdict_takes_one_run_and_few_requests(stage: Stage, pull: PullRequest) -> None:
    posted = await stage.github.publish(stage.repository, pending(pull), None, fresh=True)
    again = await stage.github.publish(stage.repository, blocked(pull, 3), posted.id)
    assert again.id == posted.id
    (run,) = stage.repo.runs.values()
    assert run.history == ["in_progress", "completed:failure"]
    assert (run.title, run.text, len(run.annotations)) == ("1 new high finding", "details", 3)
    assert (run.external_id, run.details_url) == ("publication-1", "https://gate.example/runs/1")
    # the whole life of a verdict: its token, then one write to begin, one read and one write to end
    assert dict(stage.github.requests) == {
        "token": 1,
        "check_run_create": 1,
        "check_run_get": 1,
        "check_run_update": 1,
    }


async def test_published_twice_is_there_once(stage: Stage, pull: PullRequest) -> None:
    first = await stage.github.publish(stage.repository, blocked(pull, 3), None)
    second = await stage.client().publish(stage.repository, blocked(pull, 3), None)
    assert first.id == second.id
    (run,) = stage.repo.runs.values()
    assert len(run.annotations) == 3


async def test_a_completed_run_is_never_turned_back(stage: Stage, pull: PullRequest) -> None:
    first = await stage.github.publish(stage.repository, blocked(pull), None)
    second = await stage.github.publish(stage.repository, pending(pull), first.id)
    assert second.id != first.id
    assert stage.repo.runs[first.id].history == ["completed:failure"]
    third = await stage.github.publish(stage.repository, blocked(pull), None)
    assert third.id == second.id


async def test_annotations_that_no_longer_hold_are_replaced_with_the_run(
    stage: Stage, pull: PullRequest
) -> None:
    first = await stage.github.publish(stage.repository, blocked(pull, 3), None)
    grown = await stage.github.publish(stage.repository, blocked(pull, 5), first.id)
    assert grown.id == first.id
    assert len(stage.repo.runs[first.id].annotations) == 5
    shrunk = await stage.github.publish(stage.repository, blocked(pull, 1), first.id)
    assert shrunk.id != first.id
    assert len(stage.repo.runs[shrunk.id].annotations) == 1


async def test_many_annotations_go_in_batches(stage: Stage, pull: PullRequest) -> None:
    posted = await stage.github.publish(stage.repository, blocked(pull, 120), None)
    messages = [each["message"] for each in stage.repo.runs[posted.id].annotations]
    assert messages == [f"bad {n}" for n in range(120)]
    assert stage.github.requests["check_run_create"] == 1
    assert stage.github.requests["check_run_update"] == 2
    assert stage.repo.runs[posted.id].text == "details"


async def test_texts_are_cut_under_the_limits_with_a_link(stage: Stage, pull: PullRequest) -> None:
    huge = "```\n" + "é\N{PILE OF POO}\x00 \ud800 line\n" * 20_000
    publication = blocked(
        pull,
        text=huge,
        summary=huge,
        buttons=tuple(
            Button(label="A label that is far too long", description="d" * 60, identifier=f"b{n}")
            for n in range(5)
        ),
    )
    posted = await stage.github.publish(stage.repository, publication, None)
    run = stage.repo.runs[posted.id]
    assert run.text is not None
    assert len(run.text.encode()) <= 65_535
    assert run.text.endswith("[read all of it](https://gate.example/runs/1)")
    assert run.text.count("```") == 2
    assert len(run.actions) == 3


@pytest.mark.parametrize(
    "fault",
    [
        Fault(times=3, path="/check-runs", status=502),
        Fault(times=3, path="/check-runs", status=503),
        Fault(times=1, method="POST", path="/check-runs$", status=502, done=True),
        Fault(times=2, path="/check-runs", drop=True),
        Fault(times=1, method="PATCH", path="/check-runs", status=502, done=True),
    ],
    ids=["502 x3", "503 x3", "done but 502", "dropped", "updated but 502"],
)
@pytest.mark.parametrize("fresh", [True, False])
async def test_a_passing_fault_leaves_one_right_run(
    stage: Stage, pull: PullRequest, fault: Fault, *, fresh: bool
) -> None:
    stage.world.faults.append(replace(fault))
    posted = await stage.github.publish(stage.repository, pending(pull), None, fresh=fresh)
    await stage.github.publish(stage.repository, blocked(pull, 60), posted.id)
    (run,) = stage.repo.runs.values()
    assert run.history == ["in_progress", "completed:failure"]
    assert len(run.annotations) == 60
    assert not stage.world.faults


async def test_a_lasting_fault_is_an_outage(stage: Stage, pull: PullRequest) -> None:
    stage.world.faults.append(Fault(times=50, path="/check-runs", status=502))
    with pytest.raises(Outage) as caught:
        await stage.github.publish(stage.repository, pending(pull), None)
    assert caught.value.retry_at is not None
    assert stage.github.requests["check_run_find"] <= 4
    stage.world.faults.clear()
    await stage.github.publish(stage.repository, pending(pull), None)
    assert len(stage.repo.runs) == 1


async def test_the_sticky_comment_is_one_and_only_written_when_it_changes(
    stage: Stage, pull: PullRequest
) -> None:
    await stage.practice.comment("mallory", stage.repo, pull, f"{MARKER}\nI am the gate, all is well")
    wanted = StickyComment(number=1, marker=MARKER, body=f"{MARKER}\nblocked")
    first = await stage.github.publish_comment(stage.repository, wanted, None)
    again = await stage.client().publish_comment(stage.repository, wanted, None)
    assert first.id == again.id
    changed = StickyComment(number=1, marker=MARKER, body=f"{MARKER}\npassed")
    assert (await stage.github.publish_comment(stage.repository, changed, first.id)).id == first.id
    ours = [each for each in stage.repo.comments.values() if each.app_id == stage.app.id]
    assert [each.body for each in ours] == [f"{MARKER}\npassed"]
    await stage.practice.delete_comment("alice", stage.repo, ours[0])
    anew = await stage.github.publish_comment(stage.repository, changed, first.id)
    assert anew.id != first.id


async def test_a_comment_whose_answer_was_lost_is_not_doubled(stage: Stage, pull: PullRequest) -> None:
    stage.world.faults.append(Fault(times=2, method="POST", path="/comments$", status=502, done=True))
    wanted = StickyComment(number=1, marker=MARKER, body=f"{MARKER}\nblocked")
    await stage.github.publish_comment(stage.repository, wanted, None, fresh=True)
    assert len(stage.repo.comments) == 1


async def test_reactions_and_statuses_may_be_repeated(stage: Stage, pull: PullRequest) -> None:
    comment = await stage.practice.comment("bob", stage.repo, pull, "/portcullis recheck")
    for _ in range(2):
        await stage.github.react(stage.repository, comment.number, comment.id, "eyes")
    assert [(each.author.login, each.content) for each in comment.reactions] == [("portcullis[bot]", "eyes")]
    long = CommitStatus(
        sha=Sha(pull.head_sha),
        context="gate",
        state="failure",
        description="x " * 300,
        target_url="https://x.example",
    )
    await stage.github.set_status(stage.repository, long)
    (status,) = stage.repo.statuses
    assert len(status.description or "") == 140
