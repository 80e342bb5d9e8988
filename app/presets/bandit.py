"""bandit: security of Python code.

Exits 0 (clean), 1 (findings), 2 (bandit could not run), 70 (its report could not be completed). A file that
it cannot parse it passes over: each is a finding. Its own levels count. Most of its rules are
ruff's `S` rules too, which take a twentieth of the time.

bandit counts what `# nosec` ignores and does not list it. Where there is any it is run once more without
heeding it, and what only that run finds is written into the report as suppressed: `suppressions.new` counts
it, nothing else.
"""

from app.model import Kind, Preset, ReportSpec
from app.presets.unheeded import NATIVE, unheeded

_SCRIPT = """\
set -- ${args}
if [ $# -eq 0 ]; then set -- .; fi
status=0
"$PORTCULLIS_TOOLBOX/bandit" --quiet --recursive --format=json --output="$PORTCULLIS_OUT/bandit.json" \\
  "$@" || status=$?
case $status in 0|1) ;; *) exit $status ;; esac
ignored=$("$PORTCULLIS_TOOLBOX/python" -I -c '
import json, sys
report = json.load(open(sys.argv[1], encoding="utf-8"))
totals = report["metrics"]["_totals"]
print(totals["nosec"] + totals["skipped_tests"], len(report["errors"]))
for one in report["errors"]:
    print(one["filename"] + ": bandit did not look into this file: " + one["reason"], file=sys.stderr)
' "$PORTCULLIS_OUT/bandit.json") || exit 70
case $ignored in *" 0") ;; *) status=1 ;; esac
ignored=${ignored% *}
if [ "$ignored" != 0 ]; then
  everything=$(mktemp)
  again=0
  "$PORTCULLIS_TOOLBOX/bandit" --quiet --recursive --ignore-nosec --format=json --output="$everything" \\
    "$@" || again=$?
  case $again in 0|1) ;; *) exit $again ;; esac
"""
_COMPARED = unheeded('"$PORTCULLIS_OUT/bandit.json"', '"$everything"', NATIVE)

PRESET = Preset(
    name="bandit",
    summary="Security of Python code",
    looks_at="Python",
    tool="bandit",
    version="1.9.4",
    tools=("bandit==1.9.4",),
    script=f"{_SCRIPT}{_COMPARED}fi\nexit $status\n",
    reports=(ReportSpec(path="out/bandit.json", format="bandit", kind=Kind.FINDINGS),),
    produces=(Kind.FINDINGS,),
    findings_exits=(1,),
    config_options=("-c", "--configfile", "-b", "--baseline", "--ini"),
    config_files=(".bandit", "bandit.yaml", "bandit.yml", "pyproject.toml"),
    missing_hint="the operator installs it: portcullis toolbox install",
)
