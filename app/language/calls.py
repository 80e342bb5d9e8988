"""Which written value belongs to which parameter of a function."""

import msgspec

from app.language.nodes import Call, Node
from app.language.protocol import Function, Parameter, Problem


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """Each written value with its parameter, and what does not fit."""

    pairs: tuple[tuple[Parameter, Node], ...]
    problems: tuple[Problem, ...]


def bind(node: Call, function: Function) -> Bound:
    """Match arguments with parameters: by place, then by name."""
    problems: list[Problem] = []
    pairs: list[tuple[Parameter, Node]] = []
    by_place = [one for one in function.parameters if not one.keyword_only]
    by_name = {one.name: one for one in function.parameters if not one.variadic}
    for index, value in enumerate(node.args):
        if index < len(by_place):
            pairs.append((by_place[index], value))
        elif by_place and by_place[-1].variadic:
            pairs.append((by_place[-1], value))
        else:
            problems.append(_problem(f"takes at most {len(by_place)} values", node, value, function))
            break
    given = {parameter.name for parameter, _ in pairs}
    for keyword, value in node.kwargs:
        if keyword not in by_name:
            problems.append(_problem(f"has no '{keyword[:40]}'", node, value, function))
        elif keyword in given:
            problems.append(_problem(f"got '{keyword}' twice", node, value, function))
        else:
            pairs.append((by_name[keyword], value))
            given.add(keyword)
    problems.extend(
        _problem(f"needs '{parameter.name}'", node, node, function)
        for parameter in function.parameters
        if parameter.required and parameter.name not in given
    )
    return Bound(pairs=tuple(pairs), problems=tuple(problems))


def signature(name: str, function: Function) -> str:
    """How a function is written: `findings(min_severity, age, tool=…)`."""
    parts = [
        f"{one.name}=…" if one.keyword_only else f"{one.name}…" if one.variadic else one.name
        for one in function.parameters
    ]
    return f"{name}({', '.join(parts)})"


def _problem(what: str, call: Call, place: Node, function: Function) -> Problem:
    length = call.name_length if place is call else place.length
    return Problem(
        code="G106",
        message=f"{call.name} {what}",
        offset=place.offset,
        length=length,
        hint=f"write {signature(call.name, function)}",
    )
