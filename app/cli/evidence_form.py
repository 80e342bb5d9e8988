"""What `portcullis evidence` prints of one report file: a stable form, with a JSON schema."""

from collections import Counter
from collections.abc import Mapping

import msgspec

from app.model import Finding, ReportContent, Severity, TestCase, TestOutcome


class Tests(msgspec.Struct, frozen=True):
    """Tests by outcome. `errored` = could not be run."""

    passed: int
    failed: int
    errored: int
    skipped: int
    total: int


class Findings(msgspec.Struct, frozen=True):
    """Findings that no comment in the source suppresses, and how many there are of each severity."""

    total: int
    by_severity: dict[str, int]


class Coverage(msgspec.Struct, frozen=True):
    """Numerators and denominators over all files; lines and branches apart."""

    covered_lines: int
    coverable_lines: int
    covered_branches: int
    coverable_branches: int


class Duplication(msgspec.Struct, frozen=True):
    """Clones, and the lines of all files searched for them."""

    clones: int
    lines: int


class Complexity(msgspec.Struct, frozen=True):
    """Functions measured, and the largest cyclomatic complexity among them."""

    functions: int
    max: int


class Packages(msgspec.Struct, frozen=True):
    """Packages listed, and how many of them name no licence."""

    total: int
    unlicensed: int


class Fault(msgspec.Struct, frozen=True):
    """Why a file could not be read, and what to do next ('' = nothing in particular)."""

    message: str
    hint: str


class FileEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What one file says. A kind of evidence that its format does not carry is null; with `error` all are.

    `files` is how many files of the repository are named. `flaky` counts tests that passed on a later try,
    `suppressed` findings that the source itself suppresses; neither changes the totals. `dropped` tells
    what was left out and why.
    """

    path: str
    format: str | None = None
    tool: str = ""
    tool_version: str = ""
    files: int = 0
    tests: Tests | None = None
    flaky: int = 0
    findings: Findings | None = None
    suppressed: int = 0
    coverage: Coverage | None = None
    duplication: Duplication | None = None
    complexity: Complexity | None = None
    packages: Packages | None = None
    measures: dict[str, float] | None = None
    dropped: tuple[str, ...] = ()
    error: Fault | None = None


def schema() -> Mapping[str, object]:
    """The JSON schema of the list that `--format json` prints. Draft 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "portcullis evidence --format json",
        **msgspec.json.schema(list[FileEvidence]),
    }


def _tests(tests: tuple[TestCase, ...]) -> Tests:
    counts = Counter(test.outcome for test in tests)
    return Tests(
        passed=counts[TestOutcome.PASSED],
        failed=counts[TestOutcome.FAILED],
        errored=counts[TestOutcome.ERRORED],
        skipped=counts[TestOutcome.SKIPPED],
        total=len(tests),
    )


def _findings(findings: list[Finding]) -> Findings:
    counts = Counter(finding.severity for finding in findings)
    return Findings(len(findings), {severity.value: counts[severity] for severity in Severity})


def _coverage(content: ReportContent) -> Coverage:
    lines = [hits for file in content.coverage for hits in file.lines.values()]
    branches = [counts for file in content.coverage for counts in file.branches.values()]
    return Coverage(
        covered_lines=sum(hits > 0 for hits in lines),
        coverable_lines=len(lines),
        covered_branches=sum(covered for covered, _ in branches),
        coverable_branches=sum(total for _, total in branches),
    )


def evidence_of(path: str, content: ReportContent) -> FileEvidence:
    """What a file that was read says."""
    live = [finding for finding in content.findings if not finding.suppressed]
    named = {finding.path for finding in content.findings} | {test.path for test in content.tests}
    named |= {file.path for file in content.coverage} | {one.path for one in content.functions}
    named |= {block.path for clone in content.clones for block in clone.blocks} | content.sizes.keys()
    kind, packages = content.kind, content.packages
    return FileEvidence(
        path=path,
        format=content.format,
        tool=content.tool,
        tool_version=content.tool_version,
        files=len(named - {""}),
        tests=_tests(content.tests) if kind == "tests" else None,
        flaky=sum(test.flaky for test in content.tests),
        findings=_findings(live) if kind in {"findings", "secrets"} or live else None,
        suppressed=len(content.findings) - len(live),
        coverage=_coverage(content) if kind == "coverage" else None,
        duplication=Duplication(len(content.clones), sum(content.sizes.values()))
        if kind == "duplication"
        else None,
        complexity=Complexity(
            len(content.functions), max((one.complexity for one in content.functions), default=0)
        )
        if kind == "complexity"
        else None,
        packages=Packages(len(packages), sum(not package.licence for package in packages))
        if kind == "licences" or packages
        else None,
        measures={one.metric: float(one.value) for one in content.measures} if kind == "measures" else None,
        dropped=content.dropped,
    )
