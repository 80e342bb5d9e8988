"""Globs over paths, branches and texts, in time that hostile names cannot blow up.

The meaning is gitignore's (https://git-scm.com/docs/gitignore#_pattern_format). Each `*` becomes an
atomic group that takes the nearest fit, which is exact for globs (what follows a star can always be
found again later) and leaves nothing to try twice: libraries that translate to plain regular
expressions need time exponential in the number of stars on a path made for it.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

import msgspec

_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": " \\t",
    "digit": "0-9",
    "lower": "a-z",
    "space": "\\s",
    "upper": "A-Z",
    "word": "\\w",
    "xdigit": "0-9A-Fa-f",
}


class Globs:
    """Patterns as in a gitignore file: the last one that matches decides, `!` takes back.

    `matches` is about one file's repository-relative path; a pattern that names a folder matches all
    beneath it. Patterns that are empty or comments match nothing.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self.patterns = tuple(patterns)
        self._rules = tuple(rule for one in self.patterns if (rule := _rule(one)) is not None)

    def matches(self, path: str) -> bool:
        """Whether the path is one that the patterns name."""
        for rule in reversed(self._rules):
            if rule.expression.match(path):
                return not rule.negated
        return False

    def any(self, paths: Iterable[str]) -> bool:
        """Whether at least one path matches."""
        return any(self.matches(path) for path in paths)


@lru_cache(maxsize=1024)
def globs(patterns: tuple[str, ...]) -> Globs:
    """The same patterns, compiled once."""
    return Globs(patterns)


@lru_cache(maxsize=1024)
def _branch(pattern: str) -> re.Pattern[str]:
    return _compiled(_path(_segments(pattern)) + r"\Z")


def branch_matches(pattern: str, name: str) -> bool:
    """Whether a branch glob matches the whole name: `*` stays within `/`, `**` crosses it."""
    return _branch(pattern).match(name) is not None


@lru_cache(maxsize=1024)
def _text(glob: str) -> re.Pattern[str]:
    return _compiled(_stars(glob, any_character=".", ending=r"\Z"))


def like(text: str, glob: str) -> bool:
    """Whether the whole text fits the glob: `*` is anything, also `/`; case counts."""
    return _text(glob).match(text) is not None


class _Rule(msgspec.Struct, frozen=True, kw_only=True):
    expression: re.Pattern[str]
    negated: bool


@lru_cache(maxsize=4096)
def _rule(pattern: str) -> _Rule | None:
    text = _without_trailing_blanks(pattern)
    if not text or text.startswith("#"):
        return None
    negated = text.startswith("!")
    if negated:
        text = text[1:]
    folder = text.endswith("/")
    text = text.removesuffix("/")
    anchored = "/" in text
    text = text.removeprefix("/")
    if not text:
        return None
    segments = _segments(text)
    if not anchored:
        segments = ["**", *segments]
    everything_below = segments[-1] == "**"
    # whatever a folder pattern names, all beneath it is named too
    ending = "/" if folder and not everything_below else "" if everything_below else r"(?:/|\Z)"
    return _Rule(expression=_compiled(_path(segments) + ending), negated=negated)


def _segments(text: str) -> list[str]:
    """Between slashes; two stars or more alone are `**`, as git reads them."""
    return [re.sub(r"\A\*{2,}\Z", "**", segment) for segment in text.split("/")]


def _without_trailing_blanks(pattern: str) -> str:
    text = pattern.rstrip(" \t\r\n")
    if len(text) < len(pattern) and _dangling(text):
        return text + pattern[len(text)]
    return text


def _dangling(text: str) -> bool:
    """Whether the text ends in a backslash that escapes what follows."""
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1


def _path(segments: list[str]) -> str:
    """A regular expression for the segments; runs of them between `**` are found nearest-first."""
    out: list[str] = []
    run: list[str] = []
    floating = False
    for index, segment in enumerate(segments):
        last = index == len(segments) - 1
        if segment == "**":
            out.append(_run(run, floating=floating, last=False))
            run, floating = [], True
            if last:
                out.append(".+")
        else:
            run.append(segment)
    if run:
        out.append(_run(run, floating=floating, last=True))
    return "".join(out)


def _run(segments: list[str], *, floating: bool, last: bool) -> str:
    if not segments:
        return ""
    parts = [_stars(one, any_character="[^/]", ending="(?=/|\\Z)") for one in segments]
    body = "/".join(parts)
    if last:
        # the last run must also end where the pattern ends: every folder may be its beginning
        return f"(?:[^/]+/)*?{body}" if floating else body
    return f"(?>(?:[^/]+/)*?{body}/)" if floating else f"{body}/"


def _stars(glob: str, *, any_character: str, ending: str) -> str:
    """One glob without `/` rules: chunks between stars, each taken at its nearest fit."""
    chunks: list[str] = [""]
    index = 0
    while index < len(glob):
        character = glob[index]
        if character == "*":
            if chunks[-1] or len(chunks) == 1:
                chunks.append("")
            index += 1
            continue
        piece, index = _piece(glob, index, any_character)
        chunks[-1] += piece
    if len(chunks) == 1:
        return chunks[0] + ending
    first, *middle, last = chunks
    nearest = "".join(f"(?>{any_character}*?{chunk})" for chunk in middle if chunk)
    return f"{first}{nearest}{any_character}*{last}{ending}"


def _piece(glob: str, index: int, any_character: str) -> tuple[str, int]:
    """One character, `?`, escape or bracket expression at `index`, and where the next begins."""
    character = glob[index]
    if character == "?":
        return any_character, index + 1
    if character == "\\" and index + 1 < len(glob):
        return re.escape(glob[index + 1]), index + 2
    if character == "[" and (found := _bracket(glob, index, any_character)) is not None:
        return found
    return re.escape(character), index + 1


def _bracket(glob: str, start: int, any_character: str) -> tuple[str, int] | None:
    """A bracket expression; None where it is never closed (then `[` is itself)."""
    index = start + 1
    inverse = glob[index : index + 1] in {"!", "^"}
    index += inverse
    items: list[str] = []
    first = True
    while index < len(glob):
        if glob[index] == "]" and not first:
            return _class("".join(items), any_character, inverse=bool(inverse)), index + 1
        item, index = _bracket_item(glob, index)
        items.append(item)
        first = False
    return None


def _class(body: str, any_character: str, *, inverse: bool) -> str:
    if not body:
        return any_character if inverse else "(?!)"
    guard = "(?!/)" if any_character != "." else ""
    return f"{guard}[{'^' if inverse else ''}{body}]"


def _bracket_item(glob: str, index: int) -> tuple[str, int]:
    named = re.compile(r"\[:([a-z]+):\]").match(glob, index)
    if named and named[1] in _CLASSES:
        return _CLASSES[named[1]], named.end()
    low, index = _bracket_character(glob, index)
    if glob[index : index + 1] == "-" and glob[index + 1 : index + 2] not in {"", "]"}:
        high, end = _bracket_character(glob, index + 1)
        # a range that runs backwards holds nothing: keep a class that no character is in
        return (f"{_in_class(low)}-{_in_class(high)}" if low <= high else ""), end
    return _in_class(low), index


def _bracket_character(glob: str, index: int) -> tuple[str, int]:
    if glob[index] == "\\" and index + 1 < len(glob):
        return glob[index + 1], index + 2
    return glob[index], index + 1


def _in_class(character: str) -> str:
    return "\\" + character if character in "\\]^-[&~|" else character


def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.DOTALL)
