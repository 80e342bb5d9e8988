"""What a run needs next, decided from where everything stands."""

import datetime as dt

import msgspec
import pytest

from app.engine.days import utc_day, waivers_turn
from app.engine.external import standing, to_run_again
from app.engine.reruns import _set_back
from app.engine.rules import first_results, judge, move
from app.engine.standings import Moved, Standings
from app.model import (
    Baseline,
    BaselineState,
    ChangeKind,
    CheckEvidence,
    CheckResult,
    CheckRow,
    CheckSpec,
    Conclusion,
    Condition,
    Expression,
    External,
    ExternalPosted,
    Finding,
    Kind,
    Need,
    Pace,
    Plan,
    ReportContent,
    Repository,
    Severity,
    Sha,
    StartRequest,
    Status,
    Waiver,
)
from app.policy import evaluate
from tests.unit.policy.world import CHANGE, compare

NOW = 1000.0
REPOSITORY = Repository(
    forge="github",
    forge_id=1,
    full_name="acme/shop",
    installation_id=1,
    default_branch="main",
    private=False,
    clone_url="",
)
PLAN = Plan(
    path=".portcullis.yml",
    policy_sha="",
    gate_hash="",
    checks=(
        CheckSpec(id="build", key="build", script="make"),
        CheckSpec(id="test", key="test", script="pytest", needs=(Need(check="build"),)),
    ),
)


class Table:
    """The rows of one run, decided again and again."""

    def __init__(self, plan: Plan = PLAN) -> None:
        self.plan = plan
        self.more: dict[str, object] = {}
        self.later = 0.0
        self.rows = {
            result.key: CheckRow(id=number, run_id=1, result=result)
            for number, result in enumerate(first_results(plan, NOW), 1)
        }

    def decide(self) -> Moved:
        state = Standings(
            plan=self.plan,
            change=CHANGE,
            comparison=compare(),
            rows=tuple(self.rows.values()),
            reports={},
            **self.more,  # type: ignore[arg-type]
        )
        decision = move(state, NOW + self.later)
        self.rows |= {row.result.key: row for row in decision.rows}
        return decision

    def end(self, key: str, conclusion: Conclusion) -> Moved:
        """The outstanding attempt of a check ends."""
        row = self.rows[key]
        assert row.result.status is Status.QUEUED, row
        code = 0 if conclusion is Conclusion.SUCCESS else 1
        result = msgspec.structs.replace(
            row.result, status=Status.COMPLETED, conclusion=conclusion, exit_code=code
        )
        self.rows[key] = msgspec.structs.replace(row, result=result)
        return self.decide()

    def set_back(self, *keys: str) -> Moved:
        """Somebody asks for these again."""
        for key in keys:
            self.rows[key] = _set_back(self.rows[key], NOW)
        return self.decide()

    def where(self, key: str) -> tuple[Status, Conclusion | None]:
        result = self.rows[key].result
        return result.status, result.conclusion


def test_a_check_that_ran_once_and_was_skipped_later_runs_when_its_need_passes() -> None:
    table = Table()
    table.decide()
    table.end("build", Conclusion.SUCCESS)
    table.end("test", Conclusion.FAILURE)
    table.set_back("build", "test")
    table.end("build", Conclusion.FAILURE)
    assert table.where("test") == (Status.COMPLETED, Conclusion.SKIPPED)
    table.set_back("build")
    assert table.where("test")[0] is Status.WAITING
    assert table.end("build", Conclusion.SUCCESS).queue == ("test",)
    assert table.rows["test"].attempt == 2


def test_what_a_check_itself_called_not_needed_stays_so() -> None:
    table = Table()
    table.decide()
    table.end("build", Conclusion.NOT_NEEDED)
    assert table.rows["build"].attempt == 1
    table.decide()
    assert table.where("build") == (Status.COMPLETED, Conclusion.NOT_NEEDED)


def posted(external_id: int, conclusion: str, at: str, **fields: object) -> ExternalPosted:
    given = {"name": "ci/build", "poster": "ci", "suite_id": 7} | fields
    return ExternalPosted(
        repository=REPOSITORY,
        kind="check_run",
        sha=Sha("1" * 40),
        external_id=external_id,
        status="completed" if conclusion else "in_progress",
        conclusion=conclusion,
        at=at,
        **given,  # type: ignore[arg-type]
    )


