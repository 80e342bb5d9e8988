"""Logs as a cluster gives them: each line behind its time, so that a stream that broke can be taken up."""

import re

_LONGEST_STAMP = 64
_FRACTION = re.compile(rb"(.{19})(?:\.(\d{1,9}))?")


class Stamped:
    """Takes a stream of lines `TIME LINE`, gives the lines. After `again` the stream comes once more from its
    start, and what was given before is left out. `gap` says that the new stream began behind what was given
    last: the node has put that part of the log away meanwhile.
    """

    def __init__(self) -> None:
        self.gap = False
        self._stamp = b""
        self._in_line = False
        self._last, self._same, self._given = (
            b"",
            0,
            0,
        )  # time of the last line, lines of it, bytes of the last
        self._met = -1  # lines of that time in a stream that comes once more; -1: all is new
        self._drop = 0  # bytes of the current line that were given before; -1: all of it

    def again(self) -> None:
        """The next bytes are the start of the same log."""
        self._stamp, self._in_line = b"", False
        self._met = 0 if self._last else -1
        self.gap = False

    def feed(self, data: bytes) -> bytes:
        """What of these bytes is the check's own, and new."""
        shown: list[bytes] = []
        while data:
            if not self._in_line:
                stamp, space, data = data.partition(b" ")
                self._stamp = (self._stamp + stamp)[:_LONGEST_STAMP]
                if not space:
                    break
                self._begin(_sortable(self._stamp))
            line, newline, data = data.partition(b"\n")
            shown.append(self._fresh(line + newline))
            if newline:
                self._in_line, self._stamp = False, b""
        return b"".join(shown)

    def _begin(self, at: bytes) -> None:
        self._in_line, self._drop = True, 0
        if self._met >= 0:
            if at < self._last:
                self._drop = -1
                return
            if at == self._last:
                self._met += 1
                if self._met < self._same:
                    self._drop = -1
                    return
                self._met, self._drop = -1, self._given
                return
            self._met, self.gap = -1, True
        self._same = self._same + 1 if at == self._last else 1
        self._last, self._given = at, 0

    def _fresh(self, part: bytes) -> bytes:
        if self._drop < 0:
            return b""
        cut = min(self._drop, len(part))
        self._drop -= cut
        self._given += len(part) - cut
        return part[cut:]


def _sortable(stamp: bytes) -> bytes:
    """A time of RFC 3339 up to its zone, its fraction to nine digits: nodes leave zeros out."""
    found = _FRACTION.match(stamp)
    return stamp if found is None else found[1] + (found[2] or b"").ljust(9, b"0")
