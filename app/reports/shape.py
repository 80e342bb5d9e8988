"""What kind of JSON a report holds, seen from its first 64 KiB, which end anywhere.

A format is known by the keys its tool always writes. Values are never looked at: they are hostile.
"""

import functools
import re
from collections.abc import Set as AbstractSet

_MAX_DEPTH = 5
_MAX_KEY = 100
# A string that the cut leaves open runs to the end, so that no byte is looked at twice.
_TOKEN = re.compile(rb'"((?:[^"\\]|\\.)*+)(?:"|\\?\Z)|[{}\[\],]', re.DOTALL)


class _Walk:
    """Where in a value a walk over its tokens is, and the keys it met."""

    def __init__(self) -> None:
        self.found: set[str] = set()
        # One (prefix of its keys, or None where too deep; is an object) for each open container.
        self._open: list[tuple[str | None, bool]] = []
        self._here: str | None = ""
        self._wants_key = False

    def string(self, raw: bytes) -> None:
        """A key or a text."""
        if self._wants_key:
            prefix, name = self._open[-1][0], raw[:_MAX_KEY].decode("utf-8", "replace")
            self._here = None if prefix is None else f"{prefix}.{name}" if prefix else name
            if self._here is not None:
                self.found.add(self._here)
        self._wants_key = False

    def mark(self, mark: bytes) -> bool:
        """A bracket or a comma; False once the first value is over."""
        if mark == b",":
            self._here, self._wants_key = self._open[-1]
        elif mark in b"{[":
            is_object = mark == b"{"
            prefix = self._here if len(self._open) < _MAX_DEPTH else None
            self._open.append((prefix if prefix is None or is_object else f"{prefix}[]", is_object))
            self._here, self._wants_key = self._open[-1]
        else:
            self._open.pop()
            self._wants_key = False
        return bool(self._open)


@functools.lru_cache(maxsize=4)
def shape(head: bytes) -> AbstractSet[str]:
    """The keys of the first JSON value as paths, at most five deep: `runs[].tool.driver`, `[].code`.

    Keys of all elements of a list are joined. Empty for anything that begins neither an object nor a list.
    """
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    walk = _Walk()
    if text[:1] in {b"{", b"["}:
        for token in _TOKEN.finditer(text):
            if token[1] is not None:
                walk.string(token[1])
            elif not walk.mark(token[0]):
                break
    return walk.found


def has(head: bytes, *keys: str) -> bool:
    """Whether the JSON that begins here holds all these keys."""
    found = shape(head)
    return all(key in found for key in keys)
