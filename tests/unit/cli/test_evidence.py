import json
import os
import subprocess
from pathlib import Path

import jsonschema_rs
import pytest
from inline_snapshot import snapshot

SAMPLES = Path(__file__).parents[1] / "reports" / "samples"
COBERTURA = """<coverage line-rate="1"><sources><source>{root}</source></sources><packages><package><classes>
<class filename="a.py"><lines><line number="1" hits="1"/><line number="2" hits="0" branch="true"
condition-coverage="50% (1/2)"/></lines></class></classes></package></packages></coverage>"""


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A git working tree, in which we are, with two files that git tracks or would."""
    top = tmp_path / "shop"
    (top / "src").mkdir(parents=True)
    (top / "src/a.py").write_text("x = 1\n")
    (top / ".gitignore").write_text("vendor/\n")
    subprocess.run(["git", "init", "-q", str(top)], check=True)
    monkeypatch.chdir(top)
    return top


def evidence(portcullis, *files: object) -> list[dict]:
    ran = portcullis("evidence", *map(str, files), "--format", "json")
    found = json.loads(ran.out)
    jsonschema_rs.validate(json.loads(portcullis("schema", "evidence").out), found)
    assert ran.status == int(any(one["error"] for one in found))
    return found


def test_each_file_says_what_it_holds(portcullis, checkout):
    names = ["pytest.xml", "jacoco.xml", "eslint.json", "surefire_cart.xml"]
    tests, coverage, findings, flaky = evidence(portcullis, *(SAMPLES / name for name in names))
    assert (tests["format"], tests["tests"]) == (
        "junit",
        {"passed": 4, "failed": 2, "errored": 1, "skipped": 2, "total": 9},
    )
    assert tests["findings"] is tests["coverage"] is tests["error"] is None
    assert (coverage["format"], coverage["coverage"]) == (
        "jacoco",
        {"covered_lines": 10, "coverable_lines": 13, "covered_branches": 5, "coverable_branches": 13},
    )
    assert coverage["tests"] is None
    assert (findings["format"], findings["findings"], findings["suppressed"]) == (
        "eslint",
        {"total": 4, "by_severity": {"info": 0, "low": 0, "medium": 1, "high": 3, "critical": 0}},
        1,
    )
    assert flaky["flaky"] == 1


def test_what_it_prints_for_people(portcullis, checkout, tmp_path):
    report = tmp_path / "cov.xml"
    report.write_text(COBERTURA.format(root=checkout / "src"))
    ran = portcullis(
        "evidence", str(SAMPLES / "surefire_cart.xml"), str(SAMPLES / "eslint.json"), str(report)
    )
    assert ran.status == 0
    assert ran.out.replace(str(SAMPLES), "samples").replace(str(tmp_path), "tmp") == snapshot("""\
samples/surefire_cart.xml: JUnit XML
  tests  7: 3 passed, 2 failed, 1 errored, 1 skipped; 1 passed on a later try
samples/eslint.json: eslint JSON of eslint
  findings  4: 3 high, 1 medium; 1 suppressed
  about     2 files
tmp/cov.xml: Cobertura XML
  coverage  1 of 2 lines, 1 of 2 branches
  about     1 file
""")
    assert ran.err == ""


@pytest.mark.parametrize("inside", ["", "src"])
def test_paths_are_those_of_the_working_tree(portcullis, checkout, tmp_path, monkeypatch, inside):
    """By absolute path, by a link to the folder, and from where the tool ran; what git ignores is not meant."""
    (checkout / "vendor/x/src").mkdir(parents=True)
    (checkout / "vendor/x/src/a.py").write_text("")
    linked = tmp_path / "linked"
    linked.symlink_to(checkout)
    reports = []
    for number, root in enumerate([checkout / "src", linked / "src", "/workspace/src", "/elsewhere/src"]):
        reports.append(tmp_path / f"{number}.xml")
        reports[-1].write_text(COBERTURA.format(root=root))
    monkeypatch.chdir(checkout / inside)
    monkeypatch.setenv("PWD", str(linked / inside))
    found = evidence(portcullis, *reports)
    assert [(one["files"], one["dropped"]) for one in found] == [(1, [])] * 4


def test_outside_of_a_working_tree_paths_stay(portcullis, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PWD", "/")
    (tmp_path / "cov.xml").write_text(COBERTURA.format(root=tmp_path))
    ran = portcullis("evidence", "cov.xml")
    assert ran.status == 0
    assert "1 of 2 lines, 1 of 2 branches" in ran.out
    assert ran.err == "not in a git working tree: paths stay as the tools wrote them\n"


def test_a_file_that_cannot_be_read_does_not_hide_the_others(portcullis, checkout, tmp_path):
    (tmp_path / "empty.xml").write_text("")
    (tmp_path / "broken.xml").write_text("<testsuite><testcase>")
    os.mkfifo(tmp_path / "pipe")
    names = ["empty.xml", "broken.xml", "pipe", "nothing"]
    *broken, fine = evidence(portcullis, *(tmp_path / name for name in names), SAMPLES / "pytest.xml")
    assert [one["error"]["message"] for one in broken] == snapshot(
        ["it is empty", "line 1, column 22: no element found", "it is no plain file", "there is no such file"]
    )
    assert all(one["error"]["hint"] for one in broken)
    assert {one["format"] for one in broken} == {None}
    assert fine["tests"]["total"] == 9
    ran = portcullis("evidence", *(str(tmp_path / name) for name in names), str(SAMPLES / "pytest.xml"))
    assert ran.status == 1
    assert "9: 4 passed" in ran.out
    assert ran.err.count("error: ") == ran.err.count("hint: ") == 4


def test_hostile_files_are_read_in_a_process_of_their_own(portcullis, checkout, tmp_path):
    """A name with terminal codes, and a report nested a million deep."""
    report = tmp_path / "\x1b[31mred.json"
    report.write_bytes(b'{"runs":[{"x":' + b"[" * 1_000_000)
    ran = portcullis("evidence", str(report))
    assert ran.status == 1
    assert "\x1b" not in ran.err
    assert "nested too deeply" in ran.err


def test_a_name_that_is_no_text(portcullis, checkout, tmp_path):
    report = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.xml")
    Path(report).write_bytes((SAMPLES / "pytest.xml").read_bytes())
    (found,) = evidence(portcullis, report)
    assert found["path"].endswith("\ufffd.xml")
    assert found["tests"]["total"] == 9


def test_the_schema_of_the_gate_file_is_what_it_was(portcullis):
    assert portcullis("schema").out == portcullis("schema", "gate").out
    assert portcullis("schema", "nothing").status == 2
