"""What checks keep between runs, in the real sandbox: who reads it, who writes it, what fills it."""

import os
import shutil
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app.executors import (
    AttemptOutcome,
    AttemptSpec,
    CacheLimits,
    Caches,
    CacheUse,
    Ended,
    LogChunk,
    Rules,
)
from app.executors.probe import interpreter
from app.model import Cache, CheckSpec
from tests.contracts.executors.conftest import LOCAL, Local, Make

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.parametrize("make_executor", LOCAL, indirect=True),
]

MIRROR = "127.0.0.78"
BASE, OWN = "forge-1/base/abc", "forge-1/change-7/abc"
Check = Callable[..., Awaitable[tuple[AttemptOutcome, str]]]


class _Mirror(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"a package")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def mirror() -> Iterator[str]:
    server = ThreadingHTTPServer((MIRROR, 0), _Mirror)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://{MIRROR}:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def shared_executor(make_executor: Make, mirror: str) -> Local:
    port = int(mirror.rstrip("/").rpartition(":")[2])
    executor = make_executor(egress=Rules(ports=(port,), allowed=(f"{MIRROR}/32",)))
    limits = CacheLimits(entry_bytes=1 << 20, entry_files=50)
    executor.caches = Caches(executor.root / "few", limits=limits, owner=executor.caches.owner)
    return executor


@pytest.fixture
def check(executor: Local, tree: Path) -> Iterator[Check]:
    """Run a script with `.deps` kept; afterwards every entry goes."""

    async def once(
        script: str,
        *,
        setup: str = "",
        trusted: bool = True,
        scope: str = BASE,
        base: Path | None = None,
        paths: tuple[str, ...] = (".deps", "src/made"),
        config_tree: Path | None = None,
    ) -> tuple[AttemptOutcome, str]:
        log = bytearray()

        async def listen(chunk: LogChunk) -> None:
            log.extend(chunk.data)

        use = CacheUse(
            read=(scope, BASE) if trusted else (BASE,),
            write=scope if trusted else "",
            missing="needs ok-to-test: uv.lock changed",
            changed=base is None,
            fill=BASE if base is not None else "",
        )
        spec = CheckSpec(
            id="check",
            key="check",
            script=script,
            setup=setup,
            timeout=20.0,
            cache=Cache(key="k", paths=paths),
            config_files=(".deps",) if config_tree is not None else (),
        )
        attempt = AttemptSpec(
            attempt_id="attempt-1",
            check=spec,
            tree=tree,
            trusted=trusted,
            cache=use,
            setup_tree=base,
            config_tree=config_tree,
            changed=("evil",),
            commits={"c" * 40 + "/evil": b"evil"},
            facts={"PORTCULLIS_HEAD_SHA": "h" * 40, "PORTCULLIS_BASE_SHA": "b" * 40},
        )
        outcome = await executor.run(attempt, listen)
        return outcome, log.decode("utf-8", "replace")

    yield once
    for path in executor.caches.place.glob("*/*/*"):
        assert executor.caches._remove(path)


FILL = (
    "mkdir -p .deps/lib && echo one > .deps/lib/file && ln -s file .deps/lib/link && chmod 750 .deps/lib/file"
)
LOOK = "cat .deps/lib/link && stat -c %a .deps/lib/file"


async def test_what_a_success_leaves_is_there_the_next_time(check: Check):
    assert (await check(FILL))[0].exit_code == 0
    assert (await check(LOOK))[1] == "one\n750\n"


async def test_what_a_check_does_to_it_stays_its_own(check: Check):
    await check(FILL)
    assert (await check("echo two > .deps/lib/file && rm .deps/lib/link && cat .deps/lib/file"))[1] == "two\n"
    assert (await check(LOOK))[1] == "one\n750\n"


async def test_a_failure_keeps_nothing(check: Check):
    await check(FILL + "; exit 1")
    assert (await check("ls -a"))[1].find(".deps") == -1


