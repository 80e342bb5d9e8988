import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from app.model import Kind
from app.plan import compile_plan, parse

HEAD = "version: 1\nchecks:\n"
GATE = "gate: [checks.passed]\n"
EXAMPLE = Path(os.environ.get("PORTCULLIS_CONTRACTS", "../shared/contracts")).parent / "gate-example.yml"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # the frame
        ("", ["G010 1:1 the file is empty"]),
        ("# nothing\n", ["G010 1:1 the file is empty"]),
        ("- a\n", ["G011 1:1 a list where a mapping with 'version', 'checks' and 'gate' is expected"]),
        ("checks: {}\n", ["G010 1:1 'version' is missing"]),
        ("version: 2\n", ["G014 1:10 version: the number '2' where version 1 is expected"]),
        ("version: true\n", ["G014 1:10 version: true/false 'true' where version 1 is expected"]),
        ("version: 1\nfoo: 1\n", ["G012 2:1 foo: unknown key 'foo'"]),
        # ids and kinds
        (HEAD + "  Lint: {run: x}\n", ["G020 3:3 checks: 'Lint' is not a check id"]),
        (HEAD + "  passed: {run: x}\n", ["G020 3:3 checks.passed: the id 'passed' is reserved"]),
        (HEAD + "  a: {env: {}}\n", ["G021 3:3 checks.a: exactly one of run, use, external: this check has none of them"]),
        (HEAD + "  a:\n", ["G011 3:5 checks.a: nothing where a mapping is expected"]),
        (HEAD + "  a: {run: x, args: y}\n", ["G025 3:15 checks.a.args: 'args' belongs to 'use'"]),
        (HEAD + "  a: {use: ruff, shell: sh}\n", ["G025 3:18 checks.a.shell: 'shell' belongs to 'run'"]),
        (HEAD + "  a: {use: ruff, args: \"it's\"}\n", ["G014 3:24 checks.a.args: not an argument list: No closing quotation"]),
        (HEAD + "  a: {run: 5}\n", ["G011 3:12 checks.a.run: the number '5' where a script or a list of arguments is expected"]),
        # external
        (HEAD + "  a: {external: {context: b}}\n", ["G021 3:17 checks.a.external: exactly one of 'app' and 'creator' is needed"]),
        (HEAD + "  a: {external: {context: b, app: c, creator: d}}\n", ["G021 3:17 checks.a.external: exactly one of 'app' and 'creator' is needed"]),
        (HEAD + "  a: {external: {context: portcullis, app: c}}\n", ["G014 3:27 checks.a.external: 'portcullis' is our own verdict: it cannot wait for itself"]),
        (HEAD + "  a: {external: {context: b, app: c}, env: {A: b}}\n", ["G025 3:39 checks.a.env: 'env' does not apply to external checks"]),
        (HEAD + "  a: {external: {}}\n", ["G010 3:17 checks.a.external: 'workflow', 'pipeline', 'context' or 'upload' is missing"]),
        (HEAD + "  a: {external: {upload: ci, context: b, app: c}, reports: [junit.xml]}\n", ["G021 3:30 checks.a.external.context: 'context' does not go with 'upload'", "G021 3:42 checks.a.external.app: 'app' does not go with 'upload'"]),
        (HEAD + "  a: {external: {context: b, app: c, shards: 2}}\n", ["G021 3:38 checks.a.external.shards: 'shards' goes with 'upload' only"]),
        (HEAD + "  a: {external: {upload: ci, shards: 0}, reports: [junit.xml]}\n", ["G014 3:38 checks.a.external.shards: the number '0' where a whole number from 1 to 1000 is expected"]),
        (HEAD + "  a: {use: ruff}\ngate: [\"measure('a', 'x') > 1\"]\n", ["G109 4:9 gate[0]: no check declares measures, so 'measure' is never known"]),
        (HEAD + "  a: {run: x, reports: [{path: out/m, format: metrics}]}\n  b: {use: ruff}\ngate: [\"measure('b', 'x') > 1\"]\n", ["G109 5:8 gate[0]: 'b' declares no report of measures"]),
        (HEAD + "  a: {run: x, reports: [{path: out/m, format: metrics}]}\ngate: [\"measure('c', 'x') > 1\"]\n", ["G103 4:17 gate[0]: no check 'c' is declared"]),
        (HEAD + "  a: {run: x, reports: [{path: out/m, format: metrics}]}\ngate: [\"measure(pr.base, 'x') > 1\"]\n", ["G106 4:17 gate[0]: 'source' must be written as the id of a check"]),
        (HEAD + "  a: {run: x, reports: [{path: out/m, format: metrics}]}\ngate: [\"measure('a', 'x') > 80%\"]\n", ["G105 4:29 gate[0]: a number is compared with a number"]),
        (HEAD + "  a: {run: x, required: false, reports: [{path: out/m, format: metrics}]}\n  b: {run: x, reports: [{path: out/m, format: metrics}]}\ngate: [\"measure(source='a', metric='x') > 1\"]\n", ["G030 5:8 gate[0]: 'a' is advisory (required: false) and may not decide in the gate"]),
        (HEAD + "  a: {external: {upload: ci}}\n", ["G010 3:7 checks.a: 'reports' is missing: an upload is known by its files"]),
        (HEAD + "  a: {external: {upload: a b}, reports: [junit.xml]}\n", ["G014 3:26 checks.a.external.upload: the text 'a b' where an upload's name is expected"]),
        (HEAD + "  a: {external: {upload: ci}, reports: [{path: junit.xml, optional: true}]}\n", ["G014 3:40 checks.a.reports: every report is optional: there is nothing to wait for"]),
        (HEAD + "  a: {external: {upload: ci}, reports: [../junit.xml]}\n", ["G026 3:41 checks.a.reports[0]: '../junit.xml' leaves the repository"]),
        (HEAD + "  a: {external: {upload: ci}, reports: [report.xml]}\n", ["G027 3:41 checks.a.reports[0]: the name 'report.xml' does not tell the format"]),
        (HEAD + "  a: {external: {upload: ci}, reports: [junit.xml], retry: {max: 1}}\n", ["G025 3:53 checks.a.retry: 'retry' does not apply to external checks"]),
        (HEAD + "  a: {external: {context: b, app: c}, reports: [junit.xml]}\n", ["G025 3:39 checks.a.reports: 'reports' does not apply to external checks"]),
        (HEAD + "  a: {external: {workflow: b}}\n", ["G014 3:28 checks.a.external.workflow: the text 'b' where a workflow's file is expected"]),
        (HEAD + "  a: {external: {workflow: ci.yml, context: b}}\n", ["G021 3:36 checks.a.external.context: 'context' does not go with 'workflow'"]),
        (HEAD + "  a: {external: {pipeline: .gitlab-ci.yml, app: b}}\n", ["G021 3:44 checks.a.external.app: 'app' does not go with 'pipeline'"]),
        (HEAD + "  a: {external: {workflow: ci.yml, shards: 2}}\n", ["G021 3:36 checks.a.external.shards: 'shards' goes with 'upload' only"]),
        (HEAD + "  a: {external: {workflow: ci.yml, creator: b}}\n", ["G021 3:36 checks.a.external.creator: 'creator' does not go with 'workflow'"]),
        (HEAD + "  a: {external: {workflow: ci.yml, upload: b}}\n", ["G010 3:7 checks.a: 'reports' is missing: an upload is known by its files", "G021 3:18 checks.a.external.workflow: 'workflow' does not go with 'upload'"]),
        (HEAD + "  a: {external: {context: b, app: c, trigger: true}}\n", ["G021 3:38 checks.a.external.trigger: 'trigger' does not go with 'context'"]),
        # needs and cycles
        (HEAD + "  a: {run: x, needs: b}\n", ["G022 3:22 checks.a.needs[0]: there is no check 'b'"]),
        (HEAD + "  a: {run: x, needs: [a]}\n", ["G023 3:23 checks.a: checks wait for each other: a → a"]),
        (HEAD + "  a: {run: x, needs: [b, b]}\n  b: {run: x}\n", ["G022 3:26 checks.a.needs[1]: 'b' stands twice"]),
        (HEAD + "  a: {run: x, needs: [{check: b, soft: true}]}\n  b: {run: x, when: checks.a.passed}\n", ["G023 4:21 checks.b: checks wait for each other: a → b → a"]),
        (HEAD + "  a: {run: x, after: checks.b.passed}\n  b: {run: x, needs: a}\n", ["G023 4:22 checks.b: checks wait for each other: a → b → a"]),
        # advisory checks
        (HEAD + "  a: {run: x, required: false}\n  b: {run: x, needs: [a]}\n", ["G030 4:23 checks.b.needs[0]: 'a' is advisory (required: false) and may not decide in 'needs' of a required check"]),
        (HEAD + "  a: {run: x, required: false}\n  b: {run: x, when: checks.a.passed}\n", ["G030 4:21 checks.b.when: 'a' is advisory (required: false) and may not decide in 'when' of a required check"]),
        (HEAD + "  a: {run: x, required: false}\n  b: {run: x, after: checks.a.passed}\n", ["G030 4:22 checks.b.after: 'a' is advisory (required: false) and may not decide in 'after' of a required check"]),
        (HEAD + "  a: {run: x, required: false}\ngate: [{any: [checks.a.passed]}]\n", ["G030 4:15 gate[0].any[0]: 'a' is advisory (required: false) and may not decide in the gate"]),
        (HEAD + "  a: {run: x, required: false}\n  b: {run: x, required: false, needs: a}\n  c: {run: x, needs: {check: a, soft: true}}\ngate: [{expect: checks.a.passed, advisory: true}]\n", []),
        # reports
        (HEAD + "  a: {run: x, reports: [junit.xml]}\n", ["G026 3:25 checks.a.reports[0]: 'junit.xml' is not beneath out/"]),
        (HEAD + "  a: {run: x, reports: [out/../junit.xml]}\n", ["G026 3:25 checks.a.reports[0]: 'out/../junit.xml' leaves the repository"]),
        (HEAD + "  a: {run: x, reports: [/out/junit.xml]}\n", ["G026 3:25 checks.a.reports[0]: '/out/junit.xml' leaves the repository"]),
        (HEAD + "  a: {run: x, outputs: out}\n", ["G026 3:24 checks.a.outputs: 'out' is not beneath out/"]),
        (HEAD + "  a: {run: x, artifacts: [html/]}\n", ["G026 3:27 checks.a.artifacts: 'html/' is not beneath out/"]),
        (HEAD + "  a: {run: x, workdir: ../b}\n", ["G026 3:24 checks.a.workdir: '../b' leaves the repository"]),
        (HEAD + "  a: {run: x, reports: [out/r.json]}\n", ["G027 3:25 checks.a.reports[0]: the name 'out/r.json' does not tell the format"]),
        (HEAD + "  a: {run: x, reports: [{path: out/r.json, format: sarf}]}\n" + GATE, ["G027 3:52 checks.a.reports[0].format: unknown format 'sarf'"]),
        (HEAD + "  a: {run: x, reports: [{path: out/r.sarif, kind: secret}]}\n" + GATE, ["G014 3:51 checks.a.reports[0].kind: unknown kind 'secret'"]),
        (HEAD + "  a: {run: x, reports: [{path: out/junit.xml, kind: secrets}]}\n" + GATE, ["G027 3:53 checks.a.reports[0].kind: a report of tests holds no secrets"]),
        # matrix
        (HEAD + "  a: {run: x, matrix: {v: [3.10]}}\n", ["G028 3:28 checks.a.matrix.v[0]: unquoted 3.10 in a matrix"]),
        (HEAD + "  a: {run: x, matrix: {v: ['$(id)']}}\n", ["G028 3:28 checks.a.matrix.v[0]: matrix value '$(id)' is refused"]),
        (HEAD + "  a: {run: x, matrix: {v: [-x]}}\n", ["G028 3:28 checks.a.matrix.v[0]: matrix value '-x' is refused"]),
        (HEAD + "  a: {run: x, matrix: {v: [a, a]}}\n", ["G028 3:31 checks.a.matrix.v: matrix value 'a' stands twice"]),
        (HEAD + "  a: {run: x, matrix: {v: {from: 's/*/', changed: 's/*/'}}}\n", ["G028 3:27 checks.a.matrix.v: a mapping where exactly one of 'from' and 'changed' is expected"]),
        (HEAD + "  a: {run: x, matrix: {v: {form: 's/*/'}}}\n", ["G012 3:28 checks.a.matrix.v.form: unknown key 'form'"]),
        (HEAD + "  a: {run: x, matrix: {v: [a], exclude: [{w: a}]}}\n", ["G029 3:43 checks.a.matrix.exclude: unknown axis 'w'"]),
        (HEAD + "  a: {run: 'x ${matrix.w}', matrix: {v: [a]}}\n", ["G029 3:15 checks.a.run: unknown axis 'w'"]),
        (HEAD + "  a: {run: x, matrix: {v: [a]}, reports: [{path: out/j.sarif, only: {w: a}}]}\n" + GATE, ["G029 3:70 checks.a.reports[0].only: unknown axis 'w'"]),
        (HEAD + "  a: {run: x, matrix: {v: [a]}, reports: [{path: out/j.sarif, only: {v: b}}]}\n" + GATE, ["G028 3:73 checks.a.reports[0].only: no cell has v 'b'"]),
        (HEAD + "  a: {run: \"x ${hash('l')}\"}\n", ["G014 3:15 checks.a.run: '${hash(…)}' stands in cache.key only, as ${hash('uv.lock')}"]),
        # values
        (HEAD + "  a: {run: x, timeout: 10}\n", ["G015 3:24 checks.a.timeout: the number '10' where a duration like 30s, 10m, 2h is expected"]),
        (HEAD + "  a: {run: x, timeout: 10 years}\n", ["G015 3:24 checks.a.timeout: the text '10 years' where a duration like 30s, 10m, 2h is expected"]),
        (HEAD + "  a: {run: x, timeout: 900d}\n", ["G015 3:24 checks.a.timeout: the text '900d' where a duration like 30s, 10m, 2h within bounds is expected"]),
        (HEAD + "  a: {run: x, resources: {memory: 2}}\n", ["G015 3:35 checks.a.resources.memory: the number '2' where a size like 512MiB or 2GiB is expected"]),
        (HEAD + "  a: {run: x, required: no}\n", ["G011 3:25 checks.a.required: the text 'no' where true or false is expected"]),
        (HEAD + "  a: {run: x, exit_codes: {findings: [0]}}\n", ["G014 3:39 checks.a.exit_codes.findings[0]: the number '0' where a whole number from 1 to 255 is expected"]),
        (HEAD + "  a: {run: x, exit_codes: {findings: 1, not_needed: [1]}}\n", ["G014 3:27 checks.a: exit 1 stands under both findings and not_needed"]),
        (HEAD + "  a: {run: x, env: {PORTCULLIS_OUT: x}}\n", ["G014 3:21 checks.a.env: 'PORTCULLIS_OUT' is set by us"]),
        (HEAD + "  a: {run: x, env: {A-B: x}}\n", ["G020 3:21 checks.a.env: 'A-B' is not a variable name"]),
        (HEAD + "  a: {run: x, network: full}\n", []),
        (HEAD + "  a: {run: x, network: all}\n", ["G014 3:24 checks.a.network: unknown network 'all'"]),
        (HEAD + "  a: {run: x, reuse: ['src/**', Makefile]}\n", []),
        (HEAD + "  a: {run: x, reuse: []}\n", ["G014 3:22 checks.a.reuse: a list where a list of 1 to 1000 is expected"]),
        (HEAD + "  a: {run: x, cache: {key: \"uv-${hash('uv.lock')}\", paths: [.venv, api/.venv]}, setup: uv sync}\n", []),
        (HEAD + "  a: {run: x, matrix: {v: [a]}, cache: {key: \"${matrix.v}-${hash(\\\"*.lock\\\")}\", paths: ['d/${matrix.v}']}}\n", []),
        (HEAD + "  a: {run: x, setup: uv sync}\n", ["G010 3:15 checks.a.setup: 'setup' needs 'cache'"]),
        (HEAD + "  a: {run: x, cache: {key: k}}\n", ["G010 3:22 checks.a.cache: 'paths' is missing"]),
        (HEAD + "  a: {run: x, cache: {paths: [d]}}\n", ["G010 3:22 checks.a.cache: 'key' is missing"]),
        (HEAD + "  a: {run: x, cache: {key: k, paths: []}}\n", ["G014 3:38 checks.a.cache.paths: a list where a list of 1 to 20 is expected"]),
        (HEAD + "  a: {run: x, cache: {key: k, paths: [out/x]}}\n", ["G014 3:39 checks.a.cache.paths: this cannot be kept: out/ and in/ are ours, and the whole repository is the source"]),
        (HEAD + "  a: {run: x, cache: {key: k, paths: [.]}}\n", ["G014 3:39 checks.a.cache.paths: this cannot be kept: out/ and in/ are ours, and the whole repository is the source"]),
        (HEAD + "  a: {run: x, cache: {key: k, paths: [../d]}}\n", ["G026 3:39 checks.a.cache.paths: '../d' leaves the repository"]),
        (HEAD + "  a: {run: x, cache: {key: '${hash(uv.lock)}', paths: [d]}}\n", ["G014 3:29 checks.a.cache: '${hash(…)}' stands in cache.key only, as ${hash('uv.lock')}"]),
        (HEAD + "  a: {run: x, cache: {key: '${matrix.v}', paths: [d]}}\n", ["G029 3:29 checks.a.cache: unknown axis 'v'"]),
        (HEAD + "  a: {external: {context: b, app: c}, cache: {key: k, paths: [d]}}\n", ["G025 3:39 checks.a.cache: 'cache' does not apply to external checks"]),
        (HEAD + "  a: {run: x, network: none}\n", []),
        ("version: 1\nsettings: {licences: {allow: [MIT, 'BSD-*', LicenseRef-Ours], deny: [AGPL-3.0-only], unknown: allow}}\n", []),
        ("version: 1\nsettings: {licences: {allow: [Apache-2]}}\n", ["G032 2:31 settings.licences.allow[0]: SPDX knows no licence 'Apache-2'"]),
        ("version: 1\nsettings: {licences: {deny: ['GPL OR MIT']}}\n", ["G032 2:30 settings.licences.deny[0]: SPDX knows no licence 'GPL OR MIT'"]),
        ("version: 1\nsettings: {licences: {deny: []}}\n", ["G014 2:29 settings.licences.deny: a list where a list of 1 to 1000 is expected"]),
        ("version: 1\nsettings: {licences: {deny: [3]}}\n", ["G011 2:30 settings.licences.deny[0]: the number '3' where a licence is expected"]),
        ("version: 1\nsettings: {licences: {unknown: pass}}\n", ["G014 2:32 settings.licences.unknown: unknown answer 'pass'"]),
        (HEAD + "  a: {run: x, reports: [out/a.cdx.json]}\ngate: [licences.denied == 0]\nsettings: {licences: {allow: [MIT]}}\n", []),
        (HEAD + "  a: {run: x, reports: [out/a.cdx.json]}\ngate: [licences.denied == 0]\n", ["G031 4:8 gate[0]: 'licences.denied' needs settings.licences: nothing says which licences are allowed"]),
        ("version: 1\ngate: [licences.denied == 0]\nsettings: {licences: {allow: [MIT]}}\n", ["G109 2:8 gate[0]: no check declares licences of packages, so 'licences.denied' is never known"]),
        ("version: 1\nsettings: {gate: sonar_way}\n", []),
        ("version: 1\nsettings: {gate: sonar_way}\ngate: [pr.draft]\n", ["G021 2:18 settings.gate: it tells what judges where no 'gate' is written, and one is written here"]),
        ("version: 1\nsettings: {gate: portcullis}\ngate: [pr.draft]\n", []),
        (HEAD + "  a: {run: x, reports: [out/junit.xml]}\ngate: [suppressions.new == 0, tests.failed == 0]\n", ["G109 4:8 gate[0]: no check declares findings or secret findings, so 'suppressions.new' is never known"]),
        (HEAD + "  a: {run: x, reports: [{path: out/a.json, format: gitleaks}]}\ngate: [suppressions.new == 0, secrets.new == 0]\n", []),
        # the gate
        ("version: 1\ngate: [{because: x}]\n", ["G010 2:8 gate[0]: one of expect, any, all, when is missing"]),
        ("version: 1\ngate: [{expekt: pr.draft}]\n", ["G012 2:9 gate[0].expekt: unknown key 'expekt'"]),
        ("version: 1\ngate: [{when: pr.draft}]\n", ["G010 2:9 gate[0]: 'require' is missing"]),
        ("version: 1\ngate: [{any: [pr.draft], all: [pr.draft]}]\n", ["G021 2:26 gate[0]: exactly one of expect, any, all, when"]),
        ("version: 1\ngate: [{any: []}]\n", ["G014 2:14 gate[0].any: a list where at least one condition is expected"]),
        ("version: 1\ngate: [{any: [{expect: pr.draft, advisory: true}]}]\n", ["G025 2:34 gate[0].any[0].advisory: 'advisory' stands only on top-level items"]),
        ("version: 1\ngate: [[pr.draft]]\n", ["G011 2:8 gate[0]: a list where an expression or a mapping is expected"]),
        ("version: 1\ngate:\n", ["G011 2:6 gate: nothing where a list of conditions is expected"]),
        ("version: 1\ngate: [size.added]\n", ["G111 2:8 gate[0]: a condition must be true or false, this is a number"]),
        (HEAD + "  a: {run: x, when: pr.draft}\n", ["G107 3:21"]),
        (HEAD + "  a: {run: x, when: checks.passed}\n", ["G107 3:21"]),
    ],
)  # fmt: skip
def test_each_mistake_at_its_place(read, body, expected):
    found = [
        f"{one.code} {one.line}:{one.column} " + (f"{one.where}: " if one.where else "") + one.message
        for one in read(body).diagnostics
    ]
    if len(expected) == 1 and re.fullmatch(r"G\d+ \d+:\d+", expected[0]):
        found = [" ".join(one.split()[:2]) for one in found]
    assert found == expected
    assert (read(body).gatefile is None) == bool(expected)


