"""typos: spelling in code and text, of any language.

Exits 0 (clean), 2 (typos found), 1 (could not run), 64 and 78 (wrong arguments or configuration).
"""

from app.model import Kind, Preset, ReportSpec, Severity

_SCRIPT = """\
set -- ${args}
if [ "$PWD/out" = "$PORTCULLIS_OUT" ]; then set -- --exclude=/out/ --exclude=/in/ "$@"; fi
"$PORTCULLIS_TOOLBOX/typos" --format=sarif "$@" > "$PORTCULLIS_OUT/typos.sarif"
"""

PRESET = Preset(
    name="typos",
    summary="Spelling in code and text",
    looks_at="everything",
    tool="typos",
    version="1.52.0",
    tools=("typos==1.52.0",),
    script=_SCRIPT,
    reports=(ReportSpec(path="out/typos.sarif", format="sarif", kind=Kind.FINDINGS),),
    produces=(Kind.FINDINGS,),
    findings_exits=(2,),
    severities={"*": Severity.LOW},
    config_options=("-c", "--config"),
    config_files=(
        ".gitignore",
        ".ignore",
        "typos.toml",
        "_typos.toml",
        ".typos.toml",
        "pyproject.toml",
        "Cargo.toml",
    ),
    missing_hint="the operator installs it: portcullis toolbox install",
)
