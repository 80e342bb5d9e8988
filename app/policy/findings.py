"""`findings(min_severity, 'new'|'all', …)`: counts of findings of all required checks."""

from app.language import Function, Parameter, Plain, Value, ValueType
from app.model import Kind, Severity
from app.policy.counting import count
from app.policy.judged import Judged
from app.policy.protocol import Family, Kwargs, Operation
from app.policy.tests import LATER
from app.policy.waiving import fits

_ALWAYS = ("min_severity", "age")
_SEVERITIES = tuple(severity.value for severity in Severity)


def _findings(judged: Judged, args: tuple[Plain, ...], kwargs: Kwargs) -> Value:
    named = _named(args, kwargs)
    gathered = judged.gather(Kind.FINDINGS)
    least = Severity(named["min_severity"]).rank
    wanted = tuple(severity for severity in Severity if severity.rank >= least)
    every = named["age"] == "all"
    if len(named) == len(_ALWAYS):
        counted = judged.findings_by_severity.items()
        found = sum(n for (severity, new), n in counted if severity in wanted and (new or every))
    else:
        one = fits(tool=named.get("tool"), rule=named.get("rule"), path=named.get("path"))
        found = sum(
            1
            for finding, new in judged.findings
            if (new or every) and finding.severity in wanted and one(finding)
        )
    return count(found, gathered)


def _named(args: tuple[Plain, ...], kwargs: Kwargs) -> dict[str, str]:
    return dict(zip(_ALWAYS, map(str, args), strict=False)) | {
        name: str(value) for name, value in kwargs.items()
    }


def _words(args: tuple[Plain, ...], kwargs: Kwargs) -> str:
    named = _named(args, kwargs)
    new = "new " if named.get("age") == "new" else ""
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
                    Parameter(name="age", type=ValueType.TEXT, choices=("new", "all")),
                    Parameter(name="tool", type=ValueType.TEXT, required=False, keyword_only=True),
                    Parameter(name="rule", type=ValueType.TEXT, required=False, keyword_only=True),
                    Parameter(name="path", type=ValueType.TEXT, required=False, keyword_only=True),
                ),
                returns=ValueType.NUMBER,
                doc="How many findings are at least that severe; 'new' are those on changed lines in this "
                "version. tool, rule and path are globs. Secrets are not among them.",
                kinds=frozenset({Kind.FINDINGS}),
                unsupported_choices={"fixed": LATER},
                gate_only=True,
            ),
            words=_words,
            call=_findings,
        ),
    },
)
