"""The formats we read: one line each, in the order in which content is recognised."""

from collections.abc import Mapping

from app.model import Kind
from app.reports.cobertura import COBERTURA
from app.reports.junit import JUNIT
from app.reports.lcov import LCOV
from app.reports.mypy import MYPY
from app.reports.protocol import Format
from app.reports.sarif import SARIF

FORMATS: tuple[Format, ...] = (SARIF, MYPY, JUNIT, COBERTURA, LCOV)


def formats() -> Mapping[str, Kind]:
    """Each format's name and the kind of evidence it carries, for the gate file's catalogue."""
    return {entry.name: entry.kind for entry in FORMATS}
