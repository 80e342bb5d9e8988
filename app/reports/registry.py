"""The formats we read: one line each, in the order in which content is recognised."""

from collections.abc import Mapping

from app.model import Kind
from app.reports.bandit import BANDIT
from app.reports.checkov import CHECKOV
from app.reports.checkstyle import CHECKSTYLE
from app.reports.clover import CLOVER
from app.reports.cobertura import COBERTURA
from app.reports.codequality import CODEQUALITY
from app.reports.coverage_py import COVERAGE_PY
from app.reports.cpd import CPD
from app.reports.cyclonedx import CYCLONEDX
from app.reports.detect_secrets import DETECT_SECRETS
from app.reports.eslint import ESLINT
from app.reports.github import GITHUB
from app.reports.gitleaks import GITLEAKS
from app.reports.go_cover import GO_COVER
from app.reports.grype import GRYPE
from app.reports.hadolint import HADOLINT
from app.reports.jacoco import JACOCO
from app.reports.jscpd import JSCPD
from app.reports.junit import JUNIT
from app.reports.lcov import LCOV
from app.reports.lizard import LIZARD
from app.reports.metrics import METRICS
from app.reports.mypy import MYPY
from app.reports.npm_audit import NPM_AUDIT
from app.reports.osv import OSV
from app.reports.pip_audit import PIP_AUDIT
from app.reports.protocol import Format
from app.reports.pylint import PYLINT
from app.reports.rdformat import RDJSON, RDJSONL
from app.reports.ruff import RUFF
from app.reports.sarif import SARIF
from app.reports.semgrep import SEMGREP
from app.reports.shellcheck import SHELLCHECK
from app.reports.sonar import SONAR
from app.reports.sonar_measures import SONAR_MEASURES
from app.reports.spdx import SPDX
from app.reports.tap import TAP
from app.reports.trivy import TRIVY

FORMATS: tuple[Format, ...] = (
    SARIF,
    MYPY,
    JUNIT,
    TAP,
    COBERTURA,
    JACOCO,
    LCOV,
    CLOVER,
    GO_COVER,
    COVERAGE_PY,
    CHECKSTYLE,
    CODEQUALITY,
    SONAR,
    RDJSON,
    RDJSONL,
    GITHUB,
    RUFF,
    ESLINT,
    PYLINT,
    BANDIT,
    SEMGREP,
    SHELLCHECK,
    HADOLINT,
    CHECKOV,
    DETECT_SECRETS,
    GITLEAKS,
    PIP_AUDIT,
    NPM_AUDIT,
    OSV,
    TRIVY,
    GRYPE,
    JSCPD,
    CPD,
    LIZARD,
    CYCLONEDX,
    SPDX,
    SONAR_MEASURES,
    METRICS,
)


def formats() -> Mapping[str, tuple[Kind, ...]]:
    """Each format's name and the kinds of evidence it carries, for the gate file's catalogue."""
    return {entry.name: (entry.kind, *entry.also) for entry in FORMATS}
