"""The linters' own JSON: written by the tools, read with their totals."""

import json
from collections import Counter

import pytest
from inline_snapshot import snapshot

from app.model import Finding, Severity
from app.reports import ReadContext
from tests.unit.reports.reading import SAMPLES, fault, raw, read, sample


def short(finding: Finding) -> tuple[str, str, str, int, int, int, int]:
    at = (finding.line, finding.column, finding.end_line, finding.end_column)
    return (finding.rule, finding.severity.value, finding.path, *at)


def first(text: object, name: str = "") -> Finding:
    (finding,) = read(json.dumps(text), name).findings
    return finding


def test_ruff():
    found = sample("ruff.json").findings
    assert [short(finding) for finding in found] == snapshot(
        [
            ("F401", "high", "src/shop/prices.py", 3, 8, 3, 10),
            ("ANN201", "high", "src/shop/prices.py", 7, 5, 7, 10),
            ("ANN001", "high", "src/shop/prices.py", 7, 11, 7, 17),
            ("ANN001", "high", "src/shop/prices.py", 7, 19, 7, 27),
            ("F841", "high", "src/shop/prices.py", 20, 5, 20, 9),
            ("F821", "high", "src/shop/prices.py", 20, 12, 20, 26),
            ("F841", "high", "src/shop/prices.py", 21, 5, 21, 13),
            ("S105", "high", "src/shop/prices.py", 21, 16, 21, 32),
            ("S602", "high", "src/shop/prices.py", 22, 5, 22, 20),
        ]
    )
    assert found[0].rule_url == "https://docs.astral.sh/ruff/rules/unused-import"
    # What ruff says in SARIF it says in JSON: same places, same fingerprints.
    sarif = {short(finding): finding.fingerprint for finding in sample("ruff.sarif").findings}
    assert sarif.items() <= {short(finding): finding.fingerprint for finding in found}.items()


def test_ruff_in_a_notebook_names_no_line():
    one = raw("ruff.json")[0] | {"cell": 3, "filename": "/workspace/a.ipynb"}
    assert (first([one]).path, first([one]).line) == ("a.ipynb", 0)


def test_ruff_offers_a_safe_fix_within_the_lines_alone():
    one = raw("ruff.json")[0]
    edit = {"content": "sys", "location": {"row": 3, "column": 8}, "end_location": {"row": 3, "column": 10}}
    context = ReadContext(sources=lambda _path: b"a\nb\nimport os\n")
    for applicability, fix in [("safe", "import sys"), ("unsafe", ""), ("display", "")]:
        one["fix"] = {"applicability": applicability, "edits": [edit], "message": ""}
        assert [finding.fix for finding in read(json.dumps([one]), context=context).findings] == [fix]


def test_ruff_on_a_file_that_does_not_parse():
    one = raw("ruff.json")[0] | {"code": None, "name": "invalid-syntax"}
    assert (first([one]).rule, first([one]).severity) == ("invalid-syntax", Severity.HIGH)
    del one["name"]
    assert first([one]).rule == "invalid-syntax"


def test_eslint():
    found = sample("eslint.json").findings
    assert [(*short(finding), finding.suppressed) for finding in found] == snapshot(
        [
            ("parsing-error", "high", "web/broken.js", 1, 14, 0, 0, False),
            ("no-var", "high", "web/cart.js", 2, 3, 2, 18, False),
            ("no-unused-vars", "high", "web/cart.js", 2, 7, 2, 13, False),
            ("eqeqeq", "medium", "web/cart.js", 3, 14, 3, 16, False),
            ("no-console", "high", "web/cart.js", 5, 3, 5, 14, True),
        ]
    )
    counts = Counter(finding.severity for finding in found if not finding.suppressed)
    files = raw("eslint.json")
    assert counts[Severity.HIGH] == sum(file["errorCount"] for file in files)
    assert counts[Severity.MEDIUM] == sum(file["warningCount"] for file in files)
    assert [finding.rule_url for finding in found if finding.rule == "eqeqeq"] == [
        "https://eslint.org/docs/latest/rules/eqeqeq"
    ]


def test_eslint_links_only_its_own_rules():
    file = raw("eslint.json")[0] | {"errorCount": 1}
    file["messages"] = [file["messages"][0] | {"ruleId": "@typescript-eslint/no-var", "fatal": False}]
    assert first([file]).rule_url == ""


