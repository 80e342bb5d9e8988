"""An untrusted head brings no analyser, no plugin and no environment of its own: it would judge itself."""

import json

import pytest

from tests.contracts.presets.conftest import Files, Run, lay, spec

pytestmark = pytest.mark.sandbox

ESLINT = {
    "eslint.config.mjs": "import own from 'own';\nexport default [own];\n",
    "node_modules/own/package.json": '{"name": "own", "main": "index.js"}',
    "node_modules/own/index.js": "module.exports = {rules: {'no-debugger': 'error'}};\n",
    "a.js": "debugger;\n",
}
FINDS_NOTHING = (
    '#!/bin/sh\nfor word; do case $word in --output-file=*) echo "[]" > "${word#*=}" ;; esac; done\n'
)
BLIND = "module.exports = {rules: {}};\n"
MYPY = {"a.py": 'def f() -> int:\n    return "x"\n'}
PYTHON = "#!/bin/sh\nexit 0\n"

CASES: dict[str, tuple[str, Files, Files]] = {
    "eslint itself": ("eslint", ESLINT, {"node_modules/.bin/eslint": FINDS_NOTHING}),
    "eslint's plugin": ("eslint", ESLINT, {"node_modules/own/index.js": BLIND}),
    "eslint's plugin, nearer": (
        "eslint",
        {**ESLINT, "eslint.config.mjs": "import own from './web/own.mjs';\nexport default own;\n"}
        | {"web/own.mjs": "import own from 'own';\nexport default [own];\n"},
        {
            "web/node_modules/own/package.json": ESLINT["node_modules/own/package.json"],
            "web/node_modules/own/index.js": BLIND,
        },
    ),
    "mypy as a package": ("mypy", MYPY, {"mypy/__init__.py": "", "mypy/__main__.py": ""}),
    "mypy's own import": ("mypy", MYPY, {"json/__init__.py": "raise SystemExit(0)"}),
    "an interpreter": ("mypy", MYPY, {".venv/bin/python": PYTHON}),
    "an interpreter, not hidden": ("mypy", MYPY, {"venv/bin/python": PYTHON}),
    "biome's shared configuration": (
        "biome",
        {
            "biome.json": '{"extends": ["own/biome"]}',
            "node_modules/own/package.json": '{"name": "own", "exports": {"./biome": "./biome.json"}}',
            "node_modules/own/biome.json": "{}",
            "a.js": "debugger;\n",
        },
        {"node_modules/own/biome.json": '{"linter": {"enabled": false}}'},
    ),
    "markdownlint's shared configuration": (
        "markdownlint",
        {
            ".markdownlint.json": '{"extends": "own"}',
            "node_modules/own/package.json": '{"name": "own", "main": "index.json"}',
            "node_modules/own/index.json": "{}",
            "a.md": "#Title\n",
        },
        {"node_modules/own/index.json": '{"default": false}'},
    ),
    "a plugin of detect-secrets": (
        "detect-secrets",
        {
            ".secrets.baseline": json.dumps(
                {"filters_used": [{"path": "file://tools/own.py::is_fine"}], "results": {}}
            ),
            "tools/own.py": "def is_fine(secret):\n    return False\n",
            "a.py": "KEY = 'AKIAIOSFODNN7EXAMPLF'\n",
        },
        {"tools/own.py": "def is_fine(secret):\n    return True\n"},
    ),
}


@pytest.mark.parametrize(("preset", "base", "brought"), CASES.values(), ids=CASES)
async def test_what_an_untrusted_head_brings_judges_nothing(
    preset: str, base: Files, brought: Files, run: Run, tmp_path
):
    check = spec(preset)
    head = {**base, **brought}
    held = {"config_tree": lay(tmp_path / "base", base), "changed": tuple(head), "trusted": False}
    honest = await run(check, base, **held)
    hostile = await run(check, head, **held)
    found = [one for one in hostile.findings() if one[1] in base]
    assert honest.findings()
    assert found == honest.findings(), hostile.log
    assert hostile.exit == honest.exit


@pytest.mark.parametrize("name", ["eslint itself", "eslint's plugin", "an interpreter", "mypy as a package"])
async def test_what_a_trusted_head_brings_is_the_projects_own(name: str, run: Run):
    preset, base, brought = CASES[name]
    ran = await run(spec(preset), {**base, **brought}, trusted=True)
    assert ran.exit == 0, ran.log
    assert ran.check.self_reported
