"""Bytes of report files → evidence: pure, for hostile input, one format per file."""

from app.reports.ingest import ingest, recognise
from app.reports.protocol import Format, Limits, ReadContext
from app.reports.registry import FORMATS, formats

__all__ = ["FORMATS", "Format", "Limits", "ReadContext", "formats", "ingest", "recognise"]
