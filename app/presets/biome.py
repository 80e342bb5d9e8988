"""biome: lint rules for JavaScript, TypeScript, JSX, CSS, JSON and GraphQL.

Exits 0 (clean, or warnings only), 1 (errors; also where it could not run, and then there is no report). Rules
are named `lint/GROUP/RULE`; the group tells how bad it is. Formatting is not judged. A file that it does not
look into (not UTF-8, above 2 GiB) it only notes: each is a finding.
"""

from app.model import Kind, Preset, ReportSpec, Severity
from app.presets.installed import NODE
from app.presets.not_scanned import not_scanned

SEVERITIES: dict[str, Severity] = {
    "*": Severity.MEDIUM,
    "fs/*": Severity.HIGH,  # a file that cannot be read
    "parse": Severity.CRITICAL,  # the file cannot be parsed at all
    "lint/security/*": Severity.HIGH,
    "lint/correctness/*": Severity.HIGH,  # certain bugs …
    "lint/correctness/noUnused*": Severity.LOW,  # … but for what is merely left over
    "lint/suspicious/*": Severity.MEDIUM,
    "lint/suspicious/noDebugger": Severity.HIGH,
    "lint/performance/*": Severity.LOW,
    "lint/complexity/*": Severity.LOW,
    "lint/a11y/*": Severity.LOW,
    "lint/style/*": Severity.INFO,
    "lint/nursery/*": Severity.INFO,
    "format": Severity.INFO,
    "assist/*": Severity.INFO,
    "suppressions/*": Severity.LOW,
}

_LOOK = """
report = pathlib.Path(sys.argv[1])
sarif = json.loads(report.read_bytes())
skipped, kept = {}, []
for one in sarif["runs"][0].get("results") or []:
    rule, where = one.get("ruleId") or "", one.get("locations") or []
    text = one["message"]["text"]
    if rule.startswith("fs/") or (rule == "lint" and "exceeds the configured maximum" in text):
        path = where[0]["physicalLocation"]["artifactLocation"]["uri"] if where else ""
        skipped[os.path.relpath(path) if path else "?"] = text.split("\\n")[0]
    else:
        kept.append(one)
if skipped:
    sarif["runs"][0]["results"] = kept
    report.write_text(json.dumps(sarif))
    tell(report, "biome", skipped)
"""
_SCRIPT = f"""\
status=0
report=$PORTCULLIS_OUT/biome.sarif
"$PORTCULLIS_TOOLBOX_WEB/biome" lint --colors=off --max-diagnostics=none --no-errors-on-unmatched \\
  --files-max-size=2147483647 --reporter=sarif --reporter-file="$report" ${{args}} || status=$?
if [ -s "$report" ]; then
{not_scanned("$PORTCULLIS_TOOLBOX_WEB/python", '"$report"', _LOOK, 1)}\
fi
exit $status
"""

PRESET = Preset(
    name="biome",
    summary="Lint rules for JavaScript, TypeScript, CSS and JSON",
    looks_at="JavaScript, TypeScript",
    tool="biome",
    version="2.6.8",
    tools=("@biomejs/biome==2.6.8",),
    toolbox="web",
    script=_SCRIPT,
    reports=(ReportSpec(path="out/biome.sarif", format="sarif", kind=Kind.FINDINGS),),
    produces=(Kind.FINDINGS,),
    findings_exits=(1,),
    severities=SEVERITIES,
    config_options=("--config-path",),
    config_files=(
        *("biome.json", "biome.jsonc", ".biome.json", ".biome.jsonc", ".gitignore", ".ignore"),
        *NODE,  # where shared configurations lie
    ),
    missing_hint="the operator installs it: portcullis toolbox install web",
)
