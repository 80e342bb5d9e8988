"""What one trivial check costs in a plan of 100: the whole service, the sandbox alone, bare processes.

Per core: wall time x cores kept busy / checks. `service` counts from the first attempt's start to the
verdict, everything between included: claims, logs, results, decisions, postings.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from app.catalogue import catalogue
from app.executors import AttemptSpec, Ended, LocalExecutor, LogChunk, Sandbox
from app.model import CheckSpec
from app.plan import compile_plan, parse
from app.store import Database
from tests.bench.github import scene
from tests.bench.report import Bench, Table, median, ratio

CHECKS = 100
AT_ONCE = 2
"""As many as the service runs by default."""
COMPILED = (200, 1000)


def gate(count: int) -> bytes:
    lines = [f'  c{number}: {{run: "true"}}' for number in range(count)]
    return "\n".join(["version: 1", "checks:", *lines, "gate:", "  - checks.passed", ""]).encode()


async def many(work: Callable[[int], Awaitable[None]]) -> float:
    """Seconds for CHECKS calls, AT_ONCE at a time, per call and core."""
    slots, busy = asyncio.Semaphore(AT_ONCE), min(AT_ONCE, os.cpu_count() or 1)

    async def one(number: int) -> None:
        async with slots:
            await work(number)

    started = time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(CHECKS)))
    return (time.perf_counter() - started) * busy / CHECKS


async def process(*line: str) -> None:
    made = await asyncio.create_subprocess_exec(*line)
    assert await made.wait() == 0


def bare_bwrap() -> tuple[str, ...]:
    """The least that shows a program its libraries in namespaces of its own."""
    links = [(f"usr/{name}", f"/{name}") for name in ("bin", "lib", "lib64") if Path(f"/{name}").is_symlink()]
    shown = [part for target, at in links for part in ("--symlink", target, at)]
    return (
        "bwrap",
        "--unshare-all",
        "--ro-bind",
        "/usr",
        "/usr",
        *shown,
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "true",
    )


async def sandboxed(executor: LocalExecutor, tree: Path, number: int) -> None:
    async def forget(_chunk: LogChunk) -> None:
        pass

    spec = AttemptSpec(
        attempt_id=str(number), check=CheckSpec(id="c", key="c", script="true"), tree=tree, trusted=True
    )
    outcome = await executor.run(spec, forget)
    assert (outcome.ended, outcome.exit_code) == (Ended.EXITED, 0), outcome


async def served(root: Path) -> float:
    """Seconds per check and core through the whole service."""
    async with scene(root) as made:
        repo = await made.repository({".portcullis.yml": gate(CHECKS), "a.py": "print(1)\n"})
        pull, delivery = await made.opened(repo, await made.branch(repo))
        await made.send(delivery)
        verdict = await made.judged(pull)
        (run,) = [run for run in made.runs(pull) if run.name == "portcullis"]
        assert run.conclusion == "success", run.title
        database = Database(made.database_url)
        with database.engine.connect() as connection:
            started = connection.exec_driver_sql("SELECT min(started_at) FROM attempts").scalar_one()
        database.close()
    return (verdict - started) * min(AT_ONCE, os.cpu_count() or 1) / CHECKS


async def play(rounds: int) -> Table:
    times: dict[str, list[float]] = {"service": [], "sandbox": [], "bwrap true": [], "true": []}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            root = Path(folder)
            root.chmod(0o755)
            (root / "tree").mkdir()
            executor = LocalExecutor(Sandbox(), root / "sandbox")
            times["true"].append(await many(lambda _: process("true")))
            times["bwrap true"].append(await many(lambda _: process(*bare_bwrap())))
            times["sandbox"].append(
                await many(lambda number: sandboxed(executor, root / "tree", number))  # noqa: B023 - awaited here
            )
            times["service"].append(await served(root))
    return Table(
        title=f"{CHECKS} trivial checks, {AT_ONCE} at once, per check and core, {rounds} rounds",
        columns=["", "ms", "x bwrap true", "must (stretch)"],
        rows=[
            [
                name,
                median([value * 1000 for value in values], 1),
                ratio(values, times["bwrap true"]),
                "<= 60 (30)" if name == "service" else "",
            ]
            for name, values in times.items()
        ],
    )


def compiled(rounds: int) -> Table:
    """In CPU time: nothing is waited for, and what else the machine does is not in the figure."""
    rows = []
    for count in COMPILED:
        text, reading, planning = gate(count), [], []
        for _ in range(rounds):
            started = time.process_time()
            parsed = parse(text, ".portcullis.yml", catalogue())
            read = time.process_time()
            assert parsed.gatefile is not None, parsed.diagnostics[:1]
            plan = compile_plan(
                parsed.gatefile, comparison=None, tree_paths=(), policy_sha="0" * 40, max_checks=count
            )
            planned = time.process_time()
            assert len(plan.checks) == count
            reading.append((read - started) * 1000)
            planning.append((planned - read) * 1000)
        both = [one + other for one, other in zip(reading, planning, strict=True)]
        rows.append(
            [
                f"{count:,} checks",
                median(reading, 1),
                median(planning, 1),
                median(both, 1),
                "<= 50 (20)" if count == COMPILED[1] else "",
            ]
        )
    return Table(
        title=f"gate file to plan, CPU time, {rounds} rounds",
        columns=["", "read ms", "compile ms", "both ms", "must (stretch)"],
        rows=rows,
    )


def measure(rounds: int, _seconds: float) -> Iterator[Table]:
    yield compiled(rounds)
    yield asyncio.run(play(min(rounds, 3)))


BENCH = Bench(name="checks", run=measure)
