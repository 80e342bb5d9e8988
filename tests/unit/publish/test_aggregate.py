"""The aggregate check run: conclusions, titles, texts, limits."""

import re

import msgspec
import pytest

from app.model import (
    CheckEvidence,
    CheckRunStatus,
    Evidence,
    Finding,
    GateSettings,
    Judgement,
    Outcome,
    OutcomeValue,
    Publication,
    PublishedConclusion,
    PublishSettings,
    ReportContent,
    Severity,
    VerdictState,
)
from app.model import (
    TestCase as Case,
)
from app.model import (
    TestOutcome as Ended,
)
from app.publish import NOTIFIERS, Context, combine, desired_state, render_publication
from tests.unit.publish.samples import (
    BLOCKED,
    CHANGE,
    CHECKS,
    COMPARISON,
    NOW,
    PASSED,
    PENDING,
    SAMPLES,
)

IN_PROGRESS, COMPLETED = CheckRunStatus.IN_PROGRESS, CheckRunStatus.COMPLETED


@pytest.mark.parametrize(
    ("sample", "status", "conclusion", "title"),
    [
        ("passed", COMPLETED, "success", "Passed: 2 of 3 checks ran"),
        (
            "blocked",
            COMPLETED,
            "failure",
            "test (3.11) failed; coverage on new code 50.0 % < 80 %; 1 approval from @acme/platform; label large_change",
        ),
        (
            "pending",
            IN_PROGRESS,
            None,
            (
                "Waiting for test (3.11), test (3.12) and integration (held until the draft is ready) since 11:04 UTC; "
                "already not met: label large_change"
            ),
        ),
        ("errored", COMPLETED, "failure", "could not judge: lint: the machine ran out of disk"),
        (
            "broken_gate",
            COMPLETED,
            "failure",
            "could not judge: the gate file on main is invalid and no earlier version was valid",
        ),
        ("people_only", COMPLETED, "action_required", "Waiting for people: 1 approval from @acme/platform"),
        ("conflict", COMPLETED, "failure", "conflicts with main in src/pay/refund.py"),
        (
            "observed",
            COMPLETED,
            "neutral",
            (
                "Observed only: would be blocked: test (3.11) failed; coverage on new code 50.0 % < 80 %; "
                "1 approval from @acme/platform; label large_change"
            ),
        ),
        ("superseded", COMPLETED, "cancelled", "Superseded: a newer run is judged instead"),
        (
            "invalid_since",
            COMPLETED,
            "success",
            "Passed: 2 of 3 checks ran · gate file on main is invalid since 3fa92c1, judged by 91be0aa",
        ),
        ("waived", COMPLETED, "success", "Passed: 2 of 3 checks ran · 1 waiver used"),
    ],
)
def test_status_conclusion_and_title(
    sample: str, status: CheckRunStatus, conclusion: str | None, title: str
) -> None:
    publication = render_publication(SAMPLES[sample], now=NOW)
    assert (publication.status, publication.conclusion) == (status, conclusion)
    assert publication.title == title


def test_every_sample_has_a_row_above() -> None:
    rows = test_status_conclusion_and_title.pytestmark[0].args[1]
    assert {row[0] for row in rows} == set(SAMPLES)


@pytest.mark.parametrize("sample", SAMPLES)
def test_times_and_buttons_only_where_they_belong(sample: str) -> None:
    publication = render_publication(SAMPLES[sample], now=NOW)
    completed = publication.status is COMPLETED
    assert bool(publication.completed_at) is completed
    assert publication.started_at == "2026-11-18T11:01:40Z"
    assert publication.external_id == "41:portcullis"
    identifiers = [button.identifier for button in publication.buttons]
    if not completed or sample == "superseded":
        assert identifiers == []
    elif sample in {"blocked", "errored", "observed"}:
        assert identifiers == ["rerun_failed", "explain"]
    else:
        assert identifiers == ["explain"]
    for button in publication.buttons:
        assert len(button.label) <= 20
        assert len(button.identifier) <= 20
        assert len(button.description) <= 40


