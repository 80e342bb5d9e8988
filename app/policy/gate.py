"""The gate's items as outcomes: expressions, groups, conditionals, and the built-in gate."""

from collections.abc import Collection, Iterator
from typing import assert_never

import msgspec

from app.language import Context, combine, evaluate, group, used
from app.model import (
    CheckSpec,
    Condition,
    Conditional,
    Expression,
    GateItem,
    Group,
    Kind,
    Outcome,
    OutcomeValue,
    Plan,
    Source,
    UnknownCause,
)
from app.policy.registry import PolicyFacts
from app.policy.sonar import sonar_gate

CHECKS_PASSED = "checks.passed"

_BUILT_IN: tuple[tuple[Kind | None, str], ...] = (
    (None, CHECKS_PASSED),
    (Kind.TESTS, "tests.new_failed == 0"),
    (Kind.FINDINGS, "findings('high', 'new') == 0"),
    (Kind.SECRETS, "secrets.new == 0"),
    (Kind.COVERAGE, "coverage.new >= 80%"),
    (None, "reviews.changes_requested == 0"),
)


def kinds_of(checks: tuple[CheckSpec, ...], delivered: Collection[str]) -> frozenset[str]:
    """The kinds of evidence that required checks declare, or delivered all the same."""
    declared = {kind.value for check in checks if check.required for kind in check.produces}
    return frozenset(declared | {*delivered})


def builtin_gate(checks: tuple[CheckSpec, ...], delivered: Collection[str] = ()) -> tuple[GateItem, ...]:
    """The gate of a file that writes none: conditions whose kind of evidence a required check declares, or
    delivered all the same.
    """
    declared = kinds_of(checks, delivered)
    source = Source(layer="built-in")
    return tuple(
        Condition(expression=Expression(text=text, source=source))
        for kind, text in _BUILT_IN
        if kind is None or kind.value in declared
    )


def _unwritten(plan: Plan, delivered: Collection[str]) -> tuple[GateItem, ...]:
    """What judges where no gate is written: by `settings.gate` ours or SonarQube's."""
    if plan.settings.gate == "sonar_way":
        return sonar_gate(kinds_of(plan.checks, delivered))
    return builtin_gate(plan.checks, delivered)


def gate_of(plan: Plan, delivered: Collection[str] = ()) -> tuple[GateItem, ...]:
    """The items that judge: the written gate or the built-in one, `checks.passed` always among them.
    `delivered` are the kinds of evidence that required checks have delivered so far.
    """
    items = plan.gate if plan.gate_declared else _unwritten(plan, delivered)
    if any(_is_checks_passed(item) for item in items):
        return items
    always = Expression(text=CHECKS_PASSED, source=Source(layer="built-in"))
    return (Condition(expression=always), *items)


def _is_checks_passed(item: GateItem) -> bool:
    """Whether the item is the plain, binding condition; advisory or in a group it does not count."""
    return isinstance(item, Condition) and not item.advisory and item.expression.text.strip() == CHECKS_PASSED


def expressions_in(item: GateItem) -> Iterator[Expression]:
    """All expressions of an item, in order of writing."""
    match item:
        case Condition():
            yield item.expression
        case Group():
            for member in item.items:
                yield from expressions_in(member)
        case Conditional():
            yield item.when
            for member in item.require:
                yield from expressions_in(member)
        case _:
            assert_never(item)


def expressions_of(plan: Plan) -> tuple[Expression, ...]:
    """Every expression that a judgement of this plan may evaluate: of the gate, `when` and `after`."""
    found = [expression for item in gate_of(plan) for expression in expressions_in(item)]
    found.extend(one for check in plan.checks for one in (check.when, check.after) if one is not None)
    return tuple(found)


def text_of(item: GateItem) -> str:
    """An item in one line, the same for the same condition wherever it is written."""
    match item:
        case Condition():
            return item.expression.text
        case Group():
            return f"{item.mode}: [{'; '.join(text_of(member) for member in item.items)}]"
        case Conditional():
            require = "; ".join(text_of(member) for member in item.require)
            return f"when {item.when.text}: [{require}]"
        case _:
            assert_never(item)


def judge_item(item: GateItem, facts: PolicyFacts) -> Outcome:
    """One item as an outcome with all beneath it."""
    match item:
        case Condition():
            outcome = evaluate(item.expression.text, facts, source=item.expression.source)
            return msgspec.structs.replace(outcome, because=item.because, advisory=item.advisory)
        case Group():
            return group(
                item.mode,
                tuple(judge_item(member, facts) for member in item.items),
                text=text_of(item),
                source=item.source,
                because=item.because,
                advisory=item.advisory,
            )
        case Conditional():
            return _judge_conditional(item, facts)
        case _:
            assert_never(item)


def _judge_conditional(item: Conditional, facts: PolicyFacts) -> Outcome:
    """`not when or require`; exempt where `when` is false or not applicable."""
    context: Context = "when"
    when = evaluate(item.when.text, facts, source=item.when.source, context=context)
    require = tuple(judge_item(member, facts) for member in item.require)
    needed = group("all", require, text="", source=item.source)
    value, cause, says = needed.value, needed.cause, needed.says
    if when.value in {OutcomeValue.UNMET, OutcomeValue.EXEMPT}:
        value, cause, says = OutcomeValue.EXEMPT, UnknownCause.NONE, f"does not apply: {when.says}"
    elif when.value is OutcomeValue.UNKNOWN:
        # `not when` is as unknown as `when`: what is required may hold all the same
        value, cause = combine("any", [(when.value, when.cause), (needed.value, needed.cause)])
        if value is OutcomeValue.UNKNOWN:
            says = f"{when.says}; then {needed.says}"
    return Outcome(
        value=value,
        text=text_of(item),
        says=says,
        because=item.because,
        cause=cause,
        source=item.source,
        advisory=item.advisory,
        checks=tuple(dict.fromkeys((*when.checks, *needed.checks))),
        kind="when",
        children=(when, *require),
    )


def names_people_or_pull_request(item: GateItem) -> bool:
    """Whether a merge group copies the item whole from its change (gate-file.md section 7): it names
    pr.* other than pr.base, labels, approvals, reviews, authors or waivers anywhere.
    """
    words = [used(expression.text) for expression in expressions_in(item)]
    names = {name for one in words for name in one.names}
    functions = {name for one in words for name in one.functions}
    copied = any(
        (name.startswith("pr.") and name != "pr.base")
        or name.startswith(("reviews.", "waivers."))
        or name == "approvals"
        for name in names
    )
    return copied or bool(functions & {"has_label", "approved_by", "author_in"})
