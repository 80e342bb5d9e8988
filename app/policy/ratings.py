"""`rating.….new`: SonarQube's ratings A to E of what a change brings (its `Rating` and `DebtRatingGrid`).

Security and reliability follow the worst new finding of the domain: none or info A, low B, medium C, high D,
critical E. Maintainability follows the debt ratio: the minutes that repairing the new findings of the domain
takes, over 30 minutes for each new line of the kinds of files that analysers look at; to 5 % A, 10 % B,
20 % C, 50 % D, else E. As in SonarQube, where no line is new there is no debt ratio, hence A.
"""

from collections.abc import Callable
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Literal

from app.language import Known, Name, Unknown, Value, ValueType
from app.model import Finding, Kind, Severity
from app.policy.counting import waits_of
from app.policy.judged import Judged
from app.policy.newcode import Age
from app.policy.protocol import Fact, Family

Domain = Literal["security", "reliability", "maintainability"]

LETTERS = "ABCDE"
MINUTES_PER_LINE = 30
"""What SonarQube takes a line of code to cost (sonar.technicalDebt.developmentCost)."""
DEFAULT_EFFORT = 5
"""Minutes for a finding whose tool tells none: what SonarQube gives the issues of other analysers."""
_GRID = (Fraction(5, 100), Fraction(10, 100), Fraction(20, 100), Fraction(50, 100))


def domain_of(finding: Finding) -> Domain:
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
        return "A"
    ratio = Fraction(minutes, MINUTES_PER_LINE * lines)
    return LETTERS[sum(ratio > bound for bound in _GRID)]


def _new_of(judged: Judged, domain: Domain) -> list[Finding]:
    """The new findings of a domain that are neither suppressed nor waived."""
    found = (one.finding for one in (*judged.findings, *judged.secrets) if one.age is Age.NEW)
    return [finding for finding in found if domain_of(finding) == domain]


def _rated(judged: Judged, domain: Domain, rate: Callable[[list[Finding]], str]) -> Value:
    declared = {kind for spec in judged.plan.checks if spec.required for kind in spec.produces}
    secrets = domain == "security" and Kind.SECRETS in declared
    kinds = (Kind.FINDINGS, Kind.SECRETS) if secrets else (Kind.FINDINGS,)
    gathered = [judged.gather(kind) for kind in kinds]
    lacking = [one.lacking for one in gathered if one.lacking is not None]
    # one finding more may make any rating worse, so what is not complete is not known
    if unknown := next((one for one in lacking if isinstance(one, Unknown)), None):
        return unknown
    if len(lacking) == len(gathered):
        return lacking[0]
    if waits := waits_of(judged, [one for kind in kinds for one in judged.compared(kind)]):
        return waits
    keys = dict.fromkeys(key for one in gathered for key in one.keys)
    return Known(value=rate(_new_of(judged, domain)), checks=tuple(keys))


def _by_worst(domain: Domain) -> Callable[[Judged], Value]:
    def rate(found: list[Finding]) -> str:
        return by_severity(max((one.severity for one in found), key=lambda one: one.rank, default=None))

    return lambda judged: _rated(judged, domain, rate)


def _maintainability(judged: Judged) -> Value:
    def rate(found: list[Finding]) -> str:
        minutes = sum(one.effort or DEFAULT_EFFORT for one in found)
        return by_debt(minutes, _new_lines(judged) if minutes else 0)

    return _rated(judged, "maintainability", rate)


def _new_lines(judged: Judged) -> int:
    """Added non-blank lines of files of the kinds (by suffix) in which analysers found anything."""
    kinds = {PurePosixPath(one.finding.path).suffix for one in judged.findings if one.finding.path}
    return sum(
        file.added_nonblank
        for file in judged.evidence.comparison.files
        if PurePosixPath(file.path).suffix in kinds and not judged.generated.matches(file.path)
    )


def _fact(domain: Domain, doc: str, read: Callable[[Judged], Value]) -> Fact:
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
