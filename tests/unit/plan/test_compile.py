import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model import (
    Actor,
    Change,
    ChangeKind,
    Comparison,
    FileChange,
    FileStatus,
    GateItem,
    Kind,
    Need,
    Plan,
    Sha,
)
from app.plan import applies, compile_plan
from app.plan.compile import MAX_KEY
from app.store import metadata

SHA = Sha("a" * 40)

TABLES = metadata.tables


def comparison(*paths: str) -> Comparison:
    files = tuple(FileChange(path=path, status=FileStatus.MODIFIED) for path in paths)
    return Comparison(base_sha=SHA, head_sha=SHA, tested_sha=SHA, base_tree=SHA, tested_tree=SHA, files=files)


@pytest.fixture
def plan(valid):
    def compiled(text: str, *, tree=(), changed=(), **more) -> Plan:
        return compile_plan(
            valid("version: 1\n" + text),
            comparison=comparison(*changed),
            tree_paths=tree,
            policy_sha="p",
            **more,
        )

    return compiled


def keys(plan: Plan) -> list[str]:
    return [check.key for check in plan.checks]


TREE = ("services/a/x.py", "services/b/y/z.py", "services/readme.md", "top.py")


def test_cells_in_the_order_of_the_file(plan):
    compiled = plan("""\
checks:
  test:
    matrix: {python: ['3.12', '3.10'], os: [linux, mac], exclude: [{python: '3.10', os: mac}]}
    run: tox -e ${matrix.python} --os ${matrix.os} ${HOME}
    env: {PY: "${matrix.python}"}
    workdir: d/${matrix.os}
    when: changed('${matrix.os}/**')
    outputs: out/${matrix.os}.json
    artifacts: ['out/${matrix.os}/']
    reports: [{path: 'out/${matrix.python}/junit.xml'}, {path: out/coverage.xml, only: {python: '3.12', os: mac}}]
gate: [tests.failed == 0, coverage.new >= 80%]
""")
    assert keys(compiled) == ["test (3.12, linux)", "test (3.12, mac)", "test (3.10, linux)"]
    first, second, third = compiled.checks
    assert first.cell == {"python": "3.12", "os": "linux"}
    assert first.script == "tox -e 3.12 --os linux ${HOME}"
    assert first.env == {"PY": "3.12"}
    assert first.workdir == "d/linux"
    assert first.when is not None
    assert first.when.text == "changed('linux/**')"
    assert (first.outputs, first.artifacts) == ("out/linux.json", ("out/linux/",))
    assert [one.path for one in first.reports] == ["out/3.12/junit.xml"]
    assert [one.path for one in second.reports] == ["out/3.12/junit.xml", "out/coverage.xml"]
    assert (first.produces, second.produces) == ((Kind.TESTS,), (Kind.TESTS, Kind.COVERAGE))
    assert len({check.definition for check in compiled.checks}) == 3
    assert all(check.id == "test" for check in compiled.checks)
    assert third.findings_succeed


def test_folders_of_the_tested_tree(plan):
    text = "checks: {s: {run: 'x ${matrix.d}', matrix: {d: {from: 'services/*/'}}}}\n"
    assert keys(plan(text, tree=TREE)) == ["s (services/a)", "s (services/b)"]
    assert keys(plan(text.replace("services/*/", "services/*"), tree=TREE)) == ["s (services/readme.md)"]
    assert keys(plan(text.replace("services/*/", "services/**/"), tree=TREE)) == [
        "s (services/a)",
        "s (services/b)",
        "s (services/b/y)",
    ]


def test_only_changed_folders_that_still_exist(plan):
    text = "checks: {s: {run: x, matrix: {d: {changed: 'services/*/'}}}}\n"
    changed = ("services/b/y/z.py", "services/gone/x.py", "top.py")
    assert keys(plan(text, tree=TREE, changed=changed)) == ["s (services/b)"]


def test_a_matrix_without_cells_is_not_needed(plan):
    compiled = plan(
        "checks: {s: {run: x, matrix: {d: {from: 'nope/*/'}}}, t: {run: y, needs: s}}\n", tree=TREE
    )
    assert keys(compiled) == ["t"]
    assert compiled.empty_checks == ("s",)
    assert not compiled.blocked


