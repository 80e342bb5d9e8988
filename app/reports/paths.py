"""Paths of tools made paths of the repository, and nothing else: never outside, never guessed at.

Tools write absolute paths of the sandbox (ruff: `file:///workspace/a.py`), paths from where they ran,
paths from a base they name (SARIF `originalUriBaseIds`, Cobertura `sources`).
"""

import re
from collections.abc import Collection, Iterable
from enum import StrEnum
from urllib.parse import unquote

import msgspec

from app.reports.protocol import ReadContext
from app.reports.text import has_controls

_MAX_PATH = 4_096
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


class Unplaced(StrEnum):
    """Why a path has no place in the repository."""

    NONE = ""
    OUTSIDE = "outside the repository"
    AMBIGUOUS = "may mean several files"
    UNUSABLE = "not usable as a path"


class Place(msgspec.Struct, frozen=True):
    """A path of the repository, or '' and why not."""

    path: str = ""
    why: Unplaced = Unplaced.NONE


def normal(path: str) -> str | None:
    """A relative path without `.`, `..` and doubled slashes; None if it leaves its start."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def from_uri(uri: str) -> str | None:
    """The path in a `file:` URI or relative URI reference (percent-decoded); None for other schemes."""
    text = uri
    if text[:5].lower() == "file:":
        text = text[5:]
        if text.startswith("//"):
            host, slash, rest = text[2:].partition("/")
            if host not in {"", "localhost"}:
                return None
            text = slash + rest
        if _DRIVE.match(text[1:]):
            text = text[1:]
    elif _SCHEME.match(text) and not _DRIVE.match(text):
        return None
    return unquote(text)


def _unusable(path: str) -> bool:
    return len(path) > _MAX_PATH or has_controls(path)


def _slashed(path: str) -> str:
    """A path of Windows with slashes; elsewhere a backslash is a character of a name."""
    windows = "/" not in path or path.startswith("\\") or _DRIVE.match(path)
    return path.replace("\\", "/") if windows else path


def _absolute(path: str) -> str:
    """What an absolute path with slashes begins with: "/" or a drive ("c:"); '' if it is relative."""
    return path[:2].lower() if _DRIVE.match(path) else "/" if path.startswith("/") else ""


def _cased(path: str) -> str:
    """A path as its system compares it: on drives the case of letters does not matter."""
    return path.lower() if _DRIVE.match(path) else path


def _same(path: str, other: str) -> bool:
    """Whether two absolute paths are one."""
    ours, theirs = normal(path), normal(other)
    return (
        None not in {ours, theirs}
        and _absolute(path) == _absolute(other)
        and _cased(ours or "") == _cased(theirs or "")
    )


class Paths:
    """Places the paths of one report. Results are remembered: reports repeat their paths."""

    def __init__(self, context: ReadContext) -> None:
        roots = (_slashed(root).rstrip("/") for root in context.roots)
        self._roots = sorted(roots, key=len, reverse=True)
        self._workdir = normal(context.workdir) or ""
        self._tree_paths = context.tree_paths
        self._tree: Collection[str] | None = None
        self._by_name: dict[str, list[str]] | None = None
        self._known: dict[tuple[str, tuple[str, ...], bool], Place] = {}

    def place(self, raw: str, bases: Iterable[str] = (), *, search: bool = False) -> Place:
        """Where `raw` is. Relative paths are tried beneath `bases` (absolute or relative directories),
        the directory the tool ran in, and the root; the tree, if known, decides. With `search` a path
        found nowhere may be the end of exactly one path of the tree.
        """
        key = (raw, tuple(bases), search)
        if key not in self._known:
            found = self._find(*key)
            # Beneath a root of ours, and yet it would lead elsewhere on another machine.
            leads_away = found.path.startswith("\\") or _DRIVE.match(found.path)
            self._known[key] = Place("", Unplaced.OUTSIDE) if leads_away else found
        return self._known[key]

    def existing(self, name: str) -> str:
        """The path of a file by that name in the directory the tool ran in; '' if the tree has none."""
        path = normal(f"{self._workdir}/{name}") or ""
        return path if self.holds(path) else ""

    def holds(self, path: str) -> bool:
        """Whether the tree is known and has a file at this path."""
        return bool(path) and self._tree_paths is not None and path in self._paths()

    def called(self, name: str) -> list[str]:
        """All paths of the tree whose last part is `name`, by alphabet."""
        return self._named(name)

    def folder(self, raw: str) -> str | None:
        """A directory that a report names, from the repository's root ('' = the root); None = outside."""
        if not raw or _unusable(raw) or "://" in raw:
            return None
        raw = _slashed(raw)
        if _absolute(raw):
            return "" if any(_same(raw, root) for root in self._roots) else self._beneath_root(raw)
        return normal(f"{self._workdir}/{raw}")

    def _find(self, raw: str, bases: tuple[str, ...], search: bool) -> Place:
        if not raw or _unusable(raw):
            return Place("", Unplaced.UNUSABLE)
        text = _slashed(raw)
        if _absolute(text):
            inside = self._beneath_root(text)
            return Place(inside) if inside else Place("", Unplaced.OUTSIDE)
        named = [path for base in bases if (path := self._join(base, text))]
        default = [path for path in (normal(f"{self._workdir}/{text}"), normal(text)) if path]
        return self._choose(named, default, text, search=search)

    def _choose(self, named: list[str], default: list[str], text: str, *, search: bool) -> Place:
        candidates = [*dict.fromkeys([*named, *default])]
        if self._tree_paths is None:
            return Place(candidates[0]) if candidates else Place("", Unplaced.OUTSIDE)
        tree = self._paths()
        there = [path for path in dict.fromkeys(named) if path in tree]
        if len(there) > 1:
            return Place("", Unplaced.AMBIGUOUS)
        there = there or [path for path in default if path in tree]
        if there:
            return Place(there[0])
        if search and (tail := normal(text)):
            ends = [path for path in self._named(tail) if path.endswith("/" + tail)]
            if ends:
                return Place(ends[0]) if len(ends) == 1 else Place("", Unplaced.AMBIGUOUS)
        return Place(candidates[0]) if candidates else Place("", Unplaced.OUTSIDE)

    def _beneath_root(self, path: str) -> str | None:
        clean = normal(path)
        if clean is None:
            return None
        for root in self._roots:
            start = (normal(root) or "") + "/"
            if _absolute(root) == _absolute(path) and _cased(clean).startswith(_cased(start)):
                return clean[len(start) :]
        return None

    def _join(self, base: str, path: str) -> str | None:
        """`path` beneath a directory of the repository; None where that leaves it."""
        if _unusable(base):
            return None
        base = _slashed(base)
        if _absolute(base):
            return self._beneath_root(f"{base}/{path}")
        return normal(f"{self._workdir}/{base}/{path}")

    def _paths(self) -> Collection[str]:
        if self._tree is None:
            self._tree = frozenset(self._tree_paths()) if self._tree_paths is not None else frozenset()
        return self._tree

    def _named(self, tail: str) -> list[str]:
        """All paths of the tree with the last part of `tail`."""
        if self._by_name is None:
            self._by_name = {}
            for path in sorted(self._paths()):
                self._by_name.setdefault(path.rpartition("/")[2], []).append(path)
        return self._by_name.get(tail.rpartition("/")[2], [])
