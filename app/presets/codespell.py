"""codespell: known misspellings in code and text, for projects that are set up for it.

Exits 0 (clean), 65 (misspellings found), 1, 2, 64 and 78 (wrong arguments or configuration), 70 (ours: it
printed what is not understood). It only looks, whatever a configuration says of mending. It writes no report
of its own: the lines it prints are one. What `codespell:ignore` hides it does not list; see `unheeded`.
"""

import shlex

from app.model import Kind, Preset, ReportSpec, Severity
from app.presets.spoken import spoken

_LOOK = """\
import os, sys
from codespell_lib import _codespell
parse = _codespell.parse_options
def only_look(words):
    options, parser, used = parse(words)
    for name in options.files:
        if not os.path.lexists(name):
            sys.exit(f"{name} is not there")
    if os.path.realpath("out") == os.path.realpath(os.environ["PORTCULLIS_OUT"]):
        options.skip = [*(options.skip or ()), "./out", "./in"]
    options.write_changes = options.enable_colors = options.summary = options.count = False
    options.interactive, options.quiet_level = 0, 34
    options.after_context = options.before_context = options.context = None
    return options, parser, used
_codespell.parse_options = only_look
sys.exit(_codespell._script_main())
"""

_SCRIPT = """\
set -- ${args}
"$PORTCULLIS_TOOLBOX/codespell" --version
"""
_LINE = r"(?P<path>.+?):(?:(?P<line>\d+):)? (?P<message>\S+ ==> .*)"

PRESET = Preset(
    name="codespell",
    summary="Known misspellings, for projects that are set up for codespell",
    looks_at="everything",
    tool="codespell",
    version="2.4.3",
    tools=("codespell==2.4.3",),
    script=_SCRIPT
    + spoken(
        f'"$PORTCULLIS_TOOLBOX/python" -I -c {shlex.quote(_LOOK)} "$@"',
        tool="codespell",
        version="2.4.3",
        pattern=_LINE,
        python="$PORTCULLIS_TOOLBOX/python",
        findings=(65,),
        # with its words, which are misspelt themselves
        ignoring=r"codespell:ignore(?:-next-line)?\b(?:[ \t]+[\w,\x80-\xff]+)?",
    ),
    reports=(ReportSpec(path="out/codespell.sarif", format="sarif", kind=Kind.FINDINGS),),
    produces=(Kind.FINDINGS,),
    findings_exits=(65,),
    severities={"*": Severity.LOW},
    config_files=("*codespell*", "setup.cfg", "pyproject.toml"),
    config_options=(
        *("--config", "--toml", "-I", "--ignore-words", "-x", "--exclude-file", "-D", "--dictionary"),
    ),
    missing_hint="the operator installs it: portcullis toolbox install",
)