LATER_TOP = ("extends", "enforced", "notify", "deploy", "program", "emit", "fan_out", "secrets")
LATER_CHECK = (
    "executor",
    "emit",
    "fan_out",
    "secrets",
)
LATER_EXTERNAL = (
    "jenkins",
    "azure",
    "bitbucket",
    "sonarqube",
    "http",
)


@pytest.mark.parametrize(
    "text",
    [
        *(f"version: 1\n{key}: 1\n" for key in LATER_TOP),
        *(f"version: 1\nchecks: {{a: {{run: x, {key}: 1}}}}\n" for key in LATER_CHECK),
        *(
            f"version: 1\nchecks: {{a: {{external: {{context: b, app: c, {key}: d}}}}}}\n"
            for key in LATER_EXTERNAL
        ),
    ],
)
def test_keys_of_later_versions_are_refused_in_these_words(read, text):
    (one,) = read(text).diagnostics
    assert one.code == "G013"
    assert one.message.endswith("is not yet supported by this version")
    assert one.hint


@pytest.mark.skipif(not EXAMPLE.exists(), reason="needs the example gate file beside PORTCULLIS_CONTRACTS")
def test_the_full_example_says_only_what_is_not_yet_supported(complaints):
    assert complaints(EXAMPLE.read_bytes()) == snapshot(
        [
            ("G013", 4, 1, 7, "extends: 'extends' is not yet supported by this version"),
        ]
    )