def external() -> CheckSpec:
    given = External(context="ci/build", app="ci")
    return CheckSpec(id="ci", key="ci", external=given, timeout=3600.0)


def test_the_newest_of_a_suite_is_the_forges_newest_not_the_one_with_the_latest_time() -> None:
    """Times are written by who posts: a failure dated back must not hide behind an older success."""
    success = posted(1, "success", "2030-01-01T00:00:00Z")
    failure = posted(2, "failure", "2026-01-01T00:00:00Z", name="CI/build")
    assert standing(external(), (success, failure)).conclusion is Conclusion.FAILURE
    assert standing(external(), (failure, success)).conclusion is Conclusion.FAILURE


def test_a_running_one_hides_no_older_success_of_its_suite() -> None:
    again = posted(3, "", "", name="CI/Build")
    found = standing(external(), (posted(1, "success", "2030-01-01T00:00:00Z"), again))
    assert found.status == "running"


@pytest.mark.parametrize(
    ("word", "conclusion"),
    [
        ("success", Conclusion.SUCCESS),
        ("failure", Conclusion.FAILURE),
        ("neutral", Conclusion.FAILURE),
        ("skipped", Conclusion.FAILURE),
        ("action_required", Conclusion.FAILURE),
        ("a word of tomorrow", Conclusion.FAILURE),
        ("cancelled", Conclusion.CANCELLED),
        ("timed_out", Conclusion.TIMED_OUT),
        ("stale", Conclusion.ERROR),
        ("startup_failure", Conclusion.ERROR),
    ],
)
def test_each_conclusion_of_others_means_what_it_says(word: str, conclusion: Conclusion) -> None:
    assert standing(external(), (posted(1, word, ""),)).conclusion is conclusion
    assert standing(workflow(), (ran(1, word),)).conclusion is conclusion


@pytest.mark.parametrize("word", ["neutral", "skipped"])
def test_what_is_accepted_is_a_success(word: str) -> None:
    spec = workflow(accept=("success", word))
    assert standing(spec, (ran(1, word),)).conclusion is Conclusion.SUCCESS


def workflow(**fields: object) -> CheckSpec:
    given = External(workflow=".github/workflows/ci.yml", app="github-actions", **fields)  # type: ignore[arg-type]
    return CheckSpec(id="ci", key="ci", external=given)


def ran(number: int, conclusion: str, *, status: str = "completed", **fields: object) -> ExternalPosted:
    given = {
        "kind": "workflow_run",
        "name": ".github/workflows/ci.yml",
        "poster": "github-actions",
        "suite_id": number,
        "attempt": 1,
        "cause": "pull_request",
        "external_id": number,
        "conclusion": conclusion,
        "status": status,
        "at": "",
    } | fields
    return ExternalPosted(repository=REPOSITORY, sha=Sha("1" * 40), **given)  # type: ignore[arg-type]


def test_of_a_workflow_what_was_cancelled_for_a_newer_run_gives_way_and_the_worst_decides() -> None:
    cancelled, passed = ran(1, "cancelled"), ran(2, "success")
    assert standing(workflow(), (cancelled, passed)).conclusion is Conclusion.SUCCESS
    pushed = ran(3, "failure", cause="push")
    assert standing(workflow(), (cancelled, passed, pushed)).conclusion is Conclusion.FAILURE
    again = ran(3, "", cause="push", attempt=2, status="queued")
    assert standing(workflow(), (cancelled, passed, pushed, again)).status == "queued"


def test_a_workflow_is_no_check_of_that_name_nor_the_other_way_round() -> None:
    named = posted(1, "success", "", name=".github/workflows/ci.yml", poster="github-actions")
    assert standing(workflow(), (named,)).status == "absent"
    assert standing(external(), (ran(1, "success", name="ci/build", poster="ci"),)).status == "absent"


def awaited(spec: CheckSpec, *posts: ExternalPosted, **more: object) -> Table:
    table = Table(msgspec.structs.replace(PLAN, checks=(spec,)))
    table.more = {"posts": posts, **more}
    return table


def reason(table: Table) -> str:
    table.decide()
    return table.rows["ci"].result.reason


