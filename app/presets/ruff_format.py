"""ruff format: whether Python is formatted as the project's style says.

Exits 0 (all formatted), 1 (some files are not), 2 (ruff could not run), 100 (ours: no
Python anywhere, not needed). Nothing is rewritten. Preview mode
is off whatever the project says, as for `ruff`.
"""

from app.model import Kind, Preset, ReportSpec, Severity
from app.presets.chosen import NOTHING

_SCRIPT = f"""\
report=$PORTCULLIS_OUT/ruff-format.sarif
"$PORTCULLIS_TOOLBOX/ruff" format --check --no-cache --no-preview --output-format=sarif ${{args}} > "$report"
[ -s "$report" ] || exit {NOTHING}
"""

PRESET = Preset(
    name="ruff-format",
    summary="Python formatting",
    looks_at="Python",
    tool="ruff",
    version="0.17.5",
    tools=("ruff==0.17.5",),
    script=_SCRIPT,
    reports=(ReportSpec(path="out/ruff-format.sarif", format="sarif", kind=Kind.FINDINGS),),
    produces=(Kind.FINDINGS,),
    findings_exits=(1,),
    not_needed_exits=(NOTHING,),
    severities={"*": Severity.INFO, "invalid-syntax": Severity.CRITICAL},
    config_options=("--config",),
    config_files=(".gitignore", ".ignore", "pyproject.toml", "ruff.toml", ".ruff.toml", ".editorconfig"),
    missing_hint="the operator installs it: portcullis toolbox install",
)
