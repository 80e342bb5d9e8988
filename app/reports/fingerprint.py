"""What a finding is known by across commits, when its tool does not say.

`line_hashes` is GitHub code scanning's primaryLocationLineHash: for each line the hash of the 100
UTF-16 units that follow its start, blanks dropped and line ends as LF, sum(unit * 37^k) mod 2^64 in
hexadecimal, then `:` and how often that hash was seen so far. A window over the end holds one unit
65535 for it and then zeros. Lines inserted above do not change it.
"""

import hashlib
import re
from array import array
from collections.abc import Callable
from itertools import accumulate

_BASE = 37
_MASK = 2**64 - 1
_WINDOW = 100
_SHIFT = pow(_BASE, _WINDOW, 2**64)
_END = 0xFFFF
_DIGITS = re.compile(r"\d+")

MAX_SOURCE = 2_000_000
MAX_SOURCES = 30_000_000


def _units(text: str) -> list[int]:
    if text.isascii():
        return list(text.encode("ascii"))
    units = array("H")
    units.frombytes(text.encode("utf-16-le", "surrogatepass"))
    return units.tolist()


def line_hashes(source: bytes) -> list[str]:
    """The hash of each line, the first at index 0; a final newline opens one more, empty line."""
    text = source.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    units = _units(text.replace(" ", "").replace("\t", ""))
    starts = [0, *(index + 1 for index, unit in enumerate(units) if unit == 10)]  # noqa: PLR2004 - LF
    padded = [*units, _END, *([0] * _WINDOW)]
    sums = list(accumulate(padded, lambda total, unit: (total * _BASE + unit) & _MASK, initial=0))
    seen: dict[int, int] = {}
    hashes = []
    for start in starts:
        value = (sums[start + _WINDOW] - sums[start] * _SHIFT) & _MASK
        seen[value] = seen.get(value, 0) + 1
        hashes.append(f"{value:x}:{seen[value]}")
    return hashes


class Fingerprints:
    """Gives each finding of one report a fingerprint; equal calls in equal order give equal ones."""

    def __init__(self, sources: Callable[[str], bytes | None] | None) -> None:
        self._sources = sources
        self._hashes: dict[str, list[str]] = {}
        self._read = 0
        self._seen: dict[str, int] = {}

    def of(self, rule: str, path: str, line: int, message: str) -> str:
        """GitHub's line hash where the source is there, else a hash of rule, path and message."""
        if path and line and self._sources is not None:
            hashes = self._lines(path, self._sources)
            if line <= len(hashes):
                return hashes[line - 1]
        masked = _DIGITS.sub("#", message)
        digest = hashlib.sha256(f"{rule}\0{path}\0{masked}".encode()).hexdigest()[:32]
        self._seen[digest] = self._seen.get(digest, 0) + 1
        return f"{digest}:{self._seen[digest]}"

    def _lines(self, path: str, sources: Callable[[str], bytes | None]) -> list[str]:
        if path not in self._hashes:
            source = sources(path) if self._read < MAX_SOURCES else None
            if source is None or len(source) > MAX_SOURCE:
                self._hashes[path] = []
            else:
                self._read += len(source)
                self._hashes[path] = line_hashes(source)
        return self._hashes[path]
