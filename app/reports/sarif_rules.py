"""The rules of one SARIF run: which one a result means, how bad it is, what its message says."""

import re

import msgspec

from app.model import Severity
from app.reports.domains import Domain, domain_by_tags, domain_of
from app.reports.findings import Findings
from app.reports.jsontext import texts
from app.reports.sarif_types import Driver, Message, Result, Rule, Run
from app.reports.severity import LEVELS, from_score
from app.reports.text import RULE_CHARS, url
from app.reports.text import line as one_line

_PLACEHOLDER = re.compile(r"\{(\d{1,2})\}", re.ASCII)


class Judged(msgspec.Struct, frozen=True):
    """What a result's rule says of it: name, severity, link, what it harms, and the rule itself for its
    messages.
    """

    name: str
    severity: Severity
    url: str
    rule: Rule
    domain: Domain


def text_of(message: Message | None, rule: Rule | None = None) -> str:
    """The raw text of a message: its own or its rule's by id, with its arguments filled in."""
    if message is None:
        return ""
    text = message.text or message.markdown
    if not text and message.id and rule is not None and rule.messageStrings:
        found = rule.messageStrings.get(message.id)
        text = (found.text or found.markdown) if found is not None else None
    if not text or not message.arguments:
        return text or ""
    given = message.arguments
    return _PLACEHOLDER.sub(lambda at: given[int(at[1])] if int(at[1]) < len(given) else at[0], text)


_Key = tuple[str | None, int | None, str | None, str | None, str | float | None, bytes]


class Rules:
    """Rules by index, by id, in the driver and in extensions (3.52). Most results repeat a few."""

    def __init__(self, run: Run, tool: str, findings: Findings) -> None:
        self._tool = tool
        self._findings = findings
        driver = run.tool.driver if run.tool is not None and run.tool.driver is not None else Driver()
        extensions = (run.tool.extensions if run.tool is not None else None) or []
        self._components = [driver, *extensions]
        self._by_id = {
            rule.id: rule for part in reversed(self._components) for rule in part.rules or [] if rule.id
        }
        self._judged: dict[_Key, Judged] = {}

    def judge(self, result: Result) -> Judged:
        """Name and severity of a result."""
        if result.rule is not None:
            return self._judge(result)
        own = result.properties
        said = (own.security_severity, bytes(own.tags)) if own is not None else (None, b"")
        key = (result.ruleId, result.ruleIndex, result.level, result.kind, *said)
        known = self._judged.get(key)
        if known is None:
            known = self._judged[key] = self._judge(result)
        return known

    def _judge(self, result: Result) -> Judged:
        wanted = result.ruleId or (result.rule.id if result.rule is not None else None)
        rule = self._rule(result, wanted)
        # typos names no rule: all that it finds is one.
        name = one_line(wanted or rule.id or rule.name or "", RULE_CHARS) or self._tool
        severity = self._findings.severity(_severity(result, rule), name, rule.name or "")
        return Judged(name, severity, url(rule.helpUri or ""), rule, self._domain(name, result, rule))

    def _domain(self, name: str, result: Result, rule: Rule) -> Domain:
        """What its tags say, then its score, then the table; of the rest SonarQube takes all SARIF for
        security's (its `ResultMapper`), and so do we: in doubt the graver.
        """
        bags = [bag for bag in (result.properties, rule.properties) if bag is not None]
        if domain := domain_by_tags([tag for bag in bags for tag in texts(bag.tags)]):
            return domain
        if any(from_score(bag.security_severity) is not None for bag in bags):
            return "security"
        return domain_of(self._tool, name) or domain_of(self._tool, rule.name or "") or "security"

    def _rule(self, result: Result, wanted: str | None) -> Rule:
        reference = result.rule
        index = result.ruleIndex if result.ruleIndex is not None else -1
        component = self._components[0]
        if reference is not None:
            index = reference.index if reference.index is not None and index < 0 else index
            part = reference.toolComponent
            if part is not None and part.index is not None and 0 <= part.index < len(self._components) - 1:
                component = self._components[part.index + 1]
        rules = component.rules or []
        if 0 <= index < len(rules) and wanted in {None, rules[index].id}:
            return rules[index]
        name = wanted or ""
        # `CA1000/1` is a sub-rule of CA1000 (3.52.4).
        return self._by_id.get(name) or self._by_id.get(name.rpartition("/")[0]) or Rule(id=name)


def _severity(result: Result, rule: Rule) -> Severity:
    for bag in (result.properties, rule.properties):
        if bag is not None and (scored := from_score(bag.security_severity)) is not None:
            return scored
    level = result.level
    if level is None and result.kind not in {None, "fail"}:
        level = "none"
    if level is None and rule.defaultConfiguration is not None:
        level = rule.defaultConfiguration.level
    return LEVELS.get(level or "warning", Severity.MEDIUM)
