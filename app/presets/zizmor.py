"""zizmor: security of GitHub Actions workflows.

Exits 0 (clean), 3 (nothing to look at: not needed), 10 … 14 (findings, by the worst severity), others:
could not run. Its own levels count: there is no table of rules.
"""

from app.model import Kind, Preset, ReportSpec

PRESET = Preset(
    name="zizmor",
    summary="Security of GitHub Actions workflows",
    tool="zizmor",
    version="1.32.0",
    tools=("zizmor==1.32.0",),
    script=(
        '"$PORTCULLIS_TOOLBOX/zizmor" --offline --no-progress --format=sarif ${args} . '
        '> "$PORTCULLIS_OUT/zizmor.sarif"'
    ),
    reports=(ReportSpec(path="out/zizmor.sarif", format="sarif", kind=Kind.FINDINGS),),
    produces=(Kind.FINDINGS,),
    findings_exits=(10, 11, 12, 13, 14),
    not_needed_exits=(3,),
    config_files=("zizmor.yml", "zizmor.yaml", ".github/zizmor.yml", ".github/zizmor.yaml"),
    missing_hint="the operator installs it: portcullis toolbox install",
)
