"""The run page: the verdict tree first, then everything it rests on; live while the run is."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote

import msgspec
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from app.dashboard import frame, logs
from app.dashboard.access import open_run
from app.dashboard.ansi import ansi_html
from app.dashboard.protocol import ArtifactView, AttemptView, LogPart, RunPage, Surroundings
from app.model import (
    AttemptStatus,
    CheckResult,
    Judgement,
    Outage,
    Outcome,
    OutcomeValue,
    Status,
    VerdictState,
)
from app.publish import (
    Shown,
    checks_of,
    explanation,
    figures,
    members,
    notes_of,
    phrases,
    self_reported,
    show,
    sort_outcomes,
    words,
    would_open,
)

LOGS_SHOWN = 12
"""Attempts whose output stands on the page itself; all have a page of their own."""
REFRESH = 10
"""Seconds between reloads without JavaScript."""


class LogView(NamedTuple):
    """The end of an attempt's output, as HTML, and whether there is more than that."""

    html: Markup
    cut: bool


class Group(NamedTuple):
    """Outcomes under one heading; `open` where the reader should see them at once."""

    heading: str
    outcomes: Sequence[Outcome]
    open: bool


async def run(request: Request, surroundings: Surroundings) -> Response:
    """`/runs/<id>`: one run, for everybody if its repository is public, else by a signed link."""
    async with surroundings.drawing:
        opened = await open_run(request, surroundings)
        if isinstance(opened, Response):
            return opened
        try:
            ends = {one.id: await _end(surroundings, one) for one in attempts_with_log(opened.attempts)}
        except Outage:
            return frame.unavailable()
        token = request.query_params.get("t", "")
        return await asyncio.to_thread(_drawn, opened, ends, token, surroundings.now())


_End = tuple[int, tuple[LogPart, ...]]
"""From which byte on the end of an attempt's output is shown, and what was read of it."""


async def _end(surroundings: Surroundings, attempt: AttemptView) -> _End:
    offset = max(0, attempt.log_bytes - logs.TAIL)
    return offset, await logs.read(surroundings.reads, attempt.id, offset, logs.TAIL)


def _drawn(opened: RunPage, ends: Mapping[int, _End], token: str, now: float) -> Response:
    shown_logs = {
        attempt: LogView(ansi_html(logs.text(parts, offset)), cut=offset > 0)
        for attempt, (offset, parts) in ends.items()
    }
    return frame.page("run.html", run_view(opened, shown_logs, token=token, now=now))


def attempts_with_log(attempts: Sequence[AttemptView]) -> list[AttemptView]:
    """Whose output the page shows: running ones, then the last ended badly, then the newest."""

    def rank(attempt: AttemptView) -> tuple[int, int]:
        running = attempt.status is AttemptStatus.RUNNING
        bad = attempt.conclusion is not None and attempt.conclusion not in {"success", "not_needed"}
        return (0 if running else 1 if bad else 2, -attempt.id)

    return sorted((attempt for attempt in attempts if attempt.log_bytes), key=rank)[:LOGS_SHOWN]


def run_view(page: RunPage, log_views: dict[int, LogView], *, token: str, now: float) -> dict[str, object]:
    """Everything the template shows, computed; pure."""
    judgement = page.judgement
    verdict = judgement.verdict
    live = verdict.state is VerdictState.PENDING and not judgement.superseded
    over = judgement.superseded
    errored = verdict.state is VerdictState.ERRORED and not over
    shown = show(judgement)
    return {
        "judgement": judgement,
        "verdict": verdict,
        "state": "superseded" if judgement.superseded else verdict.state.value,
        "word": "Superseded" if judgement.superseded else words.verdict_word(verdict.state),
        "headline": _headline(judgement, now),
        "opens": () if over or verdict.state is VerdictState.PASSED else would_open(judgement),
        "groups": _groups(judgement),
        "checks": [_check_view(result, page, log_views, now) for result in checks_of(judgement)],
        "counted": words.checks_summed(judgement),
        "shown": shown,
        "coverage_heading": _coverage_heading(shown),
        "notes": (*notes_of(judgement), *shown.dropped),
        "advice": words.errored_advice(judgement) if errored else "",
        "waits": () if over else _waits(judgement, now),
        "facts": _facts(page, now),
        "file_url": lambda path, line: _file_url(judgement, path, line),
        "query": f"?t={quote(token)}" if token else "",
        "newer": page.newer,
        "live": live,
        "refresh": REFRESH,
    }


def _headline(judgement: Judgement, now: float) -> str:
    """In one line what the page says; of a superseded run also what it had come to."""
    text = explanation(judgement, now=now)
    state = judgement.verdict.state
    if not judgement.superseded or state is VerdictState.PENDING:
        return text
    before = explanation(msgspec.structs.replace(judgement, superseded=False), now=now)
    return f"{text}; it had come to: {words.verdict_word(state).lower()}: {before}"


def _groups(judgement: Judgement) -> list[Group]:
    groups = sort_outcomes(judgement.verdict.outcomes)
    named = [
        Group("Not met", groups.unmet, open=True),
        Group("Could not be judged", groups.unsettled, open=True),
        Group("Pending", groups.pending, open=True),
        Group("Advice, does not block", groups.advisory, open=True),
        Group("Met", groups.met, open=not (groups.unmet or groups.unsettled or groups.pending)),
        Group("Exempt", groups.exempt, open=False),
    ]
    return [group for group in named if group.outcomes]


