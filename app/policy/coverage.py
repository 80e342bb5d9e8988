"""`coverage.new` and `coverage.overall`."""

from fractions import Fraction

from app.language import Known, Name, NotApplicable, Unknown, Value, ValueType
from app.model import FileCoverage, Kind, UnknownCause
from app.policy.judged import Judged
from app.policy.newcode import cover_new, exclusions, unite
from app.policy.protocol import Fact, Family
from app.policy.tests import LATER

_KIND = frozenset({Kind.COVERAGE})
_EMPTY = Unknown(cause=UnknownCause.MISSING, reason="the coverage report names no file")


def _new(judged: Judged) -> Value:
    gathered = judged.gather(Kind.COVERAGE)
    if gathered.lacking is not None:
        # a missing shard or flag could move coverage either way: unlike a count it has no bound
        return gathered.lacking
    found = cover_new(judged.plan, judged.evidence, gathered.reports)
    if not found.measured:
        return _EMPTY
    percent = found.percent
    if percent is None:
        return NotApplicable(reason="no coverable new line")
    if found.small_change:
        lines = "1 new line" if found.added == 1 else f"{found.added} new lines"
        return NotApplicable(reason=lines)
    return Known(value=percent, checks=gathered.keys)


def _overall(judged: Judged) -> Value:
    gathered = judged.gather(Kind.COVERAGE)
    if gathered.lacking is not None:
        return gathered.lacking
    excluded = exclusions(judged.plan)
    by_path: dict[str, list[FileCoverage]] = {}
    for report in gathered.reports:
        for file in report.coverage:
            by_path.setdefault(file.path, []).append(file)
    covered = total = 0
    for path, reported in by_path.items():
        if excluded.matches(path):
            continue
        lines, branches = unite(reported)
        covered += sum(1 for hits in lines.values() if hits) + sum(one for one, _ in branches.values())
        total += len(lines) + sum(two for _, two in branches.values())
    if not by_path:
        return _EMPTY
    if not total:
        return NotApplicable(reason="no coverable line")
    return Known(value=Fraction(100 * covered, total), checks=gathered.keys)


COVERAGE = Family(
    name="coverage",
    doc="How much of the code tests run, over all required checks that report coverage.",
    facts={
        "coverage.new": Fact(
            meaning=Name(
                type=ValueType.PERCENT,
                doc="Covered of coverable new lines and branches; small changes are exempt.",
                kinds=_KIND,
                gate_only=True,
            ),
            words="coverage on new code",
            read=_new,
        ),
        "coverage.overall": Fact(
            meaning=Name(
                type=ValueType.PERCENT,
                doc="The same formula over all reported lines.",
                kinds=_KIND,
                gate_only=True,
            ),
            words="overall coverage",
            read=_overall,
        ),
    },
    later_names={
        "coverage.delta": Name(
            type=ValueType.PERCENT,
            doc="Overall coverage against base.",
            kinds=_KIND,
            unsupported=LATER,
        ),
    },
)
