"""SonarQube's measures: the answer of its `api/measures/component`, as CI may fetch it after an analysis.

Metrics of new code have their value in `period`, before 8.1 in `periods`; all others in `value`.
"""

import msgspec

from app.model import Kind, ReportContent
from app.reports.jsontext import decode
from app.reports.metrics import Measures
from app.reports.protocol import Format, ReadContext
from app.reports.shape import has
from app.reports.text import RULE_CHARS
from app.reports.text import line as one_line

_HINT = "save what GET /api/measures/component answers"
_TOOL = "sonarqube"


class _Period(msgspec.Struct, gc=False):
    value: str = ""


class _Measure(msgspec.Struct, gc=False):
    metric: str
    value: str | None = None
    period: _Period | None = None
    periods: list[_Period] = []

    def said(self) -> str:
        """Its value in the report's words."""
        if self.value is not None:
            return self.value
        newest = self.period or next(iter(self.periods), None)
        return "" if newest is None else newest.value


class _Component(msgspec.Struct, gc=False):
    measures: list[_Measure]


class _Answer(msgspec.Struct, gc=False):
    component: _Component


_DECODER = msgspec.json.Decoder(_Answer)


def _recognises(head: bytes) -> bool:
    return has(head, "component.measures[].metric")


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The measures of one project, branch or pull request. Raises AuthorFault."""
    answer = decode(_DECODER, content, "the report", _HINT)
    measures = Measures(context)
    for at, one in enumerate(answer.component.measures):
        measures.add(one_line(one.metric, RULE_CHARS), one.said(), f"component.measures[{at}]")
    return measures.content(SONAR_MEASURES.name, _TOOL)


SONAR_MEASURES = Format(
    name="sonar_measures",
    title="SonarQube's measures",
    kind=Kind.MEASURES,
    recognises=_recognises,
    read=read,
)