def test_what_does_not_begin_is_told_once_by_what_is_usual() -> None:
    table = awaited(external())
    assert reason(table) == "not started yet"
    assert table.decide().wake_at == NOW + 600
    table.later = 600
    assert reason(table) == "not started after 10 min"
    assert table.decide().wake_at == NOW + 3600  # its time-out
    table = awaited(external(), paces={"ci": Pace(begins=40, takes=300)})
    assert reason(table) == "not started yet (usually starts in 40 s)"
    assert table.decide().wake_at == NOW + 200
    table.later = 200
    assert reason(table) == "not started after 3 min (usually starts in 40 s)"


def test_how_long_others_took_is_told_once_they_have_ended() -> None:
    begun = dt.datetime.fromtimestamp(NOW + 30, dt.UTC).isoformat()
    ended = dt.datetime.fromtimestamp(NOW + 90, dt.UTC).isoformat()
    table = awaited(workflow(), ran(1, "success", started_at=begun, at=ended))
    assert table.decide().took == {"ci": Pace(begins=30, takes=60)}
    assert table.decide().took == {}


def test_a_hostile_time_teaches_nothing() -> None:
    table = awaited(workflow(), ran(1, "success", started_at="yesterday", at="1"))
    assert table.decide().took == {}
    assert table.where("ci") == (Status.COMPLETED, Conclusion.SUCCESS)


def test_only_a_trusted_head_has_its_workflow_started_and_only_once() -> None:
    spec = workflow(trigger=True)
    untrusted = awaited(spec)
    assert untrusted.decide().start == ()
    assert "ok-to-test" in reason(untrusted)
    trusted = awaited(spec, trusted=True)
    assert trusted.decide().start == ("ci",)
    trusted.more["requests"] = {"ci": StartRequest(key="ci", at=NOW)}
    assert trusted.decide().start == ()
    running = awaited(spec, ran(1, "", status="in_progress"), trusted=True)
    assert running.decide().start == ()


def test_what_was_asked_for_again_waits_until_something_new_comes() -> None:
    failed = ran(1, "failure")
    table = awaited(workflow(), failed, trusted=True)
    table.decide()
    assert table.where("ci") == (Status.COMPLETED, Conclusion.FAILURE)
    request = StartRequest(key="ci", at=NOW, again=True, posts=(failed,))
    table.more["requests"] = {"ci": request}
    table.set_back("ci")
    assert table.where("ci") == (Status.WAITING, None)
    assert reason(table) == "asked to run again, not started yet"
    table.more["posts"] = (ran(1, "success", attempt=2),)
    table.decide()
    assert table.where("ci") == (Status.COMPLETED, Conclusion.SUCCESS)


def test_where_running_again_is_refused_the_old_result_stands_and_says_so() -> None:
    failed = ran(1, "failure")
    request = StartRequest(key="ci", at=NOW, again=True, posts=(failed,), refused="no permission")
    table = awaited(workflow(), failed, trusted=True, requests={"ci": request})
    assert reason(table) == "failure; could not be run again: no permission"
    assert table.where("ci") == (Status.COMPLETED, Conclusion.FAILURE)


def test_a_run_again_hides_no_failure_of_a_sibling() -> None:
    """Both failed on the head, for a push and for its pull request; one of them is run again."""
    pushed, asked = ran(1, "failure", cause="push", suite_id=11), ran(2, "failure", suite_id=12)
    assert set(to_run_again(workflow(), (pushed, asked))) == {pushed, asked}
    table = awaited(workflow(), pushed, asked, trusted=True)
    table.more["requests"] = {"ci": StartRequest(key="ci", at=NOW, again=True, posts=(pushed, asked))}
    table.decide()
    assert table.where("ci") == (Status.WAITING, None)
    again = ran(1, "success", cause="push", suite_id=11, attempt=2)
    table.more["posts"] = (again, asked)
    table.decide()
    assert table.where("ci") == (Status.WAITING, None), "the other was asked for, too"
    table.more["posts"] = (again, ran(2, "failure", suite_id=12, attempt=2))
    table.decide()
    assert table.where("ci") == (Status.COMPLETED, Conclusion.FAILURE)


