"""`portcullis judge`: reports that exist already, against a real repository."""

import json
import subprocess

import jsonschema_rs
import pytest

COBERTURA = """<coverage line-rate="1"><sources><source>{root}</source></sources><packages><package><classes>
<class filename="a.py"><lines>{lines}</lines></class></classes></package></packages></coverage>"""
GATE = """version: 1
checks:
  lint: {run: ruff, reports: [{path: out/lint.json, format: ruff}], exit_codes: {findings: [1]}}
  build: {run: make}
gate:
  - findings('low', 'new') == 0
settings: {small_change: {lines: 0}}
"""


def git(*arguments: str) -> str:
    ran = subprocess.run(["git", *arguments], check=True, capture_output=True, text=True)
    return ran.stdout.strip()


def commit(text: str) -> str:
    git("add", "-A")
    git("-c", "user.name=dana", "-c", "user.email=d@x", "commit", "-q", "-m", text)
    return git("rev-parse", "HEAD")


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A repository whose branch `work` inserts a line above and edits one, five commits' worth of lines."""
    top = tmp_path / "shop"
    (top / "src").mkdir(parents=True)
    monkeypatch.chdir(top)
    git("init", "-q", "-b", "main")
    (top / "src/a.py").write_text("".join(f"value_{n} = compute({n})\n" for n in range(1, 31)))
    commit("begin")
    git("checkout", "-q", "-b", "work")
    lines = (top / "src/a.py").read_text().splitlines()
    lines[9:9] = [f"inserted_{n} = compute({n})" for n in range(25)]
    (top / "src/a.py").write_text("\n".join(lines) + "\n")
    commit("insert twenty-five lines behind line 9")
    return top


def ruff(path, *findings: tuple[int, str]):
    found = [
        {
            "filename": "src/a.py",
            "message": f"undefined name in {code}",
            "code": code,
            "location": {"row": line, "column": 1},
            "end_location": {"row": line, "column": 2},
            "noqa_row": line,
            "fix": None,
            "url": None,
            "cell": None,
            "name": "undefined-name",
        }
        for line, code in findings
    ]
    path.write_text(json.dumps(found))
    return path


def cobertura(path, root, hits: dict[int, int]):
    lines = "".join(f'<line number="{line}" hits="{count}"/>' for line, count in hits.items())
    path.write_text(COBERTURA.format(root=root, lines=lines))
    return path


def judge(portcullis, *arguments: object) -> tuple[int, dict]:
    ran = portcullis("judge", "--base", "main", "--head", "work", *map(str, arguments), "--format", "json")
    told = json.loads(ran.out)
    jsonschema_rs.validate(json.loads(portcullis("schema", "judge").out), told)
    return ran.status, told


def test_the_built_in_gate_judges_what_the_reports_hold(portcullis, shop, tmp_path):
    hits = {9: 0, 10: 1, 11: 0, 12: 1, 13: 1, 36: 0}
    report = cobertura(tmp_path / "coverage.xml", shop / "src", hits)
    status, told = judge(portcullis, "--report", report)
    assert (status, told["verdict"]) == (1, "blocked")
    assert told["fewest"] == ["coverage on new code 75 % < 80 %"]
    assert told["coverage"]["new"] == {
        "covered": 3,
        "coverable": 4,
        "covered_lines": 3,
        "coverable_lines": 4,
        "files": {"src/a.py": {"covered": [10, 12, 13], "missed": [11], "coverable": 4, "unreported": False}},
    }
    assert {"checks.passed", "coverage.new >= 80%"} <= {outcome["text"] for outcome in told["outcomes"]}
    assert told["findings"] == {"new": []}


def test_without_base_reports_the_weaker_rule_judges_and_says_so(portcullis, shop, tmp_path):
    report = ruff(tmp_path / "lint.json", (9, "F821"), (12, "F822"), (50, "F823"))
    status, told = judge(portcullis, report)
    assert status == 1
    (new,) = told["findings"]["new"]
    assert (new["finding"]["rule"], new["by"], new["on_changed_line"]) == ("F822", "line", True)
    assert any(
        "not compared with main: new ones are those on changed lines" in note for note in told["notes"]
    )


def test_with_base_reports_findings_are_tracked(portcullis, shop, tmp_path):
    was = ruff(tmp_path / "was.json", (9, "F821"), (25, "F823"))
    now = ruff(tmp_path / "now.json", (9, "F821"), (50, "F823"), (51, "F824"))
    status, told = judge(portcullis, "--report", now, "--base-report", was)
    assert status == 1
    (new,) = told["findings"]["new"]
    assert (new["finding"]["rule"], new["by"], new["on_changed_line"]) == ("F824", "base", False)
    assert not any("changed lines" in note for note in told["notes"])
    same = ruff(tmp_path / "same.json", (9, "F821"), (50, "F823"))
    assert judge(portcullis, "--report", same, "--base-report", was)[0] == 0


