"""JaCoCo, Clover, Go's coverprofile, coverage.py's JSON: totals are those of the tools."""

import json
from xml.etree import ElementTree as ET

import pytest
from inline_snapshot import snapshot

from app.model import FileCoverage
from app.reports import Limits, ReadContext
from tests.unit.reports.reading import SAMPLES, fault, raw, read, sample


def totals(coverage: tuple[FileCoverage, ...]) -> tuple[int, int, int, int]:
    """Covered and coverable lines, covered and all branches."""
    lines = [hits for file in coverage for hits in file.lines.values()]
    branches = [counts for file in coverage for counts in file.branches.values()]
    return (
        sum(hits > 0 for hits in lines),
        len(lines),
        sum(covered for covered, _ in branches),
        sum(total for _, total in branches),
    )


def test_coverage_py_counts_as_its_totals_do():
    read_ = sample("coverage_py.json")
    said = raw("coverage_py.json")["totals"]
    names = ("covered_lines", "num_statements", "covered_branches", "num_branches")
    assert totals(read_.coverage) == tuple(said[name] for name in names)
    assert (read_.tool, read_.tool_version) == ("coverage.py", "7.17.3")


def test_coverage_py_that_was_cut_is_refused():
    report = raw("coverage_py.json")
    report["files"]["src/shop/prices.py"]["missing_lines"].pop()
    assert fault(json.dumps(report)) == snapshot(
        "its totals say 18 of 28 lines and 6 of 8 branches, its files 18 of 27 and 6 of 8"
    )


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("executed_lines", [-1], "'src/shop/prices.py': a line number is not from 0 to 10000000"),
        ("executed_branches", [[-3, 4]], "'src/shop/prices.py': a branch leaves line -3, which no file has"),
    ],
)
def test_coverage_py_with_lines_that_no_file_has(key, value, message):
    report = raw("coverage_py.json")
    file = report["files"]["src/shop/prices.py"]
    said = report["totals"]
    total = "covered_lines" if key == "executed_lines" else "covered_branches"
    of = "num_statements" if key == "executed_lines" else "num_branches"
    said[total] += 1 - len(file[key])
    said[of] += 1 - len(file[key])
    file[key] = value
    assert fault(json.dumps(report)) == message


def test_coverage_py_without_branches():
    report = raw("coverage_py.json")
    report["meta"]["branch_coverage"] = False
    for key in ("covered_branches", "num_branches"):
        del report["totals"][key]
    for file in report["files"].values():
        del file["executed_branches"], file["missing_branches"]
    assert totals(read(json.dumps(report)).coverage) == (18, 28, 0, 0)


def counters(element: ET.Element) -> tuple[int, ...]:
    """What JaCoCo counted itself."""
    said = {one.get("type"): one for one in element.findall("counter")}
    numbers = [(int(said[kind].get("covered")), int(said[kind].get("missed"))) for kind in ("LINE", "BRANCH")]
    return tuple(number for covered, missed in numbers for number in (covered, covered + missed))


def test_jacoco_counts_as_its_counters_do():
    read_ = sample("jacoco.xml")
    assert totals(read_.coverage) == counters(ET.parse(SAMPLES / "jacoco.xml").getroot())  # noqa: S314 - a sample
    assert [file.path for file in read_.coverage] == ["pay/src/main/java/com/acme/shop/Payment.java"]
    assert read_.roots == ("pay/src/main/java",)
    assert read_.coverage[0].branches == snapshot({9: (2, 4), 16: (1, 3), 24: (1, 4), 31: (1, 2)})


def jacoco(name: str, package: str, group: str = "") -> str:
    file = f'<package name="{package}"><sourcefile name="{name}"><line nr="1" mi="0" ci="3" mb="0" cb="0"/></sourcefile></package>'
    return f'<report name="x">{f"""<group name="{group}">{file}</group>""" if group else file}</report>'


