"""vulture: Python code that nothing uses.

Exits 0 (none), 3 (some), 1 (a file that is not there or cannot be parsed), 2 (wrong arguments), 70 (ours: it
printed what is not understood). It guesses: without arguments and without `[tool.vulture]` in
pyproject.toml all files are looked at, and what it is at least 80 % sure of counts. It writes no report of
its own: the lines it prints are one.
"""

from app.model import Kind, Preset, ReportSpec, Severity
from app.presets.spoken import spoken

_SCRIPT = """\
set -- ${args}
if [ $# -eq 0 ] && ! grep -qs '^\\[tool.vulture\\]' pyproject.toml; then set -- --min-confidence=80 .; fi
"""
_LINE = (
    r"(?P<path>.+?):(?P<line>\d+): "
    r"(?P<message>(?P<rule>unused [a-z]+|unreachable|unsatisfiable|redundant)\b.*)"
)

PRESET = Preset(
    name="vulture",
    summary="Python code that nothing uses",
    looks_at="Python",
    tool="vulture",
    version="2.16",
    tools=("vulture==2.16",),
    script=_SCRIPT
    + spoken(
        '"$PORTCULLIS_TOOLBOX/vulture" "$@"',
        tool="vulture",
        version="2.16",
        pattern=_LINE,
        python="$PORTCULLIS_TOOLBOX/python",
        findings=(3,),
        ignoring=r"(?i)(?<=#)[ \t]*noqa",
    ),
    reports=(ReportSpec(path="out/vulture.sarif", format="sarif", kind=Kind.FINDINGS),),
    produces=(Kind.FINDINGS,),
    findings_exits=(3,),
    severities={"*": Severity.LOW, **dict.fromkeys(("unreachable", "unsatisfiable"), Severity.MEDIUM)},
    config_options=("--config",),
    config_files=("pyproject.toml",),
    missing_hint="the operator installs it: portcullis toolbox install",
)
