"""Expressions within YAML: complaints about them at the very character, in every style of quoting."""

from collections.abc import Collection

from app.language import Problem, Vocabulary, check_expression, used
from app.model import Kind
from app.plan.complaints import Complaints, Span
from app.plan.shapes import Pending
from app.plan.yaml import ScalarNode

_ESCAPED = {"x": 4, "u": 6, "U": 10}
_UNFED = "G109"
"""The language's code for what no check's reports feed."""
_COMMA = "a comma inside [ ] or { } begins the next item: quote the whole expression"


def positions(node: ScalarNode, source: str) -> list[int]:
    """The index in `source` of each character of a scalar's text (and of its end).

    Follows escapes, doubled quotes, folded lines and indentation; where the two cannot be aligned the
    scalar's start is given.
    """
    at = node.span.begin
    if node.style in {"|", ">"}:
        at = source.find("\n", at) + 1
    elif node.style:
        at += 1
    found: list[int] = []
    for char in node.text:
        at = _skip(char, at, source, node.style)
        found.append(min(at, len(source)))
        at += _width(char, at, source, node.style)
    found.append(min(at, len(source)))
    return found


def _width(char: str, at: int, source: str, style: str) -> int:
    """How many characters of the source make this one."""
    if style == '"' and source[at : at + 1] == "\\":
        return _ESCAPED.get(source[at + 1 : at + 2], 2)
    if style == "'" and char == "'":
        return 2
    return 1


def _skip(char: str, at: int, source: str, style: str) -> int:
    """The index at which this character is written: past indentation, folds and escaped line ends."""
    while at < len(source):
        here = source[at]
        if here == char:
            return at
        if style == '"' and here == "\\":
            if source[at + 1 : at + 2] not in {"\n", "\r"}:
                return at
            at += 2
        elif here in "\n\r" and char in " \n":
            return at
        elif here in " \t\n\r":
            at += 1
        else:
            return at
    return at


def span_of(problem: Problem, node: ScalarNode, complaints: Complaints) -> Span:
    """Where a problem stands in the file."""
    places = positions(node, complaints.text)
    begin = places[min(problem.offset, len(places) - 1)]
    end = places[min(problem.offset + problem.length, len(places) - 1)]
    return complaints.at(begin, max(1, end - begin))


class Checker:
    """Checks all expressions of one file."""

    def __init__(
        self,
        complaints: Complaints,
        vocabulary: Vocabulary,
        check_ids: Collection[str],
        declared: Collection[Kind],
    ) -> None:
        self.complaints = complaints
        self.vocabulary = vocabulary
        self.check_ids = check_ids
        self.declared = declared

    def check(self, pending: Pending, *, advisory: bool) -> bool:
        """Whether the expression is sound. What nothing feeds is a warning on advisory items."""
        problems = check_expression(
            pending.node.text,
            self.vocabulary,
            context=pending.context,
            check_ids=self.check_ids,
            declared=self.declared,
        )
        sound = True
        for problem in problems:
            warning = advisory and problem.code == _UNFED
            sound = sound and warning
            self._complain(problem, pending, warning=warning)
        return sound

    def _complain(self, problem: Problem, pending: Pending, *, warning: bool) -> None:
        span = span_of(problem, pending.node, self.complaints)
        hint = problem.hint
        text = pending.node.text
        if pending.in_flow and not pending.node.style and text.count("(") != text.count(")"):
            hint = _COMMA
        meant = hint.startswith("did you mean")
        self.complaints.add(
            problem.code,
            problem.message,
            span,
            where=pending.where,
            label=hint if meant else "",
            hint="portcullis explain conditions" if meant else hint,
            warning=warning,
        )


def kinds_of(text: str, vocabulary: Vocabulary) -> frozenset[Kind]:
    """The kinds of evidence that a sound expression reads."""
    found = used(text)
    kinds: set[Kind] = set()
    for name in found.names:
        if name in vocabulary.names:
            kinds |= vocabulary.names[name].kinds
    for function in found.functions:
        if function in vocabulary.functions:
            kinds |= vocabulary.functions[function].kinds
    return frozenset(kinds)