@pytest.mark.parametrize(
    ("text", "tree", "path"),
    [
        (jacoco("A.java", "com/acme"), {"src/main/java/com/acme/A.java"}, "src/main/java/com/acme/A.java"),
        (jacoco("A.java", "com/acme"), {"x/com/acme/A.java"}, "x/com/acme/A.java"),
        (jacoco("A.java", ""), {"x/A.java"}, "x/A.java"),
        (
            jacoco("A.java", "com/acme", "pay"),
            {"pay/src/main/java/com/acme/A.java", "till/src/main/java/com/acme/A.java"},
            "pay/src/main/java/com/acme/A.java",
        ),
        (jacoco("A.kt", "com/acme/pay"), {"src/main/kotlin/pay/A.kt"}, "src/main/kotlin/pay/A.kt"),
        (jacoco("A.kt", "com/acme/pay"), {"a/pay/A.kt", "b/pay/A.kt"}, None),
        (jacoco("A.java", "com/acme"), {"a/com/acme/A.java", "b/com/acme/A.java"}, None),
        (jacoco("A.java", "../../etc"), {"A.java"}, None),
    ],
)
def test_where_jacoco_finds_its_sources(text, tree, path):
    read_ = read(text, context=ReadContext(tree_paths=lambda: tree))
    assert [file.path for file in read_.coverage] == ([path] if path else [])
    assert bool(read_.dropped) is (path is None)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('nr="x" mi="0" ci="0" mb="0" cb="0"', "'nr' is 'x', which is no count from 0 to 10000000"),
        ('nr="1" mi="0" ci="-1" mb="0" cb="0"', "'ci' is '-1', which is no count from 0 to 10000000"),
        ('nr="1" mi="0" mb="0" cb="0"', "'ci' is '', which is no count from 0 to 10000000"),
        (
            'nr="99999999" mi="0" ci="99999999" mb="0" cb="0"',
            "'nr' is '99999999', which is no count from 0 to 10000000",
        ),
    ],
)
def test_numbers_of_jacoco_that_are_none(line, message):
    text = f'<report name="x"><package name="p"><sourcefile name="A.java"><line {line}/></sourcefile></package></report>'
    assert fault(text).endswith(message)


def test_clover_of_istanbul_counts_as_its_metrics_do():
    read_ = sample("clover.xml")
    said = ET.parse(SAMPLES / "clover.xml").getroot().find("project/metrics")  # noqa: S314 - a sample
    names = ("coveredstatements", "statements", "coveredconditionals", "conditionals")
    assert totals(read_.coverage) == tuple(int(said.get(name)) for name in names)
    assert [file.path for file in read_.coverage] == ["web/prices.js"]


OPENCLOVER = """<coverage generated="1" clover="4.5.2"><project><package name="p">
<file name="A.java" path="/workspace/src/A.java"><metrics conditionals="4" coveredconditionals="3"/>
<class name="A"><metrics conditionals="9" coveredconditionals="9"/></class>
<line num="3" type="method" count="2"/>
<line num="4" type="cond" truecount="5" falsecount="1"/>
<line num="5" type="stmt" count="6"/>
<line num="6" type="cond" truecount="7" falsecount="0"/>
<line num="7" type="stmt" count="0"/></file></package></project></coverage>"""


def test_conditions_of_openclover_are_counts_of_true_and_false():
    (file,) = read(OPENCLOVER).coverage
    assert (file.path, file.lines) == ("src/A.java", {4: 6, 5: 6, 6: 7, 7: 0})
    assert file.branches == {4: (2, 2), 6: (1, 2)}


def test_clover_of_phpunit():
    text = """<coverage generated="1"><project><file name="/workspace/src/A.php"><class name="A"/>
    <line num="3" type="method" name="f" visibility="public" complexity="1" crap="1" count="1"/>
    <line num="4" type="stmt" count="1"/><line num="5" type="stmt" count="0"/>
    <metrics loc="9" conditionals="0" coveredconditionals="0"/></file></project></coverage>"""
    (file,) = read(text).coverage
    assert (file.path, file.lines, file.branches) == ("src/A.php", {4: 1, 5: 0}, {})


