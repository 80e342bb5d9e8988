"""What findings harm: what their report says, else what is known of the tool and its rule."""

import json

import pytest

from app.reports import ReadContext
from app.reports.domains import domain_by_tags, domain_of
from tests.unit.reports.reading import SAMPLES, read, sample

S, R, M = "security", "reliability", "maintainability"


@pytest.mark.parametrize(
    ("tool", "rule", "domain"),
    [
        ("ruff", "F821", R), ("ruff", "F401", M), ("ruff", "FBT001", M), ("ruff", "S608", S), ("ruff", "SIM102", M),
        ("ruff", "S101", R), ("ruff", "B006", R), ("ruff", "BLE001", R), ("ruff", "E501", M), ("ruff", "E902", R),
        ("ruff", "invalid-syntax", R), ("Ruff", "D100", M), ("flake8", "F821", R),
        ("pylint", "E1101", R), ("pylint", "W0612", M), ("pylint", "W0101", R), ("pylint", "C0301", M),
        ("eslint", "no-undef", R), ("ESLint", "no-eval", S), ("eslint", "semi", M), ("eslint", "no-unused-vars", M),
        ("oxlint", "eslint(no-debugger)", R), ("oxlint", "eslint(no-dupe-keys)", R), ("oxlint", "eslint(no-eval)", S),
        ("oxlint", "typescript(no-floating-promises)", R), ("oxlint", "typescript(no-unsafe-call)", R),
        ("oxlint", "react(no-danger)", S), ("oxlint", "oxc(const-comparisons)", R),
        ("oxlint", "eslint(no-unused-vars)", M), ("oxlint", "unicorn(no-null)", M),
        ("hadolint", "DL3002", S), ("hadolint", "DL3008", M), ("hadolint", "SC2086", R),
        ("biome", "lint/security/noDangerouslySetInnerHtml", S), ("biome", "lint/style/useConst", M),
        ("Bandit", "B602", S), ("Semgrep OSS", "any", S), ("gitleaks", "aws", S), ("zizmor", "x", S),
        ("mypy", "arg-type", R), ("shellcheck", "SC2086", R), ("typos", "typos", M), ("jscpd", "clone", M),
        ("acme-lint", "A1", ""), ("", "", ""),
    ],
)  # fmt: skip
def test_the_table_of_tools_and_rules(tool, rule, domain):
    assert domain_of(tool, rule) == domain


@pytest.mark.parametrize(
    ("tags", "domain"),
    [
        (["maintainability", "security"], S),
        (["external/cwe/cwe-079", "correctness"], S),
        (["CWE-79: XSS"], S),
        (["correctness", "maintainability"], R),
        (["Style"], M),
        (["Bug Risk"], R),
        (["python"], ""),
        ([], ""),
    ],
)
def test_tags(tags, domain):
    assert domain_by_tags(tags) == domain


def sarif(tool: str, rule: dict[str, object], **result: object) -> str:
    run = {
        "tool": {"driver": {"name": tool, "rules": [{"id": "A1", **rule}]}},
        "results": [{"ruleId": "A1", "message": {"text": "m"}, **result}],
    }
    return json.dumps({"version": "2.1.0", "runs": [run]})


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        (sarif("CodeQL", {"properties": {"tags": ["maintainability"]}}), M),
        (sarif("acme", {"properties": {"tags": ["reliability"], "security-severity": "5.0"}}), R),
        (sarif("acme", {"properties": {"security-severity": "5.0"}}), S),
        (sarif("acme", {}, properties={"tags": ["correctness"]}), R),
        (sarif("typos", {}), M),
        # what says nothing is security's, as SonarQube takes SARIF
        (sarif("acme", {}), S),
        (sarif("acme", {"properties": {"tags": [1, None]}}), S),
        (sarif("acme", {"properties": {"tags": "security"}}), S),
    ],
)
def test_sarif(text, domain):
    (finding,) = read(text, "sarif").findings
    assert finding.domain == domain


def test_categories_of_semgrep_and_code_quality():
    start = {"line": 1, "col": 1}
    said = {
        "message": "m",
        "severity": "ERROR",
        "metadata": {"category": "correctness", "source": "https://s.io/r"},
    }
    odd = {"message": "m", "severity": "ERROR", "metadata": {"category": ["x"], "source": "https://s.io/r"}}
    report = {
        "errors": [],
        "results": [
            {"check_id": "a.b", "path": "a.py", "start": start, "end": start, "extra": extra}
            for extra in (said, odd)
        ],
    }
    found = read(json.dumps(report), "semgrep").findings
    assert [(one.domain, one.rule_url) for one in found] == [(R, "https://s.io/r"), (S, "https://s.io/r")]
    issue = {
        "description": "d",
        "check_name": "c",
        "fingerprint": "f00d",
        "location": {"path": "a.py", "lines": {"begin": 1}},
    }
    issues = [{**issue, "categories": categories} for categories in (["Security"], ["Style"], None, "Style")]
    found = read(json.dumps(issues), "codequality").findings
    assert [one.domain for one in found] == [S, M, "", ""]


def test_secrets_are_securitys_whoever_finds_them():
    (finding,) = read(
        sarif("acme", {"properties": {"tags": ["style"]}}), "sarif", ReadContext(secret=True)
    ).findings
    assert finding.domain == S


def test_every_finding_of_the_samples_is_classified():
    """Only what names neither its tool nor a category may leave it open."""
    open_ = set()
    for path in SAMPLES.iterdir():
        if path.is_file():
            found = sample(path.name).findings
            open_ |= {(path.name, one.tool) for one in found if not one.domain}
    assert open_ == {("codequality.json", "codequality"), ("yamllint.github.txt", "github")}
