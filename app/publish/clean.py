"""Hostile text made harmless: for plain places, for Markdown, and cut to the forge's limits.

Reports, test names, titles and file names are written by anybody. What they hold must never ring a
person (`@name`), refer to an issue (`#12`, `!12`), become a link, HTML or a heading, or reorder what is read.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import accumulate

ELLIPSIS = "…"
_GAP = "&#8203;"
"""A zero-width space. Forges look for mentions and references after Markdown is read, where a
backslash or an entity for the sign itself is already gone; a gap between sign and name remains."""

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\)|[@-Z\\^_=>c78])")
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_MARKUP = {
    "\\": "\\\\",
    "`": "\\`",
    "*": "\\*",
    "_": "\\_",
    "[": "\\[",
    "]": "\\]",
    "~": "\\~",
    "$": "\\$",
    "<": "&lt;",
    ">": "&gt;",
    "&": "&amp;",
    "|": "&#124;",
    "@": "@" + _GAP,
    "#": "\\#" + _GAP,
}
_TRANSLATE = str.maketrans(_MARKUP)
_LINKS = re.compile(r"(?i)(:)(?=//)|([!&])(?=\d)|(?<![^\W_])(?:(www)(?=\.)|(gh)(?=-\d))")
_LEADING = re.compile(r"^([-+=])|^(\d{1,9})(?=[.)])")


@lru_cache(maxsize=4096)
def _drawn(char: str) -> str:
    """One character as it may be shown: '' for invisible ones, U+FFFD for those that reorder text."""
    if char in _BIDI:
        return "\ufffd"
    category = unicodedata.category(char)
    if category in {"Cc", "Zl", "Zp"}:
        return " "
    if category == "Cs":
        return "\ufffd"
    return "" if category == "Cf" else char


def block(text: str) -> str:
    """Text of several lines without terminal colours, control and invisible characters.

    Newlines stay, tabs become four spaces, what reorders text becomes U+FFFD.
    """
    plain = _ANSI.sub("", text).replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    if plain.replace("\n", "").isprintable():  # leaves out all that _drawn would change
        return plain
    return "".join(char if char == "\n" else _drawn(char) for char in plain)


def line(text: str, limit: int | None = None) -> str:
    """Text as one line: cleaned as `block` does, white space collapsed, at most `limit` characters."""
    if limit is not None and len(text) > limit * 8:
        text = text[: limit * 8]
    return cut(" ".join(block(text).split()), limit)


def cut(text: str, limit: int | None) -> str:
    """At most `limit` characters, an ellipsis as the last where something was cut."""
    if limit is None or len(text) <= limit:
        return text
    return text[: limit - 1].rstrip() + ELLIPSIS


def escape(text: str, limit: int | None = 500) -> str:
    """Hostile text as one line of GitHub-flavoured Markdown that shows just those characters.

    Safe in a paragraph, a list item, a table cell and inside HTML elements. `limit` counts the
    characters shown. Mentions, references and bare addresses are broken by a zero-width space.
    """
    shown = line(text, limit)
    safe = _LINKS.sub(lambda found: found.group(0) + "\0", shown).translate(_TRANSLATE).replace("\0", _GAP)
    return _LEADING.sub(_lead, safe)


def _lead(found: re.Match[str]) -> str:
    return f"\\{found.group(1)}" if found.group(1) else found.group(2) + _GAP


def code(text: str, limit: int | None = 200) -> str:
    """Hostile text as an inline code span, safe in a table cell too; '' for nothing."""
    shown = line(text, limit)
    if not shown:
        return ""
    if any(sign in shown for sign in "`|\\"):
        return f"<code>{escape(shown, None)}</code>"
    return f"`{shown}`"


def fence(text: str, limit: int = 4000) -> str:
    """Hostile text as a fenced block that nothing inside can close; head and tail stay when cut."""
    shown = middle_cut(block(text).strip("\n"), limit)
    return _fenced(shown, "text")


def suggestion(fix: str) -> str:
    """A hostile replacement of lines as a fenced suggestion that nothing inside can close."""
    return _fenced(block(fix).rstrip("\n"), "suggestion")


def _fenced(shown: str, info: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    mark = "`" * max(3, longest + 1)
    return f"{mark}{info}\n{shown}\n{mark}"


def middle_cut(text: str, limit: int) -> str:
    """At most about `limit` characters: the first third and the end, saying how much is left out."""
    if len(text) <= limit:
        return text
    head, tail = limit // 3, limit - limit // 3
    left_out = f"{ELLIPSIS} {len(text) - head - tail:,} characters left out {ELLIPSIS}"
    return f"{text[:head]}\n{left_out}\n{text[-tail:]}"


def size(text: str) -> int:
    """Length as the forge counts it: UTF-8 bytes."""
    return len(text.encode("utf-8", "replace"))


def fit(blocks: list[str], limit: int, more: str) -> str:
    """Blocks joined by blank lines within `limit` UTF-8 bytes; whole blocks only, so that no table,
    fence or element is ever cut open. Where something was left out `more` is the last block.
    """
    ends = list(accumulate(size(part) + 2 for part in blocks))
    if not ends or ends[-1] <= limit:
        return "\n\n".join(blocks)
    room = limit - size(more) - 2
    return "\n\n".join([*(part for part, end in zip(blocks, ends, strict=True) if end <= room), more])
