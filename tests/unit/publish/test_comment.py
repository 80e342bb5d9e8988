"""The sticky comment, with a newcomer's eyes."""

import re

import msgspec
import pytest
from markdown_it import MarkdownIt

from app.model import ChangeKind, CheckEvidence, GateSettings, Judgement, Status
from app.publish import CommandAnswer, Context, answers, desired_state, render_comment, wants_comment
from tests.unit.publish.samples import BLOCKED, CHANGE, HEAD, NOW, PAGE, PASSED, PENDING, RUNNING, SAMPLES
from tests.unit.publish.test_aggregate import many

MARKER = "<!-- portcullis -->"
GFM = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def body(judgement: Judgement, *given: CommandAnswer) -> str:
    return render_comment(judgement, marker=MARKER, answers=given).body


@pytest.mark.parametrize("sample", SAMPLES)
def test_marker_first_then_the_verdict_in_one_line(sample: str) -> None:
    comment = render_comment(SAMPLES[sample], marker=MARKER)
    lines = comment.body.split("\n")
    assert comment.number == 12
    assert lines[0] == MARKER
    assert lines[1].startswith("### ")


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_newcomer_finds_what_to_do(sample: str) -> None:
    text = body(SAMPLES[sample])
    assert HEAD[:10] in text
    assert "/portcullis recheck" in text
    assert "/portcullis explain" in text
    assert PAGE in text
    assert "Push a commit" in text


def test_blocked_says_what_would_open_the_gate_and_why_it_is_asked() -> None:
    text = body(BLOCKED)
    assert "### ❌ Blocked: test (3.11) failed; coverage on new code 50.0 % &lt; 80 %" in text
    assert "**What would open the gate**" in text
    assert "- coverage on new code 50.0 % &lt; 80 % — new code is tested here" in text
    assert "2 failing tests" in text
    assert "3 new findings: 1 critical, 1 high, 1 low" in text
    assert "4 of 8 new lines and branches covered (50.0 %)" in text


def test_suggested_fixes_stand_beside_the_findings_and_are_harmless() -> None:
    hostile = "import os\n```\n</details>\n@everyone <script>alert(1)</script>\n- [ ] done"
    evidence = BLOCKED.evidence
    assert evidence is not None

    def fixed(one: CheckEvidence) -> CheckEvidence:
        reports = tuple(
            msgspec.structs.replace(
                report, findings=tuple(msgspec.structs.replace(f, fix=hostile) for f in report.findings)
            )
            for report in one.reports
        )
        return msgspec.structs.replace(one, reports=reports)

    given = msgspec.structs.replace(evidence, reports=tuple(map(fixed, evidence.reports)))
    text = body(msgspec.structs.replace(BLOCKED, evidence=given))
    assert "suggests at `src/" in text
    assert text.count("````suggestion\nimport os\n```\n</details>\n") == 3
    rendered = GFM.render(text)
    assert (
        rendered.count('<code class="language-suggestion">import os\n```\n&lt;/details&gt;\n@everyone ') == 3
    )
    assert rendered.count("<details>") == rendered.count("</details>") == body(BLOCKED).count("<details>")
    assert "<script" not in rendered


def test_untrusted_heads_are_told_how_they_become_trusted() -> None:
    assert f"/portcullis ok-to-test {HEAD[:10]}" in body(BLOCKED)
    assert "ok-to-test" not in body(PASSED)


def test_details_are_folded_and_all_are_closed() -> None:
    for judgement in SAMPLES.values():
        rendered = GFM.render(body(judgement))
        assert rendered.count("<details>") == rendered.count("</details>") >= 1
        assert "<script" not in rendered
        assert "<img" not in rendered
        outside = re.sub(r"<(pre|code)[ >].*?</\1>", "", rendered, flags=re.DOTALL)
        assert not re.search(r"@\w", outside)


def test_a_pending_comment_is_the_same_whichever_checks_have_ended() -> None:
    evidence = PENDING.evidence
    assert evidence is not None
    done = msgspec.structs.replace(RUNNING[1], status=Status.COMPLETED, conclusion="success", seconds=3.0)
    later = msgspec.structs.replace(
        PENDING,
        evidence=msgspec.structs.replace(evidence, checks=(RUNNING[0], done, *RUNNING[2:])),
        verdict=msgspec.structs.replace(
            PENDING.verdict, waits_for=("test (3.12)", "integration"), checks_ran=2
        ),
    )
    assert body(later) == body(PENDING)


def test_a_pending_comment_names_what_only_people_can_move() -> None:
    held = msgspec.structs.replace(
        PENDING, verdict=msgspec.structs.replace(PENDING.verdict, waits_for=("integration", "approvals"))
    )
    assert "Waiting for integration (held until the draft is ready) and approvals" in body(held)


def test_durations_and_times_do_not_change_the_comment() -> None:
    evidence = BLOCKED.evidence
    assert evidence is not None
    slower = tuple(msgspec.structs.replace(result, seconds=99.0, since=NOW) for result in evidence.checks)
    again = msgspec.structs.replace(
        BLOCKED,
        evidence=msgspec.structs.replace(evidence, checks=slower),
        opened_at=NOW,
        settled_at=NOW + 100,
    )
    assert body(again) == body(BLOCKED)


def test_a_huge_comment_keeps_its_footer_and_the_limit() -> None:
    text = body(many(3000))
    assert len(text.encode()) <= 65_536
    assert text.endswith("</sub>")
    assert "more than fits here" in text
    assert text.count("<details>") == text.count("</details>")


