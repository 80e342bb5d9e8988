"""The terminal's words."""

import re

import msgspec
import pytest

from app.publish import explain_text
from tests.unit.publish.samples import BLOCKED, CONFLICT, ERRORED, OBSERVED, PASSED, SAMPLES


def test_a_passed_judgement_reads_well() -> None:
    quiet = msgspec.structs.replace(
        PASSED, verdict=msgspec.structs.replace(PASSED.verdict, notes=()), page_url=""
    )
    assert explain_text(quiet) == (
        "PASSED  2 of 3 checks ran\n"
        "\n"
        "Conditions\n"
        "  advice  54 added lines > 20  (size.added <= 20)  .portcullis.yml:34\n"
        "  met     2 files < 50  (size.files < 50)  .portcullis.yml:31\n"
        "  exempt  any of: no migration changed  .portcullis.yml:35\n"
        "\n"
        "3 checks: 2 passed, 1 not needed\n"
        "  lint         passed          12 s\n"
        "  test (3.11)  passed       1 h 5 m\n"
        "  infra        not needed            nothing under infra/ changed\n"
    )


def test_a_blocked_judgement_says_where_to_look() -> None:
    text = explain_text(BLOCKED)
    assert text.startswith("BLOCKED  test (3.11) failed; coverage on new code 50.0 % < 80 %")
    assert "What would open the gate\n  - test (3.11) failed\n" in text
    assert "because new code is tested here" in text
    assert "  src/pay/refund.py:14: high ruff F821: Undefined name `refnd`" in text
    assert "src/pay/refund.py: 50.0 %, not run: 13-15 and 60" in text
    assert (
        "tests/test_refund.py:12: tests.test_refund::test_twice[<img src=x>|`a`] failed in test (3.11)"
        in text
    )
    assert ".portcullis.yml:22:5: error[G012]: checks.test.timout: unknown key 'timout'" in text


def test_an_errored_one_says_what_to_do_and_an_observed_one_that_it_only_looks() -> None:
    assert "hint: This is not the change's fault." in explain_text(ERRORED)
    assert "never blocks" in explain_text(OBSERVED)
    assert explain_text(CONFLICT).startswith("BLOCKED  conflicts with main in src/pay/refund.py")


@pytest.mark.parametrize("sample", SAMPLES)
def test_colours_are_ours_and_only_where_wanted(sample: str) -> None:
    plain = explain_text(SAMPLES[sample])
    assert "\x1b" not in plain
    assert "\u202e" not in plain
    coloured = explain_text(SAMPLES[sample], color=True)
    assert coloured != plain
    assert re.sub(r"\x1b\[[0-9]+m", "", coloured) == plain
    assert plain.endswith("\n")
    assert "\n\n\n" not in plain
