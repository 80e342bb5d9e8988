"""jscpd: code that stands in two places, in any of 200 languages.

It passes over large files by itself: here none is too large. Exits 0, 1 (more of it than the project's own
threshold allows), 2 (it could not run). How much is too much the gate says: `duplication.new <= 3%`.
"""

from app.model import Kind, Preset, ReportSpec

PRESET = Preset(
    name="jscpd",
    summary="Copied code",
    looks_at="code of any language",
    tool="jscpd",
    version="5.3.2",
    tools=("jscpd==5.3.2",),
    toolbox="web",
    script=(
        '"$PORTCULLIS_TOOLBOX_WEB/jscpd" --absolute --no-colors --max-size 1gb --max-lines 10000000 '
        "--reporters json,console "
        '--output "$PORTCULLIS_OUT" ${args}'
    ),
    reports=(ReportSpec(path="out/jscpd-report.json", format="jscpd", kind=Kind.DUPLICATION),),
    produces=(Kind.DUPLICATION,),
    findings_exits=(1,),
    config_options=("-c", "--config"),
    config_files=(".jscpd.json", ".jscpd-baseline.json", "package.json", ".gitignore", ".ignore"),
    missing_hint="the operator installs it: portcullis toolbox install web",
)
