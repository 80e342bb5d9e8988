"""Which further files a tool's configuration names: what it extends, imports or plugs in.

What is looked for is what linters agree on: `extend` of ruff, `extends` of pyright; `extends`,
`ignore-from-file` and the lists of plugins, rules and formatters of JSON and YAML; `plugins` of mypy; the
lists of codespell; plugins and filters of detect-secrets; relative imports of JavaScript and TypeScript. A
word that names no file of the tree is no reference: it is a package, a rule or a preset.
"""

import posixpath
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath

_MOST = 200
_LARGEST = 1_000_000
_PROJECT = "pyproject.toml"
_TABLES = frozenset({".toml", ".ini", ".cfg"})
_SECRETS = ".secrets.baseline"
_INSTALLED = frozenset({"node_modules", ".venv", "venv"})
_SCRIPTS = frozenset({".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx"})
_DATA = frozenset({".json", ".jsonc", ".json5", ".yaml", ".yml", ""})
_ENDINGS = ("", *sorted(_SCRIPTS), ".json", "/index.js", "/index.mjs", "/index.cjs", "/index.ts")

_IMPORTED = re.compile(r"""\b(?:from|import|require)\s{0,20}\(?\s{0,20}["'](\.{1,2}/[^"'\n]{1,500})["']""")
_EXTENDS = re.compile(
    r"""(?m)(?:^|[{,\s])["']?"""
    r"""(?:extends|customRules|ignore-from-file|plugins|jsPlugins|outputFormatters|markdownItPlugins)"""
    r"""["']?\s{0,20}:\s{0,20}(\[(?:[^\[\]]|\[[^\[\]]{0,2000}\]){0,5000}\]|[^\n\[]{0,1000}(?:\n\s{0,40}-\s[^\n]{0,500}){0,50})"""
)
_PLUGINS = re.compile(
    r"(?m)^plugins\s{0,20}=\s{0,20}(\[[^\]]{0,5000}\]|[^\n]{0,1000}(?:\n[ \t]+[^\n]{0,500}){0,50})"
)
_LISTS = re.compile(
    r"(?m)^(?:ignore-words|exclude-file|dictionary)[ \t]{0,20}[=:][ \t]{0,20}"
    r"(\[[^\]]{0,5000}\]|[^\n]{0,1000})"
)
_PLUGGED = re.compile(r'"(?:path|file_name)"\s{0,20}:\s{0,20}"(?:file://)?([^":\n]{1,500})')
_WORD = re.compile(r"""[^\s"',\[\]{}]+""")


class References:
    """Files of a tree (paths from its root) and all that they name, in turn, at most 200 more, as `known`.
    What installed packages name is not looked for: where they count, all of them do.

    Whoever has the tree reads each path of `unread()` and tells its text by `read`; `there` says of a path
    whether it is a file of the tree.
    """

    def __init__(self, files: Iterable[str], there: Callable[[str], bool]) -> None:
        self.known = set(files)
        self._there = there
        self._most = len(self.known) + _MOST
        self._waiting = sorted(path for path in self.known if not _INSTALLED.intersection(path.split("/")))

    def unread(self) -> Iterator[str]:
        """What to read next, also of what was named meanwhile."""
        while self._waiting and len(self.known) < self._most:
            yield self._waiting.pop()

    def read(self, path: str, text: str) -> None:
        """Take in what a file names."""
        for found in self._named(PurePosixPath(path), text):
            if found not in self.known and len(self.known) < self._most:
                self.known.add(found)
                self._waiting.append(found)

    def _named(self, path: PurePosixPath, text: str) -> Iterator[str]:
        for word in _words(path, text):
            for ending in _ENDINGS if path.suffix in _SCRIPTS else ("", ".json"):
                found = posixpath.normpath(posixpath.join(str(path.parent), word + ending))
                if not found.startswith(("/", "..")) and self._there(found):
                    yield found
                    break


def with_references(tree: Path, files: Iterable[str]) -> set[str]:
    """The files of a tree on disk and all that they name."""
    search = References(files, partial(_inside, tree))
    for path in search.unread():
        search.read(path, _text(tree, path))
    return search.known


def _inside(tree: Path, path: str) -> bool:
    real = (tree / path).resolve()
    return real.is_file() and real.is_relative_to(tree.resolve())


def _text(tree: Path, path: str) -> str:
    if not _inside(tree, path) or (tree / path).stat().st_size > _LARGEST:
        return ""
    return (tree / path).read_text("utf-8", "replace")


def _words(path: PurePosixPath, text: str) -> Iterator[str]:
    """What might name a file. By kinds of files, not by names: what is extended extends others, and a tool
    may be given its configuration under any name.
    """
    if path.suffix == ".toml":
        yield from _extended(path.name, text)
    if path.suffix in _TABLES:
        yield from (word for found in _PLUGINS.findall(text) for word in _WORD.findall(found))
    if path.suffix in _TABLES or path.name == ".codespellrc":
        yield from (word for found in _LISTS.findall(text) for word in _WORD.findall(found))
    if path.name == _SECRETS:
        yield from _PLUGGED.findall(text)
    if path.suffix in _SCRIPTS:
        yield from _IMPORTED.findall(text)
    if path.suffix in _DATA:
        yield from (word for found in _EXTENDS.findall(text) for word in _WORD.findall(found))


def _extended(name: str, text: str) -> Iterator[str]:
    """What a TOML file extends: ruff's `extend`, pyright's `extends`."""
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError):
        return
    keys = (
        (("tool", "ruff", "extend"), ("tool", "pyright", "extends")) if name == _PROJECT else (("extend",),)
    )
    for path in keys:
        value: object = table
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str):
            yield value
