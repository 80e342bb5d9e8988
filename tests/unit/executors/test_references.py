"""What configuration extends, imports or plugs in counts as configuration."""

from pathlib import Path

import pytest

from app.executors.configuration import replacement
from app.executors.references import with_references


def lay(tree: Path, files: dict[str, str]) -> Path:
    for path, content in files.items():
        at = tree / path
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_text(content)
    return tree


@pytest.mark.parametrize(
    ("files", "named"),
    [
        (
            {"pyproject.toml": '[tool.ruff]\nextend = "tools/a.toml"\n', "tools/a.toml": 'extend = "b.toml"'},
            {"tools/a.toml"},
        ),
        (
            {
                "ruff.toml": 'extend = "a/strict.toml"',
                "a/strict.toml": 'extend = "base.toml"',
                "a/base.toml": "",
            },
            {"a/strict.toml", "a/base.toml"},
        ),
        (
            {
                "setup.cfg": "[mypy]\nplugins = ci/a.py\n[codespell]\nignore-words = ci/words.cfg\n",
                "ci/words.cfg": "plugins = b.py\n",
                **dict.fromkeys(("ci/a.py", "ci/b.py"), ""),
            },
            {"ci/a.py", "ci/words.cfg", "ci/b.py"},
        ),
        (
            {"sub/ruff.toml": 'extend = "../ruff.toml"', "ruff.toml": 'extend = "up.toml"', "up.toml": ""},
            {"up.toml"},
        ),
        (
            {
                "eslint.config.mjs": "import a from './tools/rules.mjs'\nimport b from 'eslint'\n",
                "tools/rules.mjs": "export * from '../more/index.js'; const x = require(\"./plain\")",
                "more/index.js": "",
                "tools/plain.cjs": "",
                "eslint": "not the package",
            },
            {"tools/rules.mjs", "more/index.js", "tools/plain.cjs"},
        ),
        (
            {
                ".codespellrc": "[codespell]\nignore-words = doc/words.txt, more.txt\nskip = doc/skip.txt\n",
                **dict.fromkeys(("doc/words.txt", "more.txt", "doc/skip.txt"), ""),
            },
            {"doc/words.txt", "more.txt"},
        ),
        (
            {"pyproject.toml": '[tool.codespell]\nexclude-file = ["doc/lines.txt"]\n', "doc/lines.txt": ""},
            {"doc/lines.txt"},
        ),
        (
            {"biome.json": '{"extends": ["./shared/biome.json", "@acme/rules"]}', "shared/biome.json": "{}"},
            {"shared/biome.json"},
        ),
        (
            {"tsconfig.json": '{\n  // base\n  "extends": "./tsconfig.base"}', "tsconfig.base.json": "{}"},
            {"tsconfig.base.json"},
        ),
        (
            {
                ".yamllint": "extends: lint/base.yml\nignore-from-file: [.gitignore, lint/skip]\n",
                "lint/base.yml": "",
                "lint/skip": "",
            },
            {"lint/base.yml", "lint/skip"},
        ),
        (
            {
                ".eslintrc.yml": "extends:\n  - eslint:recommended\n  - ./rules/a.yml\nroot: true\n",
                "rules/a.yml": "",
            },
            {"rules/a.yml"},
        ),
        (
            {"mypy.ini": "[mypy]\nplugins = tools/plugin.py, pydantic.mypy\n", "tools/plugin.py": ""},
            {"tools/plugin.py"},
        ),
        (
            {
                "pyproject.toml": '[tool.pyright]\nextends = "conf/strict.json"\n',
                "conf/strict.json": '{"extends": "../base.json"}',
                "base.json": "{}",
            },
            {"conf/strict.json", "base.json"},
        ),
        (
            {"biome.json": '{"plugins": ["./lint/a.grit", "./lint/b.grit"]}'}
            | dict.fromkeys(("lint/a.grit", "lint/b.grit"), ""),
            {"lint/a.grit", "lint/b.grit"},
        ),
        (
            {".oxlintrc.json": '{"plugins": ["react"], "jsPlugins": [\n"./own.js", "x"]}', "own.js": ""},
            {"own.js"},
        ),
        (
            {
                ".markdownlint-cli2.yaml": "customRules:\n  - ./rules/a.cjs\nmarkdownItPlugins:\n  -\n"
                "    - ./it.cjs\n",
                "rules/a.cjs": "",
                "it.cjs": "",
            },
            {"rules/a.cjs", "it.cjs"},
        ),
        (
            {
                ".markdownlint-cli2.jsonc": '{"outputFormatters": [["./one.cjs", {"a": 1}], ["./two.cjs"]]}',
                "one.cjs": "",
                "two.cjs": "",
            },
            {"one.cjs", "two.cjs"},
        ),
        ({"ruff.toml": 'extend = "../../etc/passwd"'}, set()),
        ({"ruff.toml": 'extend = "/etc/passwd"'}, set()),
        ({"ruff.toml": "extend = ["}, set()),
        ({"pyproject.toml": "[tool.ruff]\n"}, set()),
        ({"pyproject.toml": "tool = 1"}, set()),
    ],
)
def test_what_a_file_names(files: dict[str, str], named: set[str], tmp_path: Path) -> None:
    lay(tmp_path, files)
    roots = {next(iter(files))}
    if "sub/ruff.toml" in files:
        roots.add("ruff.toml")
    assert with_references(tmp_path, roots) == roots | named


def test_a_chain_is_followed_to_its_end_and_a_circle_once(tmp_path: Path) -> None:
    chain = {f"{at}/ruff.toml": f'extend = "../{(at + 1) % 9}/ruff.toml"' for at in range(9)}
    lay(tmp_path, chain)
    assert with_references(tmp_path, {"0/ruff.toml"}) == set(chain)


def test_a_link_out_of_the_tree_names_nothing(tmp_path: Path) -> None:
    tree = lay(tmp_path / "tree", {"ruff.toml": 'extend = "out.toml"'})
    (tmp_path / "secret.toml").write_text("")
    (tree / "out.toml").symlink_to("../secret.toml")
    assert with_references(tree, {"ruff.toml"}) == {"ruff.toml"}


def test_a_large_file_is_not_looked_into(tmp_path: Path) -> None:
    lay(tmp_path, {"ruff.toml": 'extend = "a.toml"\n' + "#" * 1_000_001, "a.toml": ""})
    assert with_references(tmp_path, {"ruff.toml"}) == {"ruff.toml"}


def test_what_the_base_extends_comes_from_the_base(tmp_path: Path) -> None:
    ours = {"pyproject.toml": '[tool.ruff]\nextend = "tools/shared.toml"\n', "tools/shared.toml": "base"}
    base = lay(tmp_path / "base", ours)
    head = lay(tmp_path / "head", ours | {"tools/shared.toml": "head", "tools/other.toml": "head"})
    assert replacement(head, base, ("pyproject.toml",)).files == ("pyproject.toml", "tools/shared.toml")
