"""A first gate file from what a repository holds: which presets fit, and what each line is for. Pure."""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase

import msgspec

from app.model import Kind, Preset

CONFIGURATIONS = (
    *("pyproject.toml", "setup.cfg", "tox.ini", "pytest.ini", ".coveragerc", "package.json"),
    "requirements-dev.txt",
)
"""Files at the root whose text is looked into."""

_ASIDE = frozenset({"tests", "test", "docs", "doc", "examples", "example", "scripts", "tools", "benchmarks"})
_SCRIPTS = ("*.js", "*.mjs", "*.cjs", "*.jsx", "*.ts", "*.tsx", "*.mts", "*.vue", "*.svelte")
_FOLDER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a repository holds: paths of files from its root, and the text of its CONFIGURATIONS."""

    paths: tuple[str, ...]
    texts: Mapping[str, str] = {}

    def has(self, *globs: str) -> bool:
        """Whether a file's path or name matches one of the globs."""
        return any(
            fnmatchcase(path, glob) or fnmatchcase(path.rpartition("/")[2], glob)
            for path in self.paths
            for glob in globs
        )

    def says(self, *words: str) -> bool:
        """Whether one of the configurations holds one of the words."""
        return any(word in text for text in self.texts.values() for word in words)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One check of the file, and why it is there. `tried` = written as a comment, to try next."""

    id: str
    use: str
    why: str
    args: str = ""
    required: bool = True
    tried: bool = False


def draft(seen: Seen, presets: Mapping[str, Preset]) -> str:
    """The text of a gate file that fits, with comments."""
    lines = [*_python(seen), *_web(seen), *_files(seen), *_everything(seen)]
    kinds = {
        kind for line in lines if line.required and not line.tried for kind in presets[line.use].produces
    }
    if any("--cov" in line.args for line in lines):
        kinds.add(Kind.COVERAGE)
    parts = [
        "# What a change must fulfil before it is merged. Mistakes: portcullis lint. Every word: portcullis",
        "# explain. To try it on this machine: portcullis run. All ready-made checks: portcullis presets.",
        "version: 1",
        "",
        "checks:",
        *(text for line in lines if not line.tried for text in _check(line)),
        *_next(seen, lines),
        "",
        *_gate(kinds),
        "",
        "settings:",
        "  # The verdict is shown and blocks nothing. Take this line away once you trust it.",
        "  mode: observe",
    ]
    return "\n".join(parts) + "\n"


def needed_groups(text: str, presets: Mapping[str, Preset]) -> tuple[str, ...]:
    """The groups of the toolbox beyond the basic one that the checks of a drafted file need."""
    used = re.findall(r"^  [a-z_]+: \{use: ([a-z-]+)", text, re.MULTILINE)
    return tuple(dict.fromkeys(presets[name].toolbox for name in used if presets[name].toolbox != "basic"))


def _python(seen: Seen) -> list[Line]:
    if not seen.has("*.py"):
        return []
    found = [Line(id="lint", use="ruff", why="Rules that find bugs and untidy code.")]
    ruff = seen.says("[tool.ruff") or seen.has("ruff.toml", ".ruff.toml")
    found.append(Line(id="format", use="ruff-format", why="The project's formatting.", tried=not ruff))
    found += _python_types(seen)
    if seen.has("test_*.py", "*_test.py"):
        covered = seen.has(".coveragerc") or seen.says("[tool.coverage", "[coverage:", "pytest-cov", "--cov")
        found.append(
            Line(
                id="test",
                use="pytest",
                why="Tests, offline. Packages they need come from the operator's tool chain.",
                args=f"--cov={_source(seen)} --cov-branch" if covered else "",
            )
        )
    return found


def _python_types(seen: Seen) -> list[Line]:
    """Whose types the project checks; mypy to try where it checks none."""
    pyright = seen.says("[tool.pyright") or seen.has("pyrightconfig.json")
    mypy = seen.says("[tool.mypy", "[mypy") or seen.has("mypy.ini", ".mypy.ini")
    why = "Types. {} must see what the project imports: the operator offers it as a tool chain."
    found = [Line(id="pyright", use="pyright", why=why.format("pyright"))] if pyright else []
    if mypy or not pyright:
        line = Line(id="types", use="mypy", why=why.format("mypy"), args=_source(seen), tried=not mypy)
        found.append(line)
    return found


def _source(seen: Seen) -> str:
    """The folder of the project's own Python, '.' where it is not plain."""
    if seen.has("src/*.py"):
        return "src"
    tops = {path.split("/")[0] for path in seen.paths if re.fullmatch(r"[^/]+/__init__\.py", path)}
    own = sorted(top for top in tops - _ASIDE if _FOLDER.fullmatch(top))
    return own[0] if len(own) == 1 else "."


