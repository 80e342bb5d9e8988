"""What libyaml stumbled over, told so that an author finds it."""

import re
from typing import Protocol

import yaml

from app.plan.complaints import Complaints, Span


class Mark(Protocol):
    """A place as libyaml counts it: from 0, in characters."""

    line: int
    column: int
    index: int


_CLOSING = {"[": "]", "{": "}"}
_FLOW_PART = re.compile(
    r"""(?<!\w)'(?:[^']|'')*+'?|(?<!\w)"(?:[^"\\]|\\.|\\\Z)*+"?|(?<=\s)\#[^\n]*|[\[\]{}]""", re.DOTALL
)
"""What counts in search of a closing bracket: quotes and comments are passed over."""


def span_of(start: Mark, end: Mark) -> Span:
    """Where something stands, from the parser's marks."""
    return Span(start.line + 1, start.column + 1, max(1, end.index - start.index), start.index)


def complain_of_syntax(error: yaml.MarkedYAMLError, text: str, complaints: Complaints) -> None:
    """What libyaml stumbled over; what was never closed is told where it was opened."""
    problem, context = error.problem or "cannot be read", error.context or ""
    opened, mark = error.context_mark, error.problem_mark or error.context_mark
    if "flow" in context and mark is not None and not text[mark.index :].strip():
        place = _last_open(text)
    else:
        place = opened.index if opened is not None and _unclosed(problem, context, opened, text) else None
    if place is not None:
        sign = text[place]
        hint = f"close it: {_CLOSING.get(sign, sign)}"
        complaints.add("G002", f"this {sign} is never closed", complaints.at(place), hint=hint)
        return
    span = Span(1, 1, 1, 0) if mark is None else span_of(mark, mark)
    message = f"{problem} ({context})" if context else problem
    complaints.add("G002", message, span, hint=_syntax_hint(problem, context))


def _unclosed(problem: str, context: str, opened: Mark, text: str) -> bool:
    """Whether nothing closes the quote or bracket at `opened`."""
    if "quoted scalar" in context:
        return "end of stream" in problem
    if text[opened.index : opened.index + 1] not in _CLOSING or "flow" not in context:
        return False
    depth = 0
    for part in _FLOW_PART.finditer(text, opened.index):
        depth += (part[0] in _CLOSING) - (part[0] in "]}")
        if not depth:
            return False
    return True


def _last_open(text: str) -> int | None:
    """Where the innermost bracket stands that is open at the end of the text."""
    open_: list[int] = []
    for part in _FLOW_PART.finditer(text):
        if part[0] in _CLOSING:
            open_.append(part.start())
        elif part[0] in "]}" and open_:
            open_.pop()
    return open_[-1] if open_ else None


def _syntax_hint(problem: str, context: str) -> str:
    """What usually lies behind libyaml's words."""
    if "tab" in problem:
        return "indent with spaces"
    if "flow mapping" in context or "flow sequence" in context:
        return "quote a value that holds commas, quotes or braces: \"findings('high', 'new') == 0\""
    if "cannot start any token" in problem:
        return "put quotes around the value"
    if "mapping values are not allowed" in problem:
        return "quote a value that holds ': ', and check the indentation"
    if "expected '-' indicator" in problem or "expected <block end>" in problem or "expected key" in problem:
        return "check the indentation; quote a whole expression that begins with a quote"
    return ""
