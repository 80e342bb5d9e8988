"""eslint: the project's own rules for JavaScript and TypeScript.

Exits 0 (clean, or warnings only), 1 (errors), 2 (eslint could not run: no or a broken configuration, a plugin
that is not there). Its rules are what the project's eslint.config.js loads, so the project's own eslint is
taken where node_modules has one. Of an untrusted head nothing of node_modules counts: what is there then is
base's own, or what base's set-up installed.
"""

from app.model import Kind, Preset, ReportSpec, Severity
from app.presets.installed import NODE

SEVERITIES: dict[str, Severity] = {
    # What is not listed keeps the project's own level: error is high, warn is medium.
    "no-unused-vars": Severity.LOW,
    "@typescript-eslint/no-unused-vars": Severity.LOW,
    "prettier/prettier": Severity.INFO,
    **dict.fromkeys(
        ("indent", "quotes", "semi", "max-len", "comma-dangle", "@stylistic/*", "import/order"), Severity.INFO
    ),
}

_SCRIPT = """\
set -- ${args}
if [ $# -eq 0 ]; then set -- .; fi
eslint=$PORTCULLIS_TOOLBOX_WEB/eslint
if [ -x node_modules/.bin/eslint ]; then eslint=node_modules/.bin/eslint; fi
"$eslint" --no-color --format=json --output-file="$PORTCULLIS_OUT/eslint.json" "$@"
"""

PRESET = Preset(
    name="eslint",
    summary="The project's own rules for JavaScript and TypeScript",
    looks_at="JavaScript, TypeScript",
    version="10.15.0",
    tools=("eslint==10.15.0",),
    toolbox="web",
    script=_SCRIPT,
    reports=(ReportSpec(path="out/eslint.json", format="eslint", kind=Kind.FINDINGS),),
    produces=(Kind.FINDINGS,),
    findings_exits=(1,),
    severities=SEVERITIES,
    config_options=("-c", "--config"),
    config_files=(
        *("eslint.config.*", ".eslintrc", ".eslintrc.*", ".eslintignore", "package.json", "tsconfig*.json"),
        # what plugins read or run
        *(".prettierrc", ".prettierrc.*", "prettier.config.*", ".prettierignore", ".editorconfig"),
        *(".babelrc", ".babelrc.*", "babel.config.*", "webpack.config.*", "vite.config.*"),
        *("svelte.config.*", "tailwind.config.*", ".graphqlrc", ".graphqlrc.*", "graphql.config.*"),
        *NODE,
    ),
    missing_hint="the operator installs it: portcullis toolbox install web; plugins must be in node_modules, "
    "which a tool chain of the operator or the repository itself brings",
)
