"""What every executor that starts processes must do; run on this machine and in a cluster."""

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest

from app.executors import EXECUTORS, JOB_UID, AttemptSpec, Ended, LocalExecutor, LogChunk, Sandbox
from app.executors.cgroup import Cgroups
from app.model import CheckSpec, Misconfigured, ReportSpec, Resources
from tests.contracts.executors.conftest import ON_THIS_MACHINE, AnyExecutor, Local, Run, groups, python
from tests.support.prerequisites import missing

pytestmark = pytest.mark.sandbox


def test_every_executor_says_what_it_is():
    assert len({executor.name for executor in EXECUTORS}) == len(EXECUTORS)
    assert all(executor.__doc__ for executor in EXECUTORS)


async def test_exit_codes(run: Run):
    for code in (0, 1, 3, 127, 200):
        outcome, _ = await run(f"exit {code}")
        assert (outcome.ended, outcome.exit_code) == (Ended.EXITED, code)


async def test_a_script_is_strict_bash(run: Run):
    assert (await run("false | true; echo reached"))[0].exit_code == 1
    assert (await run("false; echo reached"))[1] == ""
    assert (await run("[[ -n $BASH_VERSION ]] && echo bash"))[1] == "bash\n"
    assert (await run("", argv=("printf", "%s-%s", "a b", "$HOME")))[1] == "a b-$HOME"
    plain = {"shell": "sh"}
    assert (await run("echo ${BASH_VERSION:-plain}", **plain))[1] == "plain\n"


async def test_signals_are_named(run: Run):
    outcome, _ = await run("kill -SEGV $$")
    assert (outcome.ended, outcome.signal, outcome.exit_code) == (Ended.SIGNALED, signal.SIGSEGV, None)
    outcome, _ = await run("bash -c 'kill -ABRT $$'")
    assert (outcome.ended, outcome.signal) == (Ended.SIGNALED, signal.SIGABRT)


async def test_a_program_that_is_not_there_is_the_checks_own_fault(run: Run):
    outcome, log = await run("", argv=("no-such-program",))
    assert (outcome.ended, outcome.exit_code) == (Ended.EXITED, 127)
    assert "no-such-program" in log
    outcome, _ = await run("true", workdir="no/such/folder")
    assert (outcome.ended, outcome.exit_code) == (Ended.EXITED, 127)


async def test_the_view_is_its_own(run: Run, tree: Path):
    outcome, log = await run(
        "pwd; echo changed > src/app.py; rm README; touch new; cat src/app.py; ls", workdir=""
    )
    assert outcome.exit_code == 0
    assert log == "/workspace\nchanged\nin\nnew\nout\nsrc\n"
    assert (tree / "src/app.py").read_text() == "print('app')\n"
    assert sorted(path.name for path in tree.iterdir()) == ["README", "src"]
    assert (await run("pwd", workdir="src"))[1] == "/workspace/src\n"


async def test_a_tree_of_somebody_else_is_copied(run: Run, tmp_path: Path):
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "file").write_text("theirs")
    (foreign / "link").symlink_to("/etc/passwd")
    outcome, log = await run("echo mine > file; cat file; readlink link", tree=foreign)
    assert (outcome.exit_code, log) == (0, "mine\n/etc/passwd\n")
    assert (foreign / "file").read_text() == "theirs"


async def test_tracked_out_and_in_are_cleared(run: Run, tree: Path):
    (tree / "out").symlink_to("/etc")
    (tree / "in").write_text("tracked")
    outcome, log = await run("ls -A out in; echo x > out/r; touch in/y", reports=(ReportSpec(path="out/r"),))
    assert "Read-only" in log
    assert outcome.exit_code == 1
    assert [file.content for file in outcome.files] == [b"x\n"]
    assert (tree / "in").read_text() == "tracked"