def test_the_summary_tells_unmet_first_then_advice_met_exempt_with_their_origin() -> None:
    summary = render_publication(BLOCKED, now=NOW).summary
    rows = [row for row in summary.splitlines() if row.startswith("|")][2:]
    words = [re.sub(r"[^a-z :]", "", row.split("|")[3].split(":")[0]).strip() for row in rows]
    assert words == [*["not met"] * 8, "met", "exempt"]
    assert "`.portcullis.yml:32`" in summary
    assert "`.portcullis.yml:33 (acme/.portcullis)`" in summary
    assert "advisory: does not block" in summary
    assert "exempt: no migration changed" in summary
    assert "new code is tested here" in summary


def test_pending_stands_between_unmet_and_met() -> None:
    summary = render_publication(PENDING, now=NOW).summary
    assert summary.index("any of") < summary.index("tests.new_failed") < summary.index("size.files")
    assert "Already not met" in summary
    assert "What would open" not in summary


def test_the_text_tells_checks_tests_findings_coverage_diagnostics_and_notes() -> None:
    text = render_publication(BLOCKED, now=NOW).text
    assert "6 checks: 1 failed, 1 timed out, 1 skipped, 2 passed, 1 not needed" in text
    assert "| ❌ | `test (3.11)` | failed | 3 m 20 s | exit code 1 |" in text
    assert "passed on attempt 3" in text
    assert "blocked by test (3.11)" in text
    assert "timed out (advisory)" in text
    assert "assert 10 == 20" in text
    assert "bandit B602" in text
    assert "4 of 8 (50.0 %) | 13-15 and 60" in text
    assert "unknown key 'timout'" in text
    assert "nothing judges the findings of docs" in text
    assert "12 commits behind" in text


@pytest.mark.parametrize("sample", SAMPLES)
def test_reports_can_neither_add_markup_nor_ring_anybody(sample: str) -> None:
    publication = render_publication(SAMPLES[sample], now=NOW)
    for text in (publication.summary, publication.text):
        outside = re.sub(r"(`{3,})text\n.*?\n\1|`[^`\n]+`", "", text, flags=re.DOTALL)
        assert set(re.findall(r"<(/?[a-z]+)", outside)) <= {"br", "code", "/code"}
        assert not re.search(r"@\w", outside)
        assert not re.search(r"(?<!&)#\d", outside)
        assert "\x1b" not in text
        assert "\u202e" not in text


def many(count: int) -> Judgement:
    findings = tuple(
        Finding(
            tool="ruff",
            rule="F821",
            message="é" * 400,
            severity=Severity.HIGH,
            path="src/pay/refund.py",
            line=14,
        )
        for _ in range(count)
    )
    tests = tuple(
        Case(name=f"test_{n}", outcome=Ended.FAILED, message="```\n" + "x" * 5000) for n in range(count)
    )
    reports = (
        CheckEvidence(
            key="lint",
            reports=(
                ReportContent(format="sarif", kind="findings", findings=findings),
                ReportContent(format="junit", kind="tests", tests=tests),
            ),
        ),
    )
    evidence = Evidence(change=CHANGE, comparison=COMPARISON, checks=CHECKS, reports=reports)
    outcomes = tuple(Outcome(value=OutcomeValue.UNMET, text="x" * 1990, says="s" * 400) for _ in range(count))
    verdict = msgspec.structs.replace(
        BLOCKED.verdict, outcomes=outcomes, fewest=tuple("f" * 100 for _ in range(count))
    )
    return msgspec.structs.replace(BLOCKED, evidence=evidence, verdict=verdict)


def test_the_forges_limits_hold_with_a_link_to_the_rest() -> None:
    publication = render_publication(many(2000), now=NOW)
    assert len(publication.title) <= 255
    for text in (publication.summary, publication.text):
        assert 1000 < len(text.encode()) <= 65_535
    assert f"({BLOCKED.page_url})" in publication.text
    assert publication.text.count("```") % 2 == 0


