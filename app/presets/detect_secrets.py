"""detect-secrets: passwords, keys and tokens, in every commit of the change.

What a later commit removes is still in the history, so each commit's added lines are searched beside the
changed files of the final tree (a run of the base itself searches the whole tree: there each file may be
asked about). What is not UTF-8 is searched all the same, as text with replacements and without NULs, which
makes UTF-16 readable too: the tool itself passes over such files. Of a secret only its hash is written.
Nothing is verified by asking its service. What `# pragma: allowlist secret` or an audited `.secrets.baseline`
excuses is reported as suppressed; a baseline's plugins and filters count.

`args` are paths to search instead. Exits 0 (none), 3 (some), 1 (it could not run).
"""

from app.model import Kind, Preset, ReportSpec

_SCAN = '''
import json, os, sys, tempfile
from detect_secrets.core import scan
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.filters.allowlist import is_line_allowlisted
from detect_secrets.settings import get_settings, configure_settings_from_baseline
from detect_secrets.util.code_snippet import get_code_snippet

LISTED = "detect_secrets.filters.allowlist.is_line_allowlisted"
VERIFIED = "detect_secrets.filters.common.is_ignored_due_to_verification_policies"
report, changed, history, whole, *paths = sys.argv[1:]
if any(path.startswith("-") for path in paths):
    sys.exit("detect-secrets: there are no options here, only paths; .secrets.baseline configures it")
out = os.path.dirname(report)
root = os.path.dirname(out)
OURS = {out, os.path.join(root, "in")}
config, excused = {}, set()
if os.path.isfile(".secrets.baseline"):
    with open(".secrets.baseline", encoding="utf-8") as file:
        config = json.load(file)
    for path, found in config.get("results", {}).items():
        excused |= {(path, one["hashed_secret"]) for one in found if one.get("is_secret") is False}
every = [{"name": plugin.__name__} for plugin in get_mapping_from_secret_type_to_class().values()]
configure_settings_from_baseline({"plugins_used": every, **config})
for needless in (LISTED, VERIFIED):
    get_settings().filters.pop(needless, None)

def walk(top):
    for folder, folders, files in os.walk(top):
        here = os.path.abspath(folder)
        folders[:] = sorted(name for name in folders if os.path.join(here, name) not in OURS)
        yield from (os.path.join(folder, name) for name in sorted(files))

def scanned(file, content, readable):
    """The tool's search; of a readable copy of the same name where it would pass over the file."""
    if content == readable:
        return list(scan.scan_file(file))
    here, name = os.getcwd(), os.path.normpath(file)
    with tempfile.TemporaryDirectory() as place:
        copy = os.path.basename(name) if name.startswith(("/", "..")) else name
        os.makedirs(os.path.join(place, os.path.dirname(copy)), exist_ok=True)
        with open(os.path.join(place, copy), "wb") as written:
            written.write(readable)
        os.chdir(place)  # filters by path see the same path
        try:
            return list(scan.scan_file(copy))
        finally:
            os.chdir(here)

def search(file, path):
    """The secrets of one file, in the shape of a report; said of `path`."""
    with open(file, "rb") as read:
        content = read.read()
    text = content.replace(b"\\0", b"").decode("utf-8", "replace")
    lines = text.split("\\n")
    for secret in scanned(file, content, text.encode()):
        said = {"type": secret.type, "hashed_secret": secret.secret_hash, "line_number": secret.line_number}
        at = max(secret.line_number, 1)
        line = lines[at - 1] if at <= len(lines) else ""
        listed = is_line_allowlisted(path, line, get_code_snippet(lines, at))
        if listed or (path, secret.secret_hash) in excused:
            said["is_secret"] = False
        yield said

if paths:
    files = [one for path in paths for one in (walk(path) if os.path.isdir(path) else [path])]
elif whole == "yes":
    files = walk(".")
else:
    with open(changed, "rb") as listed:
        names = [os.fsdecode(name) for name in listed.read().split(b"\\0") if name]
    files = [os.path.relpath(os.path.join(root, name)) for name in names]
    files = [name for name in files if not name.startswith("..")]

results = {}
for file in files:
    if os.path.isfile(file) and not os.path.islink(file):
        path = os.path.normpath(file)
        results.setdefault(path, []).extend(search(file, path))
there = {one["hashed_secret"] for found in results.values() for one in found}
told = set()
for commit in sorted(os.listdir(history)) if os.path.isdir(history) else ():
    for file in walk(os.path.join(history, commit)):
        path = os.path.relpath(os.path.join(root, os.path.relpath(file, os.path.join(history, commit))))
        for one in () if path.startswith("..") else search(file, path):
            said = (one["type"], one["hashed_secret"], one.get("is_secret"))
            if said[1] not in there and said not in told:
                told.add(said)
                results.setdefault(path, []).append({**one, "commit": commit})
results = {path: found for path, found in results.items() if found}
with open(report, "w", encoding="utf-8") as file:
    json.dump({"version": "1.5.0", "plugins_used": [], "filters_used": [], "results": results}, file)
count = 0
for path, found in results.items():
    for one in found:
        count += one.get("is_secret") is not False
        where = f"commit {one['commit'][:10]}" if "commit" in one else f"line {one['line_number']}"
        print(f"{path}: {one['type']} ({where})" + (", excused" if one.get("is_secret") is False else ""))
sys.exit(3 if count else 0)
'''

_SCRIPT = f"""\
whole=no
if [ "$PORTCULLIS_HEAD_SHA" = "$PORTCULLIS_BASE_SHA" ]; then whole=yes; fi
report=$PORTCULLIS_OUT/detect-secrets.json
set -- "$report" "$PORTCULLIS_CHANGED_FILES" "$PORTCULLIS_COMMITS" $whole ${{args}}
"$PORTCULLIS_TOOLBOX/detect-secrets" --version
"$PORTCULLIS_TOOLBOX/python" -I - "$@" <<'PYTHON'
{_SCAN.strip()}
PYTHON
"""

PRESET = Preset(
    name="detect-secrets",
    summary="Passwords, keys and tokens, in every commit of the change",
    looks_at="everything",
    tool="detect-secrets",
    version="1.5.0",
    tools=("detect-secrets==1.5.0",),
    script=_SCRIPT,
    reports=(ReportSpec(path="out/detect-secrets.json", format="detect_secrets", kind=Kind.SECRETS),),
    produces=(Kind.SECRETS,),
    findings_exits=(3,),
    config_files=(".secrets.baseline",),
    missing_hint="the operator installs it: portcullis toolbox install",
    commits=True,
)
