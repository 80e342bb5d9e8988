"""SARIF 2.1.0 (OASIS), read tolerantly: tools leave out what the schema wants and write null.

Only the properties named here are decoded. Results are decoded one at a time from the raw bytes, so
that a report of 50 MB never stands in memory as objects.
"""

import re

import msgspec

from app.model import AuthorFault, Finding, Kind, ReportContent, Severity
from app.reports.findings import Findings, column_number, line_number
from app.reports.paths import from_uri
from app.reports.protocol import Format, ReadContext, too_many
from app.reports.sarif_types import Driver, Location, Log, Message, Notification, Result, Rule, Run
from app.reports.severity import LEVELS, from_score
from app.reports.text import RULE_CHARS, clean, quoted, url
from app.reports.text import line as one_line

_LOG = msgspec.json.Decoder(Log)
_RESULT = msgspec.json.Decoder(Result)
_MAX_RUNS = 1_000
_MAX_FIX = 10_000
# Result kinds that say "nothing wrong here".
_FINE = {"pass", "notApplicable"}
_SECRET_TOOLS = {"gitleaks", "trufflehog", "detect-secrets", "kingfisher", "noseyparker"}
_PLACEHOLDER = re.compile(r"\{(\d{1,2})\}", re.ASCII)
_FINGERPRINT = re.compile(r"[!-~]{4,256}")
_LINE_HASH = "primaryLocationLineHash"


def _fault(error: Exception, where: str) -> AuthorFault:
    if isinstance(error, RecursionError):
        return AuthorFault(f"{where}: nested too deeply")
    if isinstance(error, UnicodeError):
        return AuthorFault(f"{where}: text that is not UTF-8", hint="the tool must write UTF-8")
    return AuthorFault(
        f"{where}: {one_line(str(error), 300)}", hint="the tool must write SARIF 2.1.0 as UTF-8 JSON"
    )