def test_go_counts_the_lines_with_code():
    """`go tool cover` counts statements; what it colours are these lines."""
    read_ = sample("go_cover.out")
    assert {file.path: file.lines for file in read_.coverage} == snapshot(
        {
            "till/till.go": {8: 2, 9: 1, 10: 1, 11: 0, 15: 1, 17: 0, 18: 0, 20: 1},
            "till/money/money.go": {4: 1, 5: 2, 7: 1, 10: 0},
        }
    )
    assert read_.dropped == ()


def test_go_blocks_met_again_are_joined_as_the_mode_says():
    block = "example.com/a/b.go:1.1,2.5 1"
    for mode, hits in (("set", 1), ("count", 5), ("atomic", 5)):
        counts = (1, 0, 0) if mode == "set" else (2, 3, 0)
        text = f"mode: {mode}\n" + "".join(f"{block} {count}\n" for count in counts)
        (file,) = read(text).coverage
        assert (file.path, file.lines) == ("example.com/a/b.go", {1: hits, 2: hits})


@pytest.mark.parametrize(
    ("name", "tree", "path"),
    [
        ("example.com/shop/till/a.go", {"go.mod": "module example.com/shop"}, "till/a.go"),
        ("example.com/shop/till/a.go", {"x/go.mod": 'module "example.com/shop/till" // m'}, "x/a.go"),
        ("example.com/other/a.go", {"go.mod": "module example.com/shop"}, ""),
        ("example.com/shop/../../etc/a.go", {"go.mod": "module example.com/shop"}, ""),
        ("_/workspace/a.go", {"go.mod": "module example.com/shop"}, "a.go"),
        ("/workspace/a.go", {}, "a.go"),
        ("/usr/a.go", {}, ""),
        ("./a.go", {}, "a.go"),
    ],
)
def test_import_paths_are_found_by_the_modules(name, tree, path):
    sources = {where: text.encode() for where, text in tree.items()}
    context = ReadContext(tree_paths=lambda: set(sources), sources=sources.get)
    read_ = read(f"mode: set\n{name}:1.1,1.5 1 1\n", context=context)
    assert [file.path for file in read_.coverage] == ([path] if path else [])
    assert bool(read_.dropped) is not bool(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mode: set\nhello\n", "line 2: 'hello' is not like 'example.com/a/b.go:3.14,5.2 1 0'"),
        ("mode: set\na.go:3.1,2.1 1 1\n", "line 2: 'a.go:3.1,2.1 1 1' ends before it begins"),
        ("mode: set\na.go:0.1,2.1 1 1\n", "line 2: 'a.go:0.1,2.1 1 1' ends before it begins"),
        ("hello", "line 1: not 'mode: set', 'mode: count' or 'mode: atomic'"),
        ("", "line 1: not 'mode: set', 'mode: count' or 'mode: atomic'"),
    ],
)
def test_broken_profiles(text, message):
    assert fault(text, "go_cover") == message


def test_more_than_we_read():
    context = ReadContext(limits=Limits(lines=10))
    wide = "mode: set\n" + "".join(f"a.go:{at},1 1 1\n".replace(",", ".1,9999999.", 1) for at in (1, 2))
    assert fault(wide, context=context) == "it holds more than 10 covered lines"
    overlapping = "mode: set\n" + "".join(f"a.go:1.{at},10.{at} 1 1\n" for at in range(1, 7))
    assert fault(overlapping, context=context) == "it holds more than 10 covered lines"
    many = "mode: set\n" + "".join(f"a.go:{at}.1,{at}.5 1 1\n" for at in range(1, 12))
    assert fault(many, context=context) == "it holds more than 10 covered blocks"
