"""GitHub's workflow commands: `::error file=a.py,line=3,title=F401::message` on lines of their own.

https://docs.github.com/actions/reference/workflow-commands: `error`, `warning`, `notice` are findings,
other commands and lines are passed over; between `::stop-commands::WORD` and `::WORD::` nothing is a
command. `%25 %0D %0A` are escaped everywhere, `%3A %2C` in properties too.
"""

import re
from collections.abc import Iterator

from app.model import Kind, ReportContent, Severity
from app.reports.findings import Findings, Located, region
from app.reports.protocol import Format, ReadContext
from app.reports.text import RULE_CHARS
from app.reports.text import line as one_line

_SEVERITIES = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "notice": Severity.LOW}
_COMMAND = re.compile(r"\s*::([A-Za-z][\w-]{0,50})(?: ((?:(?!::).)*))?::(.*)", re.DOTALL)
_RESUMED = re.compile(r"\s*::([^:]{1,200})::\s*")
_FIRST = re.compile(rb"(?:\xef\xbb\xbf)?\s*+::(?:error|warning|notice|group|debug|add-matcher)(?: |::)")
# Tool and rule in one title, as ruff writes them.
_TITLE = re.compile(r"([A-Za-z][\w.-]{0,50}) \(([^()\s]{1,100})\)")
# The place again, which many put before the words.
_PLACE = re.compile(r"(?:[^\s:]{1,500}:\d{1,9}(?::\d{1,9})?:?|\d{1,9}:\d{1,9}:?)\s+")
_RULE = re.compile(r"\[([\w./-]{1,100})\]\s+")
_ESCAPES = {"%25": "%", "%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ","}
_ESCAPED = re.compile("%(?:25|0[AD])", re.IGNORECASE)
_ESCAPED_PROPERTY = re.compile("%(?:25|0[AD]|3A|2C)", re.IGNORECASE)
_TOOL = "github"

Properties = dict[str, str]


def _unescaped(text: str, pattern: re.Pattern[str] = _ESCAPED) -> str:
    return pattern.sub(lambda match: _ESCAPES[match[0].upper()], text)


def _properties(text: str) -> Properties:
    """By name in lower case."""
    pairs = (entry.partition("=") for entry in text.split(","))
    return {name.strip().lower(): _unescaped(value, _ESCAPED_PROPERTY) for name, _, value in pairs}


def _commands(text: str) -> Iterator[tuple[str, Properties, str]]:
    """Each annotation: its level, properties and message."""
    stopped = ""
    for raw in text.split("\n"):
        line = raw.removesuffix("\r")
        if "::" not in line:
            continue
        if stopped:
            resumed = _RESUMED.fullmatch(line)
            if resumed is not None and resumed[1] == stopped:
                stopped = ""
            continue
        command = _COMMAND.fullmatch(line)
        if command is None:
            continue
        name = command[1].lower()
        if name == "stop-commands":
            stopped = command[3].strip()
        elif name in _SEVERITIES:
            yield name, _properties(command[2] or ""), _unescaped(command[3])


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004 - nine digits


def _named(level: str, title: str, message: str, *, secret: bool) -> tuple[str, str, str]:
    """Tool, rule and what is left of the message. Words that may quote a secret name no rule."""
    message = _PLACE.sub("", message, count=1) if _PLACE.match(message) else message
    both = _TITLE.fullmatch(title)
    if both is not None:
        return both[1], both[2], message.removeprefix(f"{both[2]} ")
    if secret:
        return _TOOL, level, message
    if title:
        return _TOOL, title, message
    rule = _RULE.match(message)
    return (_TOOL, rule[1], message[rule.end() :]) if rule is not None else (_TOOL, level, message)


def _recognises(head: bytes) -> bool:
    return _FIRST.match(head) is not None


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The annotations in a log; none at all is a clean run. Raises AuthorFault."""
    findings = Findings(context)
    text = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    for level, said, message in _commands(text):
        tool, rule, words = _named(
            level, one_line(said.get("title", ""), RULE_CHARS), message, secret=context.secret
        )
        findings.add(
            tool=tool,
            rule=rule,
            message=words,
            severity=findings.severity(_SEVERITIES[level], rule),
            place=findings.locate(said["file"]) if said.get("file") else Located(),
            region=region(
                _number(said.get("line", "")),
                _number(said.get("col", "")),
                _number(said.get("endline", "")),
                _number(said.get("endcolumn", "")),
            ),
        )
    return findings.report("github")


GITHUB = Format(
    name="github", title="GitHub workflow commands", kind=Kind.FINDINGS, recognises=_recognises, read=read
)
