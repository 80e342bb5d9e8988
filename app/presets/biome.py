"""biome: lint rules for JavaScript, TypeScript, JSX, CSS, JSON and GraphQL.

Exits 0 (clean, or warnings only), 1 (errors; also where it could not run, and then there is no report). Rules
are named `lint/GROUP/RULE`; the group tells how bad it is. Formatting is not judged.
"""

from app.model import Kind, Preset, ReportSpec, Severity
from app.presets.installed import NODE

SEVERITIES: dict[str, Severity] = {
    "*": Severity.MEDIUM,
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

PRESET = Preset(
    name="biome",
    summary="Lint rules for JavaScript, TypeScript, CSS and JSON",
    looks_at="JavaScript, TypeScript",
    tool="biome",
    version="2.6.8",
    tools=("@biomejs/biome==2.6.8",),
    toolbox="web",
    script=(
        '"$PORTCULLIS_TOOLBOX_WEB/biome" lint --colors=off --max-diagnostics=none --no-errors-on-unmatched '
        '--reporter=sarif --reporter-file="$PORTCULLIS_OUT/biome.sarif" ${args}'
    ),
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
