"""`findings(min_severity, 'new'|'all'|'fixed', …)`: counts of findings of all required checks."""

from collections import Counter
from collections.abc import Iterator

from app.language import Function, Parameter, Plain, Value, ValueType, globs
from app.model import Kind, Severity
from app.policy.counting import count, count_gone, count_new
from app.policy.judged import Judged
from app.policy.newcode import Age, known_finding
from app.policy.protocol import Family, Kwargs, Operation, Thing
from app.policy.waiving import fits

_ALWAYS = ("min_severity", "age")
_SEVERITIES = tuple(severity.value for severity in Severity)


def _findings(judged: Judged, args: tuple[Plain, ...], kwargs: Kwargs) -> Value:
    named = _named(args, kwargs)
    least = Severity(named["min_severity"]).rank
    gathered = judged.gather(Kind.FINDINGS)
    if named["age"] == "fixed":
        one = fits(tool=named.get("tool"), rule=named.get("rule"), path=named.get("path"))
        gone = sum(1 for finding in judged.fixed if finding.severity.rank >= least and one(finding))
        return count_gone(gone, gathered, judged, judged.compared(Kind.FINDINGS))
    by_age = _counted(judged, least, named)
    if named["age"] == "all":
        return count(sum(by_age.values()), gathered)
    return count_new(by_age, gathered, judged, judged.compared(Kind.FINDINGS))


def _counted(judged: Judged, least: int, named: dict[str, str]) -> Counter[Age]:
    """How many findings are that severe and of the tool, rule and path that are named, by age."""
    counted: Counter[Age] = Counter()
    if len(named) == len(_ALWAYS):
        for (severity, age), number in judged.findings_by_severity.items():
            counted[age] += number if severity.rank >= least else 0
        return counted
    paths = globs((named["path"],)) if "path" in named else None
    one = fits(tool=named.get("tool"), rule=named.get("rule"))
    for path, told in judged.sifted.items():
        if paths is None or paths.matches(path):
            counted.update(age for rank, age, finding in told if rank >= least and one(finding))
    return counted


def _named(args: tuple[Plain, ...], kwargs: Kwargs) -> dict[str, str]:
    return dict(zip(_ALWAYS, map(str, args), strict=False)) | {
        name: str(value) for name, value in kwargs.items()
    }


def _things(judged: Judged, args: tuple[Plain, ...], kwargs: Kwargs) -> Iterator[Thing] | None:
    """The findings that count; of those that are fixed more is better."""
    named = _named(args, kwargs)
    if named["age"] == "fixed":
        return None
    least = Severity(named["min_severity"]).rank
    one = fits(tool=named.get("tool"), rule=named.get("rule"), path=named.get("path"))
    return (
        known_finding(told)
        for told in judged.findings
        if told.finding.severity.rank >= least
        and (named["age"] == "all" or told.age is Age.NEW)
        and one(told.finding)
    )


def _words(args: tuple[Plain, ...], kwargs: Kwargs) -> str:
    named = _named(args, kwargs)
    age = named.get("age")
    new = f"{age} " if age in {"new", "fixed"} else ""
    least = named.get("min_severity", "")
    severity = {"info": "", "critical": "critical "}.get(least, f"{least}+ ")
    where = [f"{key} {named[key]}" for key in ("tool", "rule", "path") if key in named]
    return f"{new}{severity}findings" + (f" of {', '.join(where)}" if where else "")


FINDINGS = Family(
    name="findings",
    doc="Problems that analysers found, over all required checks that report any.",
    operations={
        "findings": Operation(
            meaning=Function(
                parameters=(
                    Parameter(name="min_severity", type=ValueType.TEXT, choices=_SEVERITIES),
                    Parameter(name="age", type=ValueType.TEXT, choices=("new", "all", "fixed")),
                    Parameter(name="tool", type=ValueType.TEXT, required=False, keyword_only=True),
                    Parameter(name="rule", type=ValueType.TEXT, required=False, keyword_only=True),
                    Parameter(name="path", type=ValueType.TEXT, required=False, keyword_only=True),
                ),
                returns=ValueType.NUMBER,
                doc="How many findings are at least that severe; 'new' are those that base has not, 'fixed' "
                "those that only base has. tool, rule and path are globs. Secrets are not among them.",
                kinds=frozenset({Kind.FINDINGS}),
                gate_only=True,
            ),
            words=_words,
            call=_findings,
            things=_things,
        ),
    },
)
