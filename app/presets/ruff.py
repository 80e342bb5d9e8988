"""ruff: lint rules for Python.

Exits 0 (clean), 1 (findings), 2 (ruff could not run: broken configuration or arguments), 70 (its report could
not be completed). Preview mode is off whatever the project says: it writes other rule names, which no
severity would then fit. E902 is always on: else a file that is not UTF-8 is only warned of.

ruff reports nothing of what `# noqa` ignores. So it is run once more without heeding it, and what only that
run finds is written into the report as suppressed in the source: `suppressions.new` counts it, nothing else.
"""

from app.model import Kind, Preset, ReportSpec, Severity
from app.presets.unheeded import SARIF, unheeded

SEVERITIES: dict[str, Severity] = {
    # ruff writes every finding as SARIF `error`, a long line and an undefined name alike. The longest
    # glob wins, so a family's letter (`F*`) is followed by the families that merely begin with it.
    "*": Severity.LOW,
    "invalid-syntax": Severity.CRITICAL,  # the file cannot be parsed at all
    "E9*": Severity.CRITICAL,  # syntax and I/O errors
    "E5*": Severity.INFO,  # line length
    "F*": Severity.HIGH,  # pyflakes: mostly certain bugs …
    "F401": Severity.MEDIUM,  # … except what is merely unused or said twice
    "F811": Severity.MEDIUM,
    "F841": Severity.MEDIUM,
    "F541": Severity.LOW,
    **dict.fromkeys(("FA*", "FAST*", "FBT*", "FIX*", "FLY*", "FURB*"), Severity.LOW),
    "S*": Severity.MEDIUM,  # security (bandit's rules)
    "S101": Severity.INFO,  # assert: everyday in tests
    # exec, passwords in code, pickle, eval, TLS unverified, unsafe YAML, shells, SQL from strings
    **dict.fromkeys(
        ("S102", "S105", "S106", "S107", "S301", "S307", "S323", "S501", "S506", "S602", "S605", "S608"),
        Severity.HIGH,
    ),
    **dict.fromkeys(("SIM*", "SLF*", "SLOT*"), Severity.LOW),
    "B*": Severity.MEDIUM,  # bugbear: likely bugs
    "B006": Severity.HIGH,  # mutable default
    "B023": Severity.HIGH,  # loop variable caught late
    "PLE*": Severity.HIGH,  # pylint's errors and warnings
    "PLW*": Severity.MEDIUM,
    "ASYNC*": Severity.MEDIUM,
    "DTZ*": Severity.MEDIUM,  # times without a zone
    "RUF006": Severity.MEDIUM,  # a task nobody keeps
    # docstrings, white space, import order, quotes, commas, dead comments
    **dict.fromkeys(("D*", "W*", "I*", "Q*", "COM*", "ERA*"), Severity.INFO),
    "DJ*": Severity.LOW,
}

_SCRIPT = """\
set -- ${args}
fixed='--no-cache --no-fix --no-show-fixes --no-preview --extend-select=E902'
status=0
"$PORTCULLIS_TOOLBOX/ruff" check $fixed \\
  --output-format=sarif --output-file="$PORTCULLIS_OUT/ruff.sarif" "$@" || status=$?
case "$status $*" in [01]" "*--ignore-noqa*) exit $status ;; [01]" "*) ;; *) exit $status ;; esac
everything=$(mktemp)
again=0
"$PORTCULLIS_TOOLBOX/ruff" check $fixed --ignore-noqa \\
  --output-format=sarif --output-file="$everything" "$@" || again=$?
case $again in 0|1) ;; *) exit $again ;; esac
"""
_COMPARED = unheeded('"$PORTCULLIS_OUT/ruff.sarif"', '"$everything"', SARIF)

PRESET = Preset(
    name="ruff",
    summary="Python lint rules",
    looks_at="Python",
    tool="ruff",
    version="0.17.5",
    tools=("ruff==0.17.5",),
    script=f"{_SCRIPT}{_COMPARED}exit $status\n",
    reports=(ReportSpec(path="out/ruff.sarif", format="sarif", kind=Kind.FINDINGS),),
    produces=(Kind.FINDINGS,),
    findings_exits=(1,),
    severities=SEVERITIES,
    config_options=("--config",),
    config_files=(".gitignore", ".ignore", "pyproject.toml", "ruff.toml", ".ruff.toml"),
    missing_hint="the operator installs it: portcullis toolbox install",
)
