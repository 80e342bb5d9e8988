"""How a check ends (gate-file.md section 4), as pure decisions over what the supervisor saw."""

import signal as signals
from typing import Final

import msgspec

from app.executors import AttemptOutcome, Ended, ReportsRead
from app.model import (
    CheckEvidence,
    CheckRow,
    CheckSpec,
    Conclusion,
    Ending,
    Kind,
    Status,
    TestOutcome,
    UploadReading,
)

CRASH_LIMIT: Final = 3
MAX_FAILED_TESTS: Final = 1000
MEBIBYTE: Final = 1 << 20
_FINDINGS: Final = {Kind.FINDINGS.value, Kind.SECRETS.value}
SENTENCES: Final = 3
"""As many problems as a reason names."""


def conclude(spec: CheckSpec, outcome: AttemptOutcome, read: ReportsRead, evidence: CheckEvidence) -> Ending:
    """The ending of one attempt, from how its processes ended and what could be read of its files."""
    conclusion, reason, cause = _judge(spec, outcome, read.problems, secrets=has_secrets(evidence))
    if conclusion is Conclusion.SUCCESS and cause == "findings" and _found_nothing(spec, evidence):
        reason = (
            f"exit {outcome.exit_code}: it says that it found something, but no finding is in its report. "
            "Did the tool fail? See its log; if that exit means something else, say so in exit_codes"
        )
        conclusion, cause = Conclusion.FAILURE, "failure"
    if read.errors and conclusion in {Conclusion.SUCCESS, Conclusion.FAILURE}:
        conclusion, reason, cause = Conclusion.ERROR, "; ".join(read.errors[:SENTENCES]), "error"
    failed = tuple(
        f"{case.classname}::{case.name}"
        for report in evidence.reports
        for case in report.tests
        if case.outcome in {TestOutcome.FAILED, TestOutcome.ERRORED}
    )
    return Ending(
        conclusion=conclusion,
        reason=reason,
        cause=cause,
        ended=outcome.ended.value,
        exit_code=outcome.exit_code,
        seconds=outcome.seconds,
        log_bytes=outcome.log_bytes,
        log_dropped=outcome.log_dropped,
        failed_tests=failed[:MAX_FAILED_TESTS],
        artifacts=len(outcome.artifacts),
    )


def _found_nothing(spec: CheckSpec, evidence: CheckEvidence) -> bool:
    """Whether a check that tells nothing but findings tells none. An exit of `findings` without one is how
    some tools say that they could not look.
    """
    kinds = {*(kind.value for kind in spec.produces), *delivered_by(evidence)}
    return bool(kinds) and kinds <= _FINDINGS and not any(report.findings for report in evidence.reports)


def has_secrets(evidence: CheckEvidence) -> bool:
    """Whether there are secrets among its findings."""
    return any(finding.secret for report in evidence.reports for finding in report.findings)


def delivered_by(evidence: CheckEvidence) -> tuple[str, ...]:
    """The kinds of evidence in its reports."""
    return tuple(sorted({kind for report in evidence.reports for kind in report.kinds}))


def unjudged(spec: CheckSpec, *, secrets: bool) -> str:
    """What no condition of the gate judges of what a check found, for people; '' where all is judged.

    The one rule for whatever ends with findings: a command, uploaded reports, reports given by hand.
    """
    if secrets and not spec.secrets_judged:
        return "no condition judges the secrets among it (secrets.new == 0 would)"
    return "" if spec.findings_succeed else "not all of its reports are judged by a condition"


def read_into(evidence: CheckEvidence, read: ReportsRead, digest: str = "") -> UploadReading:
    """What reports that no command of ours wrote say once read."""
    return UploadReading(
        digest=digest,
        delivered=delivered_by(evidence),
        problems=read.problems,
        errors=read.errors,
        bad=_bad_news(evidence),
        secrets=has_secrets(evidence),
    )


