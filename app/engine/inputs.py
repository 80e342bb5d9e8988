"""What a check's result depends on, as digests: equal ones mean that an earlier result may serve."""

import hashlib
from collections.abc import Collection, Iterable
from typing import Final

import msgspec

from app.engine.specs import base_configures, needs_base_tree
from app.executors import TreeEntry
from app.language import globs
from app.model import CheckSpec, Comparison, Inputs
from app.plan import hashed_globs

Entries = tuple[TreeEntry, ...]
_ATTRIBUTES: Final = (".gitattributes",)


def needs_entries(specs: Iterable[CheckSpec], *, trusted: bool) -> tuple[bool, bool]:
    """Of which trees the files must be listed to know these checks' inputs: (tested, base)."""
    by_files = [spec for spec in specs if spec.reuse]
    return bool(by_files), any(needs_base_tree(spec, trusted=trusted) for spec in by_files)


def inputs_of(
    spec: CheckSpec,
    *,
    comparison: Comparison,
    base_ref: str,
    tested: Entries,
    base: Entries,
    trusted: bool,
    whole: bool,
    configuration: Collection[str] | None = (),
) -> Inputs:
    """The inputs of one check: the files that its `reuse` names, those that configure its tool, where it
    takes them from, and those that its cache depends on; without `reuse` both trees. `tested` and `base` are
    the trees' entries, as far as `needs_entries` asks for them; `whole`: it is told that all files were
    changed (a base run); `configuration` are the paths of what its configuration consists of, None where that
    is not known. Attributes count always: they say how files are written out.

    A `reuse` that names no file of the tree says nothing about the result: `files` is then '', and so it is
    where the configuration is not known.
    """
    parts: list[object] = [spec.key, base_ref]
    if spec.commits:
        parts += [comparison.base_sha, comparison.head_sha]
    if not spec.reuse:
        return Inputs(files=_digest([*parts, comparison.base_tree, comparison.tested_tree]))
    listed = _listed(tested, spec.reuse)
    of_base = _listed(base, spec.reuse) if spec.tree == "base" else []
    if configuration is None or not (listed or of_base):
        return Inputs()
    configured = base if base_configures(spec, trusted=trusted) else tested
    kept = _listed(tested, hashed_globs(spec.cache.key)) if spec.cache is not None else []
    known = set(configuration)
    configuring = [(entry.path, entry.mode, entry.sha) for entry in configured if entry.path in known]
    parts += [listed, of_base, configuring, kept]
    parts += [_listed(tree, _ATTRIBUTES) for tree in (tested, base if of_base else (), configured)]
    files = _digest(parts)
    if whole:
        return Inputs(files=files)
    told = globs(spec.reuse)
    return Inputs(files=files, changed=_digest([path for path in comparison.paths if told.matches(path)]))


def _listed(entries: Entries, patterns: tuple[str, ...]) -> list[tuple[str, str, str]]:
    wanted = globs(patterns)
    return [(entry.path, entry.mode, entry.sha) for entry in entries if wanted.matches(entry.path)]


def _digest(parts: list[object] | list[str]) -> str:
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
