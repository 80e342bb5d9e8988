"""Which cache entries an attempt may read and write."""

from typing import cast

import msgspec
import pytest

from app.engine.caching import cache_use
from app.executors import BASE_SCOPE, CacheUse, TreeEntry, Workspaces
from app.model import Cache, CheckSpec, Comparison, Sha
from tests.unit.engine.test_reuse import comparison, entry
from tests.unit.engine.test_rules import REPOSITORY

SPEC = CheckSpec(
    id="test",
    key="test",
    script="pytest",
    setup="uv sync",
    cache=Cache(key="uv-${hash('uv.lock')}-${hash(\"req/*.txt\")}", paths=(".venv",)),
    definition="d",
)
TREE = (entry("uv.lock"), entry("req/dev.txt"), entry("a.py"))


class Tree:
    """Workspaces that know one tree."""

    def __init__(self, *entries: TreeEntry) -> None:
        self._entries = entries

    async def entries(self, _repository: object, _sha: Sha) -> tuple[TreeEntry, ...]:
        return self._entries


async def use(
    *entries: TreeEntry,
    spec: CheckSpec = SPEC,
    scope: str = "change-7",
    trusted: bool = True,
    platform: str = "x86_64",
    compared: Comparison | None = None,
) -> CacheUse:
    found = await cache_use(
        cast("Workspaces", Tree(*(entries or TREE))),
        REPOSITORY,
        spec,
        compared or comparison("a.py"),
        platform=platform,
        scope=scope,
        trusted=trusted,
    )
    assert found is not None
    return found


async def test_a_trusted_change_reads_its_own_then_the_targets_and_writes_its_own() -> None:
    found = await use()
    own, base = found.read
    assert own.startswith("github-1/change-7/")
    assert base.startswith("github-1/base/")
    assert own.rpartition("/")[2] == base.rpartition("/")[2]
    assert found.write == own


async def test_a_base_run_writes_what_all_read() -> None:
    found = await use(scope=BASE_SCOPE)
    assert found.read == (found.write,)
    assert found.write == (await use()).read[1]


async def test_an_untrusted_head_reads_the_targets_alone_and_writes_nothing() -> None:
    for scope in ("change-7", BASE_SCOPE):
        found = await use(scope=scope, trusted=False)
        assert found.read == ((await use(scope=BASE_SCOPE)).write,)
        assert found.write == ""


@pytest.mark.parametrize(
    "given",
    [
        {"entries": (entry("uv.lock", "2"), *TREE[1:])},
        {"entries": (TREE[0], entry("req/dev.txt", "2"))},
        {"entries": TREE[1:]},
        {"platform": "aarch64"},
        {"spec": msgspec.structs.replace(SPEC, definition="e")},
        {"spec": msgspec.structs.replace(SPEC, cache=Cache(key="other", paths=(".venv",)))},
    ],
)
async def test_what_could_differ_is_another_entry(given: dict[str, object]) -> None:
    entries = cast("tuple[TreeEntry, ...]", given.pop("entries", TREE))
    assert (await use(*entries, **given)).write != (await use()).write  # type: ignore[arg-type]


async def test_other_files_change_no_entry() -> None:
    assert (await use(*TREE, entry("b.py"))).write == (await use()).write


async def test_what_an_untrusted_head_is_told() -> None:
    none = await use(trusted=False)
    assert none.missing == "what the target's runs set up for it is not on this machine"
    one = await use(trusted=False, compared=comparison("a.py", "uv.lock"))
    assert one.missing == "needs ok-to-test: uv.lock changed"
    assert (none.changed, one.changed) == (False, True)
    names = ("req/a.txt", "req/b.txt", "req/c.txt", "req/d.txt", "uv.lock")
    assert (await use(compared=comparison(*names))).missing == (
        "needs ok-to-test: req/a.txt, req/b.txt, req/c.txt and 2 more changed"
    )


async def test_what_the_target_would_set_up_alike_may_be_made_for_an_untrusted_head() -> None:
    """Only where the key's files are the target's, and no value comes from the change."""
    assert (await use(trusted=False)).fill == (await use(scope=BASE_SCOPE)).write
    assert (await use(trusted=False, compared=comparison("uv.lock"))).fill == ""
    assert (await use()).fill == ""
    cell = msgspec.structs.replace(SPEC, cell={"package": "a"})
    assert (await use(trusted=False, spec=cell)).fill == ""


async def test_a_check_without_cache_has_none() -> None:
    spaces = cast("Workspaces", Tree())
    plain = msgspec.structs.replace(SPEC, cache=None)
    given = {"platform": "p", "scope": BASE_SCOPE, "trusted": True}
    assert await cache_use(spaces, REPOSITORY, plain, comparison(), **given) is None  # type: ignore[arg-type]
