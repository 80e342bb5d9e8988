"""Tools that only print lines: a script that runs one and writes what it prints as SARIF. Pure text."""

import shlex

from app.presets.unheeded import SARIF, silenced, unheeded

_CONVERT = r"""
import json, re, sys, urllib.parse
name, version, pattern, path, status, found = sys.argv[1:]
results = []
with open(path, encoding="utf-8", errors="replace", newline="\n") as lines:
    for line in filter(None, map(str.rstrip, lines)):
        said = re.fullmatch(pattern, line, re.ASCII)
        if said is None:
            sys.exit(f"this line of {name} is not understood: {line!r}")
        said = said.groupdict()
        region = {"startLine": int(said["line"] or 1)}
        if said.get("column"):
            region["startColumn"] = int(said["column"])
        level = {"error": "error", "warning": "warning"}.get(said.get("level"), "note")
        where = {"artifactLocation": {"uri": urllib.parse.quote(said["path"])}, "region": region}
        results.append({
            "ruleId": said.get("rule", name).replace(" ", "-"), "level": level,
            "message": {"text": said["message"]}, "locations": [{"physicalLocation": where}],
        })
if bool(results) != (status in found.split()):
    sys.exit(f"{name} exited {status}, but printed {len(results)} findings")
driver = {"name": name, "version": version}
print(json.dumps({"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}))
"""

UNREADABLE = 70
"""What a script exits with when the tool's lines are not what its version prints: a failure."""


def spoken(
    command: str,
    *,
    tool: str,
    version: str,
    pattern: str,
    python: str,
    findings: tuple[int, ...],
    ignoring: str,
) -> str:
    """Lines of bash that run `command`, show what it prints, and write it as out/TOOL.sarif.

    `pattern` is a regular expression for one whole printed line, with the groups path, line (unmatched: the
    first) and message, and rule (else the tool's name), column and level if there are any. The exit status is
    the tool's; UNREADABLE if a line does not fit, or if there are lines without an exit of `findings` or the
    reverse. What comments hide that the regular expression `ignoring` matches is in the report as suppressed.
    """
    words = shlex.join([tool, version, pattern])
    exits = [str(one) for one in findings]
    fine = f"0|{'|'.join(exits)}"
    quoted = f'"{python}"'
    report, everything = f'"$PORTCULLIS_OUT/{tool}.sarif"', '"$everything"'

    look, again = "/tmp/printed", "/tmp/again"  # noqa: S108 - each attempt has a /tmp of its own

    def convert(printed: str, status: str, sarif: str) -> str:
        return f"""\
{quoted} -I - {words} {printed} {status} '{" ".join(exits)}' > {sarif} <<'PYTHON' || exit {UNREADABLE}
{_CONVERT.strip()}
PYTHON
"""

    return f"""\
status=0
{command} > {look} || status=$?
cat {look}
case $status in {fine}) ;; *) exit $status ;; esac
{convert(look, "$status", report)}\
{silenced(command, ignoring, again, fine, python=quoted)}\
everything=$(mktemp)
{convert(again, "$again", everything)}\
{unheeded(report, everything, SARIF, python=quoted)}\
exit $status
"""