@pytest.mark.parametrize(
    ("matrix", "tree", "says"),
    [
        ("{d: {from: 'd/*/', max: 3}}", [f"d/{i}/x" for i in range(4)], "4 match 'd/*/', max is 3"),
        ("{d: {from: 'd/*/'}}", [f"d/{i:02}/x" for i in range(21)], "21 match 'd/*/', max is 20"),
        ("{d: {from: 'd/*/'}}", ["d/$(reboot)/x"], "'$(reboot)' is no safe matrix value".replace("'$", "'d/$")),
        ("{d: {from: 'd/*/'}}", ["d/a b/x"], "'d/a b' is no safe matrix value"),
        ("{a: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], b: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]}",
         [], "more than 200 cells"),
    ],
)  # fmt: skip
def test_too_large_or_unsafe_blocks_and_names_it(plan, matrix, tree, says):
    compiled = plan(f"checks: {{ok: {{run: y}}, s: {{run: x, matrix: {matrix}}}}}\n", tree=tree)
    assert says in compiled.blocked
    assert "'s'" in compiled.blocked
    assert compiled.checks == ()


def test_a_key_longer_than_can_be_kept_blocks(plan):
    text = "checks: {test: {run: x, matrix: {dir: {from: 'services/*/pkgs/*/'}}}}\n"
    fits = f"services/{'a' * 140}/pkgs/{'b' * 138}"
    (check,) = plan(text, tree=[f"{fits}/x.py"]).checks
    assert len(check.key) == MAX_KEY == TABLES["checks"].c.key.type.length
    compiled = plan(text, tree=[f"{fits}b/x.py"])
    assert "the matrix of 'test' is refused: " in compiled.blocked
    assert "more than 300 letters" in compiled.blocked
    assert compiled.checks == ()


def test_cells_whose_artifacts_would_replace_each_other_block(plan):
    text = "checks: {build: {run: x, matrix: {dir: {from: 'services/*/'}}%s}}\n"
    tree = ["services/pay/x", "services/pay@/x"]
    says = (
        "artifacts of build (services/pay) and build (services/pay@) would both lie in in/build-services-pay"
    )
    assert says in plan(text % ", artifacts: [out/a]", tree=tree).blocked
    assert len(plan(text % "", tree=tree).checks) == 2, "nothing of theirs lies anywhere"


def test_a_product_that_nobody_can_enumerate_is_not_enumerated(plan):
    axis = "[" + ", ".join(map(str, range(100))) + "]"
    axes = ", ".join(f"a{i}: {axis}" for i in range(10))
    compiled = plan(f"checks: {{s: {{run: x, matrix: {{{axes}, exclude: [{{a0: 1}}]}}}}}}\n")
    assert "before 'exclude'" in compiled.blocked


def test_two_hundred_checks_are_the_limit(plan):
    text = "checks:\n" + "".join(f"  c{i}: {{run: x}}\n" for i in range(201))
    assert plan(text).blocked == "more than 200 checks are planned"
    assert len(plan(text, max_checks=201).checks) == 201
    two = "checks: {a: {run: x, matrix: {v: [1, 2]}}, b: {run: x, matrix: {v: [1, 2]}}, c: {run: x}}\n"
    assert plan(two, max_checks=3).blocked == "more than 3 checks are planned"
    assert keys(plan(two, max_checks=5)) == ["a (1)", "a (2)", "b (1)", "b (2)", "c"]


def test_when_implies_soft_needs(plan):
    compiled = plan("""\
checks:
  a: {run: x, outputs: out/f.json}
  b: {run: x}
  c: {run: x, needs: [b], when: checks.a.out.level == 'high' and checks.b.passed, after: checks.a.passed}
""")
    assert compiled.checks[2].needs == (Need(check="b"), Need(check="a", soft=True))


def test_ignorable_is_what_has_no_when_of_its_own(plan):
    compiled = plan(
        "on: {ignore_paths: ['docs/**']}\nchecks: {a: {run: x}, b: {run: x, when: changed('**')}}\n"
    )
    assert [check.ignorable for check in compiled.checks] == [True, False]
    assert compiled.ignore_paths == ("docs/**",)


@pytest.mark.parametrize(
    ("gate", "succeeds"),
    [
        ("", True),
        ("gate: ['tests.failed == 0', 'coverage.new >= 80%']\n", True),
        ("gate: [{all: ['tests.failed == 0', 'coverage.new >= 80%']}]\n", True),
        ("gate: ['tests.failed == 0']\n", False),
        ("gate: ['coverage.new >= 80%']\n", False),
        ("gate: ['tests.failed == 0', {expect: 'coverage.new >= 80%', advisory: true}]\n", False),
        ("gate: ['coverage.new >= 80%', {when: pr.draft, require: ['tests.failed == 0']}]\n", False),
        ("gate: [checks.passed]\n", False),
        ("gate: []\n", False),
    ],
)
def test_findings_exits_succeed_only_where_all_its_evidence_is_judged(plan, gate, succeeds):
    text = "checks: {t: {run: x, exit_codes: {findings: 1}, reports: [out/junit.xml, out/coverage.xml]}}\n"
    assert plan(text + gate).checks[0].findings_succeed is succeeds


