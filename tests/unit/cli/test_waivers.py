import datetime as dt
import json

import pytest

TODAY = dt.datetime.now(dt.UTC).date()


def waiver(name: str, granted: int, expires: int) -> str:
    first, last = TODAY + dt.timedelta(days=granted), TODAY + dt.timedelta(days=expires)
    return (
        f"  - {{rule: {name}, path: 'src/**', max: 3, reason: 'old', owner: '@dana', "
        f"granted: {first}, expires: {last}, ticket: SHOP-7}}\n"
    )


@pytest.fixture
def gate(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / ".portcullis.yml"
    text = "version: 1\nchecks: {lint: {run: x}}\nwaivers:\n"
    waivers = (
        waiver("LONG", -10, 60) + waiver("GONE", -40, -3) + waiver("NEXT", 5, 20) + waiver("LAST", -1, 0)
    )
    path.write_text(text + waivers)
    return path


@pytest.mark.usefixtures("gate")
def test_those_that_end_first_stand_in_front_with_age_and_days_left(portcullis):
    ran = portcullis("waivers")
    assert ran.status == 0
    rows = [line.split("  ")[0] for line in ran.out.splitlines()]
    assert rows[:2] == ["expired 3 days ago", "its last day"]
    assert rows[2].startswith("from 2")
    assert rows[3] == "60 days left"
    assert "40 days old" in ran.out.splitlines()[0]
    assert "GONE in src/** (at most 3)" in ran.out
    assert "[SHOP-7]" in ran.out
    assert ran.err == ".portcullis.yml: 4 waivers, 1 expired\n"


@pytest.mark.usefixtures("gate")
def test_the_json_form_holds_the_same(portcullis):
    found = json.loads(portcullis("waivers", "--format", "json").out)
    told = [(one["waiver"]["rule"], one["state"], one["age"], one["days_left"]) for one in found]
    assert told == [
        ("GONE", "expired", 40, -3),
        ("LAST", "in_force", 1, 0),
        ("NEXT", "early", -5, 20),
        ("LONG", "in_force", 10, 60),
    ]
    assert found[0]["waiver"]["owner"] == "@dana"


def test_check_ends_with_one_while_any_has_expired(portcullis, gate):
    assert portcullis("waivers", "--check").status == 1
    assert portcullis("waivers").status == 0
    lines = [line for line in gate.read_text().splitlines() if "GONE" not in line]
    gate.write_text("\n".join(lines) + "\n")
    assert portcullis("waivers", "--check").status == 0


def test_a_file_without_any_a_broken_one_and_none_at_all(portcullis, gate):
    gate.write_text("version: 1\nchecks: {lint: {run: x}}\n")
    ran = portcullis("waivers")
    assert (ran.status, ran.out, ran.err) == (0, "", ".portcullis.yml: 0 waivers\n")
    gate.write_text("version: 1\nwaivers: [{rule: a}]\n")
    ran = portcullis("waivers")
    assert ran.status == 1
    assert "error[G010]: waivers[0]: 'reason' is missing" in ran.out
    assert portcullis("waivers", "nowhere.yml").status == 2


@pytest.mark.usefixtures("gate")
def test_lint_warns_of_expired_ones_and_calls_the_file_valid(portcullis):
    ran = portcullis("lint")
    assert ran.status == 0
    assert ran.out.startswith("warning[G051]: waivers[1].expires: this waiver expired on ")
    assert ran.err == ".portcullis.yml: 1 warning\n"
