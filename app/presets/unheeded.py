"""What comments in the source hide from a tool: it looks once more, not heeding them, and what only that look
finds is written into the report as suppressed. Pure text for preset scripts.

A tool that can be told not to heed them is told so; for one that cannot, `silenced` blanks them meanwhile.
"""

import shlex

_COMPARE = r"""
import collections, json, sys
path, everything, mark = sys.argv[1:]
def said(name):
    with open(name, encoding="utf-8") as file:
        text = file.read()
    try:
        return json.loads(text)
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]
def results(said):
    if isinstance(said, list):
        return said
    if "runs" in said:
        return said["runs"][0].setdefault("results", [])
    return next((said[key] for key in ("results", "comments") if key in said), [said])
def place(one):
    physical = one.get("physicalLocation", {})
    region = {key: at for key, at in physical.get("region", {}).items() if key != "snippet"}
    return [physical.get("artifactLocation", {}).get("uri"), region]
def identity(one):
    if "ruleId" in one:
        one = [one["ruleId"], one["message"], [place(at) for at in one.get("locations", [])]]
    return json.dumps(one, sort_keys=True)
seen, again = said(path), said(everything)
left = collections.Counter(map(identity, results(seen)))
hidden = []
for one in results(again):
    if left[identity(one)]:
        left[identity(one)] -= 1
    else:
        hidden.append({**one, **json.loads(mark)})
if LINES:
    with open(path, "a", encoding="utf-8") as file:
        file.writelines(json.dumps(one) + "\n" for one in hidden)
else:
    results(seen).extend(hidden)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(seen, file)
"""

_SILENCE = r"""
import os, pathlib, re, subprocess, sys
comment, spared, printed, *command = sys.argv[1:]
top = pathlib.Path(os.environ["PORTCULLIS_OUT"]).resolve().parent
over, ours = {".git", "node_modules", ".venv", "venv"}, {top / "out", top / "in"}
kept = {}
def write(path, text):
    mode = path.stat().st_mode & 0o7777
    locked = not os.access(path, os.W_OK)
    if locked:
        path.chmod(mode | 0o200)
    try:
        with open(path, "r+b") as file:
            file.write(text)
    finally:
        if locked:
            path.chmod(mode)
def blank_out(path):
    if path.is_symlink() or not path.is_file() or path.stat().st_size > 5_000_000:
        return
    if re.fullmatch(spared, str(path.relative_to(top))):
        return
    text = path.read_bytes()
    blank = re.sub(comment.encode(), lambda found: b"x" * len(found[0]), text)
    if blank != text:
        kept[path] = text
        write(path, blank)
try:
    for folder, folders, files in os.walk(top):
        here = pathlib.Path(folder)
        folders[:] = [name for name in folders if name not in over and here / name not in ours]
        for path in map(here.joinpath, files):
            try:
                blank_out(path)
            except OSError as error:
                print(f"what comments hide in it is not told: {error}", file=sys.stderr)
    if kept:
        with open(printed, "wb") as out:
            nothing = subprocess.DEVNULL
            print(subprocess.run(command, stdin=nothing, stdout=out, stderr=nothing).returncode)
finally:
    lost = []
    for path, text in kept.items():
        try:
            if path.read_bytes() != text:
                write(path, text)
        except OSError as error:
            lost.append(str(error))
    if lost:
        sys.exit("files are not as they were: " + ", ".join(lost))
"""

INCOMPLETE = 70
"""What a script exits with when the two reports could not be made one: a failure."""
SARIF = '{"suppressions": [{"kind": "inSource"}]}'
NATIVE = '{"suppressed": true}'
TOOLBOX = '"$PORTCULLIS_TOOLBOX/python"'


def unheeded(report: str, everything: str, mark: str, *, python: str = TOOLBOX, lines: bool = False) -> str:
    """Lines of bash that add to the JSON of `report` (SARIF, or a list of findings, or one under `results` or
    `comments`; with `lines` a finding on each line) what only `everything` holds, with `mark`: it is
    suppressed in the source.
    """
    compare = _COMPARE.strip().replace("if LINES:", f"if {lines}:")
    return f"""\
{python} -I - {report} {everything} '{mark}' <<'PYTHON' || exit {INCOMPLETE}
{compare}
PYTHON
"""


def silenced(
    command: str, comment: str, printed: str, fine: str, *, python: str = TOOLBOX, spared: str = ""
) -> str:
    """Lines of bash that run `command` once more, while all that the regular expression `comment` matches in
    the repository's files is blanked out, as long as before. What it prints comes into `printed`, its exit
    status, which the pattern `fine` must match, into `again`. Where nothing matches the script ends with
    `status`: there is nothing to add.

    `comment` matches the marker alone, never the rest of its line: that may be the end of a string. Files
    whose whole path from the top `spared` matches stay as they are, and so do those that cannot be written.
    """
    return f"""\
again=$({python} -I - {shlex.quote(comment)} {shlex.quote(spared)} {printed} {command} <<'PYTHON'
{_SILENCE.strip()}
PYTHON
) || exit {INCOMPLETE}
case $again in
  '') exit $status ;;
  {fine}) ;;
  *) echo "without the comments that ignore findings it exited $again" >&2; exit {INCOMPLETE} ;;
esac
"""
