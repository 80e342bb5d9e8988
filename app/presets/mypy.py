"""mypy: Python's types, as JSON lines.

Exits 0 (clean), 1 (errors found), 2 (mypy could not run, and a file that cannot be parsed).
"""

from app.model import Kind, Preset, ReportSpec, Severity

SEVERITIES: dict[str, Severity] = {
    "*": Severity.MEDIUM,
    "syntax": Severity.CRITICAL,
    "name-defined": Severity.HIGH,
    "attr-defined": Severity.HIGH,
    "call-arg": Severity.HIGH,
    "used-before-def": Severity.HIGH,
    "possibly-undefined": Severity.HIGH,
    "union-attr": Severity.MEDIUM,
    "import*": Severity.LOW,  # what is installed decides, not the change
    "note": Severity.INFO,
    "annotation-unchecked": Severity.INFO,
    "unused-ignore": Severity.LOW,
    "no-untyped-*": Severity.LOW,
    "type-arg": Severity.LOW,
    "no-any-*": Severity.LOW,
}

_SCRIPT = """\
set -- ${args}
if [ $# -eq 0 ]; then set -- .; fi
python=$PORTCULLIS_TOOLBOX/python
for own in .venv/bin/python venv/bin/python python python3; do
  if "$own" -c 'import mypy' 2>/dev/null; then python=$own; break; fi
done
report=$PORTCULLIS_OUT/mypy.json
"$python" -m mypy --cache-dir=/dev/null --output=json --no-error-summary "$@" | tee "$report"
"""

PRESET = Preset(
    name="mypy",
    summary="Python types",
    version="2.4.1",
    tools=("mypy==2.4.1",),
    script=_SCRIPT,
    reports=(ReportSpec(path="out/mypy.json", format="mypy", kind=Kind.FINDINGS),),
    produces=(Kind.FINDINGS,),
    findings_exits=(1,),
    severities=SEVERITIES,
    config_files=("mypy.ini", ".mypy.ini", "pyproject.toml", "setup.cfg"),
    missing_hint="put mypy into an environment that the operator offers as a tool-chain",
)
