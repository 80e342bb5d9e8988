"""Checkstyle XML: `file name` / `error line column severity message source`.

Written by many tools besides Checkstyle; some put their name before the rule in `source`
(`ShellCheck.SC2086`, `eslint.rules.no-undef`, `com.puppycrawl.tools.checkstyle.checks.FinalClassCheck`).
"""

from app.model import AuthorFault, Kind, ReportContent, Severity
from app.reports.findings import Findings, Located, region
from app.reports.protocol import Format, ReadContext
from app.reports.text import RULE_CHARS, quoted
from app.reports.text import line as one_line
from app.reports.xml import Attributes, XmlReader, root_element

_SEVERITIES = {
    "error": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "info": Severity.LOW,
    "style": Severity.INFO,
    "ignore": Severity.INFO,
}
_PREFIXES = (
    ("com.puppycrawl.tools.checkstyle.", "checkstyle"),
    ("eslint.rules.", "eslint"),
    ("ShellCheck.", "shellcheck"),
    ("detekt.", "detekt"),
)
_CHECKSTYLE = "checkstyle"


def named(source: str) -> tuple[str, str]:
    """Tool and rule that a `source` names."""
    for prefix, tool in _PREFIXES:
        if source.startswith(prefix):
            rule = source.removeprefix(prefix)
            if tool == _CHECKSTYLE:
                # The class of the check, as its configuration calls it.
                rule = rule.rpartition(".")[2].removesuffix("Check")
            return tool, one_line(rule, RULE_CHARS) or tool
    return _CHECKSTYLE, one_line(source, RULE_CHARS) or _CHECKSTYLE


def _count(text: str) -> int:
    """A line or column; 0 = none, which some write as -1 or ''."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0  # noqa: PLR2004 - nine digits


class _Checkstyle:
    """Handlers that turn `error` elements into findings."""

    def __init__(self, context: ReadContext) -> None:
        self.findings = Findings(context)
        self.xml = XmlReader(self._start, self._end)
        self._file: str | None = None
        self._place = Located()

    def _start(self, name: str, attributes: Attributes) -> None:
        if name == "error":
            self._error(attributes)
        elif name == "file":
            self._file = attributes.get("name", "")
            self._place = self.findings.locate(self._file)
        elif name == "exception":
            self.findings.dropped.add("file that the tool could not read", self._file or "")

    def _end(self, name: str) -> None:
        if name == "file":
            self._file = None

    def _error(self, attributes: Attributes) -> None:
        if self._file is None:
            raise AuthorFault(f"{self.xml.where}: an error outside of a file")
        tool, rule = named(attributes.get("source", ""))
        self.findings.add(
            tool=tool,
            rule=rule,
            message=attributes.get("message", ""),
            severity=self.findings.severity(
                _SEVERITIES.get(attributes.get("severity", "").lower(), Severity.MEDIUM), rule
            ),
            place=self._place,
            region=region(
                _count(attributes.get("line", "")), _count(attributes.get("column", "")), None, None
            ),
        )


def _recognises(head: bytes) -> bool:
    return root_element(head)[0] == _CHECKSTYLE


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The findings of a Checkstyle file. Raises AuthorFault."""
    name, _ = root_element(content)
    if name != _CHECKSTYLE:
        raise AuthorFault(f"its root element is {quoted(name)}, not 'checkstyle'")
    reader = _Checkstyle(context)
    reader.xml.run(content)
    return reader.findings.report("checkstyle")


CHECKSTYLE = Format(
    name="checkstyle", title="Checkstyle XML", kind=Kind.FINDINGS, recognises=_recognises, read=read
)
