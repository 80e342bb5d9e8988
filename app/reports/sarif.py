"""SARIF 2.1.0 (OASIS), read tolerantly: tools leave out what the schema wants and write null.

Only the properties in `sarif_types` are decoded. Results are decoded one at a time from the raw bytes,
so that a report of 80 MB never stands in memory as objects.
"""

import msgspec

from app.model import AuthorFault, Kind, ReportContent
from app.reports.findings import NOWHERE, Findings, Located, Region, region
from app.reports.fingerprint import GIVEN
from app.reports.jsontext import UNDECODABLE, decode, fault
from app.reports.paths import from_uri
from app.reports.protocol import Format, ReadContext, too_many
from app.reports.sarif_rules import Rules, text_of
from app.reports.sarif_types import Fix, Invocation, Log, Physical, Result, Rule, Run
from app.reports.shape import has
from app.reports.text import RULE_CHARS, quoted
from app.reports.text import line as one_line

_LOG = msgspec.json.Decoder(Log)
_RESULT = msgspec.json.Decoder(Result)
_FIXES = msgspec.json.Decoder(list[Fix] | None)
_NO_PLACE = Located()
_MAX_RUNS = 1_000
_MAX_BASES = 8
# Result kinds that say "nothing wrong here".
_FINE = {"pass", "notApplicable"}
_SECRET_TOOLS = {"gitleaks", "trufflehog", "detect-secrets", "kingfisher", "noseyparker"}
_SECRET_RULES = {"checkov": "CKV_SECRET_"}
"""How rules about secrets begin, of tools that look for other things too."""
_LINE_HASH = "primaryLocationLineHash"
_HINT = "the tool must write SARIF 2.1.0 as UTF-8 JSON"


class _Run:
    """One run of one tool: its results made findings."""

    def __init__(self, run: Run, index: int, findings: Findings) -> None:
        self._run = run
        self._where = f"$.runs[{index}]"
        self._findings = findings
        driver = run.tool.driver if run.tool is not None else None
        name = driver.name if driver is not None else None
        self.tool = one_line(name or "", RULE_CHARS) or "unnamed tool"
        version = (driver.semanticVersion or driver.version) if driver is not None else None
        self.version = one_line(version or "", 50)
        name = self.tool.lower()
        # every text begins with '', none of a tool without such rules with a line's end
        self._secrets = "" if name in _SECRET_TOOLS else _SECRET_RULES.get(name, "\n")
        self._rules = Rules(run, self.tool, findings)
        self._places: dict[tuple[str | None, str | None], Located] = {}

    def read(self) -> None:
        """Add the findings of all results. Raises AuthorFault naming the result."""
        for invocation in self._run.invocations or []:
            if invocation.executionSuccessful is False:
                self._failed(invocation)
        read = 0
        try:
            for raw in self._run.results or []:
                self._add(_RESULT.decode(raw))
                read += 1
        except UNDECODABLE as error:
            raise fault(error, f"{self._where}.results[{read}]", _HINT) from None

    def _failed(self, invocation: Invocation) -> None:
        """A run that its own tool says failed: what it did not see may hold anything."""
        told = (invocation.toolExecutionNotifications, invocation.toolConfigurationNotifications)
        notes = [note for notes in told for note in notes or [] if note.level in {None, "warning", "error"}]
        errors = [note for note in notes if note.level == "error"] or notes[:1]
        if not errors:
            why = f"{self.tool} says that its run failed, and not why"
            self._findings.not_scanned(self.tool, _NO_PLACE, why)
        for note in errors:
            physical = note.locations[0].physicalLocation if note.locations else None
            place = self._place(physical) if physical is not None else _NO_PLACE
            self._findings.not_scanned(self.tool, place, text_of(note.message) or "no reason is given")

    def _add(self, result: Result) -> None:
        if result.kind in _FINE:
            self._findings.dropped.add("result that says nothing is wrong")
            return
        if result.baselineState == "absent":
            self._findings.dropped.add("result that the tool says is gone")
            return
        judged = self._rules.judge(result)
        physical = result.locations[0].physicalLocation if result.locations else None
        place = self._place(physical) if physical is not None else _NO_PLACE
        where = NOWHERE
        if physical is not None and (found := physical.region) is not None:
            where = region(found.startLine, found.startColumn, found.endLine, found.endColumn)
        secret = judged.name.startswith(self._secrets)
        self._findings.add(
            tool=self.tool,
            rule=judged.name,
            message="" if secret else _text(result, judged.rule),
            severity=judged.severity,
            domain=judged.domain,
            place=place,
            region=where,
            rule_url=judged.url,
            fingerprint=_fingerprint(result),
            secret=secret,
            suppressed=bool(result.suppressions) and _suppressed(result),
            fix=self._fix(result.fixes, physical, place.path, where)
            if result.fixes and self._findings.has_sources
            else "",
        )

    def _place(self, physical: Physical) -> Located:
        artifact = physical.artifactLocation
        if artifact is None:
            return Located()
        uri, base = artifact.uri, artifact.uriBaseId
        known = self._places.get((uri, base)) if uri else None
        if known is not None:
            return known
        artifacts = self._run.artifacts or []
        if uri is None and artifact.index is not None and 0 <= artifact.index < len(artifacts):
            listed = artifacts[artifact.index].location
            uri, base = (listed.uri, listed.uriBaseId) if listed is not None else (None, None)
        if not uri:
            return Located()
        key = (uri, base)
        if key not in self._places:
            self._places[key] = self._findings.locate(from_uri(uri), said=uri, bases=self._bases(base))
        return self._places[key]

    def _bases(self, name: str | None) -> tuple[str, ...]:
        """The directory a `uriBaseId` stands for; bases may hang on other bases (3.14.14)."""
        known = self._run.originalUriBaseIds or {}
        parts: list[str] = []
        for _ in range(_MAX_BASES):
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

    def _fix(self, raw: msgspec.Raw, physical: Physical | None, path: str, where: Region) -> str:
        """The new text of the finding's lines, where one fix replaces within just these lines."""
        fixes = _FIXES.decode(raw) or []
        changes = (fixes[0].artifactChanges or []) if len(fixes) == 1 else []
        if len(changes) != 1:
            return ""
        own, other = physical.artifactLocation if physical is not None else None, changes[0].artifactLocation
        if own is None or other is None or not own.uri or own.uri != other.uri:
            return ""
        edits = []
        for one in changes[0].replacements or []:
            deleted, inserted = one.deletedRegion, one.insertedContent
            if deleted is None:
                return ""
            columns = deleted.startColumn or 0, deleted.endLine or 0, deleted.endColumn or 0
            text = (inserted.text if inserted is not None else None) or ""
            edits.append(((deleted.startLine or 0, *columns), text))
        return self._findings.replacements(path, where, edits)