def test_the_smallest_files(valid):
    first = valid(
        "version: 1\nchecks:\n  lint: {use: ruff}\n  test: {use: pytest, args: --cov=src --cov-branch}\n"
    )
    lint, test = (decl.template for decl in first.checks)
    assert [one.path for one in lint.reports] == ["out/ruff.sarif"]
    assert [one.path for one in test.reports] == ["out/junit.xml", "out/coverage.xml"]
    assert "--cov=src --cov-branch" in test.script
    assert first.judged == (Kind.COVERAGE, Kind.FINDINGS, Kind.SECRETS, Kind.TESTS)
    assert not first.gate_declared
    second = valid("""\
version: 1
checks:
  lint: {use: ruff}
  test:
    run: pytest --junitxml=out/junit.xml --cov=src --cov-report=xml:out/coverage.xml
    exit_codes: {findings: [1]}
    reports: [out/junit.xml, out/coverage.xml]
gate:
  - tests.new_failed == 0
  - coverage.new >= 80%
  - findings('high', 'new') == 0
""")
    assert second.gate_declared
    assert len(second.gate) == 3
    assert second.warnings == ()


def test_coverage_is_only_expected_when_asked_for(valid):
    plain = valid("version: 1\nchecks: {test: {use: pytest, args: '-k --cover'}}\n")
    assert [one.kind for one in plain.checks[0].template.reports] == [Kind.TESTS]


