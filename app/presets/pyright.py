"""pyright: Python's types, as the editor Pylance shows them.

Exits 0 (no error; there may be warnings), 1 (errors found), 2 and more (pyright could not run), 70 (what it
printed could not be read). It follows imports into the project's environment: what that holds decides what it
finds, so that the result is self-reported. Of 245,000 lines it takes a minute; where comments ignore anything
it is run once more with those blanked out, and what only that run finds is suppressed.
"""

from app.model import Kind, Preset, ReportSpec, Severity
from app.presets.installed import PYTHON
from app.presets.unheeded import INCOMPLETE, SARIF, silenced, unheeded

SEVERITIES: dict[str, Severity] = {
    # What is not listed keeps pyright's own level: errors are high, warnings medium, the rest low.
    "syntax": Severity.CRITICAL,
    "reportMissing*": Severity.MEDIUM,  # what is installed decides, not the change
    "reportUnused*": Severity.LOW,
    # said only where the project asks for strictness: missing words rather than wrong ones
    **dict.fromkeys(("reportUnknown*", "reportUntyped*", "reportMissingParameterType"), Severity.LOW),
    "reportMissingTypeArgument": Severity.LOW,
}

_LOOK = '"$PORTCULLIS_TOOLBOX_WEB/pyright" --outputjson "$@"'
_PYTHON = '"$PORTCULLIS_TOOLBOX_WEB/python"'
_CONVERT = """\
import json, sys, urllib.parse
said = json.load(open(sys.argv[1], encoding="utf-8"))
results = []
for one in said["generalDiagnostics"]:
    where = {"artifactLocation": {"uri": "file://" + urllib.parse.quote(one["file"])}}
    if "range" in one:
        start, end = one["range"]["start"], one["range"]["end"]
        where["region"] = {
            "startLine": start["line"] + 1, "startColumn": start["character"] + 1,
            "endLine": end["line"] + 1, "endColumn": end["character"] + 1,
        }
    results.append({
        "ruleId": one.get("rule", "syntax"), "message": {"text": one["message"]},
        "level": {"error": "error", "warning": "warning"}.get(one["severity"], "note"),
        "locations": [{"physicalLocation": where}],
    })
    line = where.get("region", {}).get("startLine", 0)
    print(f'{one["file"]}:{line}: {one["severity"]}: {one["message"]}', file=sys.stderr)
driver = {"name": "pyright", "version": said["version"]}
print(json.dumps({"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}))
"""


def _converted(sarif: str, quiet: str = "") -> str:
    return f"""\
{_PYTHON} -I - "$printed" > "{sarif}" {quiet}<<'PYTHON' || exit {INCOMPLETE}
{_CONVERT.strip()}
PYTHON
"""


_REPORT, _EVERYTHING = "$PORTCULLIS_OUT/pyright.sarif", "$everything"
_COMMENT = r"(?<=#)[ \t]*(?:pyright|type):[ \t]*ignore\b"
_SCRIPT = f"""\
set -- ${{args}}
printed=$(mktemp)
everything=$(mktemp)
status=0
{_LOOK} > "$printed" || status=$?
case $status in 0|1) ;; *) cat "$printed"; exit $status ;; esac
{_converted(_REPORT)}\
{silenced(_LOOK, _COMMENT, '"$printed"', "0|1", python=_PYTHON)}\
{_converted(_EVERYTHING, "2> /dev/null ")}\
{unheeded(f'"{_REPORT}"', f'"{_EVERYTHING}"', SARIF, python=_PYTHON)}\
exit $status
"""

PRESET = Preset(
    name="pyright",
    summary="Python types, as Pylance shows them",
    looks_at="Python",
    version="1.1.414",
    tools=("pyright==1.1.414",),
    toolbox="web",
    script=_SCRIPT,
    reports=(ReportSpec(path="out/pyright.sarif", format="sarif", kind=Kind.FINDINGS),),
    produces=(Kind.FINDINGS,),
    findings_exits=(1,),
    severities=SEVERITIES,
    config_options=("-p", "--project"),
    config_files=("pyrightconfig.json", "pyproject.toml", *PYTHON),
    missing_hint="the operator installs it: portcullis toolbox install web; what the project imports must be "
    "in an environment that a tool chain of the operator or the repository itself brings",
)