def test_what_succeeded_before_counts_while_the_failed_one_runs_again() -> None:
    fine, failed = ran(1, "success", cause="push", suite_id=11), ran(2, "failure", suite_id=12)
    assert to_run_again(workflow(), (fine, failed)) == (failed,)
    table = awaited(workflow(), fine, failed, trusted=True)
    table.more["requests"] = {"ci": StartRequest(key="ci", at=NOW, again=True, posts=(failed,))}
    table.decide()
    assert table.where("ci") == (Status.WAITING, None)


def test_a_newer_run_for_the_same_cause_hides_no_failure() -> None:
    """One head in two changes with other bases: a success on one merge says nothing of the other."""
    failed = ran(1, "failure", suite_id=11)
    table = awaited(workflow(), failed, ran(2, "success", suite_id=12))
    table.decide()
    assert table.where("ci") == (Status.COMPLETED, Conclusion.FAILURE)


def test_what_failed_before_it_was_cancelled_gives_way_to_nothing() -> None:
    """Its first attempt failed; whoever runs it again and cancels that must not hide it."""
    again, passed = ran(1, "cancelled", attempt=2, suite_id=11), ran(2, "success", suite_id=12)
    assert standing(workflow(), (again, passed)).conclusion is Conclusion.CANCELLED


def test_what_ran_to_no_end_stands_for_nothing() -> None:
    """A label comes while it runs, under cancel-in-progress, and begins a run whose jobs are all skipped."""
    spec = workflow(accept=("success", "skipped"))
    cancelled, skipped = ran(1, "cancelled", suite_id=11), ran(2, "skipped", suite_id=12)
    assert standing(spec, (cancelled, skipped)).conclusion is Conclusion.CANCELLED
    passed = ran(3, "success", suite_id=13)
    assert standing(spec, (cancelled, skipped, passed)).conclusion is Conclusion.SUCCESS


def test_of_one_head_in_two_changes_no_run_gives_way() -> None:
    """Whose each run is nobody tells: the cancelled one may be this change's, the other one the other's."""
    posts = ran(1, "cancelled", suite_id=11), ran(2, "success", suite_id=12)
    table = awaited(workflow(), *posts, shared=True)
    table.decide()
    assert table.where("ci") == (Status.COMPLETED, Conclusion.CANCELLED)
    assert to_run_again(workflow(), posts, shared=True) == posts[:1]
    assert to_run_again(workflow(), posts) == posts[1:]


def test_a_workflow_that_was_held_longer_than_its_timeout_is_started_all_the_same() -> None:
    table = awaited(workflow(trigger=True), trusted=True)
    table.later = 7200
    assert table.decide().start == ("ci",)
    assert table.where("ci") == (Status.WAITING, None)
    table.more["requests"] = {"ci": StartRequest(key="ci", at=NOW + 7200)}
    decided = table.decide()
    assert (decided.start, decided.wake_at) == ((), NOW + 7200 + 600), "its time runs from then"
    table.later = 7200 + 3600
    assert reason(table) == "has not started within 10 min"
    untrusted = awaited(workflow(trigger=True))
    untrusted.later = 7200
    untrusted.decide()
    assert untrusted.where("ci") == (Status.COMPLETED, Conclusion.TIMED_OUT)
    untrusted.more["trusted"] = True
    assert untrusted.decide().start == ("ci",)
    assert untrusted.where("ci") == (Status.WAITING, None), "ok-to-test came late"


@pytest.mark.parametrize("word", ["cancelled", "skipped"])
def test_a_run_that_was_cancelled_for_a_newer_one_counts_no_more(word: str) -> None:
    table = awaited(workflow(), ran(1, word, suite_id=11), ran(2, "success", suite_id=12))
    table.decide()
    assert table.where("ci") == (Status.COMPLETED, Conclusion.SUCCESS)
    alone = awaited(workflow(), ran(1, word, suite_id=11), ran(2, "success", cause="push", suite_id=12))
    alone.decide()
    assert alone.where("ci")[1] is not Conclusion.SUCCESS


def waiver(granted: str, expires: str) -> Waiver:
    return Waiver(fingerprint="a", reason="r", owner="o", granted=granted, expires=expires)


