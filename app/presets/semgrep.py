"""semgrep: a repository's own rules, in `.semgrep.yml` or the folder `.semgrep`; nothing is fetched or sent.

Rules of its registry need a network and have a licence of their own: none is used, and `--config` names only
files called `.semgrep…`, which are taken from base. Without a `.semgrepignore` it passes over tests and
vendored code.

Exits 0 (clean), 1 (findings), 2 and more (wrong arguments, a rule that cannot be read), 70 (ours: no rules,
or rules elsewhere). Each rule's own severity counts; what `nosemgrep` hides is reported as suppressed. It
takes some seconds to start. Files with a byte order mark are rewritten as plain UTF-8 in the check's own
view of the tree first: semgrep passes over the first statement behind one, and over all of UTF-16. A file's
size and the time that a rule takes are no reason to pass over it: the check's own timeout bounds both.
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
"$PORTCULLIS_TOOLBOX_SEMGREP/python" -I - <<'END' || exit 70
import codecs, os, sys, tempfile
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)
top = os.path.dirname(os.path.realpath(os.fsencode(os.environ["PORTCULLIS_OUT"])))
over = [os.path.join(top, name) for name in (b"in", b"out", b".git")]
def mend(path):
    if os.path.islink(path) or not os.path.isfile(path):
        return
    with open(path, "rb") as file:
        start = file.read(4)
        kind = next((kind for mark, kind in MARKS if start.startswith(mark)), None)
        text = (start + file.read()).decode(kind, "replace") if kind else ""
    if kind:
        handle, plain = tempfile.mkstemp(dir=os.path.dirname(path))
        with open(handle, "wb") as file:
            file.write(text.encode())
        os.chmod(plain, os.stat(path).st_mode & 0o777)
        os.replace(plain, path)
for folder, folders, names in os.walk(os.getcwdb()):
    folders[:] = [name for name in folders if os.path.join(folder, name) not in over]
    for path in (os.path.join(folder, name) for name in names):
        try:
            mend(path)
        except OSError as error:
            if os.access(folder, os.W_OK):
                raise
            print(f"left as it is, its folder is read-only: {error}: {path!r}", file=sys.stderr)
END
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
