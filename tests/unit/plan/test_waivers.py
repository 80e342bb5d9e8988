"""`waivers:` as it is read: each mistake at its place, and expiry by a given day."""

import pytest

from app.catalogue import catalogue
from app.model import DiagnosticSeverity, Source, Waiver
from app.plan import age, compile_plan, days_left, parse

HEAD = "version: 1\nwaivers:\n  - "
WHO = "reason: old, owner: '@dana', granted: 2026-11-01"
AREA = "rule: S101, path: 'tests/**', max: 2"


def test_both_forms_are_read_with_their_place_and_reach_the_plan(valid):
    text = f"{HEAD}{{fingerprint: 'ab:1', {WHO}, expires: 2027-01-30, ticket: S-1}}\n  - {{{AREA}, {WHO}, expires: 2026-11-01}}\n"
    gatefile = valid(text)
    given = {"reason": "old", "owner": "@dana", "granted": "2026-11-01"}
    assert gatefile.waivers == (
        Waiver(
            fingerprint="ab:1",
            expires="2027-01-30",
            ticket="S-1",
            source=Source(path=".portcullis.yml", line=3, column=5),
            **given,
        ),
        Waiver(
            rule="S101",
            path="tests/**",
            max=2,
            expires="2026-11-01",
            source=Source(path=".portcullis.yml", line=4, column=5),
            **given,
        ),
    )
    assert compile_plan(gatefile, comparison=None, tree_paths=(), policy_sha="1").waivers == gatefile.waivers


@pytest.mark.parametrize(
    ("waiver", "expected"),
    [
        ("{}", ["G010 waivers[0]: 'reason' is missing", "G010 waivers[0]: 'owner' is missing", "G010 waivers[0]: 'granted' is missing", "G010 waivers[0]: 'expires' is missing", "G021 waivers[0]: a waiver has either 'fingerprint', or 'rule', 'path' and 'max', this one has neither"]),
        (f"{{{WHO}, expires: 2026-11-30}}", ["G021 waivers[0]: a waiver has either 'fingerprint', or 'rule', 'path' and 'max', this one has neither"]),
        (f"{{fingerprint: a, rule: b, {WHO}, expires: 2026-11-30}}", ["G021 waivers[0].rule: a waiver has either 'fingerprint', or 'rule', 'path' and 'max', not both"]),
        (f"{{fingerprint: a, max: 2, {WHO}, expires: 2026-11-30}}", ["G025 waivers[0].max: 'max' stands only beside 'rule' and 'path': a fingerprint is one finding"]),
        (f"{{rule: a, path: b, {WHO}, expires: 2026-11-30}}", ["G010 waivers[0]: 'max' is missing"]),
        (f"{{rule: a, max: 1, {WHO}, expires: 2026-11-30}}", ["G010 waivers[0]: 'path' is missing"]),
        (f"{{path: a, {WHO}, expires: 2026-11-30}}", ["G010 waivers[0]: 'rule' is missing", "G010 waivers[0]: 'max' is missing"]),
        (f"{{rule: a, path: b, max: 0, {WHO}, expires: 2026-11-30}}", ["G014 waivers[0].max: the number '0' where a whole number from 1 to 10000 is expected"]),
        (f"{{fingerprint: a, {WHO}, expires: 2027-01-31}}", ["G014 waivers[0].expires: 91 days after it is granted; at most 90 are allowed"]),
        (f"{{fingerprint: a, {WHO}, expires: 2026-10-31}}", ["G014 waivers[0].expires: it expires before it is granted on 2026-11-01"]),
        (f"{{fingerprint: a, {WHO}, expires: 2026-02-30}}", ["G014 waivers[0].expires: the text '2026-02-30' where a date like 2026-11-21 is expected"]),
        (f"{{fingerprint: a, {WHO}, expires: 20261130}}", ["G014 waivers[0].expires: the number '20261130' where a date like 2026-11-21 is expected"]),
        (f"{{fingerprint: a, {WHO}, expires: 9999-12-31}}", ["G014 waivers[0].expires: the text '9999-12-31' where a date like 2026-11-21 is expected"]),
        (f"{{fingerprint: a, {WHO}, expires: [2026-11-30]}}", ["G014 waivers[0].expires: a list where a date like 2026-11-21 is expected"]),
        ("{fingerprint: a, reason: ' ', owner: '', granted: 2026-11-01, expires: 2026-11-30}", ["G014 waivers[0].reason: the text ' ' where a reason is expected", "G014 waivers[0].owner: the text '' where an owner is expected"]),
        (f"{{fingerprint: a b, {WHO}, expires: 2026-11-30}}", ["G014 waivers[0].fingerprint: the text 'a b' where a fingerprint is expected"]),
        (f"{{fingerprint: a, {WHO}, expires: 2026-11-30, tickets: x}}", ["G012 waivers[0].tickets: unknown key 'tickets'"]),
        ("S101", ["G011 waivers[0]: the text 'S101' where a mapping is expected"]),
    ],
)  # fmt: skip
def test_each_mistake_is_told(read, waiver, expected):
    found = read(f"{HEAD}{waiver}\n")
    assert found.gatefile is None
    assert {f"{one.code} {one.where}: {one.message}" for one in found.diagnostics} == set(expected)


@pytest.mark.parametrize(("today", "warns"), [("2026-11-20", False), ("2026-11-21", True), ("", False)])
def test_one_that_has_expired_is_a_warning_from_the_day_after_its_last(today, warns):
    text = f"{HEAD}{{fingerprint: a, {WHO}, expires: 2026-11-20}}\n"
    found = parse(text.encode(), ".portcullis.yml", catalogue(), today=today)
    assert found.gatefile is not None
    told = [(one.code, one.severity, one.message, one.line, one.column) for one in found.diagnostics]
    column = text.splitlines()[2].index("2026-11-20") + 1
    warning = ("G051", DiagnosticSeverity.WARNING, "this waiver expired on 2026-11-20", 3, column)
    assert told == ([warning] if warns else [])


def test_age_and_days_left():
    waiver = Waiver(fingerprint="a", reason="r", owner="o", granted="2026-02-27", expires="2026-03-01")
    days = ("2026-02-26", "2026-02-27", "2026-03-01", "2026-03-02")
    assert [(age(waiver, day), days_left(waiver, day)) for day in days] == [(-1, 3), (0, 2), (2, 0), (3, -1)]
