"""Answers by table."""

import asyncio
from pathlib import Path

import pytest

from app.executors import Answer, AttemptSpec, Ended, LogChunk, ScriptedExecutor
from app.model import CheckSpec, ReportSpec


def spec(key: str = "test", number: int = 1) -> AttemptSpec:
    check = CheckSpec(
        id=key, key=key, script="x", reports=(ReportSpec(path="out/a"), ReportSpec(path="out/b"))
    )
    return AttemptSpec(attempt_id=f"{key}-{number}", check=check, tree=Path("/nowhere"))


async def test_the_nth_attempt_gets_the_nth_answer():
    executor = ScriptedExecutor(
        {"test": (Answer(ended=Ended.LOST), Answer(exit_code=1, files={"out/a": b"a"}, log=b"x" * 70_000))}
    )
    chunks: list[LogChunk] = []

    async def log(chunk: LogChunk) -> None:
        chunks.append(chunk)

    first = await executor.run(spec(), log)
    assert (first.ended, first.exit_code) == (Ended.LOST, None)
    for _ in range(2):
        again = await executor.run(spec(), log)
        assert (again.ended, again.exit_code) == (Ended.EXITED, 1)
        assert [(file.path, file.problem) for file in again.files] == [("out/a", ""), ("", "missing")]
    assert b"".join(chunk.data for chunk in chunks[:2]) == b"x" * 70_000
    assert (await executor.run(spec("other"), log)).exit_code == 0
    assert [ran.check.key for ran in executor.ran] == ["test", "test", "test", "other"]
    assert await executor.sweep() == 0
    assert (await executor.probe()).safe_for_untrusted


async def test_a_held_attempt_waits_and_can_be_cancelled():
    async def log(chunk: LogChunk) -> None: ...

    executor = ScriptedExecutor({"test": (Answer(hold=True),)})
    running = asyncio.create_task(executor.run(spec(), log))
    assert (await executor.until_running("test")).attempt_id == "test-1"
    executor.release("test")
    assert (await running).ended is Ended.EXITED

    executor = ScriptedExecutor({"test": (Answer(hold=True),)})
    running = asyncio.create_task(executor.run(spec(), log))
    await executor.until_running("test")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert executor.cancelled == ["test-1"]
    assert executor.running == {}
