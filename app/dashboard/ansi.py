"""Terminal output as HTML: colours and weights become classes, everything else a terminal obeys is
dropped. The input is hostile.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from operator import itemgetter

from markupsafe import Markup, escape

from app.publish import clean

_CODE = re.compile(
    r"\x1b\[([0-9;:]*)m"
    r"|\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[ -/]*[0-~])?"
)
_WEIGHTS = {1: "b", 2: "dim", 3: "i", 4: "u"}
_ENDS = {22: ("b", "dim"), 23: ("i",), 24: ("u",)}
_NAMES = frozenset(_WEIGHTS.values())
_EXTENDED = (38, 48)
_MOST_STYLED = 20_000
_MOST_PARAMETERS = 128
_NORMAL = range(30, 38)
_BRIGHT = range(90, 98)


def ansi_html(text: str) -> Markup:
    """Text of a log as HTML: escaped, with `<span class="b c1">` for bold red and so on.

    A carriage return starts its line anew, as progress bars mean it. Never an attribute from the text.
    """
    drawn = []
    for classes, piece in _pieces(_last_drawn(text)):
        shown = str(escape(clean.block(piece)))
        drawn.append(f'<span class="{classes}">{shown}</span>' if classes and shown else shown)
    return Markup("".join(drawn))  # noqa: S704 - the text is escaped, the classes are ours


def _last_drawn(text: str) -> str:
    if "\r" not in text:
        return text
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """(classes, text) in order, neighbours of equal style as one."""
    for classes, pieces in groupby(_parts(text), key=itemgetter(0)):
        yield classes, "".join(piece for _, piece in pieces)


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """(classes, text between two codes). Of too many styles the rest is plain."""
    classes, at, styled = "", 0, 0
    for found in _CODE.finditer(text):
        if found.start() > at:
            yield classes, text[at : found.start()]
        at = found.end()
        if found[1] is not None and styled < _MOST_STYLED:
            styled += 1
            classes = _after(classes, found[1][:_MOST_PARAMETERS]) if styled < _MOST_STYLED else ""
    if at < len(text):
        yield classes, text[at:]


@lru_cache(maxsize=4096)
def _after(classes: str, parameters: str) -> str:
    """The classes of what follows `ESC [ parameters m`, from those before it."""
    style = {name if name in _NAMES else "colour": name for name in classes.split()}
    _apply(style, parameters)
    return " ".join(style.values())


def _apply(style: dict[str, str], parameters: str) -> None:
    """Change the style by the numbers of one `ESC [ … m`."""
    numbers = [int(part[:4]) if part else 0 for part in re.split("[;:]", parameters)][:32]
    while numbers:
        number = numbers.pop(0)
        if number == 0:
            style.clear()
        elif number in _WEIGHTS:
            style[_WEIGHTS[number]] = _WEIGHTS[number]
        elif number in _ENDS:
            for name in _ENDS[number]:
                style.pop(name, None)
        elif number in _NORMAL or number in _BRIGHT:
            bright = number in _BRIGHT
            style["colour"] = f"c{number % 10 + (8 if bright else 0)}"
        elif number == _EXTENDED[0] + 1:
            style.pop("colour", None)
        elif number in _EXTENDED:
            _extended(style, number, numbers)


def _extended(style: dict[str, str], number: int, numbers: list[int]) -> None:
    """`38;5;n` and `38;2;r;g;b`: the first sixteen are shown, other colours only skipped."""
    mode = numbers.pop(0) if numbers else 0
    if mode == 5 and numbers:  # noqa: PLR2004 - ECMA-48: indexed colour
        index = numbers.pop(0)
        if number == _EXTENDED[0]:
            style.pop("colour", None)
            if index < 16:  # noqa: PLR2004 - the sixteen that have a class
                style["colour"] = f"c{index}"
    elif mode == 2:  # noqa: PLR2004 - ECMA-48: direct colour
        del numbers[:3]
        if number == _EXTENDED[0]:
            style.pop("colour", None)
