"""OpenMetrics text: what GitLab's metrics reports hold, and what Prometheus reads.

One number per line, `name{label="value"} 12.5`; a time stamp and an exemplar behind it say nothing here. A
metric with labels is known by its name and labels as they are written. What is no finite number is left out.
"""

import re
from decimal import Decimal

from app.model import AuthorFault, Kind, Measure, ReportContent
from app.reports.protocol import Dropped, Format, ReadContext, too_many
from app.reports.text import line as one_line
from app.reports.text import quoted

_HINT = "write OpenMetrics text: one 'name value' per line"
_LABELS = r'\{(?:[^"}]|"(?:[^"\\]|\\.)*+")*+\}'
_SAMPLE = re.compile(rf"([A-Za-z_:][\w:]{{0,200}})({_LABELS})?[ \t]+(\S{{1,60}})(?:[ \t].*)?", re.ASCII)
_MARK = re.compile(rb"^# (?:(?:HELP|TYPE|UNIT) [A-Za-z_:]|EOF[ \t\r]*$)", re.MULTILINE)
_NUMBER = re.compile(r"[+-]?\d{1,30}(?:\.\d{0,30})?(?:[eE][+-]?\d{1,2})?|[+-]?\.\d{1,30}", re.ASCII)


def number_of(text: str) -> Decimal | None:
    """A finite number as people and tools write it; None for anything else."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


class Measures:
    """Gathers what a report measures, each metric once."""

    def __init__(self, context: ReadContext) -> None:
        self.dropped = Dropped()
        self._found: dict[str, Measure] = {}
        self._limit = context.limits.findings

    def add(self, metric: str, value: str, where: str) -> None:
        """One more. Raises AuthorFault for a metric that is told twice, and over the limit."""
        read = number_of(value)
        if read is None:
            self.dropped.add("a measure that is no number", metric)
            return
        if metric in self._found:
            raise AuthorFault(f"{where}: {quoted(metric)} is measured twice", hint="report each metric once")
        if len(self._found) >= self._limit:
            raise too_many("measures", self._limit)
        self._found[metric] = Measure(metric=metric, value=read)

    def content(self, name: str, tool: str = "") -> ReportContent:
        """All of it as a report of this format."""
        return ReportContent(
            format=name,
            kind="measures",
            tool=tool,
            measures=tuple(self._found.values()),
            dropped=self.dropped.sentences(),
        )


def _recognises(head: bytes) -> bool:
    return _MARK.search(head.removeprefix(b"\xef\xbb\xbf")) is not None


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The measures of an OpenMetrics file. Raises AuthorFault."""
    measures = Measures(context)
    for at, said in enumerate(content.decode("utf-8-sig", "replace").split("\n"), 1):
        text = said.strip(" \t\r")
        if text == "# EOF":
            break
        if not text or text.startswith("#"):
            continue
        found = _SAMPLE.fullmatch(text)
        if found is None:
            raise AuthorFault(f"line {at}: {quoted(text)} is no sample of a metric", hint=_HINT)
        name, labels, value = found[1], found[2] or "", found[3]
        measures.add(one_line(name + labels), value, f"line {at}")
    return measures.content(METRICS.name)


METRICS = Format(
    name="metrics", title="OpenMetrics text", kind=Kind.MEASURES, recognises=_recognises, read=read
)