@pytest.mark.parametrize(
    ("waivers", "today", "turn"),
    [
        ((), "2026-03-02", None),
        ((("2026-03-01", "2026-03-02"),), "2026-03-02", "2026-03-03"),
        ((("2026-03-01", "2026-03-02"),), "2026-03-03", None),
        ((("2026-03-05", "2026-03-06"),), "2026-03-04", "2026-03-05"),
        ((("2026-03-05", "2026-03-06"),), "2026-03-05", "2026-03-07"),
        ((("2026-01-01", "2026-03-31"), ("2026-01-01", "2026-02-28")), "2026-02-28", "2026-03-01"),
    ],
)
def test_a_run_looks_again_at_the_midnight_at_which_a_waiver_begins_or_ends(
    waivers: tuple[tuple[str, str], ...], today: str, turn: str | None
) -> None:
    at = waivers_turn([waiver(*days) for days in waivers], today)
    assert at == (None if turn is None else dt.datetime.fromisoformat(f"{turn}T00:00:00+00:00").timestamp())
    if at is not None:
        assert (utc_day(at - 1), utc_day(at)) == (_before(turn or ""), turn)


def _before(day: str) -> str:
    return (dt.date.fromisoformat(day) - dt.timedelta(days=1)).isoformat()


FOUND = ReportContent(
    format="sarif",
    kind="findings",
    findings=(Finding(tool="ruff", rule="F821", message="no", severity=Severity.HIGH, path="a.py", line=1),),
)


def standings(gate: str, kind: Kind, conclusion: Conclusion, **fields: object) -> Standings:
    """One check of a kind that ended so, judged by one condition."""
    spec = CheckSpec(id="one", key="one", script="make", produces=(kind,))
    condition = Condition(expression=Expression(text=gate))
    plan = Plan(path="", policy_sha="", gate_hash="", checks=(spec,), gate=(condition,), gate_declared=True)
    result = CheckResult(
        id="one",
        key="one",
        status=Status.COMPLETED,
        conclusion=conclusion,
        delivered=("findings",),
        exit_code=0,
    )
    given: dict[str, object] = {
        "plan": plan,
        "change": CHANGE,
        "comparison": compare(),
        "rows": (CheckRow(id=1, run_id=1, attempt=1, result=result),),
        "reports": {"one": CheckEvidence(key="one", reports=(FOUND,))},
    }
    return Standings(**(given | fields))  # type: ignore[arg-type]


FINDINGS = "findings('high', 'new') == 0"


def test_what_found_something_wants_to_know_what_base_has() -> None:
    moved = move(standings(FINDINGS, Kind.FINDINGS, Conclusion.SUCCESS), NOW)
    assert (moved.wants, moved.carries) == (("one",), ())
    assert moved.evidence.baselines == ()


def test_what_found_nothing_wants_nothing() -> None:
    clean = {"one": CheckEvidence(key="one", reports=(ReportContent(format="sarif", kind="findings"),))}
    moved = move(standings(FINDINGS, Kind.FINDINGS, Conclusion.SUCCESS, reports=clean), NOW)
    assert (moved.wants, moved.carries) == ((), ())


def test_what_did_not_run_wants_nothing() -> None:
    moved = move(standings(FINDINGS, Kind.FINDINGS, Conclusion.ERROR, reports={}), NOW)
    assert (moved.wants, moved.carries) == ((), ())


def test_what_was_not_needed_is_carried_and_never_run() -> None:
    state = standings("coverage.overall >= 80%", Kind.COVERAGE, Conclusion.NOT_NEEDED, reports={})
    moved = move(state, NOW)
    assert (moved.wants, moved.carries) == ((), ("one",))


def test_a_base_run_is_compared_with_nothing() -> None:
    change = msgspec.structs.replace(CHANGE, kind=ChangeKind.BASE)
    moved = move(standings(FINDINGS, Kind.FINDINGS, Conclusion.SUCCESS, change=change), NOW)
    assert (moved.wants, moved.carries) == ((), ())


def test_the_verdict_rests_on_the_baselines_it_was_given() -> None:
    state = standings(FINDINGS, Kind.FINDINGS, Conclusion.SUCCESS)
    known = (
        Baseline(key="one", state=BaselineState.IMPOSSIBLE, reason="ruff left no report on main@abc1234"),
    )
    decision = judge(msgspec.structs.replace(state, baselines=known), move(state, NOW))
    assert decision.evidence.baselines == known
    assert decision.verdict == evaluate(state.plan, decision.evidence)