def test_without_a_page_nothing_links_nowhere() -> None:
    lone = msgspec.structs.replace(many(2000), page_url="")
    publication = render_publication(lone, now=NOW)
    assert "](" not in publication.summary + publication.text
    assert "was left out" in publication.text


def test_the_title_note_survives_a_long_title() -> None:
    long = msgspec.structs.replace(many(50), title_note="gate file on main is invalid since 3fa92c1")
    title = render_publication(long, now=NOW).title
    assert len(title) <= 255
    assert title.endswith(" · gate file on main is invalid since 3fa92c1")


def test_no_checks_and_none_needed_are_said() -> None:
    none = msgspec.structs.replace(
        PASSED, verdict=msgspec.structs.replace(PASSED.verdict, checks_ran=0, checks_total=0)
    )
    assert render_publication(none, now=NOW).title == "Passed: no checks declared"
    unneeded = msgspec.structs.replace(
        PASSED, verdict=msgspec.structs.replace(PASSED.verdict, checks_ran=0, checks_total=5)
    )
    assert render_publication(unneeded, now=NOW).title == "Passed: 0 of 5 checks ran"


def test_the_same_judgement_gives_the_same_publication_at_any_time_of_the_day() -> None:
    for judgement in SAMPLES.values():
        settled = msgspec.structs.replace(judgement, settled_at=NOW)
        assert render_publication(settled, now=NOW) == render_publication(settled, now=NOW + 3600)


def test_the_worst_of_one_head_is_shown_and_names_the_others() -> None:
    other = msgspec.structs.replace(
        BLOCKED, change=msgspec.structs.replace(CHANGE, number=13, key="pr-13", base_ref="release/1")
    )
    order = [other, SAMPLES["errored"], PENDING, PASSED]
    for at in range(len(order)):
        assert combine(tuple(reversed(order[at:]))).verdict.state is order[at].verdict.state
    worst = combine([PASSED, other])
    assert worst.also == ("#12 into main: Passed: 2 of 3 checks ran",)
    assert "#&#8203;12 into main" in render_publication(worst, now=NOW).summary
    assert combine([PASSED, SAMPLES["observed"]]).verdict.state is VerdictState.PASSED
    assert combine([SAMPLES["superseded"], PASSED]).also == ()
    with pytest.raises(ValueError, match="empty"):
        combine([])


def with_publish(judgement: Judgement, **fields: bool) -> Judgement:
    settings = GateSettings(publish=PublishSettings(**fields))
    assert judgement.plan is not None
    return msgspec.structs.replace(judgement, plan=msgspec.structs.replace(judgement.plan, settings=settings))


def test_desired_state_follows_the_gate_files_settings() -> None:
    context = Context(now=NOW)
    plain = desired_state([BLOCKED], context)
    assert [type(wanted).__name__ for wanted in plain] == ["Publication", "StickyComment"]
    everything = with_publish(BLOCKED, checks=True, status=True, per_base=True)
    wanted = desired_state([everything], context)
    names = [found.name for found in wanted if isinstance(found, Publication)]
    assert names[:2] == ["portcullis", "portcullis: main"]
    assert names[2:] == [f"portcullis / {result.key}" for result in CHECKS]
    ids = [found.external_id for found in wanted if isinstance(found, Publication)]
    assert len(set(ids)) == len(ids)
    assert [type(found).__name__ for found in wanted].count("CommitStatus") == 1


def test_every_notifier_says_what_it_does() -> None:
    for notifier in NOTIFIERS:
        assert notifier.__doc__


def test_conclusions_of_a_publication_are_only_given_when_completed() -> None:
    for judgement in SAMPLES.values():
        publication = render_publication(judgement, now=NOW)
        assert (publication.conclusion is None) == (publication.status is IN_PROGRESS)
        assert publication.conclusion in {None, *PublishedConclusion}
