"""Connecting forges: what is refused before anybody is asked."""

import pytest

ADD = ("forges", "add", "github", "http://127.0.0.1:1/api/v3")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*ADD, "token", "--name", "Work"), "no name for a connection"),
        ((*ADD, "token"), "set up by the environment or the set-up page"),
        ((*ADD, "--name", "work"), "either TOKEN or --token-file"),
        (("forges", "add", "github", "git.example", "token", "--name", "work"), "no address of a forge"),
        (("forges", "add", "gitea", "http://git.example", "token"), "could be read on its way"),
        (("forges", "add", "gitea", "http://127.0.0.1.git.example", "token"), "could be read on its way"),
        (("forges", "add", "gitea", "https://", "token"), "no address of a forge"),
        ((*ADD, "token", "--name", "work", "--app-id", "7"), "not an RSA key"),
        (("forges", "check", "work"), "no forge work is connected"),
        (("forges", "check"), "no forge is connected yet"),
    ],
)
def test_what_cannot_be_connected_is_said(portcullis, arguments, said):
    ran = portcullis(*arguments)

    assert ran.status == 2
    assert said in ran.err
    assert "hint:" in ran.err


def test_no_forge_is_listed_before_one_is_connected(portcullis):
    ran = portcullis("forges", "list")

    assert (ran.status, ran.out) == (0, "")
    assert "no forge is connected yet" in ran.err