@pytest.mark.parametrize(
    ("report", "gate", "kinds", "succeeds"),
    [
        ("{path: out/r.json, format: trivy}", "", (Kind.FINDINGS, Kind.SECRETS), True),
        ("{path: out/r.json, format: trivy}", "secrets.new == 0", (Kind.FINDINGS, Kind.SECRETS), False),
        ("{path: out/r.json, format: gitleaks}", "secrets.new == 0", (Kind.SECRETS,), True),
        ("{path: out/r.json, format: gitleaks, kind: secrets}", "", (Kind.SECRETS,), True),
        ("{path: out/r.sarif, kind: secrets}", "secrets.new == 0", (Kind.SECRETS,), True),
    ],
)
def test_reports_that_bring_secrets(plan, report, gate, kinds, succeeds):
    text = f"checks: {{t: {{run: x, exit_codes: {{findings: 1}}, reports: [{report}]}}}}\n"
    (check,) = plan(text + (f"gate: ['{gate}']\n" if gate else "")).checks
    assert (check.produces, check.findings_succeed, check.secrets_judged) == (kinds, succeeds, True)


def test_secrets_that_no_binding_item_judges(plan):
    text = "checks: {t: {run: x, exit_codes: {findings: 1}, reports: [out/r.sarif]}}\n"
    (check,) = plan(text + "gate: [\"findings('high', 'new') == 0\"]\n").checks
    assert (check.findings_succeed, check.secrets_judged) == (True, False)


def test_a_condition_on_ignores_judges_no_findings(plan):
    text = "checks: {t: {run: x, exit_codes: {findings: 1}, reports: [out/r.sarif]}}\n"
    assert not plan(text + "gate: [suppressions.new == 0]\n").checks[0].findings_succeed


def test_findings_exits_without_a_report_never_succeed(plan):
    assert not plan("checks: {t: {run: x, exit_codes: {findings: 1}}}\n").checks[0].findings_succeed


def test_another_build_of_what_a_check_is_given_is_another_check(plan):
    def definitions(build: str, needs: str = "build") -> dict[str, str]:
        checks = (
            f"checks:\n  base: {{run: b}}\n  build: {{run: {build}, artifacts: [out/app], needs: base}}\n"
            f"  shards: {{run: s, artifacts: [out/s], matrix: {{n: [1, 2]}}}}\n"
            f"  test: {{run: t, needs: [{needs}], artifacts: [out/log]}}\n  last: {{run: l, needs: test}}\n"
        )
        return {check.key: check.definition for check in plan(checks).checks}

    first, second = definitions("make"), definitions("make all")
    assert {key for key in first if first[key] != second[key]} == {"build", "test", "last"}
    soft = definitions("make", "{check: build, soft: true}")
    assert soft["test"] == first["test"]
    assert definitions("make", "base")["test"] not in {first["test"], second["test"]}
    assert definitions("make", "shards")["test"] != definitions("make", "base")["test"]


def test_definition_is_about_running_and_nothing_else(plan):
    def definition(body: str, more: str = "") -> str:
        return plan(f"checks:\n  t: {{{body}}}\n{more}").checks[0].definition

    reports = "reports: [out/a-junit.xml, out/b-junit.xml]"
    base = definition(f"run: x, env: {{A: '1', B: '2'}}, {reports}")
    assert base == definition("reports: [out/b-junit.xml, out/a-junit.xml], env: {B: '2', A: 1}, run: x")
    assert base == definition(
        f"run: x, required: false, when: pr.number > 1, env: {{A: '1', B: '2'}}, {reports}"
    )
    assert base == definition(f"run: x, needs: u, env: {{A: '1', B: '2'}}, {reports}", "  u: {run: y}\n")
    assert base != definition(f"run: y, env: {{A: '1', B: '2'}}, {reports}")
    assert base != definition(f"run: x, env: {{A: '1', B: '3'}}, {reports}")
    assert base != definition(f"run: x, timeout: 1m, env: {{A: '1', B: '2'}}, {reports}")
    assert definition("use: ruff") != definition("use: ruff, args: --select=F")


