"""ast-grep: a repository's own rules, written as pieces of code, for thirty languages.

It brings no rules: `sgconfig.yml` names the folders that hold them. The rules decide what is found, so they
must lie where they are taken from base: beneath a folder called rules, utils, ast-grep or .ast-grep.

Exits 0 (nothing that is an error; there may be warnings), 1 (errors found), 2 and more (wrong arguments, no
sgconfig.yml, a rule that cannot be read), 70 (ours: rules elsewhere). Each rule's own severity counts. What
`ast-grep-ignore` hides it does not list; see `unheeded`. It passes over files that are not UTF-8 or are very
large: each of them is a finding, else a byte in a comment would switch all rules off.
"""

import re

from app.model import Kind, Preset, ReportSpec
from app.presets.not_scanned import not_scanned
from app.presets.unheeded import SARIF, silenced, unheeded

_FOLDERS = ("rules", "utils", "ast-grep", ".ast-grep")

_HELD = f"""\
import os, pathlib, sys, yaml
top = pathlib.Path(os.environ["PORTCULLIS_OUT"]).resolve().parent
names = {{{", ".join(f'"{name}"' for name in _FOLDERS)}}}
here = pathlib.Path.cwd()
config = next((at / "sgconfig.yml" for at in (here, *here.parents) if (at / "sgconfig.yml").is_file()), None)
try:
    said = yaml.safe_load(config.read_bytes()) if config else None
except yaml.YAMLError:
    said = None
if not isinstance(said, dict):
    sys.exit(0)  # ast-grep says what is wrong
for key in ("ruleDirs", "utilDirs"):
    for name in said.get(key) or ():
        inside = os.path.relpath(os.path.realpath(config.parent / str(name)), top).split(os.sep)
        if inside[0] == ".." or not names.intersection(inside):
            sys.exit(
                f"sgconfig.yml: {{key}} names {{name!r}}. A change could bend rules that lie there: "
                f"put them into a folder called {{' or '.join(sorted(names))}}."
            )
"""

_SKIPPED = """
report, said = map(pathlib.Path, sys.argv[1:])
why = {"invalidUtf8": "it is not UTF-8", "fileTooLarge": "it is too large"}
skipped = {}
for line in said.read_text("utf-8", "replace").split("\\n"):
    if found := re.search(r"(?:^sg: entity\\|file\\||^)(.*): skipped=(\\w+)$", line):
        skipped[found[1].removeprefix("./")] = why.get(found[2], found[2])
    elif not line.startswith("sg: ") and line:
        print(line, file=sys.stderr)
if skipped:
    tell(report, "ast-grep", skipped)
"""

_AGAIN = silenced(
    '"$PORTCULLIS_TOOLBOX/ast-grep" scan --format=sarif "$@"',
    r"ast-grep-ignore\b",
    '"$everything"',
    "0|1",
    spared=rf"(?:.*/)?(?:{'|'.join(map(re.escape, _FOLDERS))})/.*\.ya?ml",  # rules may speak of it
)
_COMPARED = unheeded('"$report"', '"$everything"', SARIF)

_SCRIPT = f"""\
set -- ${{args}}
for word; do
  case $word in
    -c*|--config*|-r*|--rule*) echo "$word: the rules are those that sgconfig.yml names" >&2; exit 70 ;;
  esac
done
"$PORTCULLIS_TOOLBOX/python" -I - <<'PYTHON' || exit 70
{_HELD.strip()}
PYTHON
set -- --custom-languages=ignore --no-ignore=hidden "$@"
status=0
said=$(mktemp)
report=$PORTCULLIS_OUT/ast-grep.sarif
"$PORTCULLIS_TOOLBOX/ast-grep" scan --format=sarif --inspect=entity "$@" > "$report" 2> "$said" || status=$?
case $status in 0|1) ;; *) grep -v '^sg: ' "$said" >&2 || true; exit $status ;; esac
{not_scanned("$PORTCULLIS_TOOLBOX/python", '"$report" "$said"', _SKIPPED, 1)}\
"$PORTCULLIS_TOOLBOX/ast-grep" scan --report-style=short "$@" || true  # for people, in the log
everything=$(mktemp)
{_AGAIN}{_COMPARED}exit $status
"""

PRESET = Preset(
    name="ast-grep",
    summary="The repository's own rules, by the shape of code",
    looks_at="everything",
    tool="ast-grep",
    version="0.51.1",
    tools=("ast-grep-cli==0.51.1",),
    script=_SCRIPT,
    reports=(ReportSpec(path="out/ast-grep.sarif", format="sarif", kind=Kind.FINDINGS),),
    produces=(Kind.FINDINGS,),
    findings_exits=(1,),
    config_files=(
        "sgconfig.yml",
        *(f"**/{folder}/**/*.{suffix}" for folder in _FOLDERS for suffix in ("yml", "yaml")),
        ".gitignore",
        ".ignore",
    ),
    missing_hint="the operator installs it: portcullis toolbox install",
)
