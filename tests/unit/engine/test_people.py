"""Who counts as an author where only an e-mail address is known."""

import pytest

from app.engine.people import _noreply_logins
from app.model import Run, RunFacts, Sha


@pytest.mark.parametrize(
    ("email", "login"),
    [
        ("7+dana@users.noreply.github.com", "dana"),
        ("dana@users.noreply.github.com", "dana"),
        ("7+Dana_ACME@users.noreply.github.com", "dana_acme"),
        ("7+dana@Users.NoReply.GitHub.com", "dana"),
        ("7+dana@users.noreply.github.acme.example", "dana"),
    ],
)
def test_the_forges_own_addresses_name_who_wrote_it(email: str, login: str) -> None:
    facts = RunFacts(authors=(("Dana", email),))
    assert _noreply_logins(Run(id=1, repository_id=1, change_id=1, head_sha=Sha(""), facts=facts)) == {login}
