"""lizard: how complex each function is (McCabe's cyclomatic complexity), in 25 languages.

Exits 0, 2 (it could not run). How complex is too much the gate says: `complexity.new_max <= 15`.
"""

from app.model import Kind, Preset, ReportSpec

_SCRIPT = """\
set -- ${args}
if [ $# -eq 0 ]; then set -- .; fi
"$PORTCULLIS_TOOLBOX/lizard" --csv "$@" > "$PORTCULLIS_OUT/lizard.csv"
"""

PRESET = Preset(
    name="lizard",
    summary="Complexity of each function",
    looks_at="code of any language",
    tool="lizard",
    version="1.24.3",
    tools=("lizard==1.24.3",),
    script=_SCRIPT,
    reports=(ReportSpec(path="out/lizard.csv", format="lizard", kind=Kind.COMPLEXITY),),
    produces=(Kind.COMPLEXITY,),
    config_options=("-W", "--whitelist"),
    config_files=("whitelizer.txt", ".gitignore"),
    missing_hint="the operator installs it: portcullis toolbox install",
)
