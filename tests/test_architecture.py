"""The house rules, each with its reason. Layers themselves are import-linter's, in pyproject.toml."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.prerequisites import REPOSITORY, missing, program

APP = REPOSITORY / "app"
MODULES = sorted(APP.rglob("*.py"))

LONGEST_FILE = 400  # a file should be one thing that fits into one reading
LONGEST_FUNCTION = 60  # likewise; docstrings are not counted
LONGER_FILES: dict[str, str] = {}  # path -> why it is still one thing
LONGER_FUNCTIONS: dict[str, str] = {}  # path:name -> why splitting it would hide something

TOP_LEVEL = {
    "pyproject.toml",
    "Dockerfile",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "app",
    "migrations",
    "tests",
    "deploy",
}
# Written apart, so that this file does not break its own rule.
REGISTRIES = [
    "pypi" + r"\.org",
    "python" + r"hosted\.org",
    "registry" + r"\.npmjs",
    "deb" + r"\.debian\.org",
    "proxy" + r"\.golang",
]
LEFT_FOR_LATER = [r"\bTO" + r"DO\b", r"\bFIX" + r"ME\b", r"\bXX" + r"X\b", r"\bHA" + r"CK\b"]
PATCHING = [r"mock\.pat" + r"ch\b", r"monkeypatch\.seta" + r"ttr\b", r"from unittest import mo" + r"ck\b"]
VAGUE_MODULES = {"utils", "util", "helpers", "common", "base", "misc"}


def relative(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


@pytest.fixture(scope="module")
def committed() -> list[str]:
    """Every path that is committed or would be."""
    if not (REPOSITORY / ".git").exists():
        missing("not a git checkout: which files are committed cannot be told")
    command = [program("git"), "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True)
    return [path for path in listed.stdout.splitlines() if (REPOSITORY / path).is_file()]


def package(module: str) -> str:
    """`app.plan` for everything in it; modules directly in app/ are packages of their own."""
    return ".".join(module.split(".")[:2])


def imported(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            yield node.module or "", node.lineno
            if node.module == "app":
                yield from ((f"app.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)


def test_outside_a_package_only_the_package_is_imported():
    """So that a package may be rearranged freely behind its `__init__`."""
    found = []
    for path in MODULES:
        own = package(".".join(path.relative_to(REPOSITORY).with_suffix("").parts))
        for name, line in imported(parsed(path)):
            if name.startswith("app.") and package(name) != own and name.count(".") > 1:
                found.append(f"{relative(path)}:{line} imports {name}, not {package(name)}")
    assert not found


def test_a_package_says_what_it_exports():
    """`__all__` and a docstring: the first page a reader opens."""
    for init in APP.glob("*/__init__.py"):
        tree = parsed(init)
        assert ast.get_docstring(tree), f"{relative(init)} has no docstring"
        names = [target.id for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
        imports = any(isinstance(node, ast.ImportFrom) for node in tree.body)
        assert "__all__" in names or not imports, f"{relative(init)} re-exports without __all__"


def test_files_stay_short():
    """A file that has grown past one reading is usually two things."""
    too_long = {}
    for path in MODULES:
        length = len(path.read_text("utf-8").splitlines())
        if length > LONGEST_FILE:
            too_long[relative(path)] = length
    assert too_long.keys() == LONGER_FILES.keys(), too_long


def test_functions_stay_short():
    """The same for functions; a longer one needs its reason in LONGER_FUNCTIONS."""
    too_long = {}
    for path in MODULES:
        for node in ast.walk(parsed(path)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.end_lineno is None:
                continue
            docstring = ast.get_docstring(node, clean=False) or ""
            length = node.end_lineno - node.lineno + 1 - len(docstring.splitlines())
            if length > LONGEST_FUNCTION:
                too_long[f"{relative(path)}:{node.name}"] = length
    assert too_long.keys() == LONGER_FUNCTIONS.keys(), too_long


def test_modules_are_named_by_what_they_hold():
    """`utils` is where things go to be forgotten."""
    vague = [
        relative(path) for path in MODULES if path.stem in VAGUE_MODULES or path.parent.name in VAGUE_MODULES
    ]
    assert not vague


def test_ports_are_protocols():
    """Doors are narrow protocols: nothing is inherited, so nothing is half-overridden."""
    found = [
        f"{relative(path)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ImportFrom) and node.module == "abc"
    ]
    assert not found


def test_the_top_level_holds_only_what_belongs_there(committed):
    """A stranger's first look."""
    assert {path.split("/")[0] for path in committed if not path.startswith(".")} <= TOP_LEVEL


def test_no_package_registry_is_named(committed):
    """Which index serves the packages is the machine's business; a name here would override its mirror."""
    hosts = re.compile("|".join(REGISTRIES))
    assert not lines_matching(hosts, committed)


def test_nothing_is_left_for_later(committed):
    """What is not done is an issue, not a comment."""
    words = re.compile("|".join(LEFT_FOR_LATER))
    assert not lines_matching(
        words, [path for path in committed if path.startswith(("app/", "migrations/", "deploy/"))]
    )


def test_no_function_is_replaced_in_a_test(committed):
    """Tests fake the world (a forge, a clock, a program), never our own code."""
    assert not lines_matching(
        re.compile("|".join(PATCHING)), [path for path in committed if path.startswith("tests/")]
    )


def lines_matching(pattern: re.Pattern[str], paths: list[str]) -> list[str]:
    found = []
    for path in paths:
        text = (REPOSITORY / path).read_bytes().decode("utf-8", "replace")
        found += [
            f"{path}:{number}" for number, line in enumerate(text.splitlines(), 1) if pattern.search(line)
        ]
    return found


def test_every_layer_is_enforced():
    """The contracts that hold the layers must not be weakened in passing."""
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    by_type = {contract["type"]: contract for contract in contracts}
    assert by_type["layers"]["exhaustive"] is True
    assert "ignore_imports" not in str(contracts)
    protected = {
        tuple(contract["protected_modules"]): contract["allowed_importers"]
        for contract in contracts
        if contract["type"] == "protected"
    }
    assert set(protected) == {("app.settings",), ("procrastinate",)}
    assert protected["procrastinate",] == ["app.store"]
    assert {"app.model", "app.language", "app.plan", "app.presets", "app.reports", "app.policy"} == set(
        by_type["forbidden"]["source_modules"]
    )
