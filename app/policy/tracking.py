"""Which findings are new: one tool's findings of two trees, matched one to one.

Greedy multiset matching: the passes are tried in order, the first that matches wins, and each finding of
base is used once. Lines are compared through the diff (renames, hunks) and by the hash of their text
without blanks; a line too short to have one by what follows it (GitHub's line hash), or by the way its
neighbours moved. Messages are compared without their digits ("already defined on line 12") wherever a
line may have moved. Everything is linear in the number of findings.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Hashable, Sequence
from enum import StrEnum

import msgspec

from app.model import Finding
from app.policy.linemap import Origins

_DIGITS = re.compile(r"\d+")
_NO_SOURCE = re.compile(r"[0-9a-f]{32}:\d+")
"""The fingerprint where no source was there to read: it tells rule and message, and nothing of the place."""
_NEAR = 100
"""Lines between a finding and a neighbour that shows where its block came from."""


class Pass(StrEnum):
    """What made two findings one, in the order tried."""

    SAME_LINE = "same line"
    NO_LINE = "same file or project as a whole"
    MOVED = "moved in its file"
    MOVED_FILE = "moved between files"
    NEIGHBOUR = "moved with its neighbours"


class Matching(msgspec.Struct, frozen=True, kw_only=True):
    """Places in the two sequences given: `pairs` are head's with base's, `new` and `gone` are alone."""

    pairs: dict[int, int]
    passes: dict[Pass, int]
    new: tuple[int, ...]
    gone: tuple[int, ...]


Key = Callable[[int], Hashable | None]
"""What a finding (by its place) is matched by; None leaves it out of the pass."""


def match(head: Sequence[Finding], base: Sequence[Finding], origins: Origins) -> Matching:
    """Pair the findings of one tool on tested_sha (`head`) with those on base_sha."""
    return _Matcher(head, base, origins).run()


class _Matcher:
    def __init__(self, head: Sequence[Finding], base: Sequence[Finding], origins: Origins) -> None:
        self._head, self._base = head, base
        self._old_path = [origins.path(one.path) for one in head]
        self._old_line = [origins.line(one.path, one.line) if one.line else None for one in head]
        self._masked: dict[str, str] = {}
        self._pairs: dict[int, int] = {}
        self._moved: list[tuple[int, int]] = []
        self._passes: dict[Pass, int] = {}
        self._left = list(range(len(head)))
        self._free = list(range(len(base)))

    def run(self) -> Matching:
        for message in (True, False):
            self._pass(Pass.SAME_LINE, *self._same_line(message=message, text=True))
        self._pass(Pass.NO_LINE, self._no_line(self._head, old=True), self._no_line(self._base))
        for word in (_text, _context):
            self._pass(Pass.MOVED, *self._moved_by(word, within=True))
        # Only now: where every line is indented anew the diff joins each lone bracket to some other one.
        self._pass(Pass.SAME_LINE, *self._same_line(message=False, text=False))
        for word in (_text, _context):
            self._pass(Pass.MOVED_FILE, *self._moved_by(word, within=False))
        self._pass(Pass.NEIGHBOUR, self._beside_neighbour(), self._at_place())
        return Matching(pairs=self._pairs, passes=self._passes, new=tuple(self._left), gone=tuple(self._free))

    def _pass(self, name: Pass, head_key: Key, base_key: Key) -> None:
        """Match what is left by one key, each in the order of its report."""
        if not self._left or not self._free:
            return
        waiting: dict[Hashable, list[int]] = {}
        for place in reversed(self._free):
            if (key := base_key(place)) is not None:
                waiting.setdefault(key, []).append(place)
        left: list[int] = []
        found: list[tuple[int, int]] = []
        for place in self._left:
            key = head_key(place)
            if key is not None and (same := waiting.get(key)):
                found.append((place, same.pop()))
            else:
                left.append(place)
        if not found:
            return
        taken = {other for _, other in found}
        self._free = [place for place in self._free if place not in taken]
        self._left = left
        self._pairs.update(found)
        self._passes[name] = self._passes.get(name, 0) + len(found)
        if name in {Pass.MOVED, Pass.MOVED_FILE}:
            self._moved.extend(found)

    def _same_line(self, *, message: bool, text: bool) -> tuple[Key, Key]:
        """Rule, path and line; with the line's text, with the message."""

        def of(one: Finding, path: str, line: int) -> Hashable:
            said = (one.line_hash or _context(one)) if text else ""
            return one.rule, path, line, said, one.message if message else ""

        def head_key(place: int) -> Hashable | None:
            path, line = self._old_path[place], self._old_line[place]
            return None if path is None or line is None else of(self._head[place], path, line)

        def base_key(place: int) -> Hashable | None:
            one = self._base[place]
            return of(one, one.path, one.line) if one.line else None

        return head_key, base_key

    def _no_line(self, findings: Sequence[Finding], *, old: bool = False) -> Key:
        """What is about a whole file or the whole project: rule, path and message. Tools put the former on
        line 1 too, whatever stands there. A secret must be the same one.
        """

        def key(place: int) -> Hashable | None:
            one = findings[place]
            path = self._old_path[place] if old else one.path
            if path is None or not _is_whole(one):
                return None
            return one.rule, path, one.line, self._mask(one.message), one.fingerprint if one.secret else ""

        return key

    def _moved_by(self, word: Callable[[Finding], str], *, within: bool) -> tuple[Key, Key]:
        """Rule, message and the line's text (or what follows it), in the same file or in any."""

        def of(one: Finding, path: str | None) -> Hashable | None:
            said = word(one) if one.line and path is not None else ""
            return (one.rule, path, said, self._mask(one.message)) if said else None

        def head_key(place: int) -> Hashable | None:
            return of(self._head[place], self._old_path[place] if within else "")

        def base_key(place: int) -> Hashable | None:
            one = self._base[place]
            return of(one, one.path if within else "")

        return head_key, base_key

    def _at_place(self) -> Key:
        def key(place: int) -> Hashable | None:
            one = self._base[place]
            if not one.line or one.line_hash:
                return None
            return one.rule, one.path, one.line, self._mask(one.message)

        return key

    def _beside_neighbour(self) -> Key:
        """Where a finding on a line without a hash stood on base if it moved as the nearest one did that is
        known to have moved.
        """
        moves: dict[str, list[tuple[int, str, int]]] = {}
        for place, other in self._moved:
            one, was = self._head[place], self._base[other]
            moves.setdefault(one.path, []).append((one.line, was.path, was.line))
        for of_file in moves.values():
            of_file.sort()

        def key(place: int) -> Hashable | None:
            one = self._head[place]
            of_file = moves.get(one.path)
            if not of_file or not one.line or one.line_hash:
                return None
            at = bisect_left(of_file, one.line, key=lambda move: move[0])
            line, path, was = min(of_file[max(at - 1, 0) : at + 1], key=lambda move: abs(move[0] - one.line))
            if abs(line - one.line) > _NEAR:
                return None
            return one.rule, path, was + one.line - line, self._mask(one.message)

        return key

    def _mask(self, message: str) -> str:
        masked = self._masked.get(message)
        if masked is None:
            masked = self._masked[message] = _DIGITS.sub("#", message)
        return masked


def _is_whole(one: Finding) -> bool:
    """Whether it may be about its file as a whole: it has no line, or stands before the first character of
    the first and reaches over none. What else stands on line 1 is about that line, if its text is known.
    """
    if one.line != 1 or not one.line_hash:
        return one.line <= 1
    return one.column == 1 and one.end_line <= 1 and one.end_column <= 1


def _text(one: Finding) -> str:
    return one.line_hash


def _context(one: Finding) -> str:
    """The fingerprint without how often it was seen before: what stands above does not matter."""
    if not one.secret and _NO_SOURCE.fullmatch(one.fingerprint):
        return ""
    known, _, seen = one.fingerprint.rpartition(":")
    return known if known and seen.isdigit() else one.fingerprint
