"""Which format it is, and whether it is what was declared."""

import pytest
from inline_snapshot import snapshot

from app.model import AuthorFault, Kind, ReportSpec
from app.reports import FORMATS, Limits, ReadContext, formats, ingest, recognise
from tests.unit.reports.reading import SAMPLES

EXPECTED = {
    "ruff.sarif": "sarif",
    "typos.sarif": "sarif",
    "bandit.sarif": "sarif",
    "zizmor.sarif": "sarif",
    "mypy.jsonl": "mypy",
    "pytest.xml": "junit",
    "pytest_xunit1.xml": "junit",
    "surefire_cart.xml": "junit",
    "surefire_setup.xml": "junit",
    "jest.xml": "junit",
    "vitest.xml": "junit",
    "node.xml": "junit",
    "gotestsum.xml": "junit",
    "gotestsum_rerun.xml": "junit",
    "go_junit_report.xml": "junit",
    "googletest.xml": "junit",
    "ctest.xml": "junit",
    "cobertura.xml": "cobertura",
    "coverage.lcov": "lcov",
    "jacoco.xml": "jacoco",
    "clover.xml": "clover",
    "go_cover.out": "go_cover",
    "go_cover_set.out": "go_cover",
    "coverage_py.json": "coverage_py",
    "checkstyle.xml": "checkstyle",
    "checkstyle_shellcheck.xml": "checkstyle",
    "codequality.json": "codequality",
    "codequality_hadolint.json": "codequality",
    "hadolint.codeclimate": "codequality",
    "sonar.json": "sonar",
    "ruff.rdjson": "rdjson",
    "biome.rdjson": "rdjson",
    "ruff.rdjsonl": "rdjsonl",
    "ruff.github.txt": "github",
    "yamllint.github.txt": "github",
    "node.tap": "tap",
    "tape.tap": "tap",
    "perl.tap": "tap",
    "pytest.tap": "tap",
    "ruff.json": "ruff",
    "eslint.json": "eslint",
    "pylint.json": "pylint",
    "pylint_json2.json": "pylint",
    "bandit.json": "bandit",
    "semgrep.json": "semgrep",
    "shellcheck.json": "shellcheck",
    "shellcheck_json1.json": "shellcheck",
    "hadolint.json": "hadolint",
    "checkov.json": "checkov",
    "checkov_quiet.json": "checkov",
    "checkov_none.json": "checkov",
    "checkov_secrets.json": "checkov",
    "detect_secrets.json": "detect_secrets",
    "gitleaks.json": "gitleaks",
    "pip_audit.json": "pip_audit",
    "npm_audit.json": "npm_audit",
    "osv.json": "osv",
    "trivy.json": "trivy",
    "grype.json": "grype",
    "jscpd.json": "jscpd",
    "jscpd_4.json": "jscpd",
    "cpd.xml": "cpd",
    "jscpd_4.xml": "cpd",
    "lizard.csv": "lizard",
    "lizard_verbose.csv": "lizard",
    "cyclonedx.json": "cyclonedx",
    "cyclonedx_14.json": "cyclonedx",
    "cyclonedx_npm.json": "cyclonedx",
    "spdx.json": "spdx",
    "spdx3.json": "spdx",
    "sonar_measures.json": "sonar_measures",
    "metrics.txt": "metrics",
}


def test_every_sample_is_recognised_by_exactly_its_format():
    for name, expected in EXPECTED.items():
        head = (SAMPLES / name).read_bytes()
        assert [entry.name for entry in FORMATS if entry.recognises(head)] == [expected]


def test_every_format_has_a_sample():
    assert set(EXPECTED.values()) == set(formats())


def test_formats_for_the_catalogue():
    catalogue = formats()
    assert list(catalogue) == [entry.name for entry in FORMATS]
    assert (catalogue["sarif"], catalogue["junit"]) == ((Kind.FINDINGS,), (Kind.TESTS,))
    assert (catalogue["cobertura"], catalogue["trivy"]) == ((Kind.COVERAGE,), (Kind.FINDINGS, Kind.SECRETS))


def test_no_two_formats_share_a_name():
    assert len({entry.name for entry in FORMATS}) == len(FORMATS)


def complaint(content: bytes, **spec: object) -> tuple[str, str]:
    with pytest.raises(AuthorFault) as caught:
        ingest(content, ReportSpec(path="out/x", **spec), context=ReadContext())
    return caught.value.message, caught.value.hint


def test_content_of_another_kind():
    junit = (SAMPLES / "pytest.xml").read_bytes()
    assert complaint(junit, kind=Kind.COVERAGE) == snapshot(
        ("it holds tests (JUnit XML), not coverage", "declare its format, or write another file to this path")
    )
    assert complaint(junit, format="cobertura", kind=Kind.COVERAGE) == snapshot(
        (
            "it is declared as cobertura but holds JUnit XML",
            "declare 'format: junit', or write Cobertura XML to it",
        )
    )
    names = ", ".join(formats())
    assert complaint(b"hello", kind=Kind.TESTS) == (
        "it holds no report that we know",
        f"the formats are {names}; name one with 'format:' to see its own complaint",
    )
    assert complaint(b"", kind=Kind.TESTS)[0] == "it is empty"
    assert complaint(junit, format="blancmange") == (
        "unknown format 'blancmange'",
        f"the formats are {names}",
    )


def test_secrets_are_findings_marked_so():
    spec = ReportSpec(path="out/x", kind=Kind.SECRETS, flag="f")
    read = ingest((SAMPLES / "ruff.sarif").read_bytes(), spec, context=ReadContext(path="out/real.sarif"))
    assert all(finding.secret for finding in read.findings)
    assert (read.kind, read.path, read.flag) == ("secrets", "out/real.sarif", "f")


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ('generated="1" clover="3.2.0"', "clover"),
        ('line-rate="1" version="7.6"', "cobertura"),
        ('line-rate="1" generated="1"', "cobertura"),
        ('version="1"', None),
    ],
)
def test_reports_of_coverage_with_the_same_root_are_told_apart(attributes, name):
    found = recognise(f'<?xml version="1.0"?><coverage {attributes}></coverage>'.encode())
    assert (found.name if found is not None else None) == name


def test_too_large():
    with pytest.raises(AuthorFault, match="larger than 0 MB"):
        ingest(b"x" * 11, ReportSpec(path="x"), context=ReadContext(limits=Limits(content=10)))
