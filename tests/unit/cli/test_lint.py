import json

import pytest

TEN_MISTAKES = """\
version: 2
checks:
  Lint: {use: ruff}
  types: {use: mypi}
  test:
    run: pytest
    timout: 20m
    needs: [tests]
    reports: [junit.xml]
    retry: {max: many}
  cycle: {run: x, needs: [cycle]}
gate:
  - coverage.neu >= 80%
  - findings('hgh', 'new') == 0
  - coverage.new >= 80
"""


@pytest.fixture
def gate(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".portcullis.yml"


def test_a_good_file_says_so_on_stderr_only(portcullis, gate):
    gate.write_text("version: 1\nchecks:\n  lint: {use: ruff}\n")
    ran = portcullis("lint")
    assert (ran.status, ran.out, ran.err) == (0, "", ".portcullis.yml: no mistakes\n")


def test_all_mistakes_are_told_at_once_each_at_its_place(portcullis, gate):
    gate.write_text(TEN_MISTAKES)
    ran = portcullis("lint")
    found = portcullis("lint", "--format", "json")
    places = [(item["line"], item["column"]) for item in json.loads(found.out)]

    assert ran.status == found.status == 1
    assert len(places) >= 10
    assert places == sorted(places)
    assert {line for line, _ in places} == {1, 3, 4, 7, 8, 9, 10, 11, 13, 14, 15}
    for line, column in places:
        assert f"--> .portcullis.yml:{line}:{column}\n" in ran.out
    assert "did you mean 'timeout'?" in ran.out
    assert ran.err == f".portcullis.yml: {len(places)} errors\n"


def test_the_json_form_has_the_promised_keys(portcullis, gate):
    gate.write_text("version: 1\nchecks:\n  a: {run: x, timout: 1m}\n")
    (item,) = json.loads(portcullis("lint", "--format", "json").out)
    assert list(item) == ["code", "severity", "message", "path", "line", "column", "hint"]
    assert item["path"] == ".portcullis.yml"


def test_the_file_is_found_from_a_folder_below_but_not_outside_the_repository(portcullis, gate, monkeypatch):
    gate.write_text("version: 1\nchecks: {}\n")
    inner = gate.parent / "src" / "deep"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert portcullis("lint").err.endswith(".portcullis.yml: no mistakes\n")

    (gate.parent / "src" / ".git").mkdir()
    outside = portcullis("lint")
    assert outside.status == 2
    assert f"there is no .portcullis.yml in {inner} or above it" in outside.err


def test_a_named_file_and_standard_input(portcullis, gate):
    other = gate.parent / "other.yml"
    other.write_text("version: 1\nchecks: {}\n")
    assert portcullis("lint", "other.yml").status == 0
    assert portcullis("lint", "absent.yml").err.startswith("error: cannot read absent.yml: No such file")
    assert portcullis("lint", str(gate.parent)).status == 2
    empty = portcullis("lint", "-")
    assert empty.status == 1
    assert "<stdin>:1:1" in empty.out


def test_terminal_codes_of_a_file_stay_in_the_file(portcullis, gate):
    gate.write_bytes(
        b'version: 1\nchecks:\n  a: {run: x, "\\e]0;owned\\a": 1}\n  b: {run: x, \xe2\x80\xaey: 1}\n'
    )
    ran = portcullis("lint")
    assert ran.status == 1
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"[" * 10_000, b"a: &a [*a]", b"\x00", b"- " * 30_000])
def test_hostile_files_end_in_diagnostics(portcullis, gate, content):
    gate.write_bytes(content)
    assert portcullis("lint").status == 1
