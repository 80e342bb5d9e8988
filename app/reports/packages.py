"""What all readers of bills of materials share: packages, and licences as one SPDX expression."""

import re
from collections.abc import Iterable

from app.model import Package, ReportContent
from app.reports.protocol import Dropped, ReadContext, too_many
from app.reports.text import NAME_CHARS
from app.reports.text import line as one_line

_MAX_EXPRESSION = 1_000
_MAX_LICENCES = 2_000
"""Different expressions of one report: each is parsed where verdicts are made."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+:-]*")
_OTHER = re.compile(r"[^A-Za-z0-9.]+")
_UNSAID = {"", "NOASSERTION", "NONE"}


class Packages:
    """The packages of one report so far."""

    def __init__(self, context: ReadContext) -> None:
        self.dropped = Dropped()
        self._limit = context.limits.findings
        self._packages: list[Package] = []
        self._licences: set[str] = set()

    def add(self, *, name: str, version: str, purl: str, licence: str) -> None:
        """One more; texts are raw, `licence` an expression or ''. Raises AuthorFault over the limit."""
        if len(self._packages) >= self._limit:
            raise too_many("packages", self._limit)
        package = Package(
            name=one_line(name) or "(unnamed)",
            version=one_line(version, 100),
            purl=one_line(purl, NAME_CHARS),
            licence=one_line(licence, _MAX_EXPRESSION),
        )
        self._packages.append(package)
        self._licences.add(package.licence)
        if len(self._licences) > _MAX_LICENCES:
            raise too_many("different licences", _MAX_LICENCES)

    def report(self, name: str, tool: str, version: str) -> ReportContent:
        """What a reader of packages hands back: `name` is its format, `tool` and `version` raw."""
        return ReportContent(
            format=name,
            kind="licences",
            tool=one_line(tool, 100),
            tool_version=one_line(version, 50),
            packages=tuple(self._packages),
            dropped=self.dropped.sentences(),
        )


def said(expression: str | None) -> str:
    """An expression of a report; '' where it says that nothing is known."""
    text = (expression or "").strip()
    return "" if text in _UNSAID else text


def named(text: str) -> str:
    """A licence by a name that may be no SPDX one, as a part of an expression."""
    text = one_line(text)
    if not text or _ID.fullmatch(text):
        return said(text)
    return f"LicenseRef-{_OTHER.sub('-', text).strip('-') or 'unnamed'}"


def all_of(parts: Iterable[str]) -> str:
    """One expression for licences that hold together, as far as a report tells."""
    distinct = list(dict.fromkeys(part for part in parts if part))
    if len(distinct) <= 1:
        return "".join(distinct)
    return " AND ".join(f"({part})" if " " in part else part for part in distinct)
