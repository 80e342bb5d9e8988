"""Known vulnerabilities: whatever names an advisory goes by, one flaw of one package is one finding."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from app.model import Finding, Severity
from app.reports import Limits, ReadContext
from tests.unit.reports.reading import SAMPLES, SHOP, fault, raw, read, sample


def short(finding: Finding) -> tuple[str, str, str, str]:
    return (finding.rule, finding.severity.value, finding.path, finding.message)


def test_pip_audit():
    read_ = sample("pip_audit.json")
    assert [short(finding) for finding in read_.findings] == snapshot(
        [
            (
                "CVE-2020-28493",
                "high",
                "",
                "jinja2 2.11.2: This affects the package jinja2 from 0.0.0 and before 2.11.3. The ReDoS vulnerability is mainly due to the `_punctuation_re regex` operator. (also GHSA-g3rq-g295-4j3m, PYSEC-2021-66, SNYK-PYTHON-JINJA2-1012994); fixed in 2.11.3; it comes without a severity",
            ),
            (
                "CVE-2024-22195",
                "high",
                "",
                "jinja2 2.11.2: The `xmlattr` filter in affected versions of Jinja accepts keys containing spaces. (also GHSA-h5c8-rqwp-cp95); fixed in 3.1.3; it comes without a severity",
            ),
        ]
    )
    assert {finding.rule_url for finding in read_.findings} == snapshot(
        {"https://osv.dev/vulnerability/CVE-2020-28493", "https://osv.dev/vulnerability/CVE-2024-22195"}
    )


def test_pip_audit_tells_what_it_could_not_check():
    report = {"dependencies": [{"name": "shop", "skip_reason": "Dependency not found on PyPI"}], "fixes": []}
    assert read(json.dumps(report)).dropped == (
        "once: dependency that pip-audit could not check (first: 'shop')",
    )


def test_npm_audit():
    found = sample("npm_audit.json").findings
    assert [short(finding) for finding in found] == snapshot(
        [
            (
                "GHSA-35jh-r3h4-6jhm",
                "high",
                "package-lock.json",
                "lodash: Command Injection in lodash (<4.17.21)",
            ),
            (
                "GHSA-29mw-wpgm-hmr9",
                "medium",
                "package-lock.json",
                "lodash: Regular Expression Denial of Service (ReDoS) in lodash (<4.17.21)",
            ),
            (
                "GHSA-xvch-5gv4-984h",
                "critical",
                "package-lock.json",
                "minimist: Prototype Pollution in minimist (<0.2.4)",
            ),
        ]
    )
    # npm's total counts packages: those with a flaw of their own, and mkdirp, which has it by minimist.
    report = raw("npm_audit.json")
    own = {name for name, package in report["vulnerabilities"].items() if isinstance(package["via"][0], dict)}
    assert report["metadata"]["vulnerabilities"]["total"] == len(own) + 1
    assert {finding.message.partition(":")[0] for finding in found} == own


def test_npm_names_the_lock_file_that_is_there():
    content = (SAMPLES / "npm_audit.json").read_bytes()
    trees = {
        ("package-lock.json",): "package-lock.json",
        ("package-lock.json", "npm-shrinkwrap.json"): "npm-shrinkwrap.json",
        ("web/package-lock.json",): "",
        (): "",
    }
    for tree, path in trees.items():
        context = ReadContext(tree_paths=lambda tree=tree: tree)
        assert {finding.path for finding in read(content, context=context).findings} == {path}
    web = ReadContext(tree_paths=lambda: ("web/package-lock.json",), workdir="web")
    assert {finding.path for finding in read(content, context=web).findings} == {"web/package-lock.json"}


def test_npm_that_failed_or_was_cut_is_no_clean_run():
    failed = {"message": "request failed", "error": {"code": "ENOLOCK", "summary": "needs a lockfile"}}
    assert fault(json.dumps(failed), "npm_audit") == snapshot("npm audit failed: 'needs a lockfile'")
    assert fault('{"error": 3}', "npm_audit") == snapshot("npm audit failed without saying why")
    old = {"actions": [], "advisories": {}, "metadata": {"vulnerabilities": {}}}
    assert fault(json.dumps(old), "npm_audit") == "it is no report of npm 7 or later"
    report = raw("npm_audit.json")
    del report["vulnerabilities"]["lodash"]
    assert fault(json.dumps(report)) == snapshot("npm counts 3 vulnerable packages, but 2 are listed")
    del report["metadata"], report["vulnerabilities"]["minimist"]
    assert fault(json.dumps(report)) == snapshot("'mkdirp' is vulnerable via 'minimist', which is not listed")


def test_osv():
    assert [short(finding) for finding in sample("osv.json").findings] == snapshot(
        [
            (
                "CVE-2020-28493",
                "medium",
                "requirements.txt",
                "jinja2 2.11.2: Regular Expression Denial of Service (ReDoS) in Jinja2 (also GHSA-g3rq-g295-4j3m, PYSEC-2021-66, SNYK-PYTHON-JINJA2-1012994)",
            ),
            (
                "PYSEC-2024-999",
                "critical",
                "requirements.txt",
                "jinja2 2.11.2: A flaw with a score and no word.",
            ),
        ]
    )


def test_osv_without_groups_joins_by_aliases():
    report = raw("osv.json")
    del report["results"][0]["packages"][0]["groups"]
    found = read(json.dumps(report), context=SHOP).findings
    assert [(finding.rule, finding.severity) for finding in found] == [
        ("CVE-2020-28493", Severity.MEDIUM),
        ("PYSEC-2024-999", Severity.HIGH),
    ]


def test_osv_of_a_group_whose_entries_are_missing():
    report = raw("osv.json")
    report["results"][0]["packages"][0]["vulnerabilities"] = []
    found = read(json.dumps(report)).findings
    assert [(finding.rule, finding.severity.value) for finding in found] == [
        ("CVE-2020-28493", "medium"),
        ("PYSEC-2024-999", "critical"),
    ]


def test_osv_takes_what_a_database_says_of_itself_only_where_it_is_a_word():
    report = raw("osv.json")
    (package,) = report["results"][0]["packages"]
    for own in ([1], {"severity": 3}, {"severity": "SEVERE"}):
        package["vulnerabilities"][0]["database_specific"] = own
        package["groups"][0]["max_severity"] = "9.9"
        assert read(json.dumps(report)).findings[0].severity is Severity.CRITICAL


def test_osv_licences_are_told():
    report = raw("osv.json")
    report["results"][0]["packages"][0]["license_violations"] = ["GPL-3.0"]
    assert read(json.dumps(report)).dropped == snapshot(
        ("once: licence violation: licences are not judged from this format (first: 'GPL-3.0')",)
    )


def test_tools_agree_on_what_a_flaw_is_called():
    """So that a waiver holds whichever scanner found it."""
    known = {
        name: {(finding.rule, finding.path): finding.fingerprint for finding in sample(name).findings}
        for name in ("pip_audit.json", "osv.json", "trivy.json", "grype.json")
    }
    lodash = ("CVE-2021-23337", "package-lock.json")
    assert known["trivy.json"][lodash] == known["grype.json"][lodash]
    jinja2 = "CVE-2020-28493"
    assert (jinja2, "requirements.txt") in known["osv.json"]
    assert (jinja2, "") in known["pip_audit.json"]


def test_a_table_may_name_any_of_its_names_and_lower_what_nobody_rated():
    for name in ("PYSEC-2021-66", "GHSA-g3rq-*", "CVE-2020-28493"):
        found = sample("pip_audit.json", ReadContext(severities={name: Severity.LOW})).findings
        assert [finding.severity.value for finding in found] == ["low", "high"]


@pytest.mark.parametrize("count", [51, 600])
def test_limits(count):
    many = [{"id": f"PYSEC-{at}", "fix_versions": []} for at in range(count)]
    report = {"dependencies": [{"name": "a", "version": "1", "vulns": many}]}
    assert "more than 50 findings" in fault(
        json.dumps(report), context=ReadContext(limits=Limits(findings=50))
    )


def test_an_advisory_with_a_thousand_names():
    names = [f"X-{at}" for at in range(1_000)]
    report = {"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "X", "aliases": names}]}]}
    assert "names of advisories" in fault(json.dumps(report))


NAMES = st.sampled_from(["CVE-1", "GHSA-a", "PYSEC-1", "GHSA-b", "PYSEC-2", "X-1", "x-1", ""])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(NAMES, st.lists(NAMES, max_size=2)), max_size=8))
def test_a_flaw_is_counted_once_and_never_lost(entries):
    """As many findings as sets of entries that share names, in whatever order they come."""
    groups: list[set[str]] = []
    unnamed = 0
    for one, others in entries:
        names = {name.casefold() for name in (one, *others) if name}
        if not names:
            unnamed += 1
            continue
        touched = [group for group in groups if group & names]
        groups = [group for group in groups if not group & names] + [names.union(*touched)]
    for ordered in (entries, entries[::-1]):
        vulns = [{"id": one, "aliases": others, "fix_versions": []} for one, others in ordered]
        report = {"dependencies": [{"name": "a", "version": "1", "vulns": vulns}], "fixes": []}
        assert len(read(json.dumps(report), "pip_audit").findings) == len(groups) + unnamed
