"""checkov's JSON in its four shapes."""

import json

from inline_snapshot import snapshot

from app.model import Finding
from tests.unit.reports.reading import fault, raw, read, sample


def short(finding: Finding) -> tuple[str, str, str, int, int, int, int]:
    at = (finding.line, finding.column, finding.end_line, finding.end_column)
    return (finding.rule, finding.severity.value, finding.path, *at)


def test_checkov():
    read_ = sample("checkov.json")
    assert [(*short(finding), finding.suppressed) for finding in read_.findings] == snapshot(
        [
            ("CKV_AWS_24", "high", "infra/main.tf", 6, 0, 12, 0, False),
            ("CKV_AWS_23", "high", "infra/main.tf", 6, 0, 12, 0, False),
            ("CKV_AWS_21", "high", "infra/main.tf", 1, 0, 4, 0, False),
            ("CKV_AWS_18", "high", "infra/main.tf", 1, 0, 4, 0, True),
        ]
    )
    summary = raw("checkov.json")["summary"]
    assert len(read_.findings) == summary["failed"] + summary["skipped"]
    assert (read_.findings[0].message, read_.tool_version) == snapshot(
        (
            "Ensure no security groups allow ingress from 0.0.0.0:0 to port 22 (aws_security_group_rule.all)",
            "3.3.30",
        )
    )


def test_checkov_lists_one_report_for_each_framework():
    found = sample("checkov_quiet.json").findings
    assert [short(finding) for finding in found] == snapshot(
        [
            ("CKV_DOCKER_2", "high", "deploy/Dockerfile", 1, 0, 5, 0),
            ("CKV_DOCKER_3", "high", "deploy/Dockerfile", 1, 0, 5, 0),
            ("CKV_AWS_24", "high", "infra/main.tf", 6, 0, 12, 0),
        ]
    )
    assert len(found) == sum(one["summary"]["failed"] for one in raw("checkov_quiet.json"))


def test_checkov_that_found_no_file():
    assert (sample("checkov_none.json").findings, sample("checkov_none.json").tool_version) == ((), "3.3.30")
    assert fault(json.dumps(raw("checkov_none.json") | {"failed": 2})) == snapshot(
        "checkov counts 2 failed checks, but lists none"
    )


def test_checkov_counts_paths_from_the_scanned_directory_where_it_gives_no_other():
    report = raw("checkov.json")
    for one in report["results"]["failed_checks"]:
        one |= {"file_abs_path": "/elsewhere/infra/main.tf", "severity": "LOW"}
    report["results"]["parsing_errors"] = ["infra/bad.tf"]
    read_ = read(json.dumps(report))
    assert {(finding.path, finding.severity.value) for finding in read_.findings[:3]} == {
        ("infra/main.tf", "low")
    }
    assert read_.dropped == ("once: file that checkov could not parse (first: 'infra/bad.tf')",)
    report["results"]["failed_checks"][0] |= {"file_abs_path": "", "repo_file_path": "", "file_path": ""}
    assert read(json.dumps(report)).findings[0].path == ""


def test_what_was_cut_away_is_missed():
    checkov = raw("checkov.json")
    checkov["results"]["failed_checks"].pop()
    assert fault(json.dumps(checkov)) == snapshot(
        "checkov counts 3 failed checks of 'terraform', but 2 are listed"
    )
