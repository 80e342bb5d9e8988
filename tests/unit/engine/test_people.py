"""Who counts as an author where only an e-mail address is known."""

import pytest

from app.engine.authors import _alike, noreply_logins
from app.forges import Profile


@pytest.mark.parametrize(
    ("email", "logins"),
    [
        ("7+dana@users.noreply.github.com", "dana"),
        ("dana@users.noreply.github.com", "dana"),
        ("7+Dana_ACME@users.noreply.github.com", "dana_acme"),
        ("7+dana@Users.NoReply.GitHub.com", "dana"),
        ("7+dana@users.noreply.github.acme.example", "dana"),
        ("49699333+dependabot[bot]@users.noreply.github.com", "dependabot[bot]"),
        ("7-dana@users.noreply.gitlab.com", "dana 7-dana"),
        ("7-d.ana@users.noreply.gitlab.com", "d.ana 7-d.ana"),
        ("dana@acme.example", ""),
        ("", ""),
    ],
)
def test_the_forges_own_addresses_name_who_wrote_it(email: str, logins: str) -> None:
    assert noreply_logins(email) == set(logins.split())


@pytest.mark.parametrize(
    ("name", "email", "alike"),
    [
        ("Dana Scully", "x@acme.example", True),  # the name they show
        ("dana-scully", "x@acme.example", True),
        ("somebody", "DANA@fbi.example", True),  # the address they show
        ("ds", "d-scully.7@acme.example", True),  # their login as an address
        ("D-Scully7", "x@acme.example", True),  # their login as a name
        ("Fox Mulder", "fox@fbi.example", False),
        ("", "", False),
        ("...", "@", False),
    ],
)
def test_an_author_without_an_account_could_be_who_goes_by_the_same_name(name, email, alike):
    profile = Profile(name="Dana Scully", email="dana@fbi.example")
    assert _alike("d-scully7", profile, name, email) is alike


def test_who_shows_nothing_is_only_known_by_their_login():
    assert not _alike("dana", Profile(), "", "")
    assert _alike("dana", Profile(), "Dana", "")
