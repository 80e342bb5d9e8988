"""zizmor: security of GitHub Actions workflows.

Exits 0 (clean), 3 (nothing to look at: not needed), 11 … 14 (findings, by the worst severity), others:
could not run. While it writes SARIF it exits 0 whatever it found, so it runs twice (0.1 s each); the
second run is also what people read in the log. Its own levels count: there is no table of rules.
"""

from app.model import Kind, Preset, ReportSpec

_SCRIPT = """\
set -- --offline --no-progress ${args} .
"$PORTCULLIS_TOOLBOX/zizmor" --format=sarif "$@" > "$PORTCULLIS_OUT/zizmor.sarif"
"$PORTCULLIS_TOOLBOX/zizmor" --quiet --format=plain "$@"
"""

PRESET = Preset(
    name="zizmor",
    summary="Security of GitHub Actions workflows",
    looks_at="GitHub Actions",
    tool="zizmor",
    version="1.32.0",
    tools=("zizmor==1.32.0",),
    script=_SCRIPT,
    reports=(ReportSpec(path="out/zizmor.sarif", format="sarif", kind=Kind.FINDINGS),),
    produces=(Kind.FINDINGS,),
    findings_exits=(10, 11, 12, 13, 14),
    not_needed_exits=(3,),
    config_options=("-c", "--config"),
    config_files=(
        ".gitignore",
        ".ignore",
        "zizmor.yml",
        "zizmor.yaml",
        ".github/zizmor.yml",
        ".github/zizmor.yaml",
    ),
    missing_hint="the operator installs it: portcullis toolbox install",
)
