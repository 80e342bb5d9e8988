"""mypy: Python's types, as JSON lines.

Exits 0 (clean), 1 (errors found), 2 (mypy could not run, and a file that cannot be parsed), 70 (its second
look failed). Of an untrusted head it runs isolated (`python -I`) and nothing of its virtual environment
counts: a folder `mypy`, a module beside it or an interpreter of the change would be the judge. A plugin that
is a module of the repository is then not found, and named by its path it is base's.

mypy does not list what `# type: ignore` hides. Where there is any it is run once more with those comments
blanked out, and what only that run finds is written into the report as suppressed: `suppressions.new` counts
it, nothing else.
"""

from app.model import Kind, Preset, ReportSpec, Severity
from app.presets.installed import PYTHON
from app.presets.unheeded import NATIVE, silenced, unheeded

SEVERITIES: dict[str, Severity] = {
    # What is not listed keeps mypy's own level: errors are high, notes low.
    "syntax": Severity.CRITICAL,
    "import*": Severity.MEDIUM,  # what is installed decides, not the change
    # said only where the project asks for strictness: missing words rather than wrong ones
    **dict.fromkeys(("no-untyped-*", "no-any-*", "type-arg", "explicit-any"), Severity.MEDIUM),
    "unused-ignore": Severity.LOW,
    "annotation-unchecked": Severity.INFO,
}

_SCRIPT = """\
set -- ${args}
if [ $# -eq 0 ]; then set -- .; fi
python=$PORTCULLIS_TOOLBOX/python
isolated=
if [ "${PORTCULLIS_TRUSTED:-}" != true ]; then isolated=-I; fi
for own in .venv/bin/python venv/bin/python python python3; do
  if "$own" $isolated -c 'import mypy' 2>/dev/null; then python=$own; break; fi
done
report=$PORTCULLIS_OUT/mypy.json
"""
_LOOK = '"$python" $isolated -m mypy --cache-dir=/dev/null --output=json --no-error-summary "$@"'
_COMMENT = r"(?<=#)[ \t]*(?:type:[ \t]*ignore\b|mypy:[ \t]*(?:ignore-errors|disable-error-code))"
_COMPARED = unheeded('"$report"', '"$everything"', NATIVE, python='"$python"', lines=True)
_SCRIPT += f"""\
status=0
{_LOOK} | tee "$report" || status=$?
case $status in 0|1) ;; *) exit $status ;; esac
everything=$(mktemp)
{silenced(_LOOK, _COMMENT, '"$everything"', "0|1", python='"$python"')}\
{_COMPARED}exit $status
"""

PRESET = Preset(
    name="mypy",
    summary="Python types",
    looks_at="Python",
    version="2.4.1",
    tools=("mypy==2.4.1",),
    script=_SCRIPT,
    reports=(ReportSpec(path="out/mypy.json", format="mypy", kind=Kind.FINDINGS),),
    produces=(Kind.FINDINGS,),
    findings_exits=(1,),
    severities=SEVERITIES,
    config_options=("--config-file",),
    config_files=("mypy.ini", ".mypy.ini", "pyproject.toml", "setup.cfg", *PYTHON),
    missing_hint="let the operator offer an environment with mypy as a tool chain, "
    "and put its bin first in the check's env: {PATH: …}",
)