def test_one_value_stands_for_a_list_of_one(valid):
    gatefile = valid("""\
version: 1
on: {branches: main, ignore_paths: 'docs/**', events: push}
checks:
  a: {run: x, reports: out/junit.xml, exit_codes: {findings: 1}, artifacts: out/html, retry: {on: failure}}
  b: {run: x, needs: a, matrix: {v: '3.12'}}
gate: {any: tests.failed == 0}
""")
    assert gatefile.branches == ("main",)
    assert gatefile.events == ("push",)
    assert gatefile.checks[0].template.findings_exits == (1,)
    assert gatefile.checks[0].template.retry.on == ("failure",)
    assert gatefile.checks[1].matrix is not None
    assert gatefile.checks[1].matrix.axes[0].values == ("3.12",)


def test_an_upload_declares_reports_as_a_command_does(valid):
    gatefile = valid("""\
version: 1
checks:
  ci:
    external: {upload: ci}
    reports: [build/junit.xml, {path: 'cov-*.xml', format: cobertura, flag: unit, optional: true}]
    workdir: ./api/
""")
    spec = gatefile.checks[0].template
    assert spec.external is not None
    assert (spec.external.upload, spec.timeout, spec.self_reported) == ("ci", 3600, True)
    assert [(one.path, one.kind, one.flag, one.optional) for one in spec.reports] == [
        ("build/junit.xml", Kind.TESTS, "", False),
        ("cov-*.xml", Kind.COVERAGE, "unit", True),
    ]
    assert gatefile.judged == (Kind.COVERAGE, Kind.SECRETS, Kind.TESTS)


