"""Links that a change or a cache entry brings lead nowhere on the host while the view of a check is made."""

import os
import shutil
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from app.executors import JOB_UID, AttemptOutcome, AttemptSpec, CacheUse, LogChunk
from app.model import Cache, CheckSpec
from tests.contracts.executors.conftest import LOCAL, Local

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.parametrize("make_executor", LOCAL, indirect=True),
]

ENTRY = "forge-1/base/abc"
Attempt = Callable[..., Awaitable[tuple[AttemptOutcome, str]]]


@pytest.fixture(
    params=[
        "overlay",
        pytest.param(
            "copy",
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root gets copies of others' trees"),
        ),
    ]
)
def view(request: pytest.FixtureRequest) -> str:
    """How the view is made: a tree that belongs to another user than the check's is copied."""
    return str(request.param)


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A directory of the host that everybody may write to."""
    place = tmp_path / "host"
    (place / "sub").mkdir(parents=True)
    (place / "sub/ruff.toml").write_text("precious")
    for path in (tmp_path, place, place / "sub", place / "sub/ruff.toml"):
        path.chmod(0o777)
    return place


def a_tree(place: Path, view: str, files: Mapping[str, str | Path]) -> Path:
    """A source tree; a path as content makes a link."""
    for name, content in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            path.symlink_to(content)
        else:
            path.write_text(content)
    if os.geteuid() == 0:
        owner = 0 if view == "copy" else JOB_UID
        for path in (place, *place.rglob("*")):
            os.lchown(path, owner, owner)
    return place


@pytest.fixture
def attempt(executor: Local, tmp_path: Path) -> Attempt:
    async def once(
        script: str,
        tree: Path,
        *,
        paths: tuple[str, ...] = (),
        base: Path | None = None,
        trusted: bool = False,
    ) -> tuple[AttemptOutcome, str]:
        log = bytearray()

        async def listen(chunk: LogChunk) -> None:
            log.extend(chunk.data)

        check = CheckSpec(
            id="check",
            key="check",
            script=script,
            timeout=20.0,
            cache=Cache(key="k", paths=paths) if paths else None,
            config_files=("ruff.toml",),
        )
        use = CacheUse(read=(ENTRY,), write=ENTRY if trusted else "") if paths else None
        spec = AttemptSpec(
            attempt_id="attempt-1", check=check, tree=tree, config_tree=base, trusted=trusted, cache=use
        )
        outcome = await executor.run(spec, listen)
        return outcome, log.decode("utf-8", "replace")

    yield once
    for path in executor.caches.place.glob("*/*/*"):
        shutil.rmtree(path)


async def test_configuration_behind_a_link_of_the_cache_is_left_alone(
    attempt: Attempt, tmp_path: Path, host: Path, view: str
):
    base = a_tree(tmp_path / "base", view, {"a.py": "x"})
    fill = f"mkdir .deps && ln -s {host} .deps/package && touch .deps/file"
    assert (await attempt(fill, base, paths=(".deps",), trusted=True))[0].exit_code == 0
    head = a_tree(tmp_path / "head", view, {"a.py": "x", ".deps/package/sub/ruff.toml": "mine"})
    outcome, log = await attempt("readlink .deps/package; ls .deps", head, paths=(".deps",), base=base)
    assert (outcome.exit_code, log) == (0, f"{host}\nfile\npackage\n")
    assert (host / "sub/ruff.toml").read_text() == "precious"


async def test_a_link_of_the_change_where_the_cache_lies_gives_way(
    attempt: Attempt, tmp_path: Path, host: Path, view: str
):
    base = a_tree(tmp_path / "base", view, {"a.py": "x"})
    await attempt("mkdir -p web/sub && echo kept > web/sub/ruff", base, paths=("web/sub",), trusted=True)
    head = a_tree(tmp_path / "head", view, {"a.py": "x", "web": host})
    outcome, log = await attempt("cat web/sub/ruff; [ -L web ] || echo folder", head, paths=("web/sub",))
    assert (outcome.exit_code, log) == (0, "kept\nfolder\n")
    assert [path.name for path in host.rglob("*")] == ["sub", "ruff.toml"]


async def test_a_file_of_the_cache_is_not_written_through_a_link_of_the_change(
    attempt: Attempt, tmp_path: Path, host: Path, view: str
):
    base = a_tree(tmp_path / "base", view, {"a.py": "x"})
    await attempt("mkdir .deps && echo kept > .deps/file", base, paths=(".deps",), trusted=True)
    head = a_tree(tmp_path / "head", view, {".deps/file": host / "sub/ruff.toml", ".deps/other": "its own"})
    outcome, log = await attempt("cat .deps/file .deps/other", head, paths=(".deps",))
    assert (outcome.exit_code, log) == (0, "kept\nits own")
    assert (host / "sub/ruff.toml").read_text() == "precious"


async def test_configuration_of_the_base_is_not_written_through_a_link_of_the_change(
    attempt: Attempt, tmp_path: Path, host: Path, view: str
):
    base = a_tree(tmp_path / "base", view, {"ruff.toml": "base", "deep/ruff.toml": "deep"})
    head = a_tree(tmp_path / "head", view, {"ruff.toml": host / "sub/ruff.toml", "deep": host / "sub"})
    outcome, log = await attempt("cat ruff.toml deep/ruff.toml", head, base=base)
    assert (outcome.exit_code, log) == (0, "basedeep")
    assert (host / "sub/ruff.toml").read_text() == "precious"
