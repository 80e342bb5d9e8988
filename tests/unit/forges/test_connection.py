"""Connections: what they are called, where their deliveries arrive, whose repositories they tell of."""

import pytest

from app.forges import CONNECTION_NAME, Account, Connection, named, on
from app.model import Ignored, InstallationChanged, Outage, Ping, Pushed, Repository
from app.wiring.connections import Named

HERE = Repository(
    forge="gitea",
    forge_id=7,
    full_name="acme/shop",
    installation_id=1,
    default_branch="main",
    private=True,
    clone_url="https://git.example/acme/shop.git",
)


@pytest.mark.parametrize(("name", "door"), [("gitea", "gitea"), ("work", "gitea/work")])
def test_the_address_names_the_kind_first(name, door):
    assert Connection(name=name, kind="gitea", url="https://git.example").door == door


@pytest.mark.parametrize("name", ["Work", "", "a/b", "-a", "1a", "a" * 33, "a b"])
def test_some_names_are_none(name):
    assert not CONNECTION_NAME.fullmatch(name)
    assert CONNECTION_NAME.fullmatch("work-2")


def test_what_a_connection_tells_is_of_its_forge():
    pushed = Pushed(repository=HERE, branch="main", before=None, after=None, sender={"login": "bob"})
    assert named(pushed, "work").repository.forge == "work"
    assert named(pushed, "gitea").repository is HERE
    told = InstallationChanged(
        action="created",
        installation_id=1,
        account="acme",
        added=(HERE,),
        removed=(),
        sender={"login": "bob"},
    )
    assert [each.forge for each in named(told, "work").added] == ["work"]
    for event in (Ignored(reason="nothing"), Ping(hook_id=1)):
        assert named(event, "work") is event
    assert on(HERE, "work") == on(on(HERE, "other"), "work")


def test_what_is_not_connected_may_be_soon():
    with pytest.raises(Outage, match="'work' is not connected"):
        Named[int]()["work"]


def test_secrets_are_not_represented():
    assert "hush" not in repr(Account(id=1, login="a", secret="hush", webhook_secret="hush"))