def _text(result: Result, rule: Rule) -> str:
    """The message; most are a text and nothing more."""
    message = result.message
    if message is not None and message.text and not message.arguments:
        return message.text
    return text_of(message, rule)


def _suppressed(result: Result) -> bool:
    entries = result.suppressions
    return bool(entries) and all(entry.status in {None, "accepted"} for entry in entries or [])


def _fingerprint(result: Result) -> str:
    """The tool's own: GitHub's line hash by name, else the first by name that is one word.

    semgrep writes the words "requires login" where it has none.
    """
    if not result.partialFingerprints and not result.fingerprints:
        return ""
    partial = result.partialFingerprints or {}
    usual = partial.get(_LINE_HASH)
    if usual is not None and GIVEN.fullmatch(usual):
        return usual
    given = [partial.get(_LINE_HASH + "/v1")]
    given += [bag[key] for bag in (result.fingerprints or {}, partial) for key in sorted(bag)]
    return next((text for text in given if text and GIVEN.fullmatch(text)), "")


def _recognises(head: bytes) -> bool:
    # A log may say much about itself before its runs.
    return has(head, "runs") or (has(head, "$schema") and b"sarif" in head[:8_192].lower())


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The findings of a SARIF log. Raises AuthorFault."""
    log = decode(_LOG, content, "SARIF", _HINT)
    if len(log.runs) > _MAX_RUNS:
        raise too_many("runs", _MAX_RUNS)
    if log.version not in {None, "2.1.0"}:
        raise AuthorFault(f"$.version: is {quoted(log.version or '')}", hint="write SARIF 2.1.0")
    findings = Findings(context)
    runs = [_Run(run, index, findings) for index, run in enumerate(log.runs)]
    for run in runs:
        run.read()
    return ReportContent(
        format="sarif",
        kind="findings",
        tool=", ".join(dict.fromkeys(run.tool for run in runs[:5])),
        tool_version=runs[0].version if runs else "",
        findings=findings.all(),
        dropped=findings.dropped.sentences(),
    )


SARIF = Format(name="sarif", title="SARIF", kind=Kind.FINDINGS, recognises=_recognises, read=read)
