"""What a finding is known by across commits, when its tool does not say, and its line's own hash.

`LineHashes` are GitHub code scanning's primaryLocationLineHash: for each line the hash of the 100
UTF-16 units that follow its start, blanks dropped and line ends as LF, sum(unit * 37^k) mod 2^64 in
hexadecimal, then `:` and how often that hash was seen so far. A window over the end holds one unit
65535 for it and then zeros. Lines inserted above do not change it.

That window reaches into the lines that follow, so a line's own text has a hash beside it: SHA-256 of it
without blanks, cut to 16 hexadecimal digits.
"""

import hashlib
import re
from array import array
from collections.abc import Callable

_BASE = 37
_MASK = 2**64 - 1
_WINDOW = 100
_END = 0xFFFF
_DIGITS = re.compile(r"\d+")
_TRIVIAL = 8
_LINE_HASH = 16

GIVEN = re.compile(r"[!-~]{4,256}")
"""A fingerprint of the tool's own that can be kept: one word."""

MAX_SOURCE = 2_000_000
MAX_SOURCES = 50_000_000


class LineHashes:
    """The hashes of one source text. Only those asked for are computed: equal windows have equal hashes,
    so that counting windows is enough to number them.
    """

    def __init__(self, source: bytes) -> None:
        text = source.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
        text = text.replace(" ", "").replace("\t", "")
        self._wide = not text.isascii()
        self._data = text.encode("utf-16-le" if self._wide else "ascii")
        self._windows: list[tuple[int, int]] = []
        width = 2 if self._wide else 1
        seen: dict[bytes, int] = {}
        start = 0
        for line in text.split("\n"):
            window = self._data[start : start + _WINDOW * width]
            seen[window] = seen.get(window, 0) + 1
            self._windows.append((start, seen[window]))
            start += (len(line.encode("utf-16-le")) if self._wide else len(line)) + width

    def __len__(self) -> int:
        """How many lines there are; a final newline opens one more, empty line."""
        return len(self._windows)

    def of(self, line: int) -> str:
        """The hash of a line, counted from 1. Raises IndexError behind the end."""
        start, occurrence = self._windows[line - 1]
        if self._wide:
            units = array("H", self._data[start : start + 2 * _WINDOW]).tolist()
        else:
            units = list(self._data[start : start + _WINDOW])
        if len(units) < _WINDOW:
            units.append(_END)
        value = 0
        for unit in units:
            value = value * _BASE + unit
        # Zeros up to the window's end only multiply.
        return f"{value * _BASE ** (_WINDOW - len(units)) & _MASK:x}:{occurrence}"

    def text(self, line: int) -> bytes:
        """A line without blanks and end, in UTF-8, counted from 1. Raises IndexError behind the end."""
        width = 2 if self._wide else 1
        start = self._windows[line - 1][0]
        end = self._windows[line][0] - width if line < len(self._windows) else len(self._data)
        raw = self._data[start:end]
        return raw.decode("utf-16-le").encode() if self._wide else raw


class Fingerprints:
    """Gives each finding of one report a fingerprint; equal calls in equal order give equal ones."""

    def __init__(self, sources: Callable[[str], bytes | None] | None) -> None:
        self._sources = sources
        self._hashes: dict[str, LineHashes | None] = {}
        self._texts: dict[tuple[str, int, str], str] = {}
        self._read = 0
        self._seen: dict[str, int] = {}

    def of(self, rule: str, path: str, line: int, message: str) -> str:
        """GitHub's line hash where the source is there, else a hash of rule, path and message."""
        hashes = self._lines(path, line)
        if hashes is not None:
            return hashes.of(line)
        return self.named(rule, path, _DIGITS.sub("#", message))

    def of_secret(self, rule: str, path: str, line: int) -> str:
        """For a line that holds a secret: GitHub's hash could be solved for it, SHA-256 cannot."""
        hashes = self._lines(path, line)
        if hashes is not None:
            return self.named(rule, hashes.of(line).rpartition(":")[0])
        return self.named(rule, path)

    def of_line(self, path: str, line: int, salt: str = "") -> str:
        """The hash of a line's own text; '' where it cannot be read or has fewer than 8 characters that are
        no blanks, which too many lines share. A line with a secret takes its rule as `salt`: findings of
        others on it have another hash.
        """
        if self._sources is None:
            return ""
        key = (path, line, salt)
        if key not in self._texts:
            hashes = self._lines(path, line)
            text = hashes.text(line) if hashes is not None else b""
            whole = salt.encode("utf-8", "replace") + b"\0" + text if salt else text
            digest = hashlib.sha256(whole).hexdigest()[:_LINE_HASH]
            self._texts[key] = digest if len(text) >= _TRIVIAL else ""
        return self._texts[key]

    def named(self, *parts: str) -> str:
        """A hash of the parts, and `:` how often it was seen so far."""
        digest = hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
        self._seen[digest] = self._seen.get(digest, 0) + 1
        return f"{digest}:{self._seen[digest]}"

    def _lines(self, path: str, line: int) -> LineHashes | None:
        """The hashes of a file that has this line; None if it cannot be read or is too large."""
        if not path or not line or self._sources is None:
            return None
        if path not in self._hashes:
            source = self._sources(path) if self._read < MAX_SOURCES else None
            self._hashes[path] = None
            if source is not None and len(source) <= MAX_SOURCE:
                self._read += len(source)
                self._hashes[path] = LineHashes(source)
        hashes = self._hashes[path]
        return hashes if hashes is not None and line <= len(hashes) else None
