"""One report file made evidence: which format it is, whether it is what was declared, its limits."""

import msgspec

from app.model import AuthorFault, EvidenceKind, Kind, ReportContent, ReportSpec
from app.reports.protocol import HEAD_BYTES, Format, ReadContext
from app.reports.registry import FORMATS
from app.reports.text import quoted

# Any report of findings may be declared to hold secrets.
_CARRIED_BY = {Kind.SECRETS: (Kind.FINDINGS, Kind.SECRETS)}


def recognise(content: bytes) -> Format | None:
    """The first format whose mark the content bears."""
    head = content[:HEAD_BYTES]
    return next((entry for entry in FORMATS if entry.recognises(head)), None)


def _choose(content: bytes, spec: ReportSpec) -> Format:
    names = ", ".join(entry.name for entry in FORMATS)
    declared = next((entry for entry in FORMATS if entry.name == spec.format), None)
    if spec.format and declared is None:
        raise AuthorFault(f"unknown format {quoted(spec.format)}", hint=f"the formats are {names}")
    found = recognise(content)
    if declared is not None:
        if found is not None and found is not declared:
            raise AuthorFault(
                f"it is declared as {declared.name} but holds {found.title}",
                hint=f"declare 'format: {found.name}', or write {declared.title} to it",
            )
        return declared
    if found is None:
        reason = "it holds no report that we know" if content.strip() else "it is empty"
        raise AuthorFault(
            reason, hint=f"the formats are {names}; name one with 'format:' to see its own complaint"
        )
    return found


def ingest(content: bytes, spec: ReportSpec, *, context: ReadContext) -> ReportContent:
    """The evidence in one report file, whatever its bytes.

    The format is the declared one or recognised by content; content of another format or kind than
    declared, over a limit, malformed or contradicting itself raises AuthorFault, and nothing else is
    ever raised.
    """
    if len(content) > context.limits.content:
        megabytes = context.limits.content // 1_000_000
        raise AuthorFault(f"it is larger than {megabytes} MB", hint="split it, or report less")
    entry = _choose(content, spec)
    if spec.kind is not None and entry.kind not in _CARRIED_BY.get(spec.kind, (spec.kind,)):
        raise AuthorFault(
            f"it holds {entry.kind.value} ({entry.title}), not {spec.kind.value}",
            hint="declare its format, or write another file to this path",
        )
    if spec.kind is Kind.SECRETS:
        context = msgspec.structs.replace(context, secret=True)
    try:
        read = entry.read(content, context)
    except RecursionError:
        raise AuthorFault("it is nested too deeply") from None
    except MemoryError:
        raise AuthorFault("it needs more memory than a report may", hint="split it, or report less") from None
    kind, also = _kinds(read, spec, entry)
    return msgspec.structs.replace(read, path=context.path or spec.path, flag=spec.flag, kind=kind, also=also)


def _kinds(
    read: ReportContent, spec: ReportSpec, entry: Format
) -> tuple[EvidenceKind, tuple[EvidenceKind, ...]]:
    """What a report delivers: that of a scanner of secrets, or of findings with secrets among them."""
    if Kind.SECRETS in {spec.kind, entry.kind}:
        return "secrets", ()
    if Kind.SECRETS in entry.also or any(finding.secret for finding in read.findings):
        return read.kind, ("secrets",)
    return read.kind, ()
