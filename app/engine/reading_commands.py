"""Command lines in a comment (gate-file.md section 9): what stands in quotes, code or HTML is none."""

import re
from bisect import bisect_left, bisect_right
from typing import Final

import msgspec

LINE: Final = re.compile(r"/portcullis(?:[ \t]+(?P<words>.*))?")
FENCE: Final = re.compile(r"(?:[ \t>]|[-*+]|\d{1,9}[.)])*(`{3,}|~{3,})(.*)")
HTML: Final = re.compile(
    r"<!--.*?(?:-->|\Z)|<(pre|code|blockquote|script|style|textarea)\b.*?(?:</\1\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One command line as written."""

    text: str
    verb: str
    words: tuple[str, ...]


def read_commands(body: str) -> tuple[Command, ...]:
    """Command lines at column 1 outside quotes, code and HTML, in order. What is in doubt is no command."""
    text = _without_fences(body.replace("\r\n", "\n").replace("\r", "\n"))
    text = HTML.sub(" ", _without_code_spans(text))  # what follows it does not begin at column 1
    found = []
    quoted = False
    for line in text.split("\n"):
        quoted = line.lstrip().startswith(">") or (quoted and bool(line.strip()))  # lazy lines belong to it
        match = None if quoted else LINE.fullmatch(line)
        if match is None:
            continue
        words = (match.group("words") or "").split()
        verb = words[0].lower() if words else ""
        found.append(Command(text=line.strip(), verb=verb, words=tuple(words[1:])))
    return tuple(found)


def _without_fences(text: str) -> str:
    """The lines outside fenced code (CommonMark 4.5: closed by as many of the same mark, or by the end)."""
    kept, fence = [], ""
    for line in text.split("\n"):
        match = FENCE.match(line)
        if fence:
            closes = match is not None and match.group(1).startswith(fence) and not match.group(2).strip()
            fence = "" if closes else fence
            kept.append("")
        elif match is not None:
            fence = match.group(1)
            kept.append("")
        else:
            kept.append(line)
    return "\n".join(kept)


def _without_code_spans(text: str) -> str:
    """The text with code between backticks blanked (CommonMark 6.1: as many close as opened; a span may
    reach over lines, not over a blank one). Linear in the text.
    """
    marks = list(re.finditer(r"`+", text))
    of_length: dict[int, list[int]] = {}
    for number, mark in enumerate(marks):
        of_length.setdefault(len(mark.group()), []).append(number)
    breaks = [match.start() for match in re.finditer(r"\n(?=[ \t]*\n)", text)]
    kept, at, number = [], 0, 0
    while number < len(marks):
        opening = marks[number]
        same = of_length[len(opening.group())]
        following = bisect_right(same, number)
        closing = marks[same[following]] if following < len(same) else None
        stop = bisect_left(breaks, opening.end())
        if closing is None or (stop < len(breaks) and breaks[stop] < closing.start()):
            number += 1
            continue
        span = text[opening.start() : closing.end()]
        kept += [text[at : opening.start()], "\n " * span.count("\n")]
        at, number = closing.end(), same[following] + 1
    return "".join([*kept, text[at:]])