def test_presets_arrive_resolved(plan):
    (check,) = plan("checks: {lint: {use: ruff, exit_codes: {not_needed: 9}}}\n").checks
    assert check.preset == "ruff"
    assert check.tools == ("ruff==0.17.5",)
    assert check.findings_exits == (1,)
    assert check.not_needed_exits == (9,)
    assert check.severities["F*"] == "high"
    assert "pyproject.toml" in check.config_files
    assert not check.self_reported
    (own,) = plan('checks: {lint: {use: ruff, reports: [], args: [--select, "it\'s", x y]}}\n').checks
    assert own.reports == ()
    assert own.script.splitlines()[0] == """set -- --select 'it'"'"'s' 'x y'"""
    assert own.script.count('"$@"') == 2  # with what is ignored in the source, and without
    (test,) = plan("checks: {t: {use: pytest}}\n").checks
    assert test.self_reported


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ("use: ruff, args: --config tools/lint.toml src", ["/tools/lint.toml"]),
        ("use: ruff, args: --config=tools/lint.toml", ["/tools/lint.toml"]),
        ("use: ruff, args: [--config, 'a b[1].toml']", [r"/a\ b\[1\].toml"]),
        ("use: ruff, args: --config=../lint.toml, workdir: api", ["/lint.toml"]),
        ("use: ruff, args: --config=lint.toml, workdir: api", ["/api/lint.toml"]),
        ("use: hadolint, args: -c h.yaml", ["/h.yaml"]),
        ("use: hadolint, args: -ch.yaml", ["/h.yaml"]),
        ("use: ruff, args: --config=/etc/x.toml --config ../x.toml", []),
        ("use: ruff, args: --select=F src", []),
        ("use: ruff", []),
    ],
)
def test_configuration_that_arguments_name_is_configuration(plan, keys, named):
    (check,) = plan(f"checks: {{c: {{{keys}}}}}\n").checks
    (plain,) = plan(f"checks: {{c: {{use: {check.preset}}}}}\n").checks
    assert [one for one in check.config_files if one not in plain.config_files] == named


def test_arguments_of_a_matrix_name_each_cells_configuration(plan):
    checks = plan("checks: {c: {use: ruff, args: '--config=${matrix.a}.toml', matrix: {a: [x, y]}}}\n").checks
    assert [check.config_files[-1] for check in checks] == ["/x.toml", "/y.toml"]


def test_the_whole_file_reaches_the_plan(plan):
    compiled = plan("""\
on: {branches: [main, 'release/*'], events: [push]}
checks: {}
gate:
  - {when: pr.base == 'main', require: [{any: [has_label('x'), size.added < 800]}], because: rules, advisory: true}
settings:
  mode: observe
  missing: advisory
  small_change: {lines: 5}
  generated: '*.lock'
  coverage: {exclude: ['x/**']}
  max_behind: 10
  comment: never
  publish: {checks: true}
  ai_authored: {authors: ['*[bot]']}
  gate: portcullis
""")
    (item,) = compiled.gate
    assert item.advisory
    assert item.because == "rules"
    assert compiled.gate_declared
    assert compiled.branches == ("main", "release/*")
    assert compiled.events == ("push",)
    settings = compiled.settings
    assert (settings.mode, settings.missing, settings.small_change_lines) == ("observe", "advisory", 5)
    assert (settings.generated, settings.coverage_exclude, settings.max_behind) == (
        ("*.lock",),
        ("x/**",),
        10,
    )
    assert (settings.comment, settings.publish.checks, settings.publish.status) == ("never", True, False)
    assert settings.ai_authored.authors == ("*[bot]",)
    assert compiled.policy_sha == "p"
    assert isinstance(item, GateItem)


def change(kind: ChangeKind, base: str) -> Change:
    return Change(kind=kind, key="k", base_ref=base, head_ref="h", head_sha=SHA, author=Actor(login="a"))


