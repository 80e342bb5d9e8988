"""One check run per check, and the commit status."""

import msgspec
import pytest

from app.model import (
    CheckRunStatus,
    CommitStatus,
    Conclusion,
    Judgement,
    Publication,
    PublishedConclusion,
    PublishSettings,
    Status,
    Verdict,
    VerdictState,
)
from app.publish import (
    Context,
    Shown,
    cancelled_status,
    desired_state,
    removed_status,
    render_check_publication,
    render_status,
    show,
)
from tests.unit.publish.samples import BLOCKED, CHECKS, NOW, PAGE, PENDING, RUNNING, SAMPLES, check


@pytest.mark.parametrize(
    ("conclusion", "required", "shown"),
    [
        (Conclusion.SUCCESS, True, "success"),
        (Conclusion.NOT_NEEDED, True, "skipped"),
        (Conclusion.FAILURE, True, "failure"),
        (Conclusion.FAILURE, False, "neutral"),
        (Conclusion.ERROR, True, "failure"),
        (Conclusion.TIMED_OUT, True, "timed_out"),
        (Conclusion.TIMED_OUT, False, "neutral"),
        (Conclusion.CANCELLED, True, "cancelled"),
        (Conclusion.SKIPPED, True, "cancelled"),
    ],
)
def test_only_what_does_not_block_is_shown_as_success_like(
    conclusion: Conclusion, required: bool, shown: str
) -> None:
    result = check("lint", conclusion=conclusion, required=required)
    publication = render_check_publication(BLOCKED, result, now=NOW)
    assert publication.conclusion == shown


def test_every_conclusion_has_a_row_above() -> None:
    rows = test_only_what_does_not_block_is_shown_as_success_like.pytestmark[0].args[1]
    assert {row[0] for row in rows} == set(Conclusion)


def test_a_check_shows_its_own_evidence_only() -> None:
    lint = render_check_publication(BLOCKED, CHECKS[0], now=NOW)
    assert lint.name == "portcullis / lint"
    assert "F821" in lint.text
    assert "test_twice" not in lint.text
    test = render_check_publication(BLOCKED, CHECKS[1], now=NOW)
    assert "test" in test.text
    assert "F821" not in test.text
    assert test.title == "failed: exit code 1"


def test_a_running_check_is_in_progress_and_a_superseded_one_is_cancelled() -> None:
    running = render_check_publication(PENDING, RUNNING[1], now=NOW)
    assert (running.status, running.conclusion) == (CheckRunStatus.IN_PROGRESS, None)
    assert RUNNING[1].status is Status.RUNNING
    ended = render_check_publication(SAMPLES["superseded"], RUNNING[1], now=NOW)
    assert (ended.status, ended.conclusion) == (CheckRunStatus.COMPLETED, PublishedConclusion.CANCELLED)


def test_an_observed_check_is_neutral() -> None:
    observed = render_check_publication(SAMPLES["observed"], CHECKS[1], now=NOW)
    assert observed.conclusion is PublishedConclusion.NEUTRAL


@pytest.mark.parametrize(
    ("sample", "state"),
    [
        ("passed", "success"),
        ("blocked", "failure"),
        ("pending", "pending"),
        ("errored", "error"),
        ("people_only", "pending"),
        ("conflict", "failure"),
        ("observed", "success"),
        ("superseded", "error"),
    ],
)
def test_status_states(sample: str, state: str) -> None:
    status = render_status(SAMPLES[sample])
    assert status.state == state
    assert len(status.description) <= 140
    assert status.target_url == PAGE
    assert status.context == "portcullis"


def test_a_status_is_short_and_holds_no_time() -> None:
    long = msgspec.structs.replace(BLOCKED.verdict, fewest=("x" * 300,))
    status = render_status(msgspec.structs.replace(BLOCKED, verdict=long))
    assert len(status.description) == 140
    assert status.description.endswith("…")
    assert "UTC" not in render_status(PENDING).description


def test_a_status_that_nobody_waits_for_is_not_left_pending() -> None:
    pending = render_status(PENDING)
    assert pending.state == "pending"
    left = cancelled_status(pending, "closed")
    assert left == msgspec.structs.replace(pending, state="error", description="Closed before it was judged")
    removed = removed_status(pending, "main")
    assert (removed.state, removed.description) == ("success", "No gate file on main any more")


@pytest.mark.parametrize("published", [True, False])
def test_what_is_published_goes_with_a_verdict_that_has_no_plan(published: bool) -> None:
    refused = msgspec.structs.replace(BLOCKED, plan=None)
    names = frozenset({"portcullis: main"} if published else ())
    context = Context(now=NOW, published=names, statuses=frozenset({"portcullis"} if published else ()))
    found = {
        each.name: each.conclusion
        for each in desired_state([refused], context)
        if isinstance(each, Publication)
    }
    wanted = {"portcullis", *names}
    assert found == dict.fromkeys(wanted, PublishedConclusion.FAILURE)
    states = [each.state for each in desired_state([refused], context) if isinstance(each, CommitStatus)]
    assert states == (["failure"] if published else [])


def test_checks_shown_on_this_head_go_back_to_in_progress_until_a_new_run_has_its_plan() -> None:
    verdict = Verdict(state=VerdictState.PENDING, reason="reading the gate file and the change")
    new = msgspec.structs.replace(PENDING, run_id=99, plan=None, evidence=None, verdict=verdict)
    shown = frozenset({"portcullis", "portcullis / lint", "portcullis: main", "another / lint"})
    wanted = desired_state([new], Context(now=NOW, published=shown))
    again = [each for each in wanted if isinstance(each, Publication) and " / " in each.name]
    assert [each.name for each in again] == ["portcullis / lint"]
    assert (again[0].status, again[0].conclusion) == (CheckRunStatus.IN_PROGRESS, None)
    assert again[0].external_id == "99:portcullis / lint"
    assert again[0].title == "reading the gate file and the change"


def test_evidence_is_looked_at_once_for_all_that_is_told_of_it() -> None:
    looked: list[Judgement] = []

    def look(judgement: Judgement) -> Shown:
        looked.append(judgement)
        return show(judgement)

    assert BLOCKED.plan is not None
    settings = msgspec.structs.replace(
        BLOCKED.plan.settings, publish=PublishSettings(checks=True, per_base=True)
    )
    plan = msgspec.structs.replace(BLOCKED.plan, settings=settings)
    judgement = msgspec.structs.replace(BLOCKED, plan=plan)
    wanted = desired_state([judgement], Context(now=NOW, show=look))
    assert len(wanted) > 3
    assert looked == [judgement]