def test_measures_are_judged_where_their_own_check_is_asked(valid):
    text = (
        HEAD
        + "  a: {run: x, reports: [{path: out/m, format: metrics}]}\n  b: {run: x, reports: [{path: out/m, format: metrics}]}\n"
    )
    warned = valid(text + "gate: [\"measure('a', 'x') <= 1\"]\n").warnings
    assert [one.where for one in warned] == ["checks.b"]
    assert warned[0].message == "nothing judges the measures of this check"


def test_uploaded_reports_that_nothing_judges_are_warned_of(valid):
    text = HEAD + "  a: {external: {upload: ci}, reports: [junit.xml]}\ngate: [checks.passed]\n"
    (warning,) = valid(text).warnings
    assert (warning.code, warning.where) == ("G050", "checks.a")
    assert warning.message == "nothing judges the tests of this check"


def test_defaults_apply_where_a_check_says_nothing(valid):
    gatefile = valid("""\
version: 1
defaults: {timeout: 5m, retry: {max: 3}, env: {A: '1', B: 2}, workdir: src/, shell: sh, resources: {cpus: 4}}
checks:
  a: {run: x}
  b: {run: [x, 1], timeout: 1h, env: {B: 3.10, C: true}, workdir: ., shell: bash, resources: {memory: 1GiB}}
  c: {external: {context: build, creator: bot}}
  d: {use: ruff}
""")
    a, b, c, d = (decl.template for decl in gatefile.checks)
    assert (a.timeout, a.retry.max, a.env, a.workdir, a.shell) == (300, 3, {"A": "1", "B": "2"}, "src", "sh")
    assert (b.timeout, b.argv, b.workdir, b.shell) == (3600, ("x", "1"), "", "bash")
    assert b.env == {"A": "1", "B": "3.10", "C": "true"}
    assert (b.resources.memory, b.resources.cpus) == (1 << 30, 4.0)
    assert c.timeout == 300
    assert (d.shell, d.timeout) == ("bash", 300)
    assert (
        valid("version: 1\nchecks: {c: {external: {context: b, app: c}}}\n").checks[0].template.timeout
        == 3600
    )


