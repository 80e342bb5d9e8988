"""Where a character of a scalar is written, in every style of YAML quoting."""

from app.plan.complaints import Complaints, Span
from app.plan.yaml import ScalarNode

_ESCAPED = {"x": 4, "u": 6, "U": 10}


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


def within(node: ScalarNode, offset: int, length: int, complaints: Complaints) -> Span:
    """Where a part of a scalar's text stands in the file."""
    places = positions(node, complaints.text)
    begin = places[min(offset, len(places) - 1)]
    end = places[min(offset + length, len(places) - 1)]
    return complaints.at(begin, max(1, end - begin))
