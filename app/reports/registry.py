"""The formats we read: one line each, in the order in which content is recognised."""

from collections.abc import Mapping

from app.model import Kind
from app.reports.bandit import BANDIT
from app.reports.cobertura import COBERTURA
from app.reports.eslint import ESLINT
from app.reports.hadolint import HADOLINT
from app.reports.junit import JUNIT
from app.reports.lcov import LCOV
from app.reports.mypy import MYPY
from app.reports.protocol import Format
from app.reports.pylint import PYLINT
from app.reports.ruff import RUFF
from app.reports.sarif import SARIF
from app.reports.semgrep import SEMGREP
from app.reports.shellcheck import SHELLCHECK

FORMATS: tuple[Format, ...] = (
    SARIF,
    MYPY,
    JUNIT,
    COBERTURA,
    LCOV,
    RUFF,
    ESLINT,
    PYLINT,
    BANDIT,
    SEMGREP,
    SHELLCHECK,
    HADOLINT,
)


def formats() -> Mapping[str, Kind]:
    """Each format's name and the kind of evidence it carries, for the gate file's catalogue."""
    return {entry.name: entry.kind for entry in FORMATS}