@pytest.mark.parametrize(
    ("on", "kind", "base", "expected"),
    [
        ("", ChangeKind.PULL_REQUEST, "main", True),
        ("", ChangeKind.MERGE_GROUP, "refs/heads/main", True),
        ("", ChangeKind.PUSH, "main", False),
        ("", ChangeKind.PULL_REQUEST, "stable", True),
        ("", ChangeKind.PULL_REQUEST, "topic", False),
        ("on: {events: [push]}\n", ChangeKind.PUSH, "main", True),
        ("on: {events: [push]}\n", ChangeKind.PULL_REQUEST, "main", False),
        ("on: {branches: [main]}\n", ChangeKind.PULL_REQUEST, "feature/main", False),
        ("on: {branches: [main]}\n", ChangeKind.PULL_REQUEST, "stable", False),
        ("on: {branches: ['release/*']}\n", ChangeKind.PULL_REQUEST, "release/1.0", True),
        ("on: {branches: []}\n", ChangeKind.PULL_REQUEST, "main", False),
    ],
)
def test_what_a_gate_file_covers(valid, on, kind, base, expected):
    gatefile = valid(f"version: 1\n{on}checks: {{}}\n")
    assert applies(gatefile, change(kind, base), default_branch="main", protected=["stable"]) is expected


@given(
    st.lists(
        st.tuples(st.sets(st.integers(0, 7), max_size=3), st.sets(st.integers(0, 7), max_size=2)),
        min_size=1,
        max_size=8,
    )
)
def test_plans_are_never_cyclic(read, edges):
    """Random needs and conditions: either refused as a cycle, or every check can be put in order."""
    count = len(edges)
    lines = ["version: 1", "checks:"]
    for index, (needs, when) in enumerate(edges):
        needed = ", ".join(f"c{one}" for one in sorted(needs) if one < count)
        named = " or ".join(f"checks.c{one}.passed" for one in sorted(when) if one < count)
        lines.append(f"  c{index}: {{run: x, needs: [{needed}]" + (f", when: {named}" if named else "") + "}")
    parsed = read("\n".join(lines))
    if parsed.gatefile is None:
        assert {one.code for one in parsed.diagnostics} == {"G023"}
        assert not orderable({i: {n for n in {*a, *b} if n < count} for i, (a, b) in enumerate(edges)})
        return
    compiled = compile_plan(parsed.gatefile, comparison=None, tree_paths=(), policy_sha="x")
    assert orderable({check.id: {need.check for need in check.needs} for check in compiled.checks})


def orderable(needs: dict) -> bool:
    left = dict(needs)
    while left:
        free = [name for name, wanted in left.items() if not wanted & left.keys()]
        if not free:
            return False
        for name in free:
            del left[name]
    return True


def test_a_chain_of_a_thousand_is_followed_without_recursion(read):
    text = "version: 1\nchecks:\n  c0: {run: x, needs: c999}\n" + "".join(
        f"  c{i}: {{run: x, needs: c{i - 1}}}\n" for i in range(1, 1000)
    )
    (one,) = read(text).diagnostics
    assert one.code == "G023"
    assert "…" in one.message


@pytest.mark.parametrize(
    ("external", "changed", "told"),
    [
        ("workflow: ci.yml", ".github/workflows/ci.yml", True),
        ("workflow: ci.yml", ".github/workflows/reusable-tests.yml", True),
        ("workflow: ci.yml", ".github/actions/set-up/action.yml", True),
        ("workflow: ci.yml", ".github/dependabot.yml", False),
        ("context: build, app: github-actions", ".github/workflows/reusable-tests.yml", True),
        ("context: build, app: GitHub-Actions", ".github/workflows/ci.yml", True),
        ("context: build, creator: 'GitHub-actions[bot]'", ".github/workflows/ci.yml", True),
        ("context: build, app: circleci", ".github/workflows/ci.yml", False),
        ("pipeline: .gitlab-ci.yml", ".gitlab-ci.yml", True),
        ("pipeline: ci/main.yml", "ci/main.yml", True),
        ("pipeline: ci/main.yml", ".gitlab/ci/test.yml", True),
        ("pipeline: .gitlab-ci.yml", ".github/workflows/ci.yml", False),
    ],
)
def test_a_change_that_edits_what_github_actions_runs_is_self_reported(plan, external, changed, told):
    (check,) = plan(f"checks: {{ci: {{external: {{{external}}}}}}}\n", changed=[changed]).checks
    assert check.self_reported is told


def test_a_glob_of_many_cells_is_held_against_the_tree_once(plan):
    class Tree(list):
        seen = 0

        def __iter__(self):
            Tree.seen += 1
            return super().__iter__()

    text = "checks: {t: {run: x, reuse: ['none/**', top.py], matrix: {n: [1, 2, 3, 4]}}, u: {run: y, reuse: ['none/**']}}\n"
    compiled = plan(text, tree=Tree(TREE))
    assert compiled.notes == (
        "checks.t.reuse: 'none/**' matches no file of the tree",
        "checks.u.reuse: 'none/**' matches no file of the tree",
    )
    assert Tree.seen == 2
