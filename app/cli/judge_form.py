"""What `portcullis judge --format json` prints: a stable form, with a JSON schema."""

from collections.abc import Mapping

import msgspec

from app.model import Finding, Judgement, Outcome, Sha, VerdictState
from app.policy import TrackedFinding, new_coverage, new_findings


class JudgedFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A new finding, the check it is from, and whether the change touches its line. `by`: what told that it
    is new: "base" (compared), else the weaker rule by "line", "file" or "project".
    """

    check: str
    by: str
    on_changed_line: bool
    finding: Finding


class JudgedFindings(msgspec.Struct, frozen=True, kw_only=True):
    """Findings by their age; only the new ones."""

    new: tuple[JudgedFinding, ...]


class JudgedFile(msgspec.Struct, frozen=True, kw_only=True):
    """New lines of one file, 1-based: those that tests run, those they do not. `unreported`: the file is in
    no report though it should be; then `coverable` counts its added lines that are not blank.
    """

    covered: tuple[int, ...]
    missed: tuple[int, ...]
    coverable: int
    unreported: bool


class JudgedNewCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """Coverage on new code: `covered` of `coverable` new lines and branches together, and of lines alone."""

    covered: int
    coverable: int
    covered_lines: int
    coverable_lines: int
    files: dict[str, JudgedFile]


class JudgedCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """Coverage; only that of new code."""

    new: JudgedNewCoverage


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What `portcullis judge --format json` prints. Within a major version fields are only added."""

    verdict: VerdictState
    base: Sha
    head: Sha
    fewest: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    findings: JudgedFindings
    coverage: JudgedCoverage
    notes: tuple[str, ...]


def judged(judgement: Judgement) -> Judged:
    """A judgement as the stable interface gives it."""
    plan, evidence, verdict = judgement.plan, judgement.evidence, judgement.verdict
    if plan is None or evidence is None:
        raise TypeError("a judgement of reports has a plan and evidence")
    coverage = new_coverage(plan, evidence)
    files = {
        file.path: JudgedFile(
            covered=file.hit, missed=file.missed, coverable=file.total, unreported=file.unreported
        )
        for file in coverage.files
        if coverage.measured
    }
    covered_lines = sum(len(file.covered) for file in files.values())
    return Judged(
        verdict=verdict.state,
        base=evidence.comparison.base_sha,
        head=evidence.comparison.head_sha,
        fewest=verdict.fewest,
        outcomes=verdict.outcomes,
        findings=JudgedFindings(new=tuple(map(_finding, new_findings(plan, evidence)))),
        coverage=JudgedCoverage(
            new=JudgedNewCoverage(
                covered=coverage.covered if coverage.measured else 0,
                coverable=coverage.total if coverage.measured else 0,
                covered_lines=covered_lines,
                coverable_lines=covered_lines + sum(len(file.missed) for file in files.values()),
                files=files,
            )
        ),
        notes=(*judgement.notes, *verdict.notes),
    )


def _finding(new: TrackedFinding) -> JudgedFinding:
    return JudgedFinding(check=new.check, by=new.by, on_changed_line=new.on_changed_line, finding=new.finding)


def schema() -> Mapping[str, object]:
    """The JSON schema of what `--format json` prints. Draft 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "portcullis judge --format json",
        **msgspec.json.schema(Judged),
    }