class CheckView(NamedTuple):
    """One check with its attempts."""

    result: CheckResult
    word: str
    tone: str
    took: str
    reason: str
    url: str
    attempts: list[tuple[AttemptView, str, LogView | None]]
    artifacts: list[ArtifactView]
    self_reported: bool


def _check_view(result: CheckResult, page: RunPage, log_views: dict[int, LogView], now: float) -> CheckView:
    attempts = sorted(
        (found for found in page.attempts if found.check == result.key), key=lambda item: item.n
    )
    took = figures.duration(result.seconds) if result.seconds is not None else ""
    if result.status is Status.RUNNING and result.since:
        took = f"for {figures.duration(now - result.since)}"
    return CheckView(
        result=result,
        word=words.check_word(result),
        tone=check_tone(result),
        took=took,
        reason=words.check_reason(result),
        url=frame.web_address(result.external_url),
        attempts=[(attempt, _attempt_line(attempt, now), log_views.get(attempt.id)) for attempt in attempts],
        artifacts=[found for found in page.artifacts if found.check == result.key],
        self_reported=result.key in self_reported(page.judgement),
    )


def check_tone(result: CheckResult) -> str:
    """The colour of a check: good, bad, waiting or quiet."""
    if result.status is not Status.COMPLETED:
        return "wait"
    if result.conclusion == "success":
        return "good"
    if result.conclusion in {"not_needed", "skipped", "cancelled"}:
        return "quiet"
    return "bad" if result.required else "warn"


def outcome_tone(outcome: Outcome) -> str:
    """The colour of an outcome, likewise."""
    if outcome.value is OutcomeValue.MET:
        return "good"
    if outcome.value is OutcomeValue.EXEMPT:
        return "quiet"
    if outcome.advisory or outcome.overridden:
        return "warn"
    if outcome.value is OutcomeValue.UNMET:
        return "bad"
    return "wait" if words.outcome_word(outcome) == "pending" else "warn"


frame.TEMPLATES.filters |= {"outcome_tone": outcome_tone, "members": members}


def _attempt_line(attempt: AttemptView, now: float) -> str:
    word = words.conclusion_word(attempt.conclusion) if attempt.conclusion else attempt.status.value
    parts = [f"Attempt {attempt.n}: {word}"]
    if attempt.started_at is not None:
        end = attempt.ended_at if attempt.ended_at is not None else now
        parts.append(
            f"{figures.duration(end - attempt.started_at)} from {figures.clock(attempt.started_at, now)}"
        )
    if attempt.reason:
        parts.append(attempt.reason)
    return ", ".join(parts)


def _coverage_heading(shown: Shown) -> str:
    return phrases.coverage_counted([(file.covered, file.coverable) for file in shown.coverage])


def _waits(judgement: Judgement, now: float) -> list[tuple[str, str]]:
    """(what, since when and why) of everything a pending verdict waits for."""
    checks = {result.key: result for result in checks_of(judgement)}
    waits = []
    for key in judgement.verdict.waits_for:
        result = checks.get(key)
        if result is None:
            waits.append((key, ""))
            continue
        since = f" since {figures.clock(result.since, now)}" if result.since else ""
        reason = f": {words.check_reason(result)}" if words.check_reason(result) else ""
        usual = f", usually {figures.roughly(judgement.usual[key])}" if key in judgement.usual else ""
        waits.append((key, f"{words.check_word(result)}{since}{usual}{reason}"))
    return waits


def _facts(page: RunPage, now: float) -> list[tuple[str, str]]:
    """What the verdict rests on, for who wants to know exactly."""
    judgement = page.judgement
    change, evidence, plan = judgement.change, judgement.evidence, judgement.plan
    facts = [
        ("Opened", figures.clock(judgement.opened_at, now) if judgement.opened_at else ""),
        ("Judged", figures.clock(page.judged_at, now) if page.judged_at else ""),
        ("Head", change.head_sha),
    ]
    if evidence is not None:
        comparison = evidence.comparison
        facts += [
            (f"Tip of {change.base_ref}", comparison.base_sha),
            ("Tested (their merge)", comparison.tested_sha),
            ("Files changed", f"{len(comparison.files):,}"),
            ("Trusted", "yes" if evidence.trusted else "no"),
        ]
    if plan is not None:
        facts += [
            ("Gate file", f"{plan.path} at {plan.policy_sha}" if plan.policy_sha else plan.path),
            ("Hash of the resolved gate file", plan.gate_hash),
        ]
    facts.append(("Version of the rules", str(judgement.verdict.rules_version)))
    return [(name, value) for name, value in facts if value]


_ADDRESSES: Final = (
    ("/-/merge_requests/", "/-/blob/"),
    ("/pulls/", "/src/commit/"),
    ("/pull/", "/blob/"),
)
"""What stands before a change's number in its address, and then before a commit in the address of a file."""


def _file_url(judgement: Judgement, path: str, line: int) -> str:
    """A file on the forge at head_sha; '' where the forge's address is not known."""
    anchor = f"#L{line}" if line else ""
    for of_changes, of_files in _ADDRESSES:
        web, found, _ = judgement.change.url.partition(of_changes)
        if found and path and web.startswith("https://"):
            return f"{web}{of_files}{judgement.change.head_sha}/{quote(path)}{anchor}"
    return ""
