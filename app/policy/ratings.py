"""`rating.….new`: SonarQube's ratings A to E of what a change brings (its `Rating` and `DebtRatingGrid`).

Security and reliability follow the worst new finding of the domain: none or info A, low B, medium C, high D,
critical E. Maintainability follows the debt ratio: the minutes that repairing the new findings of the domain
takes, over 30 minutes for each new line of the kinds of files that analysers look at; to 5 % A, 10 % B,
20 % C, 50 % D, else E. Where none of these lines is new, all new lines count; debt without any new line is E
(SonarQube gives it an A).
"""

from collections.abc import Callable, Container
from fractions import Fraction
from pathlib import PurePosixPath

import msgspec

from app.language import LETTERS, Known, Name, Unknown, Value, ValueType
from app.model import Finding, Harm, Kind, Severity
from app.policy.counting import waits_of
from app.policy.judged import Judged
from app.policy.newcode import Age
from app.policy.newcoverage import is_generated
from app.policy.protocol import Fact, Family

MINUTES_PER_LINE = 30
"""What SonarQube takes a line of code to cost (sonar.technicalDebt.developmentCost)."""
DEFAULT_EFFORT = 5
"""Minutes for a finding whose tool tells none: what SonarQube gives the issues of other analysers."""
_GRID = (Fraction(5, 100), Fraction(10, 100), Fraction(20, 100), Fraction(50, 100))


def domain_of(finding: Finding) -> Harm:
    """What a finding harms. Where neither its report nor our table says, a severe one counts as a bug, any
    other as debt.
    """
    if finding.secret:
        return "security"
    severe = finding.severity.rank >= Severity.HIGH.rank
    return finding.domain or ("reliability" if severe else "maintainability")


def by_severity(worst: Severity | None) -> str:
    """The rating whose worst new finding is that severe; None = there is none."""
    return LETTERS[worst.rank] if worst is not None else "A"


def by_debt(minutes: int, lines: int) -> str:
    """The rating of that many minutes of repair in that many new lines."""
    if not lines:
        return "E" if minutes else "A"
    ratio = Fraction(minutes, MINUTES_PER_LINE * lines)
    return LETTERS[sum(ratio > bound for bound in _GRID)]


_Found = list[tuple[Severity, Finding]]
"""Findings of one domain, each with how bad it is there."""
_Rate = Callable[[_Found], str]
"""The letter of these findings."""
_SURE = frozenset({Age.NEW})
_POSSIBLE = frozenset({Age.NEW, Age.UNKNOWN, Age.WAIVED})
"""What may turn out to count: one new finding more may be too many for a waiver, which then covers none."""


def severity_in(finding: Finding, domain: Harm) -> Severity | None:
    """How bad it is for a domain; None where it does not harm it."""
    if finding.impacts:
        return dict(finding.impacts).get(domain)
    return finding.severity if domain_of(finding) == domain else None


def _of(judged: Judged, domain: Harm, ages: Container[Age]) -> _Found:
    """The findings of a domain, of these ages, that are not suppressed."""
    found = (one.finding for one in (*judged.findings, *judged.secrets) if one.age in ages)
    said = ((severity_in(finding, domain), finding) for finding in found)
    return [(severity, finding) for severity, finding in said if severity is not None]


def _rated(judged: Judged, domain: Harm, rate: _Rate, least: _Rate) -> Value:
    """The rating by `rate`. While something is missing it is no better than by `least`, and may be any worse;
    while base is waited for it lies between what is certainly new and what may be.
    """
    declared = {kind for spec in judged.plan.checks if spec.required for kind in spec.produces}
    secrets = domain == "security" and Kind.SECRETS in declared
    kinds = (Kind.FINDINGS, Kind.SECRETS) if secrets else (Kind.FINDINGS,)
    gathered = [judged.gather(kind) for kind in kinds]
    lacking = [one.lacking for one in gathered if one.lacking is not None]
    sure = _of(judged, domain, _SURE)
    if unknown := next((one for one in lacking if isinstance(one, Unknown)), None):
        return _between(unknown, least(sure), LETTERS[-1])
    if len(lacking) == len(gathered):
        return lacking[0]
    best = rate(sure)
    if waits := waits_of(judged, [one for kind in kinds for one in judged.compared(kind)]):
        worst = rate(_of(judged, domain, _POSSIBLE))
        if best != worst:
            return _between(waits, best, worst)
    keys = dict.fromkeys(key for one in gathered for key in one.keys)
    return Known(value=best, checks=tuple(keys))


def _between(why: Unknown, best: str, worst: str) -> Unknown:
    low, high = (Fraction(LETTERS.index(letter)) for letter in (best, worst))
    return msgspec.structs.replace(why, at_least=low, at_most=high)


def _by_worst(domain: Harm) -> Callable[[Judged], Value]:
    def rate(found: _Found) -> str:
        return by_severity(max((severity for severity, _ in found), key=lambda one: one.rank, default=None))

    return lambda judged: _rated(judged, domain, rate, rate)


def _maintainability(judged: Judged) -> Value:
    def rate(found: _Found) -> str:
        minutes = _minutes(found)
        return by_debt(minutes, _new_lines(judged) if minutes else 0)

    def least(found: _Found) -> str:
        # a report that is still to come may find something in other kinds of files, whose lines then count
        minutes = _minutes(found)
        return by_debt(minutes, _new_lines(judged, all_kinds=True) if minutes else 0)

    return _rated(judged, "maintainability", rate, least)


def _minutes(found: _Found) -> int:
    return sum(one.effort or DEFAULT_EFFORT for _, one in found)


def _new_lines(judged: Judged, *, all_kinds: bool = False) -> int:
    """Added non-blank lines of files of the kinds (by suffix) in which analysers found anything; of all
    files where these have none.
    """
    kinds = {PurePosixPath(one.finding.path).suffix for one in judged.findings if one.finding.path}
    added = [
        (PurePosixPath(file.path).suffix in kinds, file.added_nonblank)
        for file in judged.evidence.comparison.files
        if not is_generated(judged.plan, file.path)
    ]
    every = sum(lines for _, lines in added)
    return every if all_kinds else sum(lines for looked_at, lines in added if looked_at) or every


def _fact(domain: Harm, doc: str, read: Callable[[Judged], Value]) -> Fact:
    return Fact(
        meaning=Name(type=ValueType.RATING, doc=doc, kinds=frozenset({Kind.FINDINGS}), gate_only=True),
        words=f"{domain} rating of new code",
        read=read,
    )


RATINGS = Family(
    name="ratings",
    doc="SonarQube's ratings of new code, A the best, E the worst; suppressed and waived findings left out.",
    facts={
        "rating.security.new": _fact(
            "security",
            "By the worst new security finding: A none or info … E critical.",
            _by_worst("security"),
        ),
        "rating.reliability.new": _fact(
            "reliability",
            "By the worst new reliability finding: A none or info … E critical.",
            _by_worst("reliability"),
        ),
        "rating.maintainability.new": _fact(
            "maintainability",
            "By what repairing the new maintainability findings costs, against 30 minutes for each new line: "
            "A to 5 %, B to 10 %, C to 20 %, D to 50 %, else E.",
            _maintainability,
        ),
    },
)
