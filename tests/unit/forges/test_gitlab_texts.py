"""Our comments in GitLab's Markdown."""

import pytest

from app.forges.gitlab.texts import note_of


@pytest.mark.parametrize(
    ("body", "note"),
    [
        ("### Passed", "### Passed"),
        ("/merge", "\\/merge"),
        ("text\n  /approve", "text\n  \\/approve"),
        ("- /portcullis recheck", "- /portcullis recheck"),
        ("```suggestion\nx = 1\n```", "```suggestion:-0+0\nx = 1\n```"),
        ("````suggestion\n```suggestion\n````\n/close", "````suggestion:-0+0\n```suggestion\n````\n\\/close"),
        ("```text\n/merge\n```suggestion\n```\n/merge", "```text\n /merge\n```suggestion\n```\n\\/merge"),
        ("~~~\n/merge\n~~~~", "~~~\n /merge\n~~~~"),
        ("````text\n```\n/merge\n```\n````", "````text\n```\n /merge\n```\n````"),
        ("```suggestion\n// so\n  /usr\n```", "```suggestion:-0+0\n// so\n  /usr\n```"),
        ("````suggestion\nx\n```\n/approve\n````", "````text\nx\n```\n /approve\n````"),
        ("```suggestion\nx\n```\n```\n/a\n```", "```suggestion:-0+0\nx\n```\n```\n /a\n```"),
    ],
)
def test_suggestions_name_their_lines_and_nothing_is_a_quick_action(body: str, note: str) -> None:
    assert note_of(body) == note