async def test_facts_arrive_and_nothing_of_ours(run: Run, tmp_path: Path):
    os.environ["PORTCULLIS_SECRET_KEY"] = "ours"
    (tmp_path / "lint").mkdir()
    (tmp_path / "lint" / "facts.json").write_text("{}")
    script = (
        "env | cut -d= -f1 | sort | tr '\\n' ' '; echo; echo $PORTCULLIS_HEAD_SHA $PORTCULLIS_TRUSTED $OWN; "
        "tr '\\0' '|' < $PORTCULLIS_CHANGED_FILES; echo; ls $PORTCULLIS_IN/lint; cat $PORTCULLIS_HEAD_TREE/h"
    )
    (tmp_path / "head").mkdir()
    (tmp_path / "head" / "h").write_text("of the head")
    try:
        outcome, log = await run(
            script,
            facts={"PORTCULLIS_HEAD_SHA": "abc", "BASE_REF": "main"},
            changed=("a b", "new\nline", "ä"),
            inputs={"lint": tmp_path / "lint"},
            other_tree=tmp_path / "head",
            env={"OWN": "mine", "PORTCULLIS_TRUSTED": "true", "PORTCULLIS_HEAD_SHA": "forged"},
        )
    finally:
        del os.environ["PORTCULLIS_SECRET_KEY"]
    assert outcome.exit_code == 0, log
    names, facts = log.split("\n")[:2]
    ours = ["BASE_REF", "CHANGED_FILES", "HEAD_SHA", "HEAD_TREE", "IN", "OUT", "TRUSTED"]
    usual = ["HOME", "LANG", "OLDPWD", "OWN", "PATH", "PWD", "SHLVL", "TERM", "TMPDIR", "USER", "_"]
    assert sorted(names.split()) == sorted([*usual, *(f"PORTCULLIS_{name}" for name in ours)])
    assert facts == "abc false mine"
    assert "a b|new\nline|ä|\n" in log
    assert log.endswith("facts.json\nof the head")


async def test_configuration_comes_from_the_base(run: Run, tree: Path, tmp_path: Path):
    base = tmp_path / "base"
    base.mkdir()
    (base / "ruff.toml").write_text("strict")
    (tree / "ruff.toml").write_text("lax")
    (tree / "src" / "ruff.toml").write_text("laxer")
    script = "cat ruff.toml; test ! -e src/ruff.toml; echo edit >> ruff.toml"
    for where in (tree, _foreign_copy(tree, tmp_path)):
        outcome, log = await run(script, tree=where, config_tree=base, config_files=("ruff.toml",))
        assert (outcome.exit_code, log) == (0, "strict")
        outcome, log = await run("cat ruff.toml", tree=where)
        assert log == "lax"