@pytest.mark.parametrize("name", ["pylint.json", "pylint_json2.json"])
def test_pylint(name):
    found = sample(name).findings
    assert [short(finding) for finding in found] == snapshot(
        [
            ("C0116", "low", "src/shop/prices.py", 19, 1, 19, 12),
            ("E0602", "high", "src/shop/prices.py", 20, 12, 20, 26),
            ("W0612", "medium", "src/shop/prices.py", 20, 5, 20, 9),
            ("W0612", "medium", "src/shop/prices.py", 21, 5, 21, 13),
            ("C0116", "low", "src/shop/prices.py", 26, 1, 26, 12),
            ("C0415", "low", "src/shop/prices.py", 27, 5, 27, 16),
            ("W0611", "medium", "src/shop/prices.py", 27, 5, 27, 16),
            ("W0611", "medium", "src/shop/prices.py", 3, 1, 3, 10),
            ("C0116", "low", "src/shop/stock.py", 4, 1, 4, 9),
            ("C0115", "low", "src/shop/stock.py", 10, 1, 10, 12),
            ("C0116", "low", "src/shop/stock.py", 13, 5, 13, 13),
            ("R0903", "low", "src/shop/stock.py", 10, 1, 10, 12),
        ]
    )
    said = raw("pylint_json2.json")["statistics"]["messageTypeCount"]
    assert Counter(finding.rule[0] for finding in found) == {
        kind[0].upper(): count for kind, count in said.items() if count
    }
    assert (found[1].message, found[1].rule_url) == snapshot(
        (
            "Undefined variable 'undefined_name' (undefined-variable)",
            "https://pylint.readthedocs.io/en/stable/user_guide/messages/error/undefined-variable.html",
        )
    )


def test_bandit():
    found = sample("bandit.json").findings
    assert [short(finding) for finding in found] == snapshot(
        [
            ("B404", "low", "src/shop/prices.py", 4, 1, 4, 18),
            ("B105", "low", "src/shop/prices.py", 21, 16, 21, 32),
            ("B602", "high", "src/shop/prices.py", 22, 5, 22, 48),
        ]
    )
    totals = raw("bandit.json")["metrics"]["_totals"]
    assert Counter(finding.severity.value for finding in found) == {
        word: totals[f"SEVERITY.{word.upper()}"] for word in ("high", "low")
    }
    assert [short(finding)[:4] for finding in found] == [
        short(finding)[:4] for finding in sample("bandit.sarif").findings
    ]


def test_bandit_keeps_no_password():
    read_ = sample("bandit.json")
    assert "hunter2" in (SAMPLES / "bandit.json").read_text()
    assert "hunter2" not in repr(read_)


def test_bandit_tells_what_it_could_not_read():
    report = raw("bandit.json")
    report["errors"] = [{"filename": "src/bad.py", "reason": "syntax error while parsing AST from file"}]
    told = next(one for one in read(json.dumps(report)).findings if one.path == "src/bad.py")
    assert (told.rule, told.path, told.line, told.severity) == (
        "portcullis/not-scanned",
        "src/bad.py",
        0,
        Severity.HIGH,
    )
    assert told.message == "bandit did not look into this file: syntax error while parsing AST from file"


def test_semgrep():
    read_ = sample("semgrep.json")
    assert [(*short(finding), finding.rule_url, finding.fix) for finding in read_.findings] == snapshot(
        [
            ("rules.discount", "low", "src/shop/prices.py", 15, 27, 15, 43, "", ""),
            (
                "rules.shell-true",
                "high",
                "src/shop/prices.py",
                22,
                5,
                22,
                48,
                "https://example.org/rules/shell-true",
                '    subprocess.call(["echo", name])',
            ),
        ]
    )
    assert (read_.tool_version, len(read_.findings)) == ("1.182.0", len(raw("semgrep.json")["results"]))


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("ERROR", "high"),
        ("WARNING", "medium"),
        ("INFO", "low"),
        ("CRITICAL", "critical"),
        ("HIGH", "high"),
        ("MEDIUM", "medium"),
        ("LOW", "low"),
        ("INVENTORY", "info"),
        ("NEW_WORD", "medium"),
    ],
)
def test_severities_of_semgrep(word, severity):
    report = raw("semgrep.json")
    report["results"] = [report["results"][0]]
    report["results"][0]["extra"] |= {"severity": word, "metadata": {"source": 3}}
    assert first(report).severity.value == severity


def test_semgrep_errors_and_ignored_lines():
    report = raw("semgrep.json")
    report["results"][0]["extra"]["is_ignored"] = True
    report["errors"] = [{"path": "a.py", "message": "Timeout", "level": "warn", "code": 2, "type": "Timeout"}]
    read_ = read(json.dumps(report))
    assert [finding.suppressed for finding in read_.findings] == [True, False]
    assert read_.dropped == ("once: error that semgrep met (first: 'a.py')",)


def test_a_preset_may_name_a_rule_of_semgrep_without_its_folders():
    context = ReadContext(severities={"shell-true": Severity.CRITICAL})
    assert [finding.severity.value for finding in sample("semgrep.json", context).findings] == [
        "low",
        "critical",
    ]


