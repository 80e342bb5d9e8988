"""ruff: lint rules for Python.

Exits 0 (clean), 1 (findings), 2 (ruff could not run: broken configuration or arguments).
"""

from app.model import Kind, Preset, ReportSpec, Severity

SEVERITIES: dict[str, Severity] = {
    # ruff writes every finding as SARIF `error`, a long line and an undefined name alike.
    "*": Severity.LOW,
    "invalid-syntax": Severity.CRITICAL,  # the file cannot be parsed at all
    "E9*": Severity.CRITICAL,  # syntax and I/O errors
    "F*": Severity.HIGH,  # pyflakes: mostly certain bugs …
    "F401": Severity.MEDIUM,  # … except what is merely unused
    "F811": Severity.MEDIUM,
    "F841": Severity.MEDIUM,
    "F541": Severity.LOW,
    "S*": Severity.MEDIUM,  # security (bandit's rules)
    "S101": Severity.INFO,  # assert: everyday in tests
    "S102": Severity.HIGH,  # exec
    "S105": Severity.HIGH,  # hard-coded passwords
    "S106": Severity.HIGH,
    "S107": Severity.HIGH,
    "S301": Severity.HIGH,  # pickle
    "S307": Severity.HIGH,  # eval
    "S323": Severity.HIGH,  # unverified TLS
    "S501": Severity.HIGH,
    "S506": Severity.HIGH,  # unsafe YAML
    "S602": Severity.HIGH,  # shell=True
    "S605": Severity.HIGH,
    "S608": Severity.HIGH,  # SQL from strings
    "B*": Severity.MEDIUM,  # bugbear: likely bugs
    "B006": Severity.HIGH,  # mutable default
    "B023": Severity.HIGH,  # loop variable caught late
    "PLE*": Severity.HIGH,  # pylint errors
    "PLW*": Severity.MEDIUM,
    "ASYNC*": Severity.MEDIUM,
    "BLE*": Severity.MEDIUM,
    "DTZ*": Severity.MEDIUM,
    "TRY*": Severity.LOW,
    "RUF*": Severity.LOW,
    "RUF006": Severity.MEDIUM,  # a task nobody keeps
    "C901": Severity.LOW,
    "E5*": Severity.INFO,  # line length
    "W*": Severity.INFO,  # white space
    "D*": Severity.INFO,  # docstrings
    "DTZ": Severity.MEDIUM,
    "I*": Severity.INFO,  # import order
    "Q*": Severity.INFO,
    "COM*": Severity.INFO,
    "ERA*": Severity.INFO,
}

PRESET = Preset(
    name="ruff",
    summary="Python lint rules",
    tool="ruff",
    version="0.17.5",
    tools=("ruff==0.17.5",),
    script=(
        '"$PORTCULLIS_TOOLBOX/ruff" check --no-cache --no-fix --no-show-fixes '
        '--output-format=sarif --output-file="$PORTCULLIS_OUT/ruff.sarif" ${args}'
    ),
    reports=(ReportSpec(path="out/ruff.sarif", format="sarif", kind=Kind.FINDINGS),),
    produces=(Kind.FINDINGS,),
    findings_exits=(1,),
    severities=SEVERITIES,
    config_files=("pyproject.toml", "ruff.toml", ".ruff.toml"),
    missing_hint="the operator installs it: portcullis toolbox install",
)