def _foreign_copy(tree: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "copy"
    (copy / "src").mkdir(parents=True)
    for name in ("ruff.toml", "src/ruff.toml"):
        (copy / name).write_text((tree / name).read_text())
    return copy


async def test_reports_outputs_and_artifacts(run: Run, executor: AnyExecutor):
    outcome, _ = await run(
        "mkdir -p out/html; echo r > out/junit.xml; echo '{}' > out/facts.json; echo h > out/html/i.html; exit 1",
        reports=(ReportSpec(path="out/junit.xml"), ReportSpec(path="out/no.xml")),
        outputs="out/facts.json",
        artifacts=("out/html/",),
    )
    assert [(file.path, file.content, file.problem) for file in outcome.files] == [
        ("out/junit.xml", b"r\n", ""),
        ("out/no.xml", b"", "missing"),
        ("out/facts.json", b"{}\n", ""),
    ]
    (kept,) = outcome.artifacts
    assert (kept.path, kept.size, Path(kept.stored).read_bytes()) == ("out/html/i.html", 2, b"h\n")
    assert Path(kept.stored).is_relative_to(executor.store / "attempt-1")


async def test_reports_survive_a_timeout(run: Run):
    for timeout in (0.3, 2.0, 20.0):  # a loaded machine may be too slow to write it in time
        outcome, _ = await run(
            "echo early > out/r.xml; sleep 99", timeout=timeout, reports=(ReportSpec(path="out/r.xml"),)
        )
        if outcome.files[0].content:
            break
    assert outcome.ended is Ended.TIMED_OUT
    assert outcome.files[0].content == b"early\n"


async def test_a_timeout_gives_a_grace_and_then_kills(run: Run):
    for timeout in (0.2, 1.0, 5.0, 25.0):  # a loaded machine may be too slow to set a trap, or to spring it
        outcome, log = await run(
            "trap 'echo tidied; exit 0' TERM; echo set; sleep 99 & wait", timeout=timeout
        )
        if "tidied" in log:
            break
    assert (outcome.ended, outcome.exit_code, log) == (Ended.TIMED_OUT, None, "set\ntidied\n")
    began = time.monotonic()
    outcome, log = await run("trap '' TERM; echo set; while :; do sleep 99; done", timeout=timeout)
    assert (outcome.ended, log) == (Ended.TIMED_OUT, "set\n")
    assert outcome.detail == f"ran longer than {timeout:g} s"
    assert time.monotonic() - began < 60  # far from the 99 s that it would have liked


async def test_resources_are_told_apart(run: Run, executor: AnyExecutor):
    outcome, _ = await run("exec tail /dev/zero", resources=Resources(memory=32 << 20, disk=16 << 20))
    assert (outcome.ended, outcome.detail) == (Ended.OUT_OF_MEMORY, "used more memory than its 32 MiB")
    outcome, _ = await run(
        "head -c 32M /dev/zero > fill", resources=Resources(memory=128 << 20, disk=16 << 20)
    )
    assert (outcome.ended, outcome.detail) == (Ended.DISK_FULL, "filled its disk of 16 MiB")
    outcome, _ = await run("yes $(printf %01000d 0)", timeout=20)
    assert outcome.ended is Ended.LOG_LIMIT
    assert outcome.log_dropped > 50 << 20
    outcome, _ = await run(
        "",
        argv=(*python("import os, signal\nfor _ in range(9): os.fork() or signal.pause()"),),
        resources=Resources(pids=3),
    )
    told = "" if executor.name == "kubernetes" else "reached its limit of 3 processes"
    assert (outcome.ended, outcome.exit_code, outcome.detail) == (Ended.EXITED, 1, told)


async def test_secrets_are_masked_in_the_log(run: Run):
    _, log = await run(
        "echo a hunter2-hunter2 b; printf hunter2-hunter2 | base64; printf hunter2-; printf hunter2"
    )
    assert "hunter2" not in log
    assert log.startswith("a *** b\n***")


async def test_cancelling_kills_before_it_returns(executor: AnyExecutor, tree: Path):
    seen = asyncio.Event()

    async def listen(chunk: LogChunk) -> None:
        seen.set()

    mark = f"77.{os.getpid()}"  # tests of another worker sleep too
    script = f"trap '' TERM; (setsid sleep {mark} &) ; echo up; sleep {mark}"
    check = CheckSpec(id="c", key="c", script=script)
    running = asyncio.create_task(executor.run(AttemptSpec(attempt_id="x", check=check, tree=tree), listen))
    await seen.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert groups(executor.owner) == []
    asleep = f"sleep\0{mark}\0".encode()
    assert not [p for p in Path("/proc").glob("[0-9]*/cmdline") if _read(p) == asleep]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize("delay", [0.0, 0.005, 0.01, 0.02, 0.03])
async def test_cancelling_at_any_moment_leaves_nothing(executor: AnyExecutor, tree: Path, delay: float):
    async def listen(chunk: LogChunk) -> None: ...

    await executor.probe()
    check = CheckSpec(id="c", key="c", script="sleep 77")
    running = asyncio.create_task(executor.run(AttemptSpec(attempt_id="x", check=check, tree=tree), listen))
    await asyncio.sleep(delay)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_many_at_once(run: Run):
    outcomes = await asyncio.gather(
        *(run(f"sleep 0.2; echo {number} > f; cat f", attempt_id=f"many-{number}") for number in range(8))
    )
    assert [log for _, log in outcomes] == [f"{number}\n" for number in range(8)]


async def test_a_sink_that_fails_fails_the_run_and_leaves_nothing(executor: AnyExecutor, tree: Path):
    async def broken(chunk: LogChunk) -> None:
        raise ConnectionError("the store is gone")

    check = CheckSpec(id="c", key="c", script="echo x")
    with pytest.raises(ConnectionError):
        await executor.run(AttemptSpec(attempt_id="x", check=check, tree=tree), broken)


@pytest.mark.parametrize("attempt_id", ["../../etc", "a/b", "x" * 300, "ä", "-x", "a b", "."])
async def test_any_attempt_id_is_harmless(run: Run, executor: AnyExecutor, attempt_id: str):
    outcome, _ = await run("echo k > out/a.txt", attempt_id=attempt_id, artifacts=("out/a.txt",))
    assert outcome.exit_code == 0
    assert Path(outcome.artifacts[0].stored).is_relative_to(executor.store)


async def test_what_cannot_run_here_is_the_operators_to_mend(run: Run, tmp_path: Path):
    with pytest.raises(Misconfigured, match="nothing to run"):
        await run("")
    with pytest.raises(Misconfigured, match="no source tree"):
        await run("true", tree=tmp_path / "none")


async def test_sweep_removes_what_a_dead_process_left(tmp_path: Path):
    """Leftovers as a killed service leaves them: a group with a living process, a directory."""
    executor = LocalExecutor(Sandbox(), tmp_path / "root")
    group = Cgroups(executor.owner).group("left")
    group.create(Resources())
    if not group.joins:
        missing("no control group can be made here")
    orphan = await asyncio.create_subprocess_exec("sleep", "60")
    assert group.join(orphan.pid)
    (executor.attempts / "left").mkdir()
    try:
        assert await executor.sweep() == 2
        assert await asyncio.wait_for(orphan.wait(), 50) == -signal.SIGKILL
        assert groups(executor.owner) == []
        assert await executor.sweep() == 0
        with pytest.raises(Misconfigured, match="another process"):
            await LocalExecutor(Sandbox(), tmp_path / "root").sweep()
    finally:
        executor.close()
    second = LocalExecutor(Sandbox(), tmp_path / "root")
    assert await second.sweep() == 0
    second.close()


@ON_THIS_MACHINE
async def test_an_earlier_attempt_of_the_same_id_is_killed_first(executor: Local, run: Run):
    group = executor.cgroups.group("attempt-1")
    group.create(Resources())
    orphan = await asyncio.create_subprocess_exec("sleep", "60")
    group.join(orphan.pid)
    outcome, _ = await run("true")
    assert outcome.exit_code == 0
    assert await asyncio.wait_for(orphan.wait(), 50) == -signal.SIGKILL


async def test_permissions_inside_look_ordinary(run: Run, tree: Path):
    _, log = await run(
        "id -un; stat -c '%U %a' src/app.py .; umask; ls -d /home/job /tmp; touch /tmp/x ~/x /dev/shm/x"
    )
    assert log == "job\njob 644\njob 755\n0022\n/home/job\n/tmp\n"
    if os.geteuid() == 0:
        assert tree.stat().st_uid == JOB_UID
    assert stat.S_ISDIR(tree.stat().st_mode)


@ON_THIS_MACHINE
async def test_where_the_kernel_refuses_an_overlay_the_view_is_a_copy(run: Run, tree: Path, tmp_path: Path):
    """The kernel lays overlays two deep at most: a tree that lies on two already gets a third refused."""
    if os.geteuid() != 0:
        missing("only root can lay the overlays beneath")
    config = tmp_path / "config"
    (config / "src").mkdir(parents=True)
    (config / "src" / "tool.toml").write_text("base's\n")
    (tree / "src" / "tool.toml").write_text("head's\n")
    shutil.chown(tree / "src" / "tool.toml", JOB_UID, JOB_UID)
    lower, stacked = tree, []
    for number in range(2):
        place = tmp_path / f"overlay{number}"
        for name in ("upper", "work", "merged"):
            (place / name).mkdir(parents=True)
        options = f"lowerdir={lower},upperdir={place}/upper,workdir={place}/work"
        subprocess.run(["mount", "-t", "overlay", "-o", options, "view", place / "merged"], check=True)
        stacked.insert(0, place / "merged")
        lower = place / "merged"
    try:
        script = (
            "grep -q ' /workspace overlay ' /proc/mounts && exit 9; cat README src/app.py src/tool.toml; "
            "echo mine > README; touch new src/new; cat README; stat -c %U README; echo kept > out/kept"
        )
        outcome, log = await run(
            script, tree=lower, config_tree=config, config_files=("src/tool.toml",), outputs="out/kept"
        )
        assert (outcome.ended, outcome.exit_code) == (Ended.EXITED, 0), (outcome.detail, log)
        assert log == "read me\nprint('app')\nbase's\nmine\njob\n"
        assert outcome.files[0].content == b"kept\n"
        assert (lower / "README").read_text() == "read me\n"
        outcome, _ = await run("true", tree=lower, resources=Resources(disk=1 << 20, memory=64 << 20))
        assert outcome.ended is Ended.EXITED
        (lower / "large").write_bytes(b"x" * (3 << 20))
        outcome, _ = await run("true", tree=lower, resources=Resources(disk=1 << 20, memory=64 << 20))
        assert outcome.ended is Ended.SETUP_ERROR
        assert "No space left" in outcome.detail
    finally:
        for place in stacked:
            subprocess.run(["umount", place], check=True)