def test_the_hash_ignores_cosmetics_and_nothing_else(valid):
    one = valid("version: 1\nchecks: {a: {run: x, timeout: 5m}, b: {run: y}}\ngate: [checks.passed]\n")
    same = valid(
        "# hi\ngate:\n- 'checks.passed'\nchecks:\n  b: {run: \"y\"}\n  a: {timeout: 5m, run: x}\nversion: 1\n"
    )
    other = valid("version: 1\nchecks: {a: {run: x, timeout: 6m}, b: {run: y}}\ngate: [checks.passed]\n")
    assert one.gate_hash == same.gate_hash != other.gate_hash


SCALARS = st.one_of(
    st.sampled_from(
        ["a", "b", "1", "3.10", "true", "null", "10m", "out/junit.xml", "ruff", "checks.passed", "checks.a.passed",
         "'services/*/'", "size.added < 5", "x ${matrix.v}", "[]", "{}", "*x", "&x y", '"\\0"', "passed", "📦"]
    )
)  # fmt: skip
KEYS = st.sampled_from(
    ["version", "on", "checks", "gate", "settings", "defaults", "run", "use", "external", "needs", "when", "after",
     "matrix", "from", "max", "exclude", "reports", "path", "only", "retry", "exit_codes", "any", "all", "expect",
     "require", "advisory", "a", "b", "passed", "context", "app", "env", "resources", "small_change", "publish"]
)  # fmt: skip
FLOW = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(KEYS, inner, max_size=5).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"
        ),
    ),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(KEYS, FLOW, max_size=6))
