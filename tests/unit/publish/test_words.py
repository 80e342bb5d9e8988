"""Every value of the vocabulary has its words."""

import itertools

import msgspec

from app.model import (
    CheckEvidence,
    Conclusion,
    Judgement,
    Outcome,
    OutcomeValue,
    ReportContent,
    Source,
    Status,
    UnknownCause,
    Verdict,
    VerdictState,
)
from app.model import TestCase as Case
from app.model import TestOutcome as Ended
from app.publish import explain_text, headline, phrases, render_comment, words
from tests.unit.publish.samples import BLOCKED, BROKEN_GATE, ERRORED, NOW, PENDING, check


def test_every_value_has_a_word_of_its_own() -> None:
    assert len({words.verdict_word(state) for state in VerdictState}) == 4
    assert all(words.verdict_sentence(state).endswith(".") for state in VerdictState)
    assert len({words.conclusion_word(conclusion) for conclusion in (None, *Conclusion)}) == 8
    assert {words.check_word(check("a", status=status)) for status in Status} == {
        "queued",
        "running",
        "waiting",
        "passed",
    }
    for value, cause in itertools.product(OutcomeValue, UnknownCause):
        assert words.outcome_word(Outcome(value=value, text="x", cause=cause))


def test_origin_names_the_layer_where_it_is_not_the_repository() -> None:
    def at(**fields: object) -> str:
        source = Source(**fields)  # type: ignore[arg-type]
        return words.origin(Outcome(value=OutcomeValue.MET, text="x", source=source))

    assert at() == ""
    assert at(path="a.yml", line=3) == "a.yml:3"
    assert at(path="a.yml") == "a.yml"
    assert at(layer="acme/.portcullis", path="org.yml", line=3) == "org.yml:3 (acme/.portcullis)"
    assert at(layer="acme/.portcullis") == "acme/.portcullis"


def test_reasons_of_a_check() -> None:
    assert words.check_reason(check("a")) == ""
    assert words.check_reason(check("a", attempt=2)) == "passed on attempt 2"
    retried = check("a", attempt=2, conclusion=Conclusion.FAILURE, reason="exit code 1")
    assert words.check_reason(retried) == "exit code 1; attempt 2"
    blocked = check("a", conclusion=Conclusion.SKIPPED, reason="blocked by lint", blocked_by="lint")
    assert words.check_reason(blocked) == "blocked by lint"
    assert words.check_reason(check("a", origin="reused from run 3")) == "reused from run 3"


def test_advice_fits_whose_fault_it_is() -> None:
    assert "Mend the gate file" in words.errored_advice(BROKEN_GATE)
    assert "not the change's fault" in words.errored_advice(ERRORED)


def test_uncovered_lines() -> None:
    assert phrases.uncovered((3, 3)) == "This new line is not run by any test."
    assert phrases.uncovered((3, 5)) == "These 3 new lines (3-5) are not run by any test."


def test_groups_are_named_by_what_they_ask() -> None:
    def of(kind: str, *children: Outcome) -> str:
        outcome = Outcome(value=OutcomeValue.MET, text="written", kind=kind, children=children)  # type: ignore[arg-type]
        return words.condition(outcome)

    situation = Outcome(value=OutcomeValue.MET, text="pr.base == 'main'")
    assert of("any") == "any of"
    assert of("all") == "all of"
    assert of("when", situation) == "when pr.base == 'main'"
    assert of("when") == "written"
    assert of("leaf") == of("check") == "written"


def test_a_pending_gate_without_checks_gives_its_reason_or_begins() -> None:
    unread = pending_with(reason="the forge cannot be read for now")
    assert headline(unread) == "the forge cannot be read for now"
    assert headline(pending_with()) == "Waiting to begin"
    text = render_comment(unread, marker="<!-- m -->").body
    assert "Pending: the forge cannot be read for now" in text


def test_a_pending_gate_says_what_is_usual_only_with_the_time() -> None:
    one = msgspec.structs.replace(
        PENDING,
        verdict=Verdict(state=VerdictState.PENDING, waits_for=("test",)),
        usual={"test": 130.0, "another": 9_000.0},
    )
    assert headline(one, now=NOW).endswith("Waiting for test, usually takes 2 min")
    assert "usual" not in headline(one)
    two = msgspec.structs.replace(
        one, verdict=Verdict(state=VerdictState.PENDING, waits_for=("lint", "test")), usual={"test": 130.0}
    )
    assert headline(two, now=NOW).endswith(", the slowest usually takes 2 min")


def pending_with(**fields: str) -> Judgement:
    verdict = Verdict(state=VerdictState.PENDING, **fields)  # type: ignore[arg-type]
    return msgspec.structs.replace(PENDING, verdict=verdict, page_url="")


def test_conditions_that_say_nothing_are_shown_as_written() -> None:
    bare = Outcome(value=OutcomeValue.UNMET, text="size.added < 3")
    verdict = Verdict(state=VerdictState.BLOCKED, outcomes=(bare,))
    judgement = msgspec.structs.replace(PENDING, verdict=verdict)
    assert "  not met  size.added < 3\n" in explain_text(judgement)
    assert headline(judgement) == "size.added < 3"


def test_the_output_of_a_test_is_cut_in_the_terminal() -> None:
    assert BLOCKED.evidence is not None
    long = Case(name="t", outcome=Ended.FAILED, message="\n".join(f"line {n}" for n in range(40)))
    reports = (
        CheckEvidence(key="lint", reports=(ReportContent(format="junit", kind="tests", tests=(long,)),)),
    )
    evidence = msgspec.structs.replace(BLOCKED.evidence, reports=reports)
    text = explain_text(msgspec.structs.replace(BLOCKED, evidence=evidence))
    assert "line 11\n      … 28 more lines\n" in text
    assert "line 12" not in text


def test_what_the_checks_took_and_what_earlier_results_saved():
    counted = words.checks_counted(BLOCKED.evidence.checks)
    took = msgspec.structs.replace(BLOCKED, spent=200.0, saved=90.0)
    assert words.checks_summed(BLOCKED) == counted
    assert words.checks_summed(took) == f"{counted}; 3 m 20 s spent, 1 m 30 s saved by earlier results"
    assert words.checks_summed(msgspec.structs.replace(took, spent=0.0)).endswith(
        "; 1 m 30 s saved by earlier results"
    )
    still = msgspec.structs.replace(PENDING, spent=200.0, saved=90.0)
    assert "spent" not in words.checks_summed(still)
