"""Tools that do not list what comments in the source hide: they look once more without heeding those. Pure
text for preset scripts.
"""

_COMPARE = r"""
import collections, json, sys
path, everything, mark = sys.argv[1:]
def results(said):
    if isinstance(said, list):
        return said
    return said["runs"][0]["results"] if "runs" in said else said["results"]
def identity(one):
    told = [one.get(key) for key in ("ruleId", "message", "locations")] if "ruleId" in one else one
    return json.dumps(told, sort_keys=True)
seen, again = (json.load(open(name, encoding="utf-8")) for name in (path, everything))
found = results(seen)
left = collections.Counter(map(identity, found))
for one in results(again):
    if left[identity(one)]:
        left[identity(one)] -= 1
    else:
        found.append({**one, **json.loads(mark)})
json.dump(seen, open(path, "w", encoding="utf-8"))
"""

INCOMPLETE = 70
"""What a script exits with when the two reports could not be made one: a failure."""
SARIF = '{"suppressions": [{"kind": "inSource"}]}'
NATIVE = '{"suppressed": true}'


def unheeded(report: str, everything: str, mark: str) -> str:
    """Lines of bash that add to the JSON of `report` (SARIF, or a list of findings, or one under `results`)
    what only `everything` holds, with `mark`: it is suppressed in the source.
    """
    return f"""\
"$PORTCULLIS_TOOLBOX/python" -I - {report} {everything} '{mark}' <<'PYTHON' || exit {INCOMPLETE}
{_COMPARE.strip()}
PYTHON
"""
