"""pytest, with coverage when the arguments ask for it (`args: --cov=src --cov-branch`).

Exits 0 (passed), 1 (tests failed), 2 (interrupted, and a module that cannot be imported), 3 (internal),
4 (wrong arguments), 5 (no test collected). Only 1 is a finding, which the gate judges by the report.
5 stays a failure: a change that makes all tests vanish must not pass as "nothing to do"; a project
without tests yet says so itself with `exit_codes: {not_needed: [5]}`. The report is of the older family,
which alone says in which file and line a test stands.
"""

from app.model import Kind, Preset, ReportSpec

_SCRIPT = """\
set -- ${args}
wants='import pytest'
for word in "$@"; do
  case $word in
    --cov|--cov=*)
      wants='import pytest, pytest_cov'
      set -- "$@" "--cov-report=xml:$PORTCULLIS_OUT/coverage.xml"
      break ;;
  esac
done
python=$PORTCULLIS_TOOLBOX/python
for own in .venv/bin/python venv/bin/python python python3; do
  if "$own" -c "$wants" 2>/dev/null; then python=$own; break; fi
done
export COVERAGE_FILE=${COVERAGE_FILE:-/tmp/.coverage} PYTHONDONTWRITEBYTECODE=1
set -- -o junit_family=xunit1 "--junitxml=$PORTCULLIS_OUT/junit.xml" "$@"
exec "$python" -m pytest -p no:cacheprovider "$@"
"""

PRESET = Preset(
    name="pytest",
    summary="Python tests, and coverage with args: --cov=…",
    looks_at="Python",
    version="9.2.0",
    tools=("pytest==9.2.0", "pytest-cov==7.1.0"),
    script=_SCRIPT,
    reports=(ReportSpec(path="out/junit.xml", format="junit", kind=Kind.TESTS),),
    args_reports={"--cov": (ReportSpec(path="out/coverage.xml", format="cobertura", kind=Kind.COVERAGE),)},
    produces=(Kind.TESTS,),
    findings_exits=(1,),
    config_options=("-c", "--config-file"),
    config_files=("pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg", ".coveragerc"),
    missing_hint="let the operator offer an environment with pytest (and pytest-cov) as a tool chain, "
    "and put its bin first in the check's env: {PATH: …}",
)