class _Run:
    """One run of one tool: its rules and bases, and its results made findings."""

    def __init__(self, run: Run, index: int, findings: Findings) -> None:
        self._run = run
        self._where = f"$.runs[{index}]"
        self._findings = findings
        self.driver = run.tool.driver if run.tool is not None and run.tool.driver is not None else Driver()
        self.tool = one_line(self.driver.name or "", RULE_CHARS) or "unnamed tool"
        self._secret = self.tool.lower() in _SECRET_TOOLS
        extensions = (run.tool.extensions if run.tool is not None else None) or []
        self._components = [self.driver, *extensions]
        self._rules = {
            rule.id: rule for part in reversed(self._components) for rule in part.rules or [] if rule.id
        }

    def read(self) -> None:
        """Add the findings of all results. Raises AuthorFault naming the result."""
        for invocation in self._run.invocations or []:
            if invocation.executionSuccessful is False:
                self._findings.dropped.add(
                    f"run that {self.tool} itself says failed",
                    self._why(invocation.toolExecutionNotifications),
                )
        for index, raw in enumerate(self._run.results or []):
            try:
                result = _RESULT.decode(raw)
            except (msgspec.DecodeError, RecursionError, ValueError) as error:
                raise _fault(error, f"{self._where}.results[{index}]") from None
            self._add(result)

    def _why(self, notifications: list[Notification] | None) -> str:
        messages = [note.message for note in notifications or [] if note.message is not None]
        return self._text(messages[0], None) if messages else ""

    def _add(self, result: Result) -> None:
        if result.kind in _FINE:
            self._findings.dropped.add("result that says nothing is wrong")
            return
        if result.baselineState == "absent":
            self._findings.dropped.add("result that the tool says is gone")
            return
        rule = self._rule(result)
        name = one_line(result.ruleId or rule.id or rule.name or "", RULE_CHARS)
        # typos names no rule: all that it finds is one.
        name = name or self.tool
        path, message, region_of = self._located(result, rule)
        region = region_of.region if region_of is not None else None
        start = line_number(region.startLine) if region is not None else 0
        finding = Finding(
            tool=self.tool,
            rule=name,
            rule_url=url(rule.helpUri or ""),
            message=message or name,
            severity=self._findings.severity(self._severity(result, rule), name, rule.name or ""),
            path=path,
            line=start,
            column=column_number(region.startColumn) if region is not None else 0,
            end_line=line_number(region.endLine) if region is not None else 0,
            end_column=column_number(region.endColumn) if region is not None else 0,
            fingerprint=self._fingerprint(result),
            secret=self._secret,
            suppressed=self._suppressed(result),
        )
        fix = self._fix(result, finding) if result.fixes else ""
        self._findings.add(
            self._findings.finding(msgspec.structs.replace(finding, fix=fix) if fix else finding)
        )

    def _rule(self, result: Result) -> Rule:
        reference = result.rule
        index = result.ruleIndex if result.ruleIndex is not None else -1
        component = self.driver
        if reference is not None:
            index = reference.index if reference.index is not None and index < 0 else index
            part = reference.toolComponent
            if part is not None and part.index is not None and 0 <= part.index < len(self._components) - 1:
                component = self._components[part.index + 1]
            if result.ruleId is None and reference.id:
                result.ruleId = reference.id
        rules = component.rules or []
        if 0 <= index < len(rules) and (result.ruleId is None or rules[index].id == result.ruleId):
            return rules[index]
        wanted = result.ruleId or ""
        # `CA1000/1` is a sub-rule of CA1000 (3.52.4).
        return self._rules.get(wanted) or self._rules.get(wanted.rpartition("/")[0]) or Rule(id=wanted)

    def _severity(self, result: Result, rule: Rule) -> Severity:
        for bag in (result.properties, rule.properties):
            if bag is not None and (scored := from_score(bag.security_severity)) is not None:
                return scored
        level = result.level
        if level is None and result.kind not in {None, "fail"}:
            level = "none"
        if level is None and rule.defaultConfiguration is not None:
            level = rule.defaultConfiguration.level
        return LEVELS.get(level or "warning", Severity.MEDIUM)

    def _text(self, message: Message | None, rule: Rule | None) -> str:
        if message is None:
            return ""
        text = message.text or message.markdown
        if not text and message.id and rule is not None and rule.messageStrings:
            found = rule.messageStrings.get(message.id)
            text = (found.text or found.markdown) if found is not None else None
        arguments = message.arguments or []
        return clean(
            _PLACEHOLDER.sub(
                lambda match: arguments[int(match[1])] if int(match[1]) < len(arguments) else match[0],
                text or "",
            )
            if arguments
            else text or ""
        )

    def _located(self, result: Result, rule: Rule) -> tuple[str, str, "Location | None"]:
        """Repository path, message, and the location the region is in."""
        message = self._text(result.message, rule)
        for where in (result.locations or [])[:1]:
            location = where.physicalLocation
            if location is None or location.artifactLocation is None:
                continue
            artifact = location.artifactLocation
            uri, base = artifact.uri, artifact.uriBaseId
            artifacts = self._run.artifacts or []
            if uri is None and artifact.index is not None and 0 <= artifact.index < len(artifacts):
                listed = artifacts[artifact.index].location
                uri, base = (listed.uri, listed.uriBaseId) if listed is not None else (None, None)
            if not uri:
                continue
            path, message = self._findings.locate(from_uri(uri), message, raw=uri, bases=self._bases(base))
            return path, message, location
        return "", message, None

    def _bases(self, name: str | None) -> tuple[str, ...]:
        """The directory a `uriBaseId` stands for; bases may hang on other bases (3.14.14)."""
        known = self._run.originalUriBaseIds or {}
        parts: list[str] = []
        for _ in range(8):
            base = known.get(name or "")
            if base is None:
                break
            path = from_uri(base.uri or "") or ""
            parts.insert(0, path)
            if path.startswith("/"):
                break
            name = base.uriBaseId
        joined = "/".join(part.rstrip("/") for part in parts if part)
        return (joined,) if joined else ()

    def _suppressed(self, result: Result) -> bool:
        return bool(result.suppressions) and all(
            entry.status in {None, "accepted"} for entry in result.suppressions or []
        )

    def _fingerprint(self, result: Result) -> str:
        """The tool's own: GitHub's line hash by name, else the first by name that is one word.

        semgrep writes the words "requires login" where it has none.
        """
        partial = result.partialFingerprints or {}
        given = [partial.get(_LINE_HASH), partial.get(_LINE_HASH + "/v1")]
        given += [bag[key] for bag in (result.fingerprints or {}, partial) for key in sorted(bag)]
        return next((text for text in given if text and _FINGERPRINT.fullmatch(text)), "")

    def _fix(self, result: Result, finding: Finding) -> str:
        """The new text of the finding's lines, where one fix replaces within just these lines."""
        fixes = result.fixes or []
        changes = (fixes[0].artifactChanges or []) if len(fixes) == 1 else []
        replacements = (changes[0].replacements or []) if len(changes) == 1 else []
        if len(replacements) != 1 or not finding.path or not finding.line:
            return ""
        where = changes[0].artifactLocation
        region, inserted = replacements[0].deletedRegion, replacements[0].insertedContent
        if where is None or region is None or not where.uri or where.uri != self._uri(result):
            return ""
        first, last = region.startLine or 0, region.endLine or region.startLine or 0
        if (first, last) != (finding.line, finding.end_line or finding.line):
            return ""
        text = (inserted.text if inserted is not None else None) or ""
        lines = self._findings.source_lines(finding.path, first, last)
        if lines is None or len(text) > _MAX_FIX:
            return ""
        start = (region.startColumn or 1) - 1
        # Without an end column the region runs to the end of its last line (3.30.2).
        stop = region.endColumn - 1 if region.endColumn is not None else len(lines[-1])
        if not (0 <= start <= len(lines[0]) and 0 <= stop <= len(lines[-1])) or (
            first == last and stop < start
        ):
            return ""
        fixed = lines[0][:start] + text + lines[-1][stop:]
        return fixed if clean(fixed, _MAX_FIX) == fixed.strip() else ""

    def _uri(self, result: Result) -> str | None:
        location = (result.locations or [])[0].physicalLocation
        artifact = location.artifactLocation if location is not None else None
        return artifact.uri if artifact is not None else None


def _recognises(head: bytes) -> bool:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return start == b"{" and (b"sarif" in head[:8_192].lower() or b'"runs"' in head)


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The findings of a SARIF log. Raises AuthorFault."""
    try:
        log = _LOG.decode(content.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise _fault(error, "SARIF") from None
    runs = log.runs
    if len(runs) > _MAX_RUNS:
        raise too_many("runs", _MAX_RUNS)
    if log.version not in {None, "2.1.0"}:
        raise AuthorFault(f"$.version: is {quoted(log.version or '')}", hint="write SARIF 2.1.0")
    findings = Findings(context)
    readers = [_Run(run, index, findings) for index, run in enumerate(runs)]
    for reader in readers:
        reader.read()
    first = readers[0].driver if readers else Driver()
    return ReportContent(
        format="sarif",
        kind="findings",
        tool=", ".join(dict.fromkeys(reader.tool for reader in readers[:5])),
        tool_version=one_line(first.semanticVersion or first.version or "", 50),
        findings=findings.all(),
        dropped=findings.dropped.sentences(),
    )


SARIF = Format(name="sarif", title="SARIF", kind=Kind.FINDINGS, recognises=_recognises, read=read)
