"""markdownlint: Markdown that renders otherwise than it reads, and untidy Markdown (markdownlint-cli2).

Exits 0 (clean), 1 (findings), 2 (it could not run), 70 (ours: it printed what is not understood). It writes
no report of its own: the lines it prints are one. What `markdownlint-disable` hides it does not list; see
`unheeded`.
"""

from app.model import Kind, Preset, ReportSpec, Severity
from app.presets.installed import NODE
from app.presets.spoken import spoken

SEVERITIES: dict[str, Severity] = {
    "*": Severity.INFO,
    **dict.fromkeys(("MD011", "MD042", "MD045", "MD051", "MD052", "MD053"), Severity.LOW),  # links, images
}

_SCRIPT = """\
set -- ${args}
if [ $# -eq 0 ]; then set -- '**/*.md' '**/*.markdown' '#**/node_modules'; fi
"""
_LINE = (
    r"(?P<path>.+?):(?P<line>\d+)(?::(?P<column>\d+))? (?P<level>error|warning) "
    r"(?P<rule>[A-Za-z0-9-]+)(?:/\S*)? (?P<message>.*)"
)

PRESET = Preset(
    name="markdownlint",
    summary="Untidy and broken Markdown",
    looks_at="Markdown",
    tool="markdownlint-cli2",
    version="0.24.1",
    tools=("markdownlint-cli2==0.24.1",),
    toolbox="web",
    script=_SCRIPT
    + spoken(
        """bash -c '"$PORTCULLIS_TOOLBOX_WEB/markdownlint-cli2" "$@" 2>&1 >/tmp/summary' -- "$@" """.strip(),
        tool="markdownlint",
        version="0.24.1",
        pattern=_LINE,
        python="$PORTCULLIS_TOOLBOX_WEB/python",
        findings=(1,),
        ignoring=r"(?i)markdownlint-disable\b",
    ),
    reports=(ReportSpec(path="out/markdownlint.sarif", format="sarif", kind=Kind.FINDINGS),),
    produces=(Kind.FINDINGS,),
    findings_exits=(1,),
    severities=SEVERITIES,
    config_options=("--config",),
    config_files=(".markdownlint-cli2.*", ".markdownlint.*", "package.json", ".markdownlintignore", *NODE),
    missing_hint="the operator installs it: portcullis toolbox install web",
)