def test_random_structures_never_raise(catalogue, pairs):
    text = "version: 1\n" + "".join(f"{key}: {value}\n" for key, value in pairs.items() if key != "version")
    parsed = parse(text.encode(), "g.yml", catalogue)
    errors = [one for one in parsed.diagnostics if one.severity == "error"]
    assert (parsed.gatefile is None) == bool(errors)
    if parsed.gatefile is not None:
        compile_plan(parsed.gatefile, comparison=None, tree_paths=(), policy_sha="x")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_never_raise(catalogue, content):
    parse(content, "g.yml", catalogue)
    parse(b"version: 1\nchecks:\n  a: {run: x}\n" + content, "g.yml", catalogue)


def test_config_belongs_to_presets(complaints, valid):
    assert complaints("version: 1\nchecks:\n  a: {run: make, config: base}\n") == [
        ("G025", 3, 18, 6, "checks.a.config: 'config' belongs to 'use'")
    ]
    assert complaints("version: 1\nchecks:\n  a: {use: ruff, config: main}\n")[0][0] == "G014"
    specs = valid("version: 1\nchecks:\n  a: {use: ruff, config: base}\n  b: {use: ruff}\n").checks
    assert [decl.template.config for decl in specs] == ["base", "head"]


def test_only_a_presets_configuration_is_known(complaints):
    text = "version: 1\nchecks:\n  a: {run: make}\n  b: {use: pytest}\ngate:\n  - tests.failed == 0\n"
    assert complaints(f"{text}  - not checks.b.config_changed\n") == []
    (found,) = complaints(f"{text}  - not checks.a.config_changed\n")
    assert found[0] == "G109"
    assert "its configuration files are not known" in found[4]
