"""For each preset: files with seeded faults, what must be found in them, and how the tool itself counts.

`count` is run with the same tools and ends in one line with the number of findings, taken from another output
than the one that is read. `ignores` are files of a change that make the tool see less of `files`.
"""

import msgspec

Found = tuple[str, str, int, str]
"""Rule, path, line, severity."""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One preset's sample. `nothing` is the exit where no file is for the tool (None: it always has some). A slow
    tool is run only once: instead of `count`, `printed` finds the numbers in what it prints meanwhile.
    With the arguments `wrong` the tool cannot run.
    """

    files: dict[str, str]
    expected: tuple[Found, ...]
    count: str = ""
    clean: dict[str, str]
    exit: int = 1
    keys: dict[str, str] = {}
    ignores: dict[str, str] = {}
    nothing: int | None = None
    printed: str = ""
    wrong: str = "--there-is-no-such-option"


_PYTHON = {
    "src/app.py": (
        "import os\nimport pickle\n\n\ndef used(data):\n    if data is undefined:\n        eval(data)\n"
        "    return pickle.loads(data)\n    print(data)\n"
    ),
    "src/other.py": "from app import used\n\nused(b'')\nx = {  'a':1 }\n",
}
_CLEAN_PYTHON = {"src/app.py": "def used(data: int) -> int:\n    return data\n\n\nassert used(1)\n"}
_SCRIPT = {
    "src/app.js": (
        "function f(a) {\n  let unused = 3;\n  debugger;\n  return a;\n}\nexport const y = NaN === f(1);\n"
    ),
    "src/in/deep.ts": "export const z: number = 1;\nif (z === NaN) { debugger; }\n",
}
_CLEAN_SCRIPT = {"src/app.js": "export const y = 1;\n"}
_FLAT = (
    "export default [{rules: {'no-debugger': 'error', 'no-unused-vars': 'warn', 'use-isnan': 'error'}}];\n"
)
_AST_GREP = {
    "sgconfig.yml": "ruleDirs: [lint/rules]\n",
    "lint/rules/no-eval.yml": (
        "id: no-eval\nmessage: eval runs what it is given\nseverity: error\nlanguage: Python\n"
        "rule: {pattern: eval($A)}\n"
    ),
    "lint/rules/no-print.yml": (
        "id: no-print\nmessage: use the log\nseverity: warning\nlanguage: Python\n"
        "rule: {pattern: print($$$A)}\nfix: log($$$A)\n---\n"
        "id: told\nmessage: python -O skips it\nseverity: hint\nlanguage: Python\nrule: {pattern: assert $A}\n"
    ),
}
_SEMGREP = {
    ".semgrep.yml": (
        "rules:\n  - {id: no-eval, languages: [python], severity: ERROR, message: eval runs what it is given,\n"
        "     pattern: eval(...)}\n"
    ),
    ".semgrep/print.yml": (
        "rules:\n  - {id: no-print, languages: [python], severity: WARNING, message: use the log,\n"
        "     pattern: print(...)}\n"
    ),
}
_FOUND = """sed -n 's/.*Found \\([0-9]*\\) .*/\\1/p'"""
_SUM = "awk '{n += $1} END {print n + 0}'"

SAMPLES: dict[str, Sample] = {
    "ruff": Sample(
        files=_PYTHON,
        expected=(("F401", "src/app.py", 1, "medium"), ("F821", "src/app.py", 6, "high")),
        count=f'{{ "$PORTCULLIS_TOOLBOX/ruff" check --no-cache || true; }} | {_FOUND}',
        clean=_CLEAN_PYTHON,
        ignores={"src/ruff.toml": "[lint]\nignore = ['F821']\n"},
        nothing=0,
    ),
    "ruff-format": Sample(
        files=_PYTHON,
        expected=(("unformatted", "src/other.py", 3, "info"),),
        count=(
            '{ "$PORTCULLIS_TOOLBOX/ruff" format --no-cache --check . || true; } '
            "| sed -n 's/^\\([0-9]*\\) files\\? would be reformatted.*/\\1/p'"
        ),
        clean=_CLEAN_PYTHON,
        ignores={"ruff.toml": "extend-exclude = ['src/other.py']\n"},
        nothing=100,
    ),
    "mypy": Sample(
        files={"src/app.py": "def f(x: int) -> str:\n    return x\n\n\nf('a')\n"},
        expected=(("return-value", "src/app.py", 2, "high"), ("arg-type", "src/app.py", 5, "high")),
        count=(
            '{ "$PORTCULLIS_TOOLBOX/mypy" --cache-dir=/dev/null src || true; } '
            "| sed -n 's/^Found \\([0-9]*\\) error.*/\\1/p'"
        ),
        clean=_CLEAN_PYTHON,
        ignores={"mypy.ini": "[mypy]\ndisable_error_code = arg-type\n"},
    ),
    "pyright": Sample(
        files={"src/app.py": "def f(x: int) -> str:\n    return x\n\n\nf('a')\n"},
        expected=(
            ("reportReturnType", "src/app.py", 2, "high"),
            ("reportArgumentType", "src/app.py", 5, "high"),
        ),
        count=(
            '{ "$PORTCULLIS_TOOLBOX_WEB/pyright" || true; } '
            "| sed -n 's/^\\([0-9]*\\) errors\\?, 0 warnings.*/\\1/p'"
        ),
        clean=_CLEAN_PYTHON,
        ignores={"pyrightconfig.json": '{"reportArgumentType": "none"}\n'},
        nothing=0,
    ),
    "bandit": Sample(
        files=_PYTHON,
        expected=(("B307", "src/app.py", 7, "medium"), ("B301", "src/app.py", 8, "medium")),
        count=(
            '{ "$PORTCULLIS_TOOLBOX/bandit" --quiet --recursive --format=txt . || true; } | grep -c "^>> Issue"'
        ),
        clean={"src/app.py": "x = 1\n"},
        ignores={".bandit": "[bandit]\nskips: B301\n"},
        nothing=0,
    ),
    "vulture": Sample(
        files=_PYTHON,
        expected=(
            ("unused-import", "src/app.py", 1, "low"),
            ("unreachable", "src/app.py", 9, "medium"),
        ),
        count='"$PORTCULLIS_TOOLBOX/vulture" --min-confidence=80 . | wc -l || true',
        clean=_CLEAN_PYTHON,
        exit=3,
        ignores={
            "pyproject.toml": "[tool.vulture]\npaths = ['.']\nmin_confidence = 100\nignore_names = ['os']\n"
        },
        nothing=0,
    ),
    "biome": Sample(
        files=_SCRIPT,
        expected=(
            ("lint/suspicious/noDebugger", "src/app.js", 3, "high"),
            ("lint/correctness/useIsNan", "src/in/deep.ts", 2, "high"),
        ),
        count=f'{{ "$PORTCULLIS_TOOLBOX_WEB/biome" lint --colors=off 2>&1 || true; }} | {_FOUND} | {_SUM}',
        clean=_CLEAN_SCRIPT,
        ignores={"biome.json": '{"linter": {"rules": {"suspicious": {"noDebugger": "off"}}}}\n'},
        nothing=0,
    ),
    "oxlint": Sample(
        files=_SCRIPT,
        expected=(
            ("eslint(no-debugger)", "src/app.js", 3, "high"),
            ("eslint(use-isnan)", "src/in/deep.ts", 2, "high"),
        ),
        count=(
            '"$PORTCULLIS_TOOLBOX_WEB/oxlint" | '
            "sed -n 's/^Found \\([0-9]*\\) warnings\\? and \\([0-9]*\\) errors\\?.*/\\1\\n\\2/p' | " + _SUM
        ),
        clean=_CLEAN_SCRIPT,
        exit=0,
        ignores={"src/.oxlintrc.json": '{"rules": {"no-debugger": "off"}}\n'},
        nothing=100,
    ),
    "eslint": Sample(
        files={"src/app.js": _SCRIPT["src/app.js"], "eslint.config.mjs": _FLAT},
        expected=(("no-debugger", "src/app.js", 3, "high"), ("no-unused-vars", "src/app.js", 2, "low")),
        count=(
            '{ "$PORTCULLIS_TOOLBOX_WEB/eslint" --no-color . || true; } '
            "| sed -n 's/.* \\([0-9]*\\) problems\\? (.*/\\1/p'"
        ),
        clean={"eslint.config.mjs": _FLAT, **_CLEAN_SCRIPT},
        ignores={"eslint.config.mjs": _FLAT.replace("'no-unused-vars': 'warn', ", "")},
    ),
    "shellcheck": Sample(
        files={
            "run.sh": '#!/bin/bash\necho $1\nrm -rf "$2/"*\n',
            "bin/tool": "#!/usr/bin/env bash\ncd $1\n",
            "bin/data": "cd $1\n",
        },
        expected=(
            ("SC2086", "run.sh", 2, "low"),
            ("SC2115", "run.sh", 3, "medium"),
            ("SC2164", "bin/tool", 2, "medium"),
        ),
        count='"$PORTCULLIS_TOOLBOX/shellcheck" -f gcc run.sh bin/tool | wc -l || true',
        clean={"run.sh": '#!/bin/bash\necho "$1"\n'},
        ignores={".shellcheckrc": "disable=SC2086\n"},
        nothing=100,
    ),
    "hadolint": Sample(
        files={
            "Dockerfile": "FROM debian\nRUN cd /tmp && apt-get install curl\n",
            "api/web.dockerfile": "FROM a:latest\n",
        },
        expected=(
            ("DL3006", "Dockerfile", 1, "medium"),
            ("DL3015", "Dockerfile", 2, "low"),
            ("DL3007", "api/web.dockerfile", 1, "medium"),
        ),
        count='"$PORTCULLIS_TOOLBOX/hadolint" -f gnu Dockerfile api/web.dockerfile | wc -l || true',
        clean={"Dockerfile": "FROM debian:12\n"},
        ignores={".hadolint.yaml": "ignored: [DL3006]\n"},
        nothing=100,
    ),
    "yamllint": Sample(
        files={"conf.yml": "---\na: 1\na: 2\nb:   3\n", "broken.yaml": "a: [1\n"},
        expected=(
            ("key-duplicates", "conf.yml", 3, "high"),
            ("colons", "conf.yml", 4, "info"),
            ("syntax", "broken.yaml", 2, "critical"),
        ),
        count='{ "$PORTCULLIS_TOOLBOX/yamllint" --strict -f standard . || true; } | grep -cE "^ +[0-9]+:[0-9]+"',
        clean={"conf.yml": "---\na: 1\n"},
        ignores={".yamllint": "rules: {key-duplicates: disable, colons: enable}\n"},
        nothing=0,
    ),
    "zizmor": Sample(
        files={
            ".github/workflows/ci.yml": (
                "on: pull_request_target\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n"
                "      - run: echo ${{ github.event.pull_request.title }}\n"
            )
        },
        expected=(("zizmor/template-injection", ".github/workflows/ci.yml", 6, "high"),),
        count=(
            '{ "$PORTCULLIS_TOOLBOX/zizmor" --offline --no-progress --format=plain . 2>&1 || true; } '
            "| grep -cE '^(error|warning|help|info|note)\\[' "
        ),
        clean={
            ".github/workflows/ci.yml": (
                "name: a\non: push\npermissions: {}\njobs:\n  a:\n    name: a\n    runs-on: ubuntu-24.04\n"
                "    steps: [{run: ls}]\n"
            )
        },
        exit=14,
        ignores={"zizmor.yml": "rules: {template-injection: {disable: true}}\n"},
        nothing=3,
    ),
    "checkov": Sample(
        files={
            "infra/main.tf": 'resource "aws_s3_bucket" "b" {\n  bucket = "x"\n  acl    = "public-read"\n}\n',
            "pod.yaml": (
                "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n"
                "    - {name: a, image: 'a:1', securityContext: {privileged: true}}\n"
            ),
        },
        expected=(
            ("CKV_AWS_20", "infra/main.tf", 1, "high"),
            ("CKV_AWS_144", "infra/main.tf", 1, "low"),
            ("CKV_K8S_16", "pod.yaml", 1, "high"),
        ),
        printed=r"Failed checks: (\d+),",
        clean={},
    ),
    "markdownlint": Sample(
        files={"doc/a.md": "#Title\n\n* a\n- b\n", "README.md": "# A\n\n[a](#nowhere)\n"},
        expected=(
            ("MD018", "doc/a.md", 1, "info"),
            ("MD004", "doc/a.md", 4, "info"),
            ("MD051", "README.md", 3, "low"),
        ),
        count=(
            "{ \"$PORTCULLIS_TOOLBOX_WEB/markdownlint-cli2\" '**/*.md' || true; } "
            "| sed -n 's/^Summary: \\([0-9]*\\) issues\\?.*/\\1/p'"
        ),
        clean={"README.md": "# Title\n\nText.\n"},
        ignores={".markdownlint.json": '{"MD018": false}\n'},
        wrong="--config nowhere.json",
        nothing=0,
    ),
    "typos": Sample(
        files={"src/out/text.py": '"""Teh text."""\n', "a.md": "recieve\n"},
        expected=(("typos", "src/out/text.py", 1, "low"), ("typos", "a.md", 1, "low")),
        count='{ "$PORTCULLIS_TOOLBOX/typos" --format=brief || true; } | wc -l',
        clean={"a.md": "receive\n"},
        exit=2,
        ignores={"typos.toml": "[default.extend-words]\nrecieve = 'recieve'\n"},
        nothing=0,
    ),
    "codespell": Sample(
        files={"src/out/text.py": '"""Teh text."""\n', "a.md": "ok\nrecieve teh\n"},
        expected=(
            ("codespell", "src/out/text.py", 1, "low"),
            ("codespell", "a.md", 2, "low"),
        ),
        count='{ "$PORTCULLIS_TOOLBOX/codespell" --count 2>&1 >/dev/null || true; } | tail -n 1',
        clean={"a.md": "receive\n"},
        exit=65,
        ignores={
            ".codespellrc": "[codespell]\nignore-words = docs/.codespell-words\n",
            "docs/.codespell-words": "recieve\n",
        },
        nothing=0,
    ),
    "ast-grep": Sample(
        files={
            **_AST_GREP,
            "src/app.py": "eval(a)\nprint(1)\nassert a\neval(b)\n",
            "src/a.js": "eval(a)\n",
        },
        expected=(
            ("no-eval", "src/app.py", 4, "high"),
            ("no-print", "src/app.py", 2, "medium"),
            ("told", "src/app.py", 3, "low"),
        ),
        count='{ "$PORTCULLIS_TOOLBOX/ast-grep" scan --json=stream || true; } | wc -l',
        clean={**_AST_GREP, "src/app.py": "x = 1\n"},
        ignores={
            "lint/rules/no-eval.yml": _AST_GREP["lint/rules/no-eval.yml"].replace("eval($A)", "evil($A)")
        },
    ),
    "semgrep": Sample(
        files={
            **_SEMGREP,
            "src/app.py": "eval(a)\nprint(1)\nassert a\neval(b)\n",
            "src/a.js": "eval(a)\n",
        },
        expected=(
            ("no-eval", "src/app.py", 4, "high"),
            ("semgrep.no-print", "src/app.py", 2, "medium"),
        ),
        count=(
            '"$PORTCULLIS_TOOLBOX_SEMGREP/semgrep" scan --metrics=off --disable-version-check --emacs --quiet '
            "--config .semgrep.yml --config .semgrep . | wc -l"
        ),
        clean={**_SEMGREP, "src/app.py": "x = 1\n"},
        ignores={".semgrep/print.yml": _SEMGREP[".semgrep/print.yml"].replace("print(...)", "printed(...)")},
    ),
}
