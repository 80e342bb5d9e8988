"""Every value of the vocabulary has its words."""

import itertools

from app.model import Conclusion, Outcome, OutcomeValue, Source, Status, UnknownCause, VerdictState
from app.publish import words
from tests.unit.publish.samples import BROKEN_GATE, ERRORED, check


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
    assert words.uncovered((3, 3)) == "This new line is not run by any test."
    assert words.uncovered((3, 5)) == "These 3 new lines (3-5) are not run by any test."
