"""Checks the expressions of a gate file, with complaints at the very character."""

from collections.abc import Collection

from app.language import Problem, Vocabulary, check_expression, used
from app.model import Kind
from app.plan.complaints import Complaints
from app.plan.places import within
from app.plan.shapes import Pending

_UNFED = "G109"
"""The language's code for what no check's reports feed."""
_COMMA = "a comma inside [ ] or { } begins the next item: quote the whole expression"


class Checker:
    """Checks all expressions of one file."""

    def __init__(
        self,
        complaints: Complaints,
        vocabulary: Vocabulary,
        check_ids: Collection[str],
        declared: Collection[Kind] | None,
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
        span = within(pending.node, problem.offset, problem.length, self.complaints)
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
            hint="portcullis explain gate" if meant else hint,
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
