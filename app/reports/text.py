"""Words of hostile reports, made fit to show: no terminal escapes, no control characters, no end."""

import re
from collections.abc import Sequence

MESSAGE_CHARS = 2_000
OUTPUT_CHARS = 8_000
NAME_CHARS = 500
RULE_CHARS = 200
URL_CHARS = 500
QUOTE_CHARS = 80

# CSI, OSC (ended by BEL or ST) and two-character escapes, as ECMA-48 defines them; `#x1B` is how pytest
# writes the escape character into XML.
_ESCAPES = re.compile(
    r"#x1B\[[0-?]*[ -/]*[@-~]|\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)?|[ -/]*[0-~])?"
)
# Control characters but tab and newline, line and bidirectional controls, halves of surrogate pairs.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
)
_BLANKS = re.compile(r"\s+")
_URL = re.compile(r"https?://[!-~]+")


def has_controls(text: str) -> bool:
    """Whether a text holds characters that no path or name may hold (newline and tab included)."""
    return "\n" in text or "\t" in text or _CONTROLS.search(text) is not None


def clean(text: str, limit: int = MESSAGE_CHARS) -> str:
    """Several lines of text, at most `limit` characters; a cut is marked by an ellipsis."""
    if not text:
        return text
    if len(text) <= limit and text.isascii() and text.isprintable() and "#" not in text:
        return text.strip(" ")
    # Cut first, so that a text of 80 MB costs no more than it shows.
    head = text[: limit * 4]
    if not (head.isascii() and head.replace("\n", "").replace("\t", "").isprintable()) or "#x1B" in head:
        head = _CONTROLS.sub("", _ESCAPES.sub("", head.replace("\r\n", "\n").replace("\r", "\n")))
    head = head.strip()
    return head if len(head) <= limit else head[: limit - 1] + "…"


def line(text: str, limit: int = NAME_CHARS) -> str:
    """The same on one line: runs of blanks become one space."""
    if len(text) <= limit:
        if text.isidentifier():
            # A hundred thousand names of tests are like this.
            return text
        if text.isascii() and text.isprintable() and "  " not in text and "#" not in text:
            return text.strip(" ")
    head = text[: limit * 4]
    if not (head.isascii() and head.isprintable()) or "  " in head or "#x1B" in head:
        head = _BLANKS.sub(" ", clean(head, limit * 4))
    head = head.strip()
    return head if len(head) <= limit else head[: limit - 1] + "…"


def lines(texts: Sequence[str], limit: int = NAME_CHARS) -> list[str]:
    """`line` of each. Where none holds a blank, as is usual for names of tests, one look at all tells so."""
    joined = "".join(texts)
    if (
        joined.isascii()
        and joined.isprintable()
        and " " not in joined
        and "#" not in joined
        and max(map(len, texts), default=0) <= limit
    ):
        return list(texts)
    return [line(text, limit) for text in texts]


def both_ends(text: str, limit: int = OUTPUT_CHARS) -> str:
    """Head and tail of a long output: the end tells most, the start names it."""
    if len(text) <= limit:
        return clean(text, limit)
    third = limit // 3
    return f"{clean(text[:third], third)}\n[…]\n{clean(text[-2 * third :], 2 * third)}"


def quoted(text: str) -> str:
    """A piece of a report inside our own sentence."""
    shown = "".join(char if char.isprintable() else "�" for char in line(text, QUOTE_CHARS))
    return f"'{shown}'"


def url(text: str) -> str:
    """An http(s) address fit to be linked, else ''."""
    return text if len(text) <= URL_CHARS and _URL.fullmatch(text) else ""