@pytest.mark.parametrize("name", ["shellcheck.json", "shellcheck_json1.json"])
def test_shellcheck(name):
    found = sample(name).findings
    assert [short(finding) for finding in found] == snapshot(
        [
            ("SC2086", "low", "deploy/start.sh", 3, 6, 3, 11),
            ("SC2164", "medium", "deploy/start.sh", 4, 1, 4, 8),
            ("SC2006", "info", "deploy/start.sh", 5, 7, 5, 11),
            ("SC2034", "medium", "deploy/start.sh", 6, 1, 6, 7),
            ("SC1009", "low", "deploy/build.sh", 8, 1, 8, 1),
            ("SC1073", "high", "deploy/build.sh", 8, 4, 8, 4),
            ("SC1072", "high", "deploy/build.sh", 8, 17, 8, 17),
        ]
    )
    assert len(found) == len(raw("shellcheck.json"))
    assert found[0].rule_url == "https://www.shellcheck.net/wiki/SC2086"


def test_hadolint():
    found = sample("hadolint.json").findings
    assert [short(finding) for finding in found] == snapshot(
        [
            ("DL3006", "medium", "deploy/Dockerfile", 1, 1, 0, 0),
            ("DL4000", "high", "deploy/Dockerfile", 2, 1, 0, 0),
            ("DL3009", "low", "deploy/Dockerfile", 3, 1, 0, 0),
            ("DL3014", "medium", "deploy/Dockerfile", 3, 1, 0, 0),
            ("DL3008", "medium", "deploy/Dockerfile", 3, 1, 0, 0),
            ("DL3015", "low", "deploy/Dockerfile", 3, 1, 0, 0),
            ("DL3003", "medium", "deploy/Dockerfile", 4, 1, 0, 0),
            ("SC2086", "low", "deploy/Dockerfile", 4, 1, 0, 0),
            ("DL3020", "high", "deploy/Dockerfile", 5, 1, 0, 0),
        ]
    )
    assert {finding.rule[:2]: finding.rule_url for finding in found} == snapshot(
        {
            "DL": "https://github.com/hadolint/hadolint/wiki/DL3020",
            "SC": "https://www.shellcheck.net/wiki/SC2086",
        }
    )


def test_standard_input_is_no_file():
    for name in ("shellcheck.json", "hadolint.json"):
        assert first([raw(name)[0] | {"file": "-"}]).path == ""


def test_pylint_lists_what_a_comment_disables_where_it_is_asked_to():
    said = raw("pylint_json2.json")
    told = {
        "type": "info",
        "symbol": "suppressed-message",
        "messageId": "I0020",
        "path": "src/shop/prices.py",
    }
    told |= {"message": "Suppressed 'unused-import' (from line 1)", "line": 1, "column": 0}
    said["messages"].append(told)
    said["statistics"]["messageTypeCount"]["info"] += 1
    suppressed = [one for one in read(json.dumps(said)).findings if one.suppressed]
    assert [(one.rule, one.line) for one in suppressed] == [("I0020", 1)]
    assert "unused-import" in suppressed[0].message


@pytest.mark.parametrize("name", ["ruff", "eslint", "pylint", "shellcheck", "hadolint"])
def test_a_clean_run_is_an_empty_list_once_declared(name):
    assert read("[]", name).findings == ()
    assert read("\ufeff[]\n", name).findings == ()
    assert fault("[]") == "it holds no report that we know"


def test_what_was_cut_away_is_missed():
    eslint = raw("eslint.json")
    eslint[1]["messages"].pop()
    assert fault(json.dumps(eslint)) == snapshot(
        "eslint counts 3 problems in '/workspace/web/cart.js', but 2 are listed"
    )
    pylint = raw("pylint_json2.json")
    pylint["messages"].pop()
    assert fault(json.dumps(pylint)) == snapshot("pylint counts 12 messages, but 11 are listed")
    bandit = raw("bandit.json")
    bandit["results"] *= 2
    assert fault(json.dumps(bandit)) == snapshot("bandit counts 3 issues, but 6 are listed")


def test_wrong_values_are_told_by_their_place():
    assert fault('[{"code": 1, "filename": 2}]', "ruff") == snapshot(
        "ruff: Expected `str | null`, got `int` - at `$[0].code`"
    )
    assert fault('{"comments": [{"file": "a"}]}', "shellcheck") == snapshot(
        "shellcheck: Object missing required field `code` - at `$.comments[0]`"
    )
    deep = '[{"x":' + "[" * 100_000
    assert fault(deep, "hadolint") == "hadolint: nested too deeply"
    assert fault(b'[{"filename":"\xff"}]', "ruff") == snapshot("ruff: text that is not UTF-8")
