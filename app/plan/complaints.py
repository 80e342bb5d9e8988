"""Collects complaints about one gate file: located, bounded, never an exception."""

import difflib
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from typing import Final, NamedTuple

from app.model import Diagnostic, DiagnosticSeverity

MAX_DIAGNOSTICS: Final = 50
_SNIPPET: Final = 200
_LONGEST_WORD: Final = 40
_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
"""The breaks that libyaml counts: lines here must be its lines."""


class Span(NamedTuple):
    """Where something is written: 1-based line and column, length, 0-based index; all in characters."""

    line: int
    column: int
    length: int
    begin: int


def shown(text: str, limit: int = 60) -> str:
    """Text of the file made safe to print: no control or direction characters, not too long."""
    safe = "".join("\ufffd" if unicodedata.category(char)[0] == "C" else char for char in text[: limit + 1])
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"


def closest(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, '' if none is near."""
    if len(word) > _LONGEST_WORD:
        return ""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return near[0] if near else ""


class Complaints:
    """All that is wrong with one file. At most 50 errors and 50 warnings are kept, in file order."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.text = ""
        self.starts: list[int] = [0]
        self.errors: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []

    def source(self, text: str) -> None:
        """Give the text that spans refer to."""
        self.text = text
        self.starts = [0, *(match.end() for match in _LINE_BREAK.finditer(text))]

    def at(self, index: int, length: int = 1) -> Span:
        """The span of a character index."""
        line = bisect_right(self.starts, index)
        return Span(line, index - self.starts[line - 1] + 1, length, index)

    def line(self, number: int) -> str:
        """One line of the text without its break; '' past the end."""
        if not 1 <= number <= len(self.starts):
            return ""
        begin = self.starts[number - 1]
        end = self.starts[number] if number < len(self.starts) else len(self.text)
        return self.text[begin:end].rstrip("\r\n\x85\u2028\u2029")

    def add(
        self,
        code: str,
        message: str,
        span: Span,
        *,
        where: str = "",
        label: str = "",
        hint: str = "",
        known: Iterable[str] = (),
        word: str = "",
        warning: bool = False,
    ) -> None:
        """Complain. `known` and `word` make the label "did you mean …?" where one is near."""
        kept = self.warnings if warning else self.errors
        if len(kept) >= MAX_DIAGNOSTICS:
            return
        if not label and word and (meant := closest(word, known)):
            label = f"did you mean '{meant}'?"
        line = self.line(span.line)
        diagnostic = Diagnostic(
            code=code,
            severity=DiagnosticSeverity.WARNING if warning else DiagnosticSeverity.ERROR,
            message=shown(message, 400),
            path=self.path,
            line=span.line,
            column=span.column,
            length=max(1, min(span.length, len(line) - span.column + 1)),
            where=shown(where, 200),
            snippet=shown(line.replace("\t", " "), _SNIPPET),
            label=shown(label, 200),
            hint=shown(hint, 300),
        )
        if diagnostic not in kept:
            kept.append(diagnostic)

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Errors and then, if room is left, warnings; in the order of the file."""
        kept = (self.errors + self.warnings)[:MAX_DIAGNOSTICS]
        return tuple(sorted(kept, key=lambda one: (one.line, one.column, one.code)))