def test_a_gate_file_judges_and_reports_go_to_their_checks(portcullis, shop, tmp_path):
    gate = tmp_path / "gate.yml"
    gate.write_text(GATE)
    clean = ruff(tmp_path / "lint.json")
    assert judge(portcullis, "--gate", gate, "--report", clean)[1]["verdict"] == "passed"
    status, told = judge(portcullis, "--gate", gate, "--report", ruff(tmp_path / "x.json", (12, "F1")))
    assert (status, told["fewest"]) == (1, ["new low+ findings 1 > 0"])
    assert told["findings"]["new"][0]["check"] == "lint"
    named = judge(portcullis, "--gate", gate, "--report", f"lint={clean}")
    assert named[0] == 0
    ran = portcullis("judge", "--base", "main", "--gate", str(gate), "--report", f"lnt={clean}")
    assert ran.status == 1
    assert "its checks are lint, build" in ran.err


RED = "<testsuite name='s'><testcase classname='c' name='t'><failure>no</failure></testcase></testsuite>"
SECRET = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {"driver": {"name": "gitleaks", "rules": [{"id": "token"}]}},
            "results": [{"ruleId": "token", "level": "error", "message": {"text": "a token"}}],
        }
    ],
}


@pytest.mark.parametrize(
    ("declared", "report", "item", "judging", "because"),
    [
        (
            "{run: pytest, reports: [{path: out/report, format: junit}]}",
            RED,
            "checks.passed",
            "tests.failed <= 1",
            "1 failed test, and not all of its reports are judged by a condition",
        ),
        (
            "{run: scan, reports: [{path: out/report, format: sarif}]}",
            json.dumps(SECRET),
            "findings('info', 'new') == 0",
            "",
            "1 finding, and no condition judges the secrets among it (secrets.new == 0 would)",
        ),
    ],
)
def test_what_no_condition_judges_fails_the_check(
    portcullis, shop, tmp_path, declared, report, item, judging, because
):
    (tmp_path / "report").write_text(report)
    gate = tmp_path / "gate.yml"
    gate.write_text(f"version: 1\nchecks:\n  one: {declared}\ngate:\n  - {item}\n")
    status, told = judge(portcullis, "--gate", gate, tmp_path / "report")
    assert (status, told["verdict"]) == (1, "blocked")
    assert because in str(told["fewest"])
    if judging:
        gate.write_text(gate.read_text() + f"  - {judging}\n")
        assert judge(portcullis, "--gate", gate, tmp_path / "report")[0] == 0


def test_what_a_report_holds_beside_what_its_check_declares_is_judged_or_fails(portcullis, shop, tmp_path):
    (tmp_path / "junit.xml").write_text(RED)
    gate = tmp_path / "gate.yml"
    gate.write_text(GATE)
    status, told = judge(portcullis, "--gate", gate, f"lint={tmp_path / 'junit.xml'}")
    assert status == 1
    assert "1 failed test, and not all" in str(told["fewest"])


def test_evidence_that_the_gate_wants_and_nobody_gave_is_missing(portcullis, shop, tmp_path):
    gate = tmp_path / "gate.yml"
    gate.write_text(GATE.replace("build: {run: make}", "test: {run: pytest, reports: [out/junit.xml]}"))
    status, told = judge(portcullis, "--gate", gate, ruff(tmp_path / "lint.json"))
    assert (status, told["verdict"]) == (0, "passed")
    gate.write_text(gate.read_text().replace("gate:\n", "gate:\n  - tests.failed == 0\n"))
    status, told = judge(portcullis, "--gate", gate, ruff(tmp_path / "lint.json"))
    assert (status, told["verdict"]) == (1, "blocked")
    assert "test delivered no complete test report" in told["fewest"][0]


def test_reports_tell_of_the_head_alone(portcullis, shop, tmp_path):
    git("checkout", "-q", "main")
    (shop / "src/b.py").write_text("fresh = 1\n" * 40)
    commit("main goes on")
    git("checkout", "-q", "work")
    report = cobertura(tmp_path / "coverage.xml", shop / "src", {10: 1, 11: 1})
    status, told = judge(portcullis, report)
    assert status == 0
    assert list(told["coverage"]["new"]["files"]) == ["src/a.py"]
    assert any(note.startswith("compared with ") for note in told["notes"])


def test_what_cannot_be_judged(portcullis, shop, tmp_path):
    (tmp_path / "odd.xml").write_text("<odd/>")
    ran = portcullis("judge", "--base", "main", "--report", str(tmp_path / "odd.xml"))
    assert ran.status == 1
    assert "report unreadable" in ran.out
    ran = portcullis("judge", "--base", "main", "--report", "nowhere.xml")
    assert (ran.status, "cannot read the report nowhere.xml" in ran.err) == (2, True)
    assert portcullis("judge", "--base", "main").status == 2
    (tmp_path / "bad.yml").write_text("version: 2\n")
    ran = portcullis("judge", "--base", "main", "--gate", str(tmp_path / "bad.yml"), "--report", "src/a.py")
    assert ran.status == 2
    assert "error[" in ran.out


def test_what_it_prints_for_people(portcullis, shop, tmp_path):
    report = cobertura(tmp_path / "coverage.xml", shop / "src", {10: 1, 11: 0})
    ran = portcullis("judge", "--base", "main", "--report", f"unit:fast={report}")
    assert ran.status == 1
    assert ran.out.startswith("BLOCKED  coverage on new code 50 % < 80 %")
    assert "coverage on new code 50 % < 80 % (1 of 2)" in ran.out
    assert "src/a.py: 50.0 %, not run: 11" in ran.out