async def test_an_untrusted_head_reads_what_the_target_keeps_and_writes_nothing(check: Check):
    await check(FILL, trusted=False)
    assert (await check("ls .deps 2>&1 || true", trusted=False))[1].count("No such file") == 1
    await check(FILL)
    assert (await check(LOOK, trusted=False))[1] == "one\n750\n"
    await check("echo poison > .deps/lib/file", trusted=False)
    assert (await check(LOOK))[1] == "one\n750\n"


@pytest.mark.parametrize("copied", [False, True])
async def test_an_untrusted_head_adds_nothing_beside_what_the_target_keeps(
    check: Check, tree: Path, tmp_path: Path, copied: bool
):
    """Where a check's `config_files` name the kept folder: else a fork slips a plugin in."""
    base = tmp_path / "base"
    shutil.copytree(tree, base)
    await check(FILL)
    for name in (".deps/lib/file", ".deps/lib/inner/evil", ".deps/evil", "sub/.deps/evil", "sub/fine"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("evil\n")
    (tree / "links").mkdir()
    (tree / "links/.deps").symlink_to("../sub")
    if copied and os.geteuid() == 0:
        for path in (tree, *tree.rglob("*")):
            os.chown(path, 0, 0, follow_symlinks=False)
    look = "find .deps sub links ! -type d | sort; cat .deps/lib/file"
    kept = ".deps/lib/file\n.deps/lib/link\nsub/fine\none\n"
    assert (await check(look, trusted=False, config_tree=base))[1] == kept
    shutil.rmtree(tree / ".deps")
    (tree / ".deps").symlink_to("sub")
    assert (await check(look, trusted=False, config_tree=base))[1] == kept


async def test_what_a_change_keeps_is_for_itself(check: Check):
    await check(FILL, scope=OWN)
    assert (await check(LOOK, scope=OWN))[1] == "one\n750\n"
    assert (await check("ls -a", scope=BASE))[1].find(".deps") == -1
    assert (await check("ls -a", trusted=False))[1].find(".deps") == -1


async def test_its_own_comes_before_the_targets(check: Check):
    await check("mkdir .deps && echo own > .deps/file", scope=OWN)
    await check("mkdir .deps && echo base > .deps/file", scope=BASE)
    assert (await check("cat .deps/file", scope=OWN))[1] == "own\n"


async def test_setup_runs_once_with_network_and_the_check_without(check: Check, mirror: str):
    python = interpreter()[0][0] if isinstance(interpreter()[0], tuple) else interpreter()[0]
    code = f"import urllib.request as u; open('.deps/package', 'wb').write(u.urlopen('{mirror}').read())"
    setup = f'mkdir .deps && echo setting up && {python} -I -c "{code}"'
    look = "cat .deps/package; env | grep -ci proxy || true"
    outcome, log = await check(look, setup=setup)
    assert outcome.exit_code == 0
    assert log.startswith("setting up\n")
    assert "network: allowed" in log
    assert log.endswith("a package0\n")
    assert (await check(look, setup=setup))[1] == "a package0\n"


async def test_a_setup_that_fails_fails_the_check(check: Check):
    outcome, log = await check("echo began", setup="mkdir .deps && touch .deps/x && exit 3")
    assert (outcome.ended, outcome.detail, log) == (Ended.REFUSED, "setup failed: exit 3", "")
    outcome, _ = await check("echo began", setup="true")
    assert outcome.detail == "setup left nothing at .deps, src/made"


async def test_an_untrusted_head_sets_nothing_up(check: Check):
    outcome, log = await check("echo began", setup="echo set up; mkdir .deps", trusted=False)
    assert (outcome.ended, outcome.detail, log) == (
        Ended.REFUSED,
        "needs ok-to-test: uv.lock changed",
        "",
    )
    await check("true", setup="mkdir .deps && touch .deps/x")
    assert (await check("ls .deps", setup="exit 1", trusted=False))[1] == "x\n"


async def test_for_an_untrusted_head_setup_runs_on_the_targets_tree_and_sees_nothing_of_the_head(
    check: Check, tree: Path, tmp_path: Path
):
    base = tmp_path / "base"
    shutil.copytree(tree, base)
    (base / "lock").write_text("the target's\n")
    for path in (base, base / "lock", *base.rglob("*")):
        os.chown(path, tree.stat().st_uid, tree.stat().st_gid)
    setup = "mkdir .deps && cp lock .deps/made && cat $PORTCULLIS_CHANGED_FILES >> .deps/made; env | sort > .deps/env"
    outcome, log = await check("cat .deps/made; ls lock", setup=setup, trusted=False, base=base)
    assert (outcome.ended, outcome.exit_code) == (Ended.EXITED, 2), "the head itself has no such file"
    assert "setup: done in" in log
    assert "the target's\n" in log
    _, log = await check("cat .deps/env", setup="exit 1", trusted=False)
    assert "evil" not in log
    assert "h" * 40 not in log
    assert f"PORTCULLIS_BASE_SHA={'b' * 40}" in log


async def test_a_setup_that_fails_on_the_target_is_not_the_changes_fault(check: Check, tree: Path):
    outcome, _ = await check("true", setup="exit 3", trusted=False, base=tree)
    assert (outcome.ended, outcome.detail) == (Ended.SETUP_ERROR, "setup failed: exit 3")
    outcome, _ = await check("true", setup="true", trusted=False, base=tree)
    assert (outcome.ended, outcome.detail) == (Ended.SETUP_ERROR, "setup left nothing at .deps, src/made")


async def test_one_timeout_bounds_setup_and_check(check: Check):
    outcome, _ = await check("sleep 0.3", setup="sleep 0.5; mkdir .deps && touch .deps/x")
    assert outcome.exit_code == 0
    assert outcome.seconds >= 0.8


async def test_what_is_too_much_is_not_kept_and_said(check: Check):
    _, log = await check("mkdir .deps && head -c 2000000 /dev/zero > .deps/large")
    assert "cache: not kept: more than 1 MiB" in log
    _, log = await check("mkdir .deps && touch .deps/{1..60}")
    assert "cache: not kept: more than 50 files" in log
    assert (await check("ls -a"))[1].find(".deps") == -1


async def test_links_and_special_files_lead_nowhere(check: Check, executor: Local):
    await check("ln -s /etc .deps; mkdir -p src/made; ln -s /etc/passwd src/made/link; mkfifo src/made/pipe")
    (entry,) = executor.caches.place.glob("*/*/*")
    found = sorted(str(path.relative_to(entry / "content")) for path in entry.rglob("content/**/*"))
    assert found == ["src", "src/made", "src/made/link"]
    assert (entry / "content/src/made/link").is_symlink()


@pytest.mark.parametrize("copied", [False, True])
async def test_nothing_of_the_tree_itself_is_kept(check: Check, executor: Local, tree: Path, copied: bool):
    if copied and os.geteuid() == 0:
        for path in (tree, *tree.rglob("*")):
            os.chown(path, 0, 0)  # the view is then a copy
    await check("cat src/app.py", paths=("src",))
    assert not list(executor.caches.place.glob("*/*/*"))
    outcome, _ = await check("true", setup="cat src/app.py", paths=("src",))
    assert outcome.detail == "setup left nothing at src"
    await check("echo changed > src/app.py; echo new > src/new.py", paths=("src",))
    (entry,) = executor.caches.place.glob("*/*/*")
    assert [path.name for path in (entry / "content/src").iterdir()] == ["new.py"]
    (tree / "src/app.py").write_text("a later head's\n")
    assert (await check("cat src/app.py src/new.py", paths=("src",)))[1] == "a later head's\nnew\n"
