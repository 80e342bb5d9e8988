"""Conditions on the pull request and on people."""

import pytest

from app.model import Actor, Change, Conclusion, FileStatus, OutcomeValue, People, Readable, UnknownCause
from tests.unit.policy.decided import EXEMPT, MET, UNKNOWN, UNMET, judge
from tests.unit.policy.world import CHANGE, GROUP, PUSH, C, check, ended, file


@pytest.mark.parametrize(
    ("text", "value", "says"),
    [
        ("pr.number == 7", MET, "the number 7 = 7"),
        ("pr.title == 'feat: refunds'", MET, "the title 'feat: refunds' = 'feat: refunds'"),
        ("pr.author == 'Dana'", MET, "the author 'Dana' = 'Dana'"),
        ("pr.base == 'main'", MET, "the target branch 'main' = 'main'"),
        ("pr.head == 'x'", UNMET, "the head branch 'refunds' ≠ 'x'"),
        ("pr.draft", UNMET, "not a draft"),
        ("'api' in pr.labels", MET, "'api' in the labels ['Large', 'api']"),
        ("pr.from_fork", UNMET, "not from a fork"),
        ("pr.trusted", MET, "a trusted head"),
        ("pr.ai_authored", UNMET, "not written by a machine"),
        ("pr.reverts", UNMET, "not a revert"),
        ("has_label('large')", MET, "label 'large'"),
        ("has_label('x', 'y')", UNMET, "no label 'x' or 'y'"),
        ("changed('src/**', '*.md')", MET, "src/a.py changed"),
        ("changed('*')", MET, "new.py and 2 more changed"),
        ("changed('infra/**')", UNMET, "nothing under infra/ changed"),
        ("only_changed('src/**', 'old.py', 'new.py')", MET, "only src/, old.py, new.py changed"),
        ("only_changed('src/**')", UNMET, "new.py and 1 more changed too"),
        ("only_changed('src/**', 'new.py')", UNMET, "old.py changed too"),
        ("like(pr.title, 'feat*')", MET, "'feat: refunds' is like 'feat*'"),
        ("like(glob='fix*', text=pr.title)", UNMET, "'feat: refunds' is not like 'fix*'"),
        ("author_in('@dana')", MET, "by dana"),
        ("author_in('eve', '@acme/core')", MET, "dana is in @acme/core"),
        ("author_in('eve', '@acme/none')", UNMET, "dana is not in eve, @acme/none"),
    ],
)
def test_the_pull_request(text: str, value: OutcomeValue, says: str) -> None:
    files = [file("src/a.py", (1, 2)), file("new.py", old_path="old.py", status=FileStatus.RENAMED)]
    people = People(teams={"@acme/core": ("dana",), "@acme/none": ()})
    outcome = judge(text, files=files, people=people, trusted=True)
    assert (outcome.value, outcome.says) == (value, says)


def test_an_empty_change_touches_nothing() -> None:
    assert judge("only_changed('**')").says == "nothing changed"
    assert judge("changed('**')").value is UNMET


PULL_REQUEST_TEXTS = [
    "pr.number == 7", "pr.title == 'x'", "pr.author == 'x'", "pr.head == 'x'", "pr.draft", "'x' in pr.labels",
    "pr.from_fork", "pr.trusted", "pr.ai_authored", "pr.reverts", "has_label('x')", "author_in('x')",
    "like(pr.title, 'x')",
]  # fmt: skip


@pytest.mark.parametrize("text", PULL_REQUEST_TEXTS)
def test_without_a_pull_request_nothing_about_it_applies(text: str) -> None:
    assert judge(text, change=PUSH).value is EXEMPT
    local = Change(**{**{f: getattr(CHANGE, f) for f in CHANGE.__struct_fields__}, "number": None})
    assert judge(text, change=local).value is EXEMPT
    group = judge(text, change=GROUP)
    assert (group.value, group.cause) == (UNKNOWN, UnknownCause.MISSING)
    assert judge("pr.base == 'main'", change=PUSH).value is MET
    assert judge("pr.base == 'main'", change=GROUP).value is MET


KNOWN = People(
    approvals=("ann", "bob"), vetoes=("cid",), teams={"@acme/platform": ("Ann", "zoe"), "@acme/secret": None}
)


@pytest.mark.parametrize(
    ("text", "value", "says"),
    [
        ("approvals >= 2", MET, "approvals 2 ≥ 2"),
        ("approvals >= 3", UNMET, "approvals 2 < 3"),
        ("reviews.changes_requested == 0", UNMET, "requests for changes 1 > 0"),
        ("approved_by('@acme/platform')", MET, "1 approval from @acme/platform"),
        ("approved_by('@ACME/Platform', 2)", UNMET, "1 more approval from @ACME/Platform"),
        ("approved_by('@acme/platform', n=3)", UNMET, "2 more approvals from @acme/platform"),
        ("approved_by('bob')", MET, "1 approval from bob"),
        ("approved_by('@zed', 1)", UNMET, "1 approval from @zed"),
        ("approved_by('@zed', 0)", MET, "0 approvals from @zed"),
        ("approved_by('@acme/secret', 2)", UNKNOWN, "approval from @acme/secret: the members of @acme/secret could not be read"),
        ("approved_by('@acme/unread', 1)", UNKNOWN, "approval from @acme/unread: the members of @acme/unread could not be read"),
        ("approved_by('@acme/secret', 3)", UNMET, "3 approvals from @acme/secret"),
        ("author_in('@acme/secret')", UNKNOWN, "author in @acme/secret: the members of @acme/secret could not be read"),
        ("author_in('@acme/secret', 'dana')", MET, "by dana"),
    ],
)  # fmt: skip
def test_people(text: str, value: OutcomeValue, says: str) -> None:
    outcome = judge(text, people=KNOWN)
    assert (outcome.value, outcome.says) == (value, says)
    assert outcome.people is not text.startswith("author_in")
    assert outcome.fixed is text.startswith("author_in")
    if value is UNKNOWN:
        assert outcome.cause is UnknownCause.REFUSED


@pytest.mark.parametrize(
    "text", ["approvals >= 1", "reviews.changes_requested == 0", "approved_by('@a/b', 1)"]
)
def test_people_that_cannot_be_read_are_never_zero(text: str) -> None:
    later = judge(text, people=People(state=Readable.LATER, unreadable="GitHub answers 502"))
    assert (later.value, later.cause) == (UNKNOWN, UnknownCause.LATER)
    assert "GitHub answers 502; it is tried again" in later.says
    refused = judge(text, people=People(state=Readable.REFUSED))
    assert (refused.value, refused.cause) == (UNKNOWN, UnknownCause.REFUSED)
    assert "people could not be read" in refused.says
    assert judge(text, people=People(state=Readable.NOT_APPLICABLE)).value is EXEMPT


def test_authors_are_known_by_login_even_when_teams_are_not() -> None:
    later = People(state=Readable.LATER)
    assert judge("author_in('dana', '@a/b')", people=later).value is MET
    assert judge("author_in('@a/b')", people=later).cause is UnknownCause.LATER
    by = Change(**{**{f: getattr(CHANGE, f) for f in CHANGE.__struct_fields__}, "author": Actor(login="eve")})
    assert judge("author_in('@acme/platform')", people=KNOWN, change=by).value is UNMET


def test_conclusions_are_all_told_in_words() -> None:
    for conclusion in Conclusion:
        assert judge(
            "checks.lint.passed", checks=[check("lint")], results=[ended("lint", conclusion)]
        ).says.startswith("lint ") or conclusion in {C.ERROR, C.SKIPPED}
