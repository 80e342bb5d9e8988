"""Reading large reports: processor time and peak memory of `ingest` beside the bare parsers beneath it and
the libraries that others use. Each reading is a process of its own, like those of the service.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import msgspec

from tests.bench.report import Bench, Table, median, ratio

RESULTS, RULES, FILES = 100_000, 200, 2_000
CASES, SUITES = 100_000, 500
LINES, CLASSES = 500_000, 2_500
# The module that a reader needs, where it is none of ours.
MODULES = {"sarif-tools": "sarif", "junitparser": "junitparser", "defusedxml": "defusedxml"}


def sarif(path: Path) -> None:
    """65 MB: what CodeQL and ruff write of a result."""
    rules = [{"id": f"R{n:03}", "helpUri": f"https://rules.test/R{n}"} for n in range(RULES)]
    driver = {"driver": {"name": "bench", "version": "1.0", "rules": rules}}
    words = "remove it or use it where the value is needed. " * 3
    with path.open("w") as file:
        file.write('{"version": "2.1.0", "runs": [{"tool": ' + json.dumps(driver) + ', "results": [')
        for n in range(RESULTS):
            region = {"startLine": n % 900 + 1, "startColumn": 5, "endLine": n % 900 + 1, "endColumn": 17}
            uri = f"src/package_{n % 40}/module_{n % FILES}.py"
            physical = {"artifactLocation": {"uri": uri, "uriBaseId": "SRCROOT"}, "region": region}
            text = f"Variable 'item_{n}' is assigned to but never used in function 'work_{n % 977}'; {words}"
            result = {
                "ruleId": f"R{n % RULES:03}",
                "ruleIndex": n % RULES,
                "level": "warning" if n % 3 else "error",
                "message": {"text": text},
                "locations": [{"physicalLocation": physical}],
                "partialFingerprints": {"primaryLocationLineHash": f"{n * 2654435761 % 2**64:016x}:1"},
                "properties": {"tags": ["maintainability", "unused"], "precision": "high"},
            }
            file.write(("," if n else "") + json.dumps(result))
        file.write('], "originalUriBaseIds": {"SRCROOT": {"uri": "file:///workspace/"}}}]}')


def junit(path: Path) -> None:
    """11 MB: pytest's form, one test in fifty with a failure."""
    each = CASES // SUITES
    failure = '><failure message="assert 1 == 2">def test():\n    assert 1 == 2</failure></testcase>'
    with path.open("w") as file:
        file.write('<?xml version="1.0" encoding="utf-8"?>\n<testsuites name="pytest tests">')
        for suite in range(SUITES):
            file.write(f'<testsuite name="suite{suite}" failures="{each // 50}" tests="{each}" time="1.5">')
            class_ = f"tests.package_{suite % 40}.test_module_{suite}"
            for n in range(each):
                name = f"test_case_number_{n}_of_{suite}"
                file.write(f'<testcase classname="{class_}" name="{name}" time="0.{n % 997:03}"')
                file.write(failure if n % 50 == 0 else " />")
            file.write("</testsuite>")
        file.write("</testsuites>")


def cobertura(path: Path) -> None:
    """19 MB: coverage.py's form, one line in ten with branches."""
    each = LINES // CLASSES
    branches = ' branch="true" condition-coverage="50% (1/2)" missing-branches="7"'
    with path.open("w") as file:
        file.write('<?xml version="1.0" ?>\n<coverage version="7.6" line-rate="1" branch-rate="1">\n')
        file.write("<sources><source>/workspace/src</source></sources><packages><package><classes>\n")
        for n in range(CLASSES):
            file.write(f'<class name="module_{n}.py" filename="package_{n % 40}/module_{n}.py"><lines>\n')
            for line in range(1, each + 1):
                more = branches if line % 10 == 0 else ""
                file.write(f'\t<line number="{line}" hits="{line * n % 7}"{more}/>\n')
            file.write("</lines></class>\n")
        file.write("</classes></package></packages></coverage>\n")


class Kind(msgspec.Struct, frozen=True):
    """One file, who reads it, whom we must beat by how much, and the peak in MB we may reach (0 = any)."""

    title: str
    write: Callable[[Path], None]
    count: int
    readers: tuple[str, ...]
    rivals: tuple[str, ...]
    must: float
    peak: int = 0


KINDS = (
    Kind(
        "SARIF, 100,000 results",
        sarif,
        RESULTS,
        ("msgspec", "json", "sarif-tools"),
        ("sarif-tools", "json"),
        2,
        200,
    ),
    Kind("JUnit, 100,000 cases", junit, CASES, ("expat", "xml.etree", "junitparser"), ("junitparser",), 3),
    Kind(
        "Cobertura, 500,000 lines", cobertura, LINES, ("expat", "xml.etree", "defusedxml"), ("defusedxml",), 3
    ),
)


class Took(msgspec.Struct):
    """One reading: how many things it found, seconds of processor time, peak in MB."""

    count: int
    seconds: float
    peak: float


def reading(name: str, path: Path) -> Took:
    command = [sys.executable, "-m", "tests.bench.readers", name, str(path)]
    ran = subprocess.run(command, check=True, capture_output=True)
    return msgspec.json.decode(ran.stdout, type=Took)


def table(kind: Kind, path: Path, rounds: int) -> Table:
    there = [name for name in kind.readers if name not in MODULES or find_spec(MODULES[name]) is not None]
    names = ["portcullis", *there]
    took: dict[str, list[Took]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            took[name].append(reading(name, path))
            assert took[name][-1].count == kind.count, name
    seconds = {name: [one.seconds for one in found] for name, found in took.items()}
    size = path.stat().st_size / 1e6
    rows = []
    rival = next((name for name in kind.rivals if name in there), "")
    for name, found in took.items():
        must = (
            f">= {kind.must:g}"
            if name == rival
            else f"<= {kind.peak} MB"
            if name == "portcullis" and kind.peak
            else ""
        )
        rows.append(
            [
                name,
                median(seconds[name], 2),
                f"{size / float(median(seconds[name], 4)):.0f}",
                median([one.peak for one in found]),
                ratio(seconds[name], seconds["portcullis"]),
                must,
            ]
        )
    missing = [name for name in kind.readers if name not in there]
    return Table(
        title=f"{kind.title}, {size:.0f} MB",
        columns=["reader", "CPU s", "MB/s", "peak MB", "x ours", "must"],
        rows=rows,
        notes=[f"not installed, so not compared: {', '.join(missing)}"] if missing else [],
    )


def measure(rounds: int, _seconds: float) -> Iterator[Table]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for number, kind in enumerate(KINDS):
            path = Path(folder) / f"report{number}"
            kind.write(path)
            yield table(kind, path, rounds)


BENCH = Bench(name="reports", run=measure)
