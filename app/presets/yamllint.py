"""yamllint: YAML that is broken, doubled or untidy.

Exits 0 (clean), 1 (errors), 2 (only warnings), 255 (wrong configuration), 70 (ours: it printed what is not
understood). It writes no report of its own: the lines it prints are one. What `yamllint disable` hides it
does not list; see `unheeded`.
"""

from app.model import Kind, Preset, ReportSpec, Severity
from app.presets.spoken import spoken

SEVERITIES: dict[str, Severity] = {
    # mostly layout; the rest can change what a file means
    "*": Severity.INFO,
    "syntax": Severity.CRITICAL,  # cannot be parsed at all
    "key-duplicates": Severity.HIGH,  # one of two values is lost
    "anchors": Severity.HIGH,
    **dict.fromkeys(("truthy", "octal-values", "float-values", "empty-values"), Severity.MEDIUM),
}

_SCRIPT = """\
set -- ${args}
if [ $# -eq 0 ]; then set -- .; fi
"""
_LINE = (
    r"(?P<path>.+?):(?P<line>\d+):(?P<column>\d+): \[(?P<level>\w+)\] "
    r"(?P<message>.*) \((?P<rule>[a-z-]+)\)"
)

PRESET = Preset(
    name="yamllint",
    summary="Broken, doubled and untidy YAML",
    looks_at="YAML",
    tool="yamllint",
    version="1.38.0",
    tools=("yamllint==1.38.0",),
    script=_SCRIPT
    + spoken(
        '"$PORTCULLIS_TOOLBOX/yamllint" --strict --format=parsable "$@"',
        tool="yamllint",
        version="1.38.0",
        pattern=_LINE,
        python="$PORTCULLIS_TOOLBOX/python",
        findings=(1, 2),
        ignoring=r"yamllint disable\b",
    ),
    reports=(ReportSpec(path="out/yamllint.sarif", format="sarif", kind=Kind.FINDINGS),),
    produces=(Kind.FINDINGS,),
    findings_exits=(1, 2),
    severities=SEVERITIES,
    config_options=("-c", "--config-file"),
    config_files=(".yamllint", ".yamllint.yaml", ".yamllint.yml", ".gitignore"),
    missing_hint="the operator installs it: portcullis toolbox install",
)
