"""Known vulnerabilities of dependencies: one advisory has many names, and is counted once.

Scanners list CVE-…, GHSA-… and PYSEC-… of one and the same flaw as aliases, as entries of their own, or
both. Entries of one package that share any name are one finding; a bulletin on several CVEs goes by its
own id alone.
"""

import re
from collections.abc import Iterable

import msgspec

from app.model import Severity
from app.reports.findings import NOWHERE, Findings, Located
from app.reports.protocol import too_many
from app.reports.text import RULE_CHARS
from app.reports.text import line as one_line

UNRATED = Severity.HIGH
"""Of an advisory that nobody rated yet: it may be the worst of all. A preset's table can say otherwise."""

_TITLE_CHARS = 300
_MAX_NAMES = 500
# The name that most tools know first.
_KINDS = ("CVE-", "GHSA-", "PYSEC-")
_KNOWN = re.compile(r"(CVE|GHSA|PYSEC|RUSTSEC|GO|OSV|MAL)-[A-Za-z0-9-]{4,60}", re.ASCII)
_OSV = "https://osv.dev/vulnerability/"


class Advisory(msgspec.Struct, kw_only=True, gc=False):
    """One entry of a report, texts raw: `names` are its id and aliases, no `severity` = nobody rated it."""

    names: list[str]
    package: str
    version: str = ""
    severity: Severity | None = None
    title: str = ""
    url: str = ""
    fixed: str = ""
    place: Located = Located()
    suppressed: bool = False


_Key = tuple[str, str, str]


class Advisories:
    """The advisories of one report so far; `flush` makes them findings."""

    def __init__(self, findings: Findings, tool: str, limit: int) -> None:
        self._findings = findings
        self._tool = tool
        self._limit = limit
        self._count = 0
        self._names = 0
        self._packages: dict[_Key, list[Advisory]] = {}

    def add(self, one: Advisory) -> None:
        """One more entry. Raises AuthorFault over the limits."""
        self._count += 1
        self._names += len(one.names)
        if self._count > self._limit:
            raise too_many("findings", self._limit)
        if self._names > self._limit * 10 or len(one.names) > _MAX_NAMES:
            raise too_many("names of advisories", self._limit)
        if len({name for name in one.names if name.startswith(_KINDS[0])}) > 1:
            # A bulletin on several flaws: its names are no names of one of them.
            one = msgspec.structs.replace(one, names=one.names[:1])
        place = one.place.path or one.place.said
        self._packages.setdefault((place, one.package, one.version), []).append(one)

    def flush(self) -> None:
        """Add one finding for each flaw of each package at each place, in the order of the report."""
        for entries in self._packages.values():
            for joined in _joined(entries):
                self._add(joined)

    def _add(self, entries: list[Advisory]) -> None:
        first = entries[0]
        names = _ordered(name for one in entries for name in one.names)
        rule = names[0] if names else self._tool
        package = one_line(f"{first.package} {first.version}".strip())
        text = next((title for one in entries if (title := one_line(one.title, _TITLE_CHARS))), "")
        fixed = next((fixed for one in entries if (fixed := one_line(one.fixed, RULE_CHARS))), "")
        others = ", ".join(names[1:6])
        rated = [one.severity for one in entries if one.severity is not None]
        worst = max(rated, key=lambda severity: severity.rank, default=UNRATED)
        self._findings.add(
            tool=self._tool,
            rule=rule,
            rule_url=_url(rule, entries),
            message=f"{package}: {text or rule}"
            + (f" (also {others})" if others else "")
            + (f"; fixed in {fixed}" if fixed else "")
            + ("" if rated else "; it comes without a severity"),
            severity=self._findings.severity(worst, *names),
            place=first.place,
            region=NOWHERE,
            identity=("advisory", rule, first.place.path, one_line(first.package)),
            suppressed=all(one.suppressed for one in entries),
        )


def _url(rule: str, entries: list[Advisory]) -> str:
    """The tool's link to the advisory of that name, else any of its links, else OSV's page."""
    links = [one.url for one in entries if one.url]
    named = [link for link in links if rule in link]
    return next(iter(named + links), _OSV + rule if _KNOWN.fullmatch(rule) else "")


def _ordered(names: Iterable[str]) -> list[str]:
    """Clean names without doubles, CVE first: what the finding is called, then its other names."""
    clean = {one_line(name, RULE_CHARS) for name in names} - {""}
    kinds = range(len(_KINDS))

    def order(name: str) -> tuple[int, str]:
        return next((at for at in kinds if name.startswith(_KINDS[at])), len(_KINDS)), name

    return sorted(clean, key=order)


def _joined(entries: list[Advisory]) -> list[list[Advisory]]:
    """Entries that share a name, directly or over others, in the order of the first of each."""
    parents = list(range(len(entries)))

    def root(at: int) -> int:
        while parents[at] != at:
            parents[at] = parents[parents[at]]
            at = parents[at]
        return at

    holder: dict[str, int] = {}
    for at, one in enumerate(entries):
        for name in filter(None, one.names):
            known = holder.setdefault(name.casefold(), at)
            low, high = sorted((root(known), root(at)))
            parents[high] = low
    groups: dict[int, list[Advisory]] = {}
    for at, one in enumerate(entries):
        groups.setdefault(root(at), []).append(one)
    return list(groups.values())
