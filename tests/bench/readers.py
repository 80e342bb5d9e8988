"""`python -m tests.bench.readers NAME FILE`: read one report in this process and say what it took.

Each reader gives the same facts: of SARIF rule, message, place and level; of JUnit name, class, seconds and
outcome; of Cobertura the hits of each line by file.
"""

import gc
import json
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET
from xml.parsers import expat

import msgspec


def portcullis(path: Path) -> int:
    """The whole of `ingest`, as the process that reads reports calls it."""
    from app.model import ReportSpec
    from app.reports import ReadContext, ingest

    read = ingest(path.read_bytes(), ReportSpec(path=path.name), context=ReadContext())
    return len(read.findings) + len(read.tests) + sum(len(file.lines) for file in read.coverage)


def plain_expat(path: Path) -> int:
    """expat with a handler that only counts: what no reader in Python can be faster than."""
    count = 0

    def start(name: str, _attributes: dict[str, str]) -> None:
        nonlocal count
        count += name in {"testcase", "line"}

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.Parse(path.read_bytes(), True)
    return count


class Place(msgspec.Struct):
    uri: str = ""


class Region(msgspec.Struct):
    startLine: int = 0  # noqa: N815 - SARIF's own
    startColumn: int = 0  # noqa: N815 - SARIF's own
    endLine: int = 0  # noqa: N815 - SARIF's own
    endColumn: int = 0  # noqa: N815 - SARIF's own


class Physical(msgspec.Struct):
    artifactLocation: Place  # noqa: N815 - SARIF's own
    region: Region


class Where(msgspec.Struct):
    physicalLocation: Physical  # noqa: N815 - SARIF's own


class Result(msgspec.Struct):
    ruleId: str  # noqa: N815 - SARIF's own
    message: dict[str, str]
    level: str
    locations: list[Where]


class Run(msgspec.Struct):
    results: list[Result]


class Log(msgspec.Struct):
    runs: list[Run]


def plain_msgspec(path: Path) -> int:
    """msgspec into structs that only this very file fits."""
    return len(msgspec.json.decode(path.read_bytes(), type=Log).runs[0].results)


@dataclass
class Found:
    rule: str
    message: str
    level: str
    path: str
    line: int


def json_objects(path: Path) -> int:
    """`json.load`, and one object for each result."""
    results = json.loads(path.read_bytes())["runs"][0]["results"]
    found = []
    for result in results:
        physical = result["locations"][0]["physicalLocation"]
        path_, line = physical["artifactLocation"]["uri"], physical["region"]["startLine"]
        found.append(Found(result["ruleId"], result["message"]["text"], result["level"], path_, line))
    return len(found)


def sarif_tools(path: Path) -> int:
    """The loader of sarif-tools."""
    from sarif import loader

    return len(loader.load_sarif_file(str(path)).get_results())


def junitparser(path: Path) -> int:
    """junitparser, and of each test what a verdict needs."""
    from junitparser import JUnitXml

    suites: Any = JUnitXml.fromfile(str(path))
    tests = [
        (case.name, case.classname, case.time, [type(result).__name__ for result in case.result])
        for suite in suites
        for case in suite
    ]
    return len(tests)


def _lines(root: ET.Element) -> int:
    files: dict[str, dict[int, int]] = {}
    for class_ in root.iter("class"):
        lines = files.setdefault(class_.get("filename", ""), {})
        for line in class_.iter("line"):
            lines[int(line.get("number", ""))] = int(line.get("hits", ""))
    return sum(len(lines) for lines in files.values())


def _tests(root: ET.Element) -> int:
    tests = []
    for case in root.iter("testcase"):
        outcome = case[0].tag if len(case) else "passed"
        tests.append((case.get("name"), case.get("classname"), float(case.get("time", "0")), outcome))
    return len(tests)


def tree(path: Path) -> int:
    """A tree of xml.etree, and a walk over it."""
    root = ET.parse(path).getroot()  # noqa: S314 - a file of ours
    return _lines(root) if root.tag == "coverage" else _tests(root)


def defused_tree(path: Path) -> int:
    """A tree of defusedxml, and the same walk."""
    from defusedxml.ElementTree import parse

    root = parse(path).getroot()
    return _lines(root) if root.tag == "coverage" else _tests(root)


READERS: dict[str, Callable[[Path], int]] = {
    "portcullis": portcullis,
    "expat": plain_expat,
    "msgspec": plain_msgspec,
    "json": json_objects,
    "sarif-tools": sarif_tools,
    "junitparser": junitparser,
    "xml.etree": tree,
    "defusedxml": defused_tree,
}

# Without the collector of cycles, as in the process that reads reports; the others run as they are.
FROZEN = {"portcullis", "expat", "msgspec"}


def main() -> None:
    name, path = sys.argv[1], Path(sys.argv[2])
    if name == "portcullis":
        import app.reports  # noqa: F401 - the warm process has it already
    if name in FROZEN:
        gc.freeze()
        gc.disable()
    started = time.process_time()
    count = READERS[name](path)
    seconds = time.process_time() - started
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    print(json.dumps({"count": count, "seconds": seconds, "peak": int(peak[1]) / 1024 if peak else 0.0}))


if __name__ == "__main__":
    main()
