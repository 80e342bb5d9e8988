"""What was measured besides, told everywhere in the same words, harmless whatever it holds."""

import msgspec
import pytest

from app.model import (
    Baseline,
    BaselineState,
    CheckEvidence,
    Clone,
    CloneBlock,
    FileChange,
    FileStatus,
    FunctionComplexity,
    Judgement,
    Licences,
    Package,
    ReportContent,
)
from app.publish import explain_text, figures, phrases, render_comment, render_publication
from tests.unit.publish.samples import BLOCKED, NOW

EVIL = "src/<b>@everyone`.py"
CLONES = tuple(
    Clone(
        blocks=(
            CloneBlock(path=path, line=11, end_line=20),
            *(CloneBlock(path="b.py", line=n, end_line=n + 9) for n in others),
        )
    )
    for path, others in ((EVIL, (1, 30, 60, 90, 120)), ("a.py", (1,)))
)
FUNCTIONS = tuple(
    FunctionComplexity(path="a.py", name="(<i>anonymous)", line=n, end_line=n, complexity=n)
    for n in range(1, 15)
)
PACKAGES = (
    Package(name="click", version="8", licence="MIT"),
    Package(name="@acme/evil", version="1", licence="GPL-3.0-only"),
    Package(name="nameless"),
)


def measured(**evidence: object) -> Judgement:
    """The blocked sample with clones, functions and packages of the check `lint`."""
    assert BLOCKED.evidence is not None
    assert BLOCKED.plan is not None
    report = ReportContent(
        format="x",
        kind="duplication",
        clones=CLONES,
        functions=FUNCTIONS,
        packages=PACKAGES,
        sizes={EVIL: 90, "a.py": 90},
    )
    files = tuple(
        FileChange(path=path, status=FileStatus.ADDED, added=30, added_nonblank=30) for path in (EVIL, "a.py")
    )
    comparison = msgspec.structs.replace(BLOCKED.evidence.comparison, files=files)
    given = msgspec.structs.replace(
        BLOCKED.evidence,
        comparison=comparison,
        reports=(CheckEvidence(key="lint", reports=(report,)),),
        **evidence,
    )
    settings = msgspec.structs.replace(BLOCKED.plan.settings, licences=Licences(allow=("MIT",)))
    plan = msgspec.structs.replace(BLOCKED.plan, settings=settings)
    return msgspec.structs.replace(BLOCKED, evidence=given, plan=plan)


def test_the_terminal() -> None:
    text = explain_text(measured())
    assert "20 of 60 new lines duplicated (33.4 %)\n" in text
    assert (
        f"  {EVIL}: new lines duplicated 10 of 30 (33.4 %), lines 11-20, "
        "the same code stands in b.py:1-10, b.py:30-39, b.py:60-69 and 2 more\n"
    ) in text
    assert (
        "14 functions written or edited, complexity at most 14\n  a.py:14: function (<i>anonymous), complexity 14\n"
        in text
    )
    assert "a.py:4:" not in text
    assert (
        "2 new packages under a licence that is not allowed\n"
        "  @acme/evil: version 1, licence GPL-3.0-only, not allowed\n"
        "  nameless: licence none named, no licence that SPDX knows\n"
    ) in text


def test_check_run_and_comment_show_the_same_and_nothing_raw() -> None:
    text = render_publication(measured(), now=NOW).text
    body = render_comment(measured(), marker="<!-- x -->").body
    for shown in (text, body):
        assert "20 of 60 new lines duplicated (33.4 %)" in shown
        assert "complexity at most 14" in shown
        assert "2 new packages under a licence that is not allowed" in shown
        assert "<b>" not in shown
        assert "<i>" not in shown
        assert "@everyone`" not in shown
    assert "### 20 of 60 new lines duplicated" in text
    assert "<summary>20 of 60 new lines duplicated" in body


def test_coverage_that_base_has_is_missed_beside_the_figures() -> None:
    evidence, plan = BLOCKED.evidence, BLOCKED.plan
    assert evidence is not None
    assert plan is not None
    key = next(spec.key for spec in plan.checks if "coverage" in spec.produces)
    flag = "e2e"
    lost = ReportContent(format="lcov", kind="coverage", path="out/e2e.info", flag=flag)
    base = Baseline(key=key, state=BaselineState.READY, reports=(lost,))
    judgement = msgspec.structs.replace(
        BLOCKED, evidence=msgspec.structs.replace(evidence, baselines=(base,))
    )
    said = f"{key}: {evidence.change.base_ref} has a coverage report with flag e2e, this change has not"
    for told in (
        render_publication(judgement, now=NOW).text,
        render_comment(judgement, marker="<!-- x -->").body,
    ):
        assert said in told.replace("\\", "")
        assert phrases.COVERAGE_LOST in told.lower()
    assert phrases.COVERAGE_LOST not in render_comment(BLOCKED, marker="<!-- x -->").body.lower()


def test_a_check_whose_reports_the_change_could_have_written_is_marked() -> None:
    plan = BLOCKED.plan
    assert plan is not None
    first, *others = plan.checks
    told = msgspec.structs.replace(first, self_reported=True)
    judgement = msgspec.structs.replace(BLOCKED, plan=msgspec.structs.replace(plan, checks=(told, *others)))
    told_by = (
        render_publication(judgement, now=NOW).text,
        render_comment(judgement, marker="<!-- x -->").body,
        explain_text(judgement, color=False),
    )
    for text in told_by:
        (row,) = [line for line in text.splitlines() if "self-reported" in line]
        assert first.key in row
    assert "self-reported" not in explain_text(BLOCKED, color=False)


def test_what_is_not_there_is_not_shown() -> None:
    text = explain_text(BLOCKED)
    assert "duplicated" not in text
    assert "complexity" not in text
    assert "licence" not in text


@pytest.mark.parametrize(
    ("part", "total", "up", "text"),
    [(1, 3, True, "33.4 %"), (1, 3, False, "33.3 %"), (0, 3, True, "0.0 %"), (0, 0, True, "100.0 %")],
)
def test_a_share_is_never_shown_better_than_it_is(part: int, total: int, up: bool, text: str) -> None:
    assert figures.percent(part, total, up=up) == text


def test_words() -> None:
    assert phrases.complexity_counted(1, 1200) == "1 function written or edited, complexity at most 1,200"
    assert phrases.licences_counted(1) == "1 new package under a licence that is not allowed"
    assert [phrases.licence_standing(one) for one in ("allowed", "denied", "unknown")] == [
        "allowed",
        "not allowed",
        "no licence that SPDX knows",
    ]