def conclude_reports(spec: CheckSpec, reading: UploadReading) -> tuple[Conclusion, str]:
    """How a check ends of which only its reports are known: as a command would that exited with findings
    (gate-file.md section 4), so that what nobody judges makes it fail.
    """
    if reading.errors:
        return Conclusion.ERROR, "; ".join(reading.errors[:SENTENCES])
    if reading.problems:
        return Conclusion.FAILURE, "; ".join(reading.problems[:SENTENCES])
    if not reading.bad:
        return Conclusion.SUCCESS, ""
    if why := unjudged(spec, secrets=reading.secrets):
        return Conclusion.FAILURE, f"{reading.bad}, and {why}"
    return Conclusion.SUCCESS, f"{reading.bad}; the gate judges it"


def _bad_news(evidence: CheckEvidence) -> str:
    """What the tools found, counted in words; '' = nothing."""
    failed = sum(
        case.outcome in {TestOutcome.FAILED, TestOutcome.ERRORED}
        for report in evidence.reports
        for case in report.tests
    )
    findings = sum(not finding.suppressed for report in evidence.reports for finding in report.findings)
    counted = ((failed, "failed test"), (findings, "finding"))
    return ", ".join(f"{count} {what}{'' if count == 1 else 's'}" for count, what in counted if count)


def _judge(
    spec: CheckSpec, outcome: AttemptOutcome, problems: tuple[str, ...], *, secrets: bool
) -> tuple[Conclusion, str, str]:
    match outcome.ended:
        case Ended.CANCELLED:
            return Conclusion.CANCELLED, outcome.detail or "cancelled", ""
        case Ended.TIMED_OUT:
            return Conclusion.TIMED_OUT, f"timed out after {_duration(spec.timeout)}", ""
        case Ended.SETUP_ERROR | Ended.LOST:
            return Conclusion.ERROR, outcome.detail or "the sandbox could not be set up", "error"
        case Ended.SIGNALED:
            return Conclusion.FAILURE, f"killed by {_signal(outcome.signal)}", "failure"
        case Ended.OUT_OF_MEMORY:
            limit = spec.resources.memory // MEBIBYTE
            return Conclusion.FAILURE, f"out of memory (limit {limit} MiB)", "failure"
        case Ended.DISK_FULL:
            limit = spec.resources.disk // MEBIBYTE
            return Conclusion.FAILURE, f"out of disk space (limit {limit} MiB)", "failure"
        case Ended.LOG_LIMIT | Ended.REFUSED:
            return Conclusion.FAILURE, outcome.detail or "wrote more output than is allowed", "failure"
        case Ended.EXITED:
            return _judge_exit(spec, outcome.exit_code or 0, outcome.detail, problems, secrets=secrets)


def _judge_exit(
    spec: CheckSpec, code: int, detail: str, problems: tuple[str, ...], *, secrets: bool
) -> tuple[Conclusion, str, str]:
    if code in spec.not_needed_exits:
        return Conclusion.NOT_NEEDED, f"exit {code}: nothing to do", ""
    listed = code == 0 or code in spec.findings_exits
    if listed and problems:
        return Conclusion.FAILURE, "; ".join(problems[:SENTENCES]), "failure"
    if code in spec.findings_exits:
        if why := unjudged(spec, secrets=secrets):
            return Conclusion.FAILURE, f"exit {code}: found something, and {why}", "findings"
        return Conclusion.SUCCESS, "found something; the gate judges it", "findings"
    if code == 0:
        return Conclusion.SUCCESS, "", ""
    return Conclusion.FAILURE, detail or f"exit {code}{_shell_hint(code)}", "failure"


def _shell_hint(code: int) -> str:
    if code == 127:  # noqa: PLR2004 - POSIX shell: command not found
        return " (command not found)"
    if code == 126:  # noqa: PLR2004 - POSIX shell: found but not executable
        return " (command not executable)"
    if code > 128:  # noqa: PLR2004 - POSIX shell: 128 + signal
        return f" (killed by {_signal(code - 128)})"
    return ""


