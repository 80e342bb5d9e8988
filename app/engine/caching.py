"""Which cache entries an attempt may read and write (gate-file.md section 4, `cache`).

Entries belong to a repository and a scope: `base` is written by trusted base runs and read by all, a
change's own by its trusted runs alone, and read by them alone. An untrusted head writes nothing. A name
holds the check's definition, the platform and the key, so that nothing is shared by what could differ.
"""

import hashlib
import re

import msgspec

from app.executors import BASE_SCOPE, CacheUse, TreeEntry, Workspaces
from app.language import globs
from app.model import CheckSpec, Comparison, Repository
from app.plan import hashed_globs, with_hashes

_NOT_NAMED = re.compile(r"[^A-Za-z0-9_.-]")


async def cache_use(
    spaces: Workspaces,
    repository: Repository,
    spec: CheckSpec,
    comparison: Comparison,
    *,
    platform: str,
    scope: str,
    trusted: bool,
) -> CacheUse | None:
    """The entries of one attempt; None for a check that keeps nothing. `scope` is BASE_SCOPE in a base run,
    else the change's.
    """
    if spec.cache is None:
        return None
    entries = await spaces.entries(repository, comparison.tested_sha)
    digest = _digest(spec, platform, entries)
    place = f"{_NOT_NAMED.sub('-', repository.forge)}-{repository.forge_id}"
    base, own = f"{place}/{BASE_SCOPE}/{digest}", f"{place}/{scope}/{digest}"
    changed = _changed(spec, comparison)
    return CacheUse(
        read=tuple(dict.fromkeys((own, base))) if trusted else (base,),
        write=own if trusted else "",
        missing=_missing(changed),
        changed=bool(changed),
        # The same key means the same files as on the target: what `setup` makes there is what its own run
        # would have. Not of a matrix: its values may come from the names of the change's files.
        fill="" if trusted or changed or spec.cell else base,
    )


def _digest(spec: CheckSpec, platform: str, entries: tuple[TreeEntry, ...]) -> str:
    assert spec.cache is not None  # noqa: S101 - whoever asks looked

    def content(glob: str) -> str:
        wanted = globs((glob,))
        listed = [(one.path, one.mode, one.sha) for one in entries if wanted.matches(one.path)]
        return hashlib.sha256(msgspec.json.encode(listed)).hexdigest()

    parts = (spec.definition, platform, with_hashes(spec.cache.key, content))
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def _changed(spec: CheckSpec, comparison: Comparison) -> tuple[str, ...]:
    """The changed files whose content the key holds."""
    assert spec.cache is not None  # noqa: S101 - whoever asks looked
    wanted = globs(hashed_globs(spec.cache.key))
    return tuple(path for path in comparison.paths if wanted.matches(path))


def _missing(changed: tuple[str, ...]) -> str:
    """Why an untrusted head has no entry, where it cannot be without one."""
    if not changed:
        return "what the target's runs set up for it is not on this machine"
    named = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")  # noqa: PLR2004 - as many as named
    return f"needs ok-to-test: {named} changed"
