"""semgrep: a repository's own rules, in `.semgrep.yml` or the folder `.semgrep`; nothing is fetched or sent.

Rules of its registry need a network and have a licence of their own: none is used, and `--config` names only
files called `.semgrep…`, which are taken from base. Without a `.semgrepignore` it passes over tests and
vendored code.

Exits 0 (clean), 1 (findings), 2 and more (wrong arguments, a rule that cannot be read), 70 (ours: no rules,
or rules elsewhere). Each rule's own severity counts; what `nosemgrep` hides is reported as suppressed. It
takes some seconds to start. A file's size and the time that a rule takes are no reason to pass over it: the
check's own timeout bounds both.
"""

from app.model import Kind, Preset, ReportSpec

_SCRIPT = """\
set -- ${args}
own=
before=
for word; do
  named=
  case $word in --con*=*) named=${word#*=} ;; -[cf]?*) named=${word#-?} ;; esac
  case $before in --con*=*) ;; --con*|-c|-f) named=$word ;; esac
  case $named in
    *..*) ;;
    ''|.semgrep|.semgrep/*|.semgrep.yml|.semgrep.yaml) own=$own$named; named= ;;
  esac
  if [ -n "$named" ]; then
    echo "--config $named: rules are read only from .semgrep.yml and .semgrep/, which are taken from base" >&2
    exit 70
  fi
  before=$word
done
if [ -z "$own" ]; then
  for place in .semgrep.yml .semgrep.yaml .semgrep; do
    if [ -e $place ]; then set -- --config=$place "$@"; own=$place; fi
  done
fi
if [ -z "$own" ]; then echo 'there are no rules: put them into .semgrep.yml or .semgrep/' >&2; exit 70; fi
"$PORTCULLIS_TOOLBOX_SEMGREP/semgrep" scan --metrics=off --disable-version-check --no-git-ignore --error \\
  --max-target-bytes=0 --timeout=0 --text --sarif-output="$PORTCULLIS_OUT/semgrep.sarif" "$@"
"""

PRESET = Preset(
    name="semgrep",
    summary="The repository's own rules, in semgrep's language",
    looks_at="everything",
    tool="semgrep",
    version="1.182.0",
    tools=("semgrep==1.182.0",),
    toolbox="semgrep",
    script=_SCRIPT,
    reports=(ReportSpec(path="out/semgrep.sarif", format="sarif", kind=Kind.FINDINGS),),
    produces=(Kind.FINDINGS,),
    findings_exits=(1,),
    config_files=(".semgrep*", ".gitignore"),
    missing_hint="the operator installs it: portcullis toolbox install semgrep",
)