def override(*says: str) -> CommandAnswer:
    reason = answers.override_accepted(says, [])
    assert answers.fits(reason)
    return CommandAnswer(command="/portcullis override", by="dana", accepted=True, reason=reason)


def test_what_an_override_covers_is_never_cut() -> None:
    """It covers exactly what its answer lists, in a comment that has no room for the rest of it too."""
    says = [f"condition {number}: {'@' * 30}" for number in range(40)]
    text = body(many(3000), *[override("earlier")] * 4, override(*says))
    assert len(text.encode()) <= 65_536
    assert "more than fits here" in text
    plain = text.replace("&#8203;", "")
    assert all(one in plain for one in says)
    assert text.count("was accepted") == 5
    crowded = body(many(3000), *[override(*says)] * 5)
    assert len(crowded.encode()) <= 65_536
    assert 1 <= crowded.count("was accepted") < 5
    assert not answers.fits(answers.override_accepted(says * 2, []))


def test_answers_are_shown_newest_first_and_harmless() -> None:
    given = [
        CommandAnswer(
            command=f"/portcullis recheck c{n}",
            by="dana",
            accepted=True,
            reason=answers.recheck_accepted(f"c{n}"),
        )
        for n in range(7)
    ]
    given.append(
        CommandAnswer(
            command="/portcullis `evil` <b>",
            by="@mallory",
            accepted=False,
            reason=answers.refused_unknown("`evil`"),
        )
    )
    text = body(PASSED, *given)
    lines = [line for line in text.splitlines() if line.startswith(("- 👍", "- 👎"))]
    assert len(lines) == 5
    assert lines[0].startswith(
        "- 👎 <code>/portcullis \\`evil\\` &lt;b&gt;</code> by @&#8203;mallory was refused"
    )
    assert "- 👍 `/portcullis recheck c6` by dana was accepted: c6 runs again" in lines


@pytest.mark.parametrize(
    "sentence",
    [
        answers.recheck_accepted(),
        answers.explain_accepted(),
        answers.ok_to_test_accepted(HEAD[:10]),
        answers.refused_permission("people with write access"),
        answers.refused_head(HEAD),
        answers.refused_edited(),
        answers.refused_check("lnt", ["lint", "test"]),
        answers.refused_check("lnt", []),
        answers.override_accepted(["new high+ findings 1 > 0"], []),
        answers.override_accepted(["new high+ findings 1 > 0"], ["new high+ findings 1 > 0"]),
        answers.refused_too_many(60),
        answers.refused_changed(),
        answers.refused_lost("carol"),
        answers.refused_own("waive", "B <b@home.example>"),
        answers.cancel_accepted(),
        answers.waive_accepted("3f2a", "2026-12-31"),
        answers.refused_unset("waive", "main"),
        answers.refused_unread(["@acme/leads"]),
        answers.refused_own("override"),
        answers.refused_usage("/portcullis override because REASON SHA"),
        answers.refused_pending(),
        answers.refused_nothing(""),
        answers.refused_nothing("conflicts with main in a.py"),
        answers.refused_no_override(),
        answers.refused_date("soon", "2026-11-21", "2027-02-19"),
        answers.refused_finding("3f2a", 0),
        answers.refused_finding("3f2a", 2),
        answers.refused_closed(),
    ],
)
def test_answers_are_sentences(sentence: str) -> None:
    assert len(sentence) > 10
    assert "  " not in sentence


def when(judgement: Judgement, setting: str) -> Judgement:
    assert judgement.plan is not None
    plan = msgspec.structs.replace(judgement.plan, settings=GateSettings(comment=setting))  # type: ignore[arg-type]
    return msgspec.structs.replace(judgement, plan=plan)


def test_settings_decide_whether_there_is_a_comment() -> None:
    assert wants_comment(when(PASSED, "always"), exists=False)
    assert not wants_comment(when(BLOCKED, "never"), exists=True)
    assert wants_comment(when(BLOCKED, "never"), exists=False, asked=True)
    assert wants_comment(when(BLOCKED, "blocked"), exists=False)
    assert not wants_comment(when(PASSED, "blocked"), exists=False)
    assert wants_comment(when(PASSED, "blocked"), exists=True)
    assert wants_comment(SAMPLES["conflict"], exists=False)
    assert not wants_comment(SAMPLES["superseded"], exists=True, asked=True)


def test_only_pull_requests_have_a_comment() -> None:
    change = msgspec.structs.replace(CHANGE, kind=ChangeKind.MERGE_GROUP, number=None)
    group = msgspec.structs.replace(PASSED, change=change)
    assert not wants_comment(group, exists=False, asked=True)
    numbered = msgspec.structs.replace(group, change=msgspec.structs.replace(change, number=12))
    assert not wants_comment(numbered, exists=True, asked=True), "the comment is its pull request's own"
    with pytest.raises(ValueError, match="pull request"):
        render_comment(group, marker=MARKER)


def test_the_notifier_leaves_out_who_wants_none() -> None:
    context = Context(now=NOW, commented=frozenset({"pr-12"}))
    assert desired_state([when(PASSED, "never")], context)[1:] == ()
    assert len(desired_state([when(PASSED, "blocked")], context)[1:]) == 1
    assert desired_state([when(PASSED, "blocked")], Context(now=NOW))[1:] == ()
