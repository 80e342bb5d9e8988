"""Reading a check's reports in a process of its own: real processes, hostile bytes."""

import asyncio
import contextlib
import json
import os
import re
import secrets
import signal
import time
from pathlib import Path

import pytest

from app.executors import MISSING, Collected, ReportReader, ReportsRead, read_reports
from app.model import CheckSpec, Kind, Outage, ReportSpec, Severity
from app.reports import Limits

JUNIT = b'<testsuite name="s"><testcase name="a" classname="c"/></testsuite>'
SARIF = b'{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "t"}}, "results": [%s]}]}'
RESULT = b'{"ruleId": "R", "message": {"text": "m"}, "locations": [{"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": {"startLine": 2}}}]}'


def check(*reports: ReportSpec, **extra: object) -> CheckSpec:
    return CheckSpec(id="test", key="test", reports=reports, **extra)


def file(path: str, content: bytes = b"", declared: str = "", problem: str = "") -> Collected:
    return Collected(declared=declared or path, path=path, content=content, problem=problem)


@pytest.fixture
def reader():
    with ReportReader() as warm:
        yield warm


def descriptors() -> int:
    """How many files this process holds open."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def tight(extra: int) -> ReportReader:
    """A reader whose children may grow by `extra` bytes over what they are born with."""
    with ReportReader() as usual:
        await one(usual, JUNIT)
        pages = int(Path(f"/proc/{usual._process.pid}/statm").read_text().split()[0])
    return ReportReader(memory=pages * os.sysconf("SC_PAGESIZE") + extra, seconds=5)


async def one(reader: ReportReader, content: bytes, **spec: object) -> ReportsRead:
    return await read_reports(
        check(ReportSpec(path="out/x", **spec)), (file("out/x", content),), reader=reader
    )


async def test_reports_are_read(reader):
    specs = (ReportSpec(path="out/junit.xml", flag="unit"), ReportSpec(path="out/*.sarif"))
    files = (
        file("out/junit.xml", JUNIT),
        file("out/a.sarif", SARIF % RESULT, "out/*.sarif"),
        file("out/b.sarif", SARIF % b"", "out/*.sarif"),
    )
    read = await read_reports(check(*specs), files, reader=reader)
    assert (read.problems, read.notes, read.errors) == ((), (), ())
    assert [(content.path, content.flag, content.format) for content in read.contents] == [
        ("out/junit.xml", "unit", "junit"),
        ("out/a.sarif", "", "sarif"),
        ("out/b.sarif", "", "sarif"),
    ]


async def test_without_a_shared_reader_one_is_made_for_the_call():
    read = await read_reports(check(ReportSpec(path="out/x")), (file("out/x", JUNIT),))
    assert len(read.contents) == 1


async def test_missing_reports():
    specs = (
        ReportSpec(path="out/junit.xml"),
        ReportSpec(path="out/*.sarif"),
        ReportSpec(path="out/extra.xml", optional=True),
        ReportSpec(path="out/cell.xml", only={"python": "3.12"}),
    )
    files = (file("out/*.sarif", problem=MISSING), file("out/extra.xml", problem=MISSING))
    read = await read_reports(check(*specs, cell={"python": "3.11"}), files)
    assert read == ReportsRead(problems=("report missing: out/junit.xml", "report missing: out/*.sarif"))
    read = await read_reports(check(*specs, cell={"python": "3.12"}), files)
    assert read.problems[-1] == "report missing: out/cell.xml"


async def test_unreadable_reports(reader):
    specs = (
        ReportSpec(path="out/a.xml"),
        ReportSpec(path="out/link.xml"),
        ReportSpec(path="out/o.xml", optional=True),
    )
    files = (
        file("out/a.xml", b"<testsuite>"),
        file("out/link.xml", problem="it is a link"),
        file("out/o.xml", b"<testsuite"),
    )
    read = await read_reports(check(*specs), files, reader=reader)
    assert read.problems == (
        "report unreadable: out/link.xml: it is a link",
        "report unreadable: out/a.xml: line 1, column 12: no element found (the file may have been cut off; write it whole before the check ends)",
    )
    assert [note.split(": ")[:2] for note in read.notes] == [["report unreadable", "out/o.xml"]]
    assert read.contents == ()


async def test_a_file_counts_once_though_two_declarations_match(reader):
    specs = (ReportSpec(path="out/junit.xml"), ReportSpec(path="out/*.xml"))
    files = (file("out/junit.xml", JUNIT), file("out/junit.xml", JUNIT, "out/*.xml"))
    read = await read_reports(check(*specs), files, reader=reader)
    assert (len(read.contents), read.problems) == (1, ())


async def test_names_that_look_alike_are_two_files(reader):
    files = tuple(file("out/�.xml", content, "out/*.xml") for content in (JUNIT, b"<"))
    read = await read_reports(check(ReportSpec(path="out/*.xml")), files, reader=reader)
    assert (len(read.contents), len(read.problems)) == (1, 1)


async def test_names_that_hostile_code_chose(reader):
    names = [os.fsdecode(b"out/\xff.xml"), "out/\x1b[2J.xml", "out/a\nb.xml"]
    files = tuple(file(name, JUNIT if at else b"<", "out/*.xml") for at, name in enumerate(names))
    read = await read_reports(check(ReportSpec(path="out/*.xml")), files, reader=reader)
    assert [content.path for content in read.contents] == ["out/�[2J.xml", "out/a�b.xml"]
    assert read.problems[0].startswith("report unreadable: out/�.xml: ")


async def test_content_of_another_kind(reader):
    read = await one(reader, JUNIT, kind=Kind.COVERAGE)
    assert read.problems[0].startswith("report unreadable: out/x: it holds tests (JUnit XML), not coverage")


async def test_severities_and_the_tested_tree_are_known_to_the_reader(reader, tmp_path: Path):
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg/a.py").write_bytes(b"one\ntwo\nthree\n")
    spec = check(ReportSpec(path="out/x"), severities={"R": Severity.CRITICAL}, workdir="pkg")
    read = await read_reports(spec, (file("out/x", SARIF % RESULT),), reader=reader, tree=tmp_path)
    (finding,) = read.contents[0].findings
    assert (finding.severity, finding.path) == (Severity.CRITICAL, "pkg/a.py")
    assert finding.fingerprint.endswith(":1")
    without = await read_reports(spec, (file("out/x", SARIF % RESULT),), reader=reader)
    assert without.contents[0].findings[0].fingerprint != finding.fingerprint


async def test_hostile_trees_are_not_followed(reader, tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.py").write_bytes(b"one\ntwo\n")
    tree = tmp_path / "tree"
    tree.mkdir()
    spec = check(ReportSpec(path="out/x"))

    async def fingerprint() -> str:
        read = await read_reports(spec, (file("out/x", SARIF % RESULT),), reader=reader, tree=tree)
        assert read.problems == ()
        return read.contents[0].findings[0].fingerprint

    absent = await fingerprint()
    (tree / "a.py").symlink_to(outside / "a.py")
    assert await fingerprint() == absent
    (tree / "a.py").unlink()
    os.mkfifo(tree / "a.py")
    assert await fingerprint() == absent
    (tree / "a.py").unlink()
    (tree / "loop").symlink_to(tree)
    (tree / "a.py").mkdir()
    assert await fingerprint() == absent
    (tree / "a.py").rmdir()
    (tree / "a.py").write_bytes(b"one\ntwo\n")
    assert await fingerprint() != absent


def lcov(lines: int) -> bytes:
    return b"SF:a\n" + b"".join(b"DA:%d,1\n" % at for at in range(1, lines + 1)) + b"end_of_record\n"


async def test_a_report_that_outgrows_its_reader():
    with await tight(20 << 20) as small:
        read = await one(small, lcov(900_000))
        assert read.contents == ()
        assert read.problems[0].startswith("report unreadable: out/x: ")
        # Mostly "takes more than … of memory"; C code out of memory may also crash or hang, alone.
        assert read.errors == ()
        assert len((await one(small, JUNIT)).contents) == 1


async def test_a_report_that_outlasts_its_reader():
    """However fast the machine: the report grows until a second is not enough."""
    head, line, end = (
        b'<coverage line-rate="1"><class filename="a">',
        b'<line number="1" hits="1"/>' * 1_000_000,
        b"</class></coverage>",
    )
    with ReportReader(seconds=1) as quick:
        for times in (1, 2, 4, 8, 16):
            started = time.monotonic()
            read = await one(quick, head + line * times + end)
            if not read.contents:
                break
        assert read.problems == ("report unreadable: out/x: reading it took longer than 1 s",)
        assert time.monotonic() - started < 60


async def test_one_bad_report_does_not_take_others_along():
    """Small files are read together; the one that kills its reader is found and named alone."""
    files = (file("out/a.xml", JUNIT), file("out/b.info", lcov(85_000)), file("out/c.xml", JUNIT))
    assert sum(len(entry.content) for entry in files) < 1_000_000
    with await tight(4 << 20) as small:
        read = await read_reports(
            check(*(ReportSpec(path=entry.path) for entry in files)), files, reader=small
        )
    assert [content.path for content in read.contents] == ["out/a.xml", "out/c.xml"]
    (problem,) = read.problems
    assert problem.startswith("report unreadable: out/b.info: ")
    assert read.errors == ()


async def test_all_reports_together_have_a_budget_of_time():
    """Each file alone is within its second or ends at it; a check that brings many holds nobody up."""
    wide = b"mode: set\n" + b"".join(b"a%d.go:1.1,499999.2 1 1\n" % at for at in range(8))
    files = tuple(file(f"out/{at}.cov", wide, "out/*.cov") for at in range(100))
    with ReportReader(seconds=1) as quick:
        read = await read_reports(check(ReportSpec(path="out/*.cov")), files, reader=quick)
    late = [problem for problem in read.problems if "took 6 s to read before its turn came" in problem]
    assert late
    assert not read.errors


async def test_what_would_take_too_much_to_keep_is_told(reader):
    """Text that no compression makes smaller, each file within its limits."""
    case = '<testcase classname="%s" name="%s"/>'
    files = []
    for at in range(4):
        cases = "".join(case % (secrets.token_hex(250), secrets.token_hex(250)) for _ in range(18_000))
        files.append(file(f"out/{at}.xml", f"<testsuite>{cases}</testsuite>".encode(), "out/*.xml"))
    read = await read_reports(check(ReportSpec(path="out/*.xml")), tuple(files[:1]), reader=reader)
    assert read.problems == ()
    read = await read_reports(check(ReportSpec(path="out/*.xml")), tuple(files), reader=reader)
    assert read.contents == ()
    (problem,) = read.problems
    assert re.fullmatch(r"reports not kept: what they say takes \d+ MB to keep, at most 16", problem)


async def test_too_many_files_are_told_and_none_is_read(reader):
    files = tuple(file(f"out/{at}.xml", JUNIT, "out/*.xml") for at in range(5_001))
    read = await read_reports(check(ReportSpec(path="out/*.xml")), files, reader=reader)
    assert read.contents == ()
    assert read.problems == ("reports not read: 5,001 files match what is declared, at most 5,000 are read",)


async def test_a_killed_process_is_started_again(reader):
    await one(reader, JUNIT)
    process = reader._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert len((await one(reader, JUNIT)).contents) == 1
    assert reader._process is not process


async def test_a_process_killed_while_it_reads(reader):
    await one(reader, JUNIT)
    content = b"<testsuite>" + b'<testcase name="a"/>' * 90_000 + b"</testsuite>"
    asked = asyncio.create_task(one(reader, content))
    await asyncio.sleep(0.02)
    os.kill(reader._process.pid, signal.SIGKILL)
    assert len((await asked).contents[0].tests) == 90_000


async def test_cancelling_leaves_a_working_reader(reader):
    await one(reader, JUNIT)
    before = descriptors()
    asked = asyncio.create_task(
        one(reader, b"<testsuite>" + b'<testcase name="a"/>' * 90_000 + b"</testsuite>")
    )
    await asyncio.sleep(0.02)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert len((await one(reader, JUNIT)).contents) == 1
    assert descriptors() == before


async def test_many_at_once_leave_nothing_behind(reader):
    await one(reader, JUNIT)
    before = descriptors()
    reads = await asyncio.gather(*(one(reader, JUNIT if at % 2 else b"<x") for at in range(40)))
    assert sum(len(read.contents) for read in reads) == 20
    assert descriptors() == before
    children = Path(f"/proc/{reader._process.pid}/task/{reader._process.pid}/children").read_text()
    assert children.split() == []


async def test_after_close_nothing_runs():
    reader = ReportReader()
    await one(reader, JUNIT)
    pid = reader._process.pid
    reader.close()
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(Outage, match="stopping"):
        await one(reader, JUNIT)


async def test_the_process_knows_no_secret_of_ours(reader):
    os.environ["PORTCULLIS_TEST_SECRET"] = "hush"
    try:
        await one(reader, JUNIT)
        environment = Path(f"/proc/{reader._process.pid}/environ").read_bytes()
    finally:
        del os.environ["PORTCULLIS_TEST_SECRET"]
    assert b"hush" not in environment
    names = set()
    for link in Path(f"/proc/{reader._process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the process closed it since the folder was listed
            names.add(str(link.readlink()))
    assert any(name.startswith("socket:") for name in names), names
    assert all(name.startswith(("socket:", "pipe:", "/dev/null", "anon_inode:")) for name in names), names


async def test_hundreds_of_small_files_are_read_together(reader):
    files = tuple(file(f"out/TEST-{at}.xml", JUNIT, "out/TEST-*.xml") for at in range(300))
    started = time.monotonic()
    read = await read_reports(check(ReportSpec(path="out/TEST-*.xml")), files, reader=reader)
    assert [content.path for content in read.contents] == [entry.path for entry in files]
    assert time.monotonic() - started < 60


async def test_all_reports_together_are_limited_like_one(reader):
    files = tuple(file(f"out/{at}.sarif", SARIF % b",".join([RESULT] * 4), "out/*.sarif") for at in range(3))
    read = await read_reports(
        check(ReportSpec(path="out/*.sarif")), files, reader=reader, limits=Limits(findings=10)
    )
    assert len(read.contents) == 2
    assert read.problems == (
        "report unreadable: out/2.sarif: with it the check reports more than 10 findings",
    )


async def outputs(content: bytes | None, problem: str = "") -> ReportsRead:
    files = () if content is None else (file("out/facts.json", content, problem=problem),)
    return await read_reports(check(outputs="out/facts.json"), files)


async def test_outputs():
    content = b'{"level": "high", "score": 7.5, "count": 3, "deep": true}'
    assert (await outputs(content)).outputs == {"level": "high", "score": 7.5, "count": 3, "deep": True}
    assert (await read_reports(check(), ())).outputs == {}


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (None, "report missing: out/facts.json (the declared outputs)"),
        (b"", "outputs unreadable: out/facts.json: it is no JSON object"),
        (b"[]", "it is no JSON object"),
        (b'{"a": null}', "it is no JSON object"),
        (b'{"a": [1]}', "it is no JSON object"),
        (b'{"a": {"b": 1}}', "it is no JSON object"),
        (b'{"a": NaN}', "it is no JSON object"),
        (b'{"a": 1e999}', "no JSON object"),
        (b'{"a": 99999999999999999999}', "a is out of range"),
        (b'{"a b": 1}', "the name 'a b' is not made of letters, digits and _"),
        (b'{"a": "\\u001b[2J"}', "a holds control characters"),
        (b'{"a": "' + b"x" * 5000 + b'"}', "it is larger than 4096 bytes"),
        (b'{"a":' * 800, "it is no JSON object"),
        (b'{"a": "\xff"}', "it is no JSON object"),
    ],
)
async def test_outputs_that_are_none(content, part):
    read = await outputs(content)
    assert read.outputs == {}
    (problem,) = read.problems
    assert part in problem
    assert problem.isprintable()


async def test_outputs_that_could_not_be_collected():
    assert (await outputs(b"", "it is a link")).problems == (
        "outputs unreadable: out/facts.json: it is a link",
    )


async def test_results_survive_the_wire(reader):
    lcov = b"SF:a.py\nDA:1,5\nDA:2,0\nBRDA:1,0,0,1\nBRDA:1,0,1,-\nend_of_record\n"
    (content,) = (await one(reader, lcov)).contents
    assert (content.coverage[0].lines, content.coverage[0].branches) == ({1: 5, 2: 0}, {1: (1, 2)})
    text = json.dumps({"runs": [{"results": [{"message": {"text": "ä 😀 \x7f"}}]}]}).encode()
    assert (await one(reader, text)).contents[0].findings[0].message == "ä 😀"
