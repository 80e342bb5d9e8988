"""Fitting texts into a forge's limits."""

from typing import Final

_KEEP: Final = {"\n", "\t"}


def clean(text: str) -> str:
    """`text` as JSON can carry it: no control characters, no lone surrogates."""
    if text.isprintable():
        return text
    kept = "".join(c if c in _KEEP or c >= " " else "\N{REPLACEMENT CHARACTER}" for c in text)
    return kept.encode("utf-8", "replace").decode()


def fit(text: str, limit: int, link: str) -> str:
    """`text` in at most `limit` bytes of UTF-8 (so in as many characters), cut at a line, an open code
    fence closed, saying where the rest is.
    """
    text = clean(text)
    raw = text.encode()
    if len(raw) <= limit:
        return text
    more = f"\n\n… cut here, it is longer than fits here: [read all of it]({link})" if link else "\n\n…"
    room = limit - len(more.encode()) - 4
    cut = raw[:room].decode(errors="ignore")
    line = cut.rfind("\n")
    if line > room // 2:
        cut = cut[:line]
    fences = sum(1 for each in cut.splitlines() if each.lstrip().startswith("```"))
    return cut + ("\n```" if fences % 2 else "") + more


def brief(text: str, limit: int) -> str:
    """One line of at most `limit` characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
