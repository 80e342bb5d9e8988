"""checkov: Terraform, CloudFormation, Kubernetes, Helm and what else describes infrastructure.

Exits 0 (clean), 1 (findings), 2 (it could not run), 70 (ours: checks of the repository's own that a change
could bend, or what it said is not understood). A file that it cannot parse it only counts: each is a finding,
and naming them takes a second run. Nothing is fetched: no modules, no guidelines, no vulnerabilities. Its
search for secrets is left out: `secrets` does that. It marks every finding as an error, so the rules that
open something to the world or give away rights are named here. Takes 10 s and more.
"""

from app.model import Kind, Preset, ReportSpec, Severity
from app.presets.not_scanned import UNTOLD, not_scanned

SEVERITIES: dict[str, Severity] = {
    "*": Severity.MEDIUM,
    # public buckets, databases and instances
    **dict.fromkeys(
        (
            *("CKV_AWS_17", "CKV_AWS_20", "CKV_AWS_53", "CKV_AWS_54", "CKV_AWS_55", "CKV_AWS_56"),
            *("CKV_AWS_57", "CKV_AWS_70", "CKV_AWS_88", "CKV_AWS_89", "CKV2_AWS_6", "CKV_GCP_11"),
            *("CKV_GCP_28", "CKV_GCP_29", "CKV_AZURE_34", "CKV_AZURE_59", "CKV_AZURE_190"),
        ),
        Severity.HIGH,
    ),
    # SSH, RDP and everything open to everybody
    **dict.fromkeys(
        (
            *("CKV_AWS_24", "CKV_AWS_25", "CKV_AWS_260", "CKV_AWS_277", "CKV_GCP_2", "CKV_GCP_3"),
            *("CKV_AZURE_9", "CKV_AZURE_10", "CKV_AZURE_77"),
        ),
        Severity.HIGH,
    ),
    # all rights to all things, and credentials in code
    **dict.fromkeys(
        (
            *("CKV_AWS_1", "CKV_AWS_40", "CKV_AWS_41", "CKV_AWS_45", "CKV_AWS_46", "CKV_AWS_60"),
            *("CKV_AWS_62", "CKV_AWS_63", "CKV_AWS_110", "CKV_AWS_286", "CKV_AWS_287", "CKV_AWS_288"),
            *("CKV_AWS_289", "CKV_AWS_290", "CKV2_AWS_40"),
        ),
        Severity.HIGH,
    ),
    # containers that are root on their host
    **dict.fromkeys(
        (*("CKV_K8S_1", "CKV_K8S_2", "CKV_K8S_16", "CKV_K8S_17", "CKV_K8S_18", "CKV_K8S_19"), "CKV_K8S_27"),
        Severity.HIGH,
    ),
    # descriptions, tags, health checks, regions: good manners
    **dict.fromkeys(
        ("CKV_AWS_23", "CKV_AWS_144", "CKV_DOCKER_2", "CKV_K8S_8", "CKV_K8S_9", "CKV2_AWS_61", "CKV2_AWS_62"),
        Severity.LOW,
    ),
}

_COUNT = """
import json, sys
told = json.load(open(sys.argv[1], encoding="utf-8"))
runs = told if isinstance(told, list) else [told]
print(sum(run.get("summary", run).get("parsing_errors", 0) for run in runs))
"""
_LOOK = """
report, said = map(pathlib.Path, sys.argv[1:])
told = json.loads(said.read_bytes())
runs = told if isinstance(told, list) else [told]
names = sorted({name for run in runs for name in run["results"]["parsing_errors"]})
if not names:
    sys.exit("checkov could not parse some files and does not name them")
tell(report, "checkov", {os.path.relpath(name): "it could not be parsed" for name in names})
"""
_SCRIPT = f"""\
export LOG_LEVEL=ERROR
set -- ${{args}}
for word in .checkov.yaml .checkov.yml "$@"; do
  if [ "${{PORTCULLIS_TRUSTED:-}}" != true ] && grep -qs external-checks "${{word#*=}}"; then
    echo "${{word#*=}} names checks of the repository's own, which a change could bend: name their folder" \\
      "in the check's args (--external-checks-dir=…), then it comes from base" >&2
    exit 70
  fi
done
status=0
counted=$(mktemp)
report=$PORTCULLIS_OUT/checkov.sarif
"$PORTCULLIS_TOOLBOX_INFRA/checkov" --directory . --skip-download --quiet --compact \\
  --skip-framework secrets --output cli --output sarif --output json \\
  --output-file-path console,"$report","$counted" "$@" || status=$?
case $status in 0|1) ;; *) exit $status ;; esac
unparsed=$("$PORTCULLIS_TOOLBOX_INFRA/python" -I -c '{_COUNT}' "$counted") || exit {UNTOLD}
if [ "$unparsed" != 0 ]; then
said=$(mktemp)
"$PORTCULLIS_TOOLBOX_INFRA/checkov" --directory . --skip-download --compact --skip-framework secrets \\
  --output json "$@" > "$said" || true
{not_scanned("$PORTCULLIS_TOOLBOX_INFRA/python", '"$report" "$said"', _LOOK, 1)}\
fi
exit $status
"""

PRESET = Preset(
    name="checkov",
    summary="Terraform, CloudFormation, Kubernetes, Helm",
    looks_at="infrastructure as code",
    tool="checkov",
    version="3.3.30",
    tools=("checkov==3.3.30",),
    toolbox="infra",
    script=_SCRIPT,
    reports=(ReportSpec(path="out/checkov.sarif", format="sarif", kind=Kind.FINDINGS),),
    produces=(Kind.FINDINGS,),
    findings_exits=(1,),
    severities=SEVERITIES,
    config_options=("--config-file", "--baseline", "--external-checks-dir"),
    config_files=(".checkov.yaml", ".checkov.yml", ".checkov.baseline", ".checkovignore"),
    missing_hint="the operator installs it: portcullis toolbox install infra",
)
