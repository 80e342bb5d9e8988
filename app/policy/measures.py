"""`measure('source', 'metric')`: a number that the reports of one check tell by name."""

from fractions import Fraction

from app.language import Function, Known, Parameter, Plain, Unknown, Value, ValueType
from app.model import Kind, UnknownCause
from app.policy.judged import Judged
from app.policy.protocol import Family, Kwargs, Operation

_PARAMETERS = ("source", "metric")


def _measure(judged: Judged, args: tuple[Plain, ...], kwargs: Kwargs) -> Value:
    source, metric = _named(args, kwargs)
    gathered = judged.gather(Kind.MEASURES, source)
    if gathered.lacking is not None:
        return gathered.lacking
    found = {one.value for report in gathered.reports for one in report.measures if one.metric == metric}
    if len(found) == 1:
        return Known(value=Fraction(found.pop()), checks=gathered.keys)
    if not found:
        reason = f"{source} does not measure {metric}"
    else:
        told = " and ".join(f"{value:f}" for value in sorted(found)[:2])
        reason = f"{source} measures {metric} as {told}"
    return Unknown(cause=UnknownCause.MISSING, reason=reason, checks=gathered.keys)


def _named(args: tuple[Plain, ...], kwargs: Kwargs) -> tuple[str, str]:
    given = dict(zip(_PARAMETERS, args, strict=False)) | dict(kwargs)
    return str(given["source"]), str(given["metric"])


def _words(args: tuple[Plain, ...], kwargs: Kwargs) -> str:
    source, metric = _named(args, kwargs)
    return f"{metric} of {source}"


MEASURES = Family(
    name="measures",
    doc="Numbers that reports tell by name: OpenMetrics text, SonarQube's measures.",
    operations={
        "measure": Operation(
            meaning=Function(
                parameters=(
                    Parameter(name="source", type=ValueType.TEXT, check=True),
                    Parameter(name="metric", type=ValueType.TEXT),
                ),
                returns=ValueType.NUMBER,
                doc="What the reports of the check 'source' say that this metric is. Missing where they do "
                "not tell it, or each another number.",
                fed_by=frozenset({Kind.MEASURES}),
                gate_only=True,
            ),
            words=_words,
            call=_measure,
        ),
    },
)
