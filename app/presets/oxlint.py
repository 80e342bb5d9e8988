"""oxlint: fast lint rules for JavaScript and TypeScript, most of them ESLint's.

Exits 0 (clean, or warnings only), 1 (errors; also where it could not run, and then there is no report), 100
(ours: no such file anywhere, not needed). Rules are named `PLUGIN(RULE)`, such as `eslint(no-debugger)`.
"""

from app.model import Kind, Preset, ReportSpec, Severity
from app.presets.chosen import NOTHING
from app.presets.installed import NODE

SEVERITIES: dict[str, Severity] = {
    # Without a configuration only its rules of the kind "correctness" are on, all as warnings.
    "*": Severity.MEDIUM,
    "OXL*": Severity.CRITICAL,  # the file cannot be parsed at all
    "eslint(no-unused-*": Severity.LOW,
    **dict.fromkeys(
        (
            *("eslint(no-debugger)", "eslint(no-eval)", "eslint(no-undef)", "eslint(use-isnan)"),
            *("eslint(no-const-assign)", "eslint(no-dupe-*", "eslint(no-self-*", "eslint(no-unreachable)"),
            *("eslint(no-unsafe-*", "eslint(valid-typeof)", "eslint(for-direction)", "eslint(getter-return)"),
            *("eslint(no-cond-assign)", "eslint(no-this-before-super)", "eslint(no-class-assign)"),
        ),
        Severity.HIGH,
    ),
    "jsx-a11y(*": Severity.LOW,
    "unicorn(*": Severity.LOW,
}

_SCRIPT = f"""\
report=$PORTCULLIS_OUT/oxlint.sarif
"$PORTCULLIS_TOOLBOX_WEB/oxlint" --no-error-on-unmatched-pattern --format=sarif ${{args}} > "$report"
[ -s "$report" ] || exit {NOTHING}
"""

PRESET = Preset(
    name="oxlint",
    summary="Fast lint rules for JavaScript and TypeScript",
    looks_at="JavaScript, TypeScript",
    tool="oxlint",
    version="1.94.0",
    tools=("oxlint==1.94.0",),
    toolbox="web",
    script=_SCRIPT,
    reports=(ReportSpec(path="out/oxlint.sarif", format="sarif", kind=Kind.FINDINGS),),
    produces=(Kind.FINDINGS,),
    findings_exits=(1,),
    not_needed_exits=(NOTHING,),
    severities=SEVERITIES,
    config_options=("-c", "--config", "--ignore-path", "--tsconfig"),
    config_files=(
        *(".oxlintrc.json", ".oxlintrc.jsonc", "oxlint.config.*", ".eslintignore"),
        *("tsconfig*.json", ".gitignore", ".ignore", *NODE),
    ),
    missing_hint="the operator installs it: portcullis toolbox install web",
)