def _web(seen: Seen) -> list[Line]:
    if not seen.has(*_SCRIPTS):
        return []
    fast = seen.has(".oxlintrc.json") and not seen.has("biome.json", "biome.jsonc")
    name = "oxlint" if fast else "biome"
    found = [Line(id="script", use=name, why="Rules that find bugs in JavaScript and TypeScript.")]
    if seen.has("eslint.config.*", ".eslintrc", ".eslintrc.*"):
        why = "The project's own rules; its plugins must lie in node_modules, from a tool chain."
        found.append(Line(id="eslint", use="eslint", why=why, tried=True))
    return found


def _files(seen: Seen) -> list[Line]:
    """Checks of kinds of files that any project may have."""
    asked = seen.has(".yamllint", ".yamllint.yaml", ".yamllint.yml")
    tidy = seen.has(".markdownlint*")
    known = (
        (("*.sh", "*.bash"), Line(id="shell", use="shellcheck", why="Bugs in shell scripts.")),
        (
            ("Dockerfile", "Containerfile", "Dockerfile.*", "*.dockerfile"),
            Line(id="docker", use="hadolint", why="Mistakes in Dockerfiles."),
        ),
        (
            (".github/workflows/*.yml", ".github/workflows/*.yaml", "action.yml", "action.yaml"),
            Line(id="workflows", use="zizmor", why="Holes in GitHub Actions workflows."),
        ),
        (
            ("*.tf", "*/Chart.yaml", "kustomization.yaml"),
            Line(id="infrastructure", use="checkov", why="What infrastructure opens to the world."),
        ),
        (
            ("*.yml", "*.yaml"),
            Line(id="yaml", use="yamllint", why="Broken and untidy YAML.", tried=not asked),
        ),
        (("*.md",), Line(id="markdown", use="markdownlint", why="Untidy Markdown.", tried=not tidy)),
    )
    return [line for globs, line in known if seen.has(*globs)]


def _everything(seen: Seen) -> list[Line]:
    told = seen.has(".codespellrc") or seen.says("[tool.codespell", "[codespell]")
    tops = {path.split("/")[0] for path in seen.paths}
    known = (
        ({"sgconfig.yml"}, Line(id="shapes", use="ast-grep", why="The project's own rules for ast-grep.")),
        (
            {".semgrep", ".semgrep.yml", ".semgrep.yaml"},
            Line(id="rules", use="semgrep", why="The project's own rules for semgrep."),
        ),
    )
    return [
        *(line for names, line in known if names & tops),
        Line(
            id="secrets", use="detect-secrets", why="Passwords, keys and tokens, in every commit of a change."
        ),
        Line(
            id="spelling",
            use="codespell" if told else "typos",
            why="Misspellings. Advisory: it tells and never blocks.",
            required=False,
        ),
    ]


def _check(line: Line) -> list[str]:
    keys = [f"use: {line.use}"]
    if line.args:
        keys.append(f"args: {line.args}")
    if not line.required:
        keys.append("required: false")
    return [f"  # {line.why}", f"  {line.id}: {{{', '.join(keys)}}}"]


def _next(seen: Seen, lines: list[Line]) -> list[str]:
    tried = [text for line in lines if line.tried for text in _check(line)]
    if seen.has(".github/workflows/*"):
        tried += [
            "  # What GitHub Actions says already: put the name of one of its jobs for build.",
            "  ci: {external: {context: build, app: github-actions}}",
        ]
    tried += ["  # Copied code; then add to the gate: duplication.new <= 3%", "  clones: {use: jscpd}"]
    return ["", "  # To try next:", *(f"  # {text.strip().removeprefix('# ')}" for text in tried)]


def _gate(kinds: set[Kind]) -> list[str]:
    known = (
        (Kind.FINDINGS, "findings('high', 'new') == 0", "Nothing severe that base does not have."),
        (Kind.SECRETS, "secrets.new == 0", "No new secret, even if a later commit removed it."),
        (Kind.TESTS, "tests.new_failed == 0", "No test fails that does not fail on base."),
        (Kind.COVERAGE, "coverage.new >= 80%", "Tests run what the change adds."),
    )
    listed = [text for kind, rule, why in known if kind in kinds for text in (f"  # {why}", f"  - {rule}")]
    head = ["# All of these must hold, and every check that is not advisory must pass.", "gate:"]
    # later: an approval, a smaller change
    hints = ["  # To try next: approvals >= 1, or size.added <= 800"]
    return [*head, *listed, *hints]
