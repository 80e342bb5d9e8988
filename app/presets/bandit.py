"""bandit: security of Python code.

Exits 0 (clean), 1 (findings), 2 (bandit could not run). A file that it cannot parse it passes over: that is
for ruff or mypy to say. Its own levels count. Most of its rules are ruff's `S` rules too, which take a
twentieth of the time.
"""

from app.model import Kind, Preset, ReportSpec

_SCRIPT = """\
set -- ${args}
if [ $# -eq 0 ]; then set -- .; fi
"$PORTCULLIS_TOOLBOX/bandit" --quiet --recursive --format=json --output="$PORTCULLIS_OUT/bandit.json" "$@"
"""

PRESET = Preset(
    name="bandit",
    summary="Security of Python code",
    looks_at="Python",
    tool="bandit",
    version="1.9.4",
    tools=("bandit==1.9.4",),
    script=_SCRIPT,
    reports=(ReportSpec(path="out/bandit.json", format="bandit", kind=Kind.FINDINGS),),
    produces=(Kind.FINDINGS,),
    findings_exits=(1,),
    config_files=(".bandit", "bandit.yaml", "bandit.yml", "pyproject.toml"),
    missing_hint="the operator installs it: portcullis toolbox install",
)