def _signal(number: int | None) -> str:
    try:
        return f"signal {number} ({signals.Signals(number or 0).name})"
    except ValueError:
        return f"signal {number}"


def _duration(seconds: float) -> str:
    if seconds >= 120:  # noqa: PLR2004 - below two minutes seconds read better
        return f"{seconds / 60:g} min"
    return f"{seconds:g} s"


def wants_retry(spec: CheckSpec, row: CheckRow, ending: Ending) -> float | None:
    """Seconds until the next attempt, or None: `retry.max` extra attempts on the listed causes."""
    if ending.cause in spec.retry.on and row.retries < spec.retry.max:
        return spec.retry.backoff
    return None


def after_attempt(
    spec: CheckSpec,
    row: CheckRow,
    ending: Ending,
    evidence_id: int | None,
    outputs: dict[str, str | int | float | bool],
    evidence: CheckEvidence,
    now: float,
) -> CheckRow:
    """The check once its current attempt has ended for good or is to be tried again (status QUEUED)."""
    if wants_retry(spec, row, ending) is not None:
        result = msgspec.structs.replace(
            row.result,
            status=Status.QUEUED,
            attempt=row.attempt + 1,
            reason=f"attempt {row.attempt} ended with: {ending.reason}; trying again",
            since=now,
        )
        return msgspec.structs.replace(row, attempt=row.attempt + 1, retries=row.retries + 1, result=result)
    reason = ending.reason
    again = row.retries > 0 and ending.conclusion is Conclusion.SUCCESS
    if again:
        reason = f"passed on attempt {row.attempt}" + (f"; {reason}" if reason else "")
    result = msgspec.structs.replace(
        row.result,
        status=Status.COMPLETED,
        conclusion=ending.conclusion,
        reason=reason,
        blocked_by="",
        attempt=row.attempt,
        seconds=round(ending.seconds, 3),
        exit_code=ending.exit_code,
        outputs=outputs,
        delivered=delivered_by(evidence),
        flaky=again,
        since=now,
    )
    return msgspec.structs.replace(row, result=result, evidence_id=evidence_id)


def after_loss(row: CheckRow, now: float, *, crashed: bool = True) -> CheckRow:
    """The check once its attempt was lost to a crash of ours: tried again, at most CRASH_LIMIT times. One
    that was given back (`crashed` false: an orderly stop) is tried again however often that happens.
    """
    crashes = row.crashes + int(crashed)
    if crashes < CRASH_LIMIT or not crashed:
        result = msgspec.structs.replace(
            row.result,
            status=Status.QUEUED,
            attempt=row.attempt + 1,
            reason=f"attempt {row.attempt} was lost when its worker stopped; trying again",
            since=now,
        )
        return msgspec.structs.replace(row, attempt=row.attempt + 1, crashes=crashes, result=result)
    result = msgspec.structs.replace(
        row.result,
        status=Status.COMPLETED,
        conclusion=Conclusion.ERROR,
        reason=f"its worker stopped {crashes} times while it ran; see the operator's log",
        since=now,
    )
    return msgspec.structs.replace(row, crashes=crashes, result=result)


def mark_flaky(evidence: CheckEvidence, failed_before: frozenset[str]) -> CheckEvidence:
    """Tests that failed on an earlier attempt of this check and passed now are flaky."""
    if not failed_before:
        return evidence
    reports = tuple(
        msgspec.structs.replace(
            report,
            tests=tuple(
                msgspec.structs.replace(case, flaky=True)
                if case.outcome is TestOutcome.PASSED and f"{case.classname}::{case.name}" in failed_before
                else case
                for case in report.tests
            ),
        )
        for report in evidence.reports
    )
    return msgspec.structs.replace(evidence, reports=reports)
