import json
import os
from pathlib import Path

import jsonschema_rs
import pytest

from app.plan import json_schema
from app.plan.complaints import Complaints
from app.plan.gatefile import plain
from app.plan.yaml import load

EXAMPLE = Path(os.environ.get("PORTCULLIS_CONTRACTS", "../shared/contracts")).parent / "gate-example.yml"

FULL = """\
version: 1
on: {branches: [main, 'release/*'], ignore_paths: 'docs/**', events: [pull_request, push]}
defaults: {timeout: 10m, retry: {max: 1, on: [error], backoff: 5s}, env: {A: 1}, resources: {memory: 1GiB, cpus: 0.5}}
checks:
  lint: {use: ruff, args: [--select, F]}
  test:
    needs: [lint, {check: lint_more, soft: true}]
    matrix: {python: ['3.11', '3.12'], suite: {from: 'tests/*/', max: 8}, exclude: [{python: '3.11'}]}
    run: |
      pytest ${matrix.suite}
    exit_codes: {findings: [1], not_needed: 5}
    retry: {max: 2, on: [error, findings]}
    reports: [out/junit.xml, {path: out/coverage.xml, only: {python: '3.12'}, flag: unit, optional: true}]
    outputs: out/facts.json
    artifacts: [out/html/]
    tree: base
    network: full
    concurrency: {group: staging, scope: owner}
    setup: pip install --target .deps -r requirements.txt
    cache: {key: "deps-${hash('requirements.txt')}", paths: [.deps]}
    reuse: ['src/**']
  lint_more: {run: [ruff, check], required: false, when: "changed('**/*.py')", after: not pr.draft, shell: sh}
  build: {external: {context: build, app: github-actions, accept: [success, neutral]}, timeout: 45m}
  many: {external: {upload: many, shards: 3}, reports: [junit.xml]}
  ci: {external: {upload: ci}, reports: [junit.xml, {path: cov/*.xml, format: cobertura, flag: ci}], workdir: api}
gate:
  - checks.passed
  - {expect: coverage.new >= 80%, because: we say so, advisory: true}
  - when: pr.base == 'main'
    require: ["approved_by('@acme/platform', 2)", {all: [pr.draft]}]
  - any: ["has_label('large_change')", size.added <= 800]
settings:
  mode: observe
  missing: fail
  small_change: {lines: 20}
  generated: ['**/*.lock']
  coverage: {exclude: 'x/**'}
  comment: blocked
  publish: {checks: true, status: false}
  ai_authored: {labels: [ai]}
  gate: portcullis
waivers:
  - {fingerprint: 'ab12:1', reason: old, owner: '@dana', granted: 2026-11-20, expires: 2027-02-18, ticket: S-1}
  - {rule: ruff/S*, path: 'tests/**', max: 2, reason: old, owner: '@dana', granted: 2026-11-20, expires: 2026-11-20}
"""


@pytest.fixture(scope="module")
def accepts(catalogue):
    schema = json_schema(catalogue)
    jsonschema_rs.meta.validate(schema)
    validator = jsonschema_rs.validator_for(schema)

    def accepted(text: str) -> bool:
        root = load(text.encode(), Complaints("g.yml"))
        assert root is not None
        return validator.is_valid(plain(root))

    return accepted


def test_it_is_one_plain_document(catalogue):
    schema = json_schema(catalogue)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert json.loads(json.dumps(schema)) == schema


def test_all_that_this_version_knows_is_accepted_by_both(accepts, valid):
    valid(FULL)
    assert accepts(FULL)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version: 1", "version: 2"),
        ("version: 1", "version: 1\nextends: [org]"),
        ("version: 1", "version: 1\nchekcs: {}"),
        ("  lint: {use: ruff", "  lint: {use: ruf"),
        ("  lint: {use: ruff", "  passed: {use: ruff"),
        ("  lint: {use: ruff", "  Lint: {use: ruff"),
        ("  lint: {use: ruff", "  lint: {use: ruff, run: x"),
        ("tree: base", "tree: base\n    executor: x"),
        ("paths: [.deps]", "paths: []"),
        ("reuse: ['src/**']", "reuse: []"),
        ("tree: base", "tree: base\n    timout: 20m"),
        ("tree: base", "tree: bas"),
        ("network: full", "network: all"),
        ("scope: owner", "scope: world"),
        ("group: staging, ", ""),
        ("timeout: 45m", "timeout: 45"),
        ("memory: 1GiB", "memory: 1"),
        ("'3.11', '3.12'", "3.10, '3.12'"),
        ("'3.11', '3.12'", "'$(id)'"),
        ("not_needed: 5", "not_needed: 0"),
        ("events: [pull_request, push]", "events: [pullrequest]"),
        ("because: we say so", "becuase: we say so"),
        ("{all: [pr.draft]}", "{all: [pr.draft], advisory: true}"),
        ("    require: [", "    requires: ["),
        ("gate: portcullis", "gate: sonarway"),
        ("mode: observe", "mode: observe\n  commands: {override: [not a team]}"),
        ("flag: unit", "flags: unit"),
        ("app: github-actions", "workflow: x"),
        ("app: github-actions", "trigger: true"),
        ("{upload: ci}", "{upload: ci, context: build}"),
        ("{upload: ci}", "{upload: a b}"),
        ("{upload: ci}", "{upload: ci, shards: 0}"),
        ("{upload: ci}", "{context: ci, app: ci, shards: 2}"),
        ("{upload: ci}", "{}"),
        ("'tests/*/', max: 8", "'tests/*/', changed: x"),
        ("{fingerprint: 'ab12:1', ", "{"),
        ("{fingerprint: 'ab12:1', ", "{fingerprint: 'ab12:1', max: 1, "),
        ("rule: ruff/S*, path: 'tests/**', max: 2", "rule: ruff/S*, path: 'tests/**'"),
        ("rule: ruff/S*, path: 'tests/**', max: 2", "rule: ruff/S*, max: 2"),
        ("max: 2, reason: old", "max: 0, reason: old"),
        ("max: 2, reason: old", "max: 2, reason: ' '"),
        ("2027-02-18", "soon"),
        ("ticket: S-1", "tickets: S-1"),
    ],
)
def test_what_the_reader_refuses_the_schema_refuses_too(accepts, read, old, new):
    text = FULL.replace(old, new)
    assert text != FULL
    assert read(text).gatefile is None
    assert not accepts(text)


@pytest.mark.skipif(not EXAMPLE.exists(), reason="needs the example gate file beside PORTCULLIS_CONTRACTS")
def test_the_example_of_all_issues_is_not_accepted_yet(accepts):
    assert not accepts(EXAMPLE.read_text())
