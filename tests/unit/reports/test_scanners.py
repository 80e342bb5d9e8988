"""trivy and grype: many kinds of findings, in repositories and in images."""

import json

from inline_snapshot import snapshot

from app.model import Finding
from app.reports import ReadContext
from tests.unit.reports.reading import SHOP, raw, read, sample


def short(finding: Finding) -> tuple[str, str, str, str]:
    return (finding.rule, finding.severity.value, finding.path, finding.message)


def test_trivy():
    assert [(*short(finding), finding.line) for finding in sample("trivy.json").findings] == snapshot(
        [
            (
                "DS002",
                "high",
                "deploy/Dockerfile",
                "Image user should not be 'root': Specify at least 1 USER command in Dockerfile with non-root user as argument",
                0,
            ),
            ("aws-access-key-id", "critical", "deploy/settings.env", "AWS Access Key ID", 2),
            (
                "CVE-2021-23337",
                "high",
                "package-lock.json",
                "lodash 4.17.20: nodejs-lodash: command injection via template (also GHSA-35jh-r3h4-6jhm); fixed in 4.17.21",
                0,
            ),
            (
                "CVE-2099-0001",
                "high",
                "package-lock.json",
                "lodash 4.17.20: CVE-2099-0001; it comes without a severity",
                0,
            ),
        ]
    )


def test_trivy_on_an_image_has_no_place_in_the_repository():
    report = raw("trivy.json") | {"ArtifactType": "container_image", "ArtifactName": "shop:1"}
    report["Results"][0] |= {"Target": "shop:1 (debian 12.4)", "Class": "os-pkgs"}
    read_ = read(json.dumps(report), context=SHOP)
    assert {finding.path for finding in read_.findings} == {""}
    assert read_.dropped == ()
    assert read_.findings[-1].message == snapshot(
        "lodash 4.17.20: CVE-2099-0001 (in shop:1 (debian 12.4)); it comes without a severity"
    )


def test_trivy_passes_exceptions_and_licences():
    report = raw("trivy.json")
    (problem,) = report["Results"][1]["Misconfigurations"]
    report["Results"] = [
        {
            "Target": "deploy/Dockerfile",
            "Class": "config",
            "Misconfigurations": [
                problem | {"Status": "PASS"},
                problem | {"Status": "EXCEPTION", "CauseMetadata": {"StartLine": 2, "EndLine": 3}},
            ],
        },
        {
            "Target": "package-lock.json",
            "Class": "license",
            "Licenses": [
                {"Severity": "HIGH", "Category": "restricted", "PkgName": "left-pad", "Name": "GPL-3.0"}
            ],
        },
    ]
    found = read(json.dumps(report), context=SHOP).findings
    assert [(finding.rule, finding.line, finding.end_line, finding.suppressed) for finding in found] == [
        ("DS002", 2, 3, True),
        ("licence:GPL-3.0", 0, 0, False),
    ]
    assert short(found[1]) == snapshot(
        ("licence:GPL-3.0", "high", "package-lock.json", "left-pad is under GPL-3.0 (restricted)")
    )


def test_trivy_that_found_nothing_leaves_its_results_out():
    report = raw("trivy.json")
    del report["Results"]
    assert read(json.dumps(report)).findings == ()


def test_trivy_joins_no_flaws_by_the_name_of_a_bulletin():
    """Debian's DSA-5343-1 stands for several CVEs."""
    report = raw("trivy.json")
    for one in report["Results"][0]["Vulnerabilities"]:
        one["VendorIDs"] = ["DSA-5343-1"]
    report["Results"] = report["Results"][:1]
    assert [finding.rule for finding in read(json.dumps(report)).findings] == [
        "CVE-2021-23337",
        "CVE-2099-0001",
    ]


def test_grype():
    read_ = sample("grype.json")
    assert [short(finding) for finding in read_.findings] == snapshot(
        [
            (
                "CVE-2021-23337",
                "high",
                "package-lock.json",
                "lodash 4.17.20: Command Injection in lodash (also GHSA-35jh-r3h4-6jhm); fixed in 4.17.21",
            ),
            ("CVE-2099-0002", "info", "requirements.txt", "jinja2 2.11.2: CVE-2099-0002"),
        ]
    )
    assert read_.tool_version == "0.104.0"


def test_grype_ignored_matches_are_suppressed():
    report = raw("grype.json")
    report["ignoredMatches"], report["matches"] = report["matches"], []
    found = read(json.dumps(report), context=SHOP).findings
    assert [finding.suppressed for finding in found] == [True, True]


def test_grype_counts_paths_from_the_scanned_directory():
    report = raw("grype.json")
    report["source"] = {"type": "directory", "target": "/workspace/web"}
    context = ReadContext(tree_paths=lambda: ("web/package-lock.json", "requirements.txt"))
    found = read(json.dumps(report), context=context).findings
    assert found[0].path == "web/package-lock.json"
    report["source"] = {"type": "directory", "target": ["odd"]}
    found = read(json.dumps(report), context=context).findings
    assert [finding.path for finding in found] == ["package-lock.json", "requirements.txt"]
    report["matches"][0]["artifact"]["locations"] = [{"path": "/workspace/web/package-lock.json"}]
    report["matches"] = report["matches"][:1]
    assert read(json.dumps(report), context=context).findings[0].path == "web/package-lock.json"
    report["source"] = {"type": "image", "target": {"userInput": "shop:1"}}
    found = read(json.dumps(report), context=context).findings
    assert (found[0].path, found[0].message) == snapshot(
        (
            "",
            "lodash 4.17.20: Command Injection in lodash (in /workspace/web/package-lock.json) (also GHSA-35jh-r3h4-6jhm); fixed in 4.17.21",
        )
    )


def test_grype_joins_no_flaws_by_a_bulletin_on_several():
    report = raw("grype.json")
    bulletin = report["matches"][0]
    bulletin["vulnerability"]["id"] = "ELSA-2021-1"
    bulletin["relatedVulnerabilities"] = [{"id": "CVE-2021-23337"}, {"id": "CVE-2021-2"}]
    rules = [finding.rule for finding in read(json.dumps(report)).findings]
    assert rules == ["ELSA-2021-1", "CVE-2021-23337", "CVE-2099-0002"]
