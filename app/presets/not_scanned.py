"""Files that a tool says it passed over become findings: else one odd byte in a file hides all that is in it.
Pure text for preset scripts.
"""

from app.model import NOT_SCANNED

_TELL = f"""\
import json, os, pathlib, re, sys, urllib.parse

def tell(report, tool, skipped):
    empty = {{"version": "2.1.0", "runs": [{{"tool": {{"driver": {{"name": tool}}}}}}]}}
    there = report.exists() and report.stat().st_size
    sarif = json.loads(report.read_bytes()) if there else empty
    for path, why in skipped.items():
        text = f"{{tool}} did not look into this file: {{why}}"
        print(f"{{path}}: {{text}}", file=sys.stderr)
        where = {{"artifactLocation": {{"uri": urllib.parse.quote(os.fsencode(path))}}}}
        sarif["runs"][0].setdefault("results", []).append({{
            "ruleId": "{NOT_SCANNED}", "level": "error", "message": {{"text": text}},
            "locations": [{{"physicalLocation": where}}],
        }})
    report.write_text(json.dumps(sarif))
    sys.exit(9)
"""

UNTOLD = 70
"""What a script exits with when what the tool says of them is not understood: a failure."""


def not_scanned(python: str, arguments: str, look: str, found: int) -> str:
    """Lines of bash that run the Python text `look`, which finds out what was passed over and calls
    `tell(report, tool, {path: why})` where something was; then `status` is `found`, an exit of findings.
    """
    return f"""\\
looked=0
"{python}" -I - {arguments} <<'PYTHON' || looked=$?
{_TELL}
{look.strip()}
PYTHON
case $looked in 0) ;; 9) status={found} ;; *) exit {UNTOLD} ;; esac
"""
