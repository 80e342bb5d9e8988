"""zizmor: security of GitHub Actions workflows.

Exits 0 (clean), 3 (no workflow there: not needed), 11 … 14 (findings, by the worst severity), others: could
not run. A workflow that it cannot read (no valid YAML, not as its schema says) is one of these: by itself it
would only warn, and with no other workflow call the check not needed. While it writes SARIF it exits 0
whatever it found, so it runs twice (0.1 s each); the second run is also what people read in the log. Its own
levels count: there is no table of rules.
"""

from app.model import Kind, Preset, ReportSpec

_SCRIPT = """\
set -- --offline --no-progress --strict-collection ${args} .
status=0
"$PORTCULLIS_TOOLBOX/zizmor" --format=sarif "$@" > "$PORTCULLIS_OUT/zizmor.sarif" || status=$?
case $status in
  0) ;;
  3) for workflow in .github/workflows/*.yml .github/workflows/*.yaml; do
      if [ -e "$workflow" ]; then echo "there is $workflow, but zizmor passed over it" >&2; exit 70; fi
    done ;&
  *) exit $status ;;
esac
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
