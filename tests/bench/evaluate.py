"""What judging costs: a verdict of 40 conditions over 500 findings and 50 measures, reading reports against
the bare parsers beneath, and what one run leaves in the database.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from xml.parsers import expat

import msgspec
from sqlalchemy import Connection

from app.catalogue import catalogue
from app.executors import Answer, ScriptedExecutor
from app.model import (
    Actor,
    Change,
    ChangeKind,
    CheckEvidence,
    CheckResult,
    Comparison,
    Conclusion,
    Evidence,
    FileChange,
    FileStatus,
    Finding,
    Hunk,
    People,
    Readable,
    ReportContent,
    ReportSpec,
    Severity,
    Sha,
    Status,
)
from app.plan import compile_plan, parse
from app.policy import evaluate
from app.reports import Limits, ReadContext, ingest
from tests.bench.report import Bench, Table, median, ratio
from tests.support.cluster import cluster
from tests.support.service import stage

FINDINGS, MEASURES, CONDITIONS = 500, 50, 40
RUNS, RUN_CHECKS, RUN_FINDINGS = 20, 5, 200
SHA = Sha("1" * 40)


def gate() -> bytes:
    """Half the conditions count findings, half read measures."""
    severities = ("low", "medium", "high", "critical")
    counts = [
        f"findings('{severities[n % 4]}', '{'new' if n % 2 else 'all'}', path='src/p{n}/**') <= {FINDINGS}"
        for n in range(CONDITIONS // 2)
    ]
    measures = [f"checks.lint.out.m{n} + checks.lint.out.m{n + 20} < 100" for n in range(CONDITIONS // 2)]
    lines = [
        "version: 1",
        "checks:",
        "  lint: {run: lint, reports: [out/lint.sarif], outputs: out/facts.json}",
    ]
    return "\n".join([*lines, "gate:", *(f'  - "{text}"' for text in counts + measures), ""]).encode()


def inputs() -> Evidence:
    findings = tuple(
        Finding(
            tool="lint",
            rule=f"R{n % 30}",
            message=f"something is wrong with thing {n}",
            severity=list(Severity)[n % 5],
            path=f"src/p{n % 25}/m{n % 50}.py",
            line=n % 200 + 1,
        )
        for n in range(FINDINGS)
    )
    files = tuple(
        FileChange(
            path=f"src/p{n % 25}/m{n}.py",
            status=FileStatus.MODIFIED,
            hunks=(Hunk(10, 0, 11, 40),),
            added=40,
            added_nonblank=40,
        )
        for n in range(50)
    )
    content = ReportContent(format="sarif", kind="findings", findings=findings)
    return Evidence(
        change=Change(
            kind=ChangeKind.PULL_REQUEST,
            key="pr-1",
            number=1,
            title="x",
            author=Actor(login="alice"),
            base_ref="main",
            head_ref="topic",
            head_sha=SHA,
        ),
        comparison=Comparison(
            base_sha=SHA, head_sha=SHA, tested_sha=SHA, base_tree=SHA, tested_tree=SHA, files=files
        ),
        checks=(
            CheckResult(
                id="lint",
                key="lint",
                status=Status.COMPLETED,
                conclusion=Conclusion.SUCCESS,
                produces=("findings",),
                delivered=("findings",),
                outputs={f"m{n}": n for n in range(MEASURES)},
            ),
        ),
        reports=(CheckEvidence(key="lint", reports=(content,)),),
        people=People(state=Readable.NOT_APPLICABLE),
    )


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def verdicts(rounds: int) -> Table:
    parsed = parse(gate(), ".portcullis.yml", catalogue())
    assert parsed.gatefile is not None, parsed.diagnostics
    plan = compile_plan(parsed.gatefile, comparison=None, tree_paths=(), policy_sha=SHA)
    evidence = inputs()
    known = [outcome.value.value for outcome in evaluate(plan, evidence).outcomes]
    assert known.count("met") >= CONDITIONS, known
    times = [timed(lambda: evaluate(plan, evidence)) * 1000 for _ in range(rounds * 10)]
    return Table(
        title=f"verdict: {CONDITIONS} conditions, {FINDINGS} findings, {MEASURES} measures, {len(times)} times",
        columns=["", "p50 ms", "max", "must (stretch)"],
        rows=[["evaluate", median(times, 2), f"{max(times):.2f}", "<= 5 (1)"]],
    )


def junit(count: int) -> bytes:
    cases = "".join(
        f'<testcase classname="a.b.c{n % 99}" name="test_{n}" time="0.01"/>' for n in range(count)
    )
    return f'<testsuites><testsuite name="s" tests="{count}">{cases}</testsuite></testsuites>'.encode()


def cobertura(count: int) -> bytes:
    files = "".join(
        f'<class name="m{n}" filename="src/m{n}.py" line-rate="0.5"><methods/><lines>'
        + "".join(f'<line number="{line}" hits="{line % 3}"/>' for line in range(1, 201))
        + "</lines></class>"
        for n in range(count // 200)
    )
    return f'<coverage version="7" timestamp="1"><packages><package name="p"><classes>{files}</classes></package></packages></coverage>'.encode()


def sarif(count: int, tool: str = "lint") -> bytes:
    results = [
        {
            "ruleId": f"R{n % 30}",
            "level": "warning",
            "message": {"text": f"something is wrong with thing {n}"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": f"src/p{n % 25}/m{n % 50}.py"},
                        "region": {"startLine": n % 900 + 1, "startColumn": 1, "endColumn": 9},
                    }
                }
            ],
        }
        for n in range(count)
    ]
    rules = [{"id": f"R{n}"} for n in range(30)]
    run = {"tool": {"driver": {"name": tool, "rules": rules}}, "results": results}
    return json.dumps({"version": "2.1.0", "runs": [run]}).encode()


def bare_expat(content: bytes) -> None:
    """The least an XML reader does: a call for every start and end."""
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda _name, _attributes: None
    parser.EndElementHandler = lambda _name: None
    parser.Parse(content, True)


def reading(rounds: int) -> Table:
    samples: Sequence[tuple[str, str, bytes, Callable[[bytes], object]]] = (
        ("JUnit", "expat", junit(50_000), bare_expat),
        ("Cobertura", "expat", cobertura(150_000), bare_expat),
        ("SARIF", "msgspec", sarif(20_000), msgspec.json.decode),
    )
    rows = []
    for name, floor, content, bare in samples:
        spec = ReportSpec(path=f"out/{name}", format=name.lower())
        context = ReadContext(path=spec.path, limits=Limits())
        ours, least = [], []
        for _ in range(rounds):
            ours.append(timed(lambda: ingest(content, spec, context=context)))  # noqa: B023 - called here
            least.append(timed(lambda: bare(content)))  # noqa: B023 - the same
        size = len(content) / 1e6
        rows.append(
            [
                f"{name}, {size:.1f} MB",
                median([size / value for value in ours]),
                floor,
                median([size / value for value in least]),
                ratio(ours, least),
            ]
        )
    return Table(
        title=f"reading reports, {rounds} rounds",
        columns=["", "MB/s", "floor", "its MB/s", "time x floor"],
        rows=rows,
    )


def size_of(connection: Connection) -> int:
    """Bytes of a database: on SQLite what is used of its file, on PostgreSQL all of its tables and indexes."""
    if connection.dialect.name != "sqlite":
        return connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one()
    connection.exec_driver_sql("PRAGMA wal_checkpoint")
    count = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    free = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
    return (count - free) * connection.exec_driver_sql("PRAGMA page_size").scalar_one()


async def growth(root: Path, url: str) -> float:
    """kB that one run adds to the database, its deliveries and postings included."""
    report = sarif(RUN_FINDINGS // RUN_CHECKS)
    answer = Answer(files={"out/lint.sarif": report})
    names = [f"lint{n}" for n in range(RUN_CHECKS)]
    lines = [f"  {name}: {{run: lint, reports: [out/lint.sarif]}}" for name in names]
    text = "\n".join(["version: 1", "checks:", *lines, "gate:", "  - findings('critical', 'new') == 0", ""])
    runner = ScriptedExecutor(dict.fromkeys(names, (answer,)))
    async with stage(root, runner=runner, database_url=url) as scene:
        repo = await scene.repository({".portcullis.yml": text, "a.py": "1\n"})
        database = scene.program.database

        before = 0
        for number in range(RUNS + 1):
            await scene.forge.push("alice", repo, f"t{number}", {"a.py": f"{number}\n"}, base="main")
            pull = await scene.forge.open_pull_request("alice", repo, f"t{number}")
            await scene.settled()
            assert scene.verdict(repo, pull).conclusion == "success"
            before = before or await database.read(size_of)  # the first run pays for tables and indexes
        return (await database.read(size_of) - before) / RUNS / 1024


def measure(rounds: int, _seconds: float) -> Iterator[Table]:
    yield verdicts(rounds)
    yield reading(rounds)
    rows = []
    with cluster() as server:
        for name, url in (("SQLite", ""), ("PostgreSQL", server.url)):
            with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                rows.append([name, f"{asyncio.run(growth(Path(folder), url)):.1f}", "<= 60 (20)"])
    yield Table(
        title=f"database growth, {RUNS} runs of {RUN_CHECKS} checks with {RUN_FINDINGS} findings together",
        columns=["one run, deliveries included", "kB", "must (stretch)"],
        rows=rows,
        notes=["PostgreSQL: dead rows of what was changed included, as they are until it vacuums"],
    )


BENCH = Bench(name="evaluate", run=measure)
