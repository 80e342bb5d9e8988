"""A first gate file for several kinds of repositories; each is valid and fits."""

from pathlib import Path

import pytest

from app.catalogue import catalogue
from app.cli.init_file import Seen, draft
from app.plan import parse
from tests.support.prerequisites import REPOSITORY


def checks(text: str) -> dict[str, str]:
    """Id → preset of the checks of a text that is valid without a warning."""
    parsed = parse(text.encode(), ".portcullis.yml", catalogue())
    assert parsed.gatefile is not None, (parsed.diagnostics, text)
    assert parsed.diagnostics == (), text
    return {decl.template.id: decl.template.preset for decl in parsed.gatefile.checks}


def seen(*paths: str, **texts: str) -> Seen:
    return Seen(paths=paths, texts={name.replace("_", "."): text for name, text in texts.items()})


EVERY = {"secrets": "detect-secrets", "spelling": "typos"}


@pytest.mark.parametrize(
    ("what", "expected", "lines"),
    [
        (seen(), EVERY, ["secrets.new == 0"]),
        (
            seen("setup.py", "shop/__init__.py", "tests/test_a.py", "tests/__init__.py"),
            {"lint": "ruff", "test": "pytest", **EVERY},
            ["  test: {use: pytest}", "  # format: {use: ruff-format}", "tests.new_failed == 0"],
        ),
        (
            seen(
                *("src/shop/a.py", "tests/test_a.py", "run.sh", ".github/workflows/ci.yml"),
                pyproject_toml="[tool.ruff]\n[tool.mypy]\n[tool.coverage.run]\n",
            ),
            {
                "lint": "ruff",
                "format": "ruff-format",
                "types": "mypy",
                "test": "pytest",
                "shell": "shellcheck",
                "workflows": "zizmor",
                **EVERY,
            },
            ["args: --cov=src --cov-branch", "coverage.new >= 80%", "# ci: {external: {context: build"],
        ),
        (
            seen("index.ts", "package.json", "eslint.config.mjs", "README.md", ".markdownlint.json"),
            {"script": "biome", "markdown": "markdownlint", **EVERY},
            ["  # eslint: {use: eslint}"],
        ),
        (
            seen("shop/__init__.py", "pyrightconfig.json"),
            {"lint": "ruff", "pyright": "pyright", **EVERY},
            ["pyright must see what the project imports"],
        ),
        (
            seen("shop/__init__.py", pyproject_toml="[tool.pyright]\n[tool.mypy]\n"),
            {"lint": "ruff", "pyright": "pyright", "types": "mypy", **EVERY},
            [],
        ),
        (
            seen("sgconfig.yml", ".semgrep/own/a.py", setup_cfg="[codespell]\nskip = *.po\n"),
            {"lint": "ruff", "shapes": "ast-grep", "rules": "semgrep", **EVERY, "spelling": "codespell"},
            [],
        ),
        (seen("a.js", ".oxlintrc.json", ".semgrepignore"), {"script": "oxlint", **EVERY}, []),
        (
            seen("infra/main.tf", "api/Dockerfile", "values.yaml", ".yamllint"),
            {"docker": "hadolint", "infrastructure": "checkov", "yaml": "yamllint", **EVERY},
            [],
        ),
        (seen("a b: {x}/__init__.py", "a b: {x}/test_a.py", _coveragerc=""), None, []),
    ],
)
def test_what_is_drafted(what, expected, lines):
    text = draft(what, catalogue().presets)
    found = checks(text)
    assert expected is None or found == expected
    for line in lines:
        assert line in text
    assert all(len(line) <= 110 for line in text.splitlines())


def test_what_is_to_be_tried_next_is_valid_too():
    what = seen("a.py", "a.ts", "eslint.config.js", "a.yml", "a.md", ".github/workflows/a.yml")
    text = draft(what, catalogue().presets)
    begin = text.index("  # To try next:")
    end = text.index("# All of these")
    tried = [line for line in text[begin:end].splitlines() if "{" in line]
    assert len(tried) == 7
    bold = text[:begin] + "\n".join(line.replace("# ", "", 1) for line in tried) + "\n" + text[end:]
    parsed = parse(bold.encode(), "g", catalogue())
    assert parsed.gatefile is not None, parsed.diagnostics


def test_this_repository(portcullis):
    ran = portcullis("init", str(REPOSITORY))
    assert ran.status == 0
    assert {"lint", "format", "types", "test", "docker", "secrets"} <= checks(ran.out).keys()
    assert "--cov=app" in ran.out


def test_writing(portcullis, tmp_path: Path):
    repository = tmp_path / "repository"
    (repository / ".git").mkdir(parents=True)
    (repository / "node_modules").mkdir()
    (repository / "node_modules" / "a.py").touch()
    (repository / "web").mkdir()
    (repository / "web" / "a.js").touch()
    target = repository / ".portcullis.yml"

    shown = portcullis("init", str(repository / "web"))
    assert shown.status == 0
    assert not target.exists()
    assert "portcullis toolbox install basic web" in shown.err

    wrote = portcullis("init", "--write", str(repository / "web"))
    assert (wrote.status, wrote.out) == (0, "")
    assert target.read_text() == shown.out
    assert checks(target.read_text()) == {"script": "biome", **EVERY}
    assert portcullis("lint", str(target)).status == 0

    target.write_text("mine\n")
    again = portcullis("init", "--write", str(repository))
    assert again.status == 2
    assert "is there already, and is left as it is" in again.err
    assert target.read_text() == "mine\n"


def test_a_link_is_not_written_through(portcullis, tmp_path: Path):
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    (tmp_path / "repository" / ".portcullis.yml").symlink_to(tmp_path / "elsewhere")
    assert portcullis("init", "--write", str(tmp_path / "repository")).status == 2
    assert not (tmp_path / "elsewhere").exists()
