"""What branches require against what is posted; repositories that fell silent."""

import pytest

from app.engine.health import silence
from app.engine.watchdog import drifts
from app.forges import RequiredCheck
from app.model import ExternalPosted, Repository, Sha
from app.store.hooks import HookHealth

OURS, OTHER = 7, 9
REPOSITORY = Repository(
    forge="github",
    forge_id=1,
    full_name="acme/shop",
    installation_id=2,
    default_branch="main",
    private=False,
    clone_url="",
)


def posted(name: str, app: int, kind: str = "check_run") -> ExternalPosted:
    return ExternalPosted(
        repository=REPOSITORY, kind=kind, sha=Sha("a" * 40), name=name, poster="x", poster_id=app
    )


VERDICT = posted("portcullis", OURS)
PINNED = RequiredCheck(context="portcullis", app_id=OURS)


@pytest.mark.parametrize(
    ("required", "posts", "says"),
    [
        ([PINNED], [VERDICT], []),
        ([PINNED], None, []),
        ([], [VERDICT], ["'portcullis' is not required: a verdict blocks nothing"]),
        ([RequiredCheck(context="portcullis")], [VERDICT], ["'portcullis' is accepted from anybody"]),
        (
            [RequiredCheck(context="portcullis", app_id=OTHER)],
            None,
            ["'portcullis' is required from another app"],
        ),
        ([PINNED, RequiredCheck(context="Build")], [VERDICT, posted("build", OTHER)], []),
        (
            [PINNED, RequiredCheck(context="build")],
            [VERDICT],
            ["'build' is required, and nobody posts it"],
        ),
        (
            [PINNED, RequiredCheck(context="build", app_id=OTHER)],
            [VERDICT, posted("build", 0, "status")],
            ["'build' is required from an app that does not post it"],
        ),
        (
            [PINNED, RequiredCheck(context="portcullis / lint", app_id=OURS)],
            [VERDICT],
            ["'portcullis / lint' is required, and nobody posts it"],
        ),
    ],
)
def test_each_difference_is_named_with_a_way_out(required, posts, says):
    found = drifts(required, posts, name="portcullis", own_app=OURS)
    assert [drift.says for drift in found] == says
    assert all(drift.mend for drift in found)


@pytest.mark.parametrize(
    ("health", "silent"),
    [
        ({}, False),
        ({"heard_at": 1000.0, "active_at": 900.0}, False),
        ({"heard_at": 1000.0, "active_at": 1030.0}, False),
        ({"heard_at": 1000.0, "active_at": 2000.0}, False),
        ({"heard_at": 1000.0, "active_at": 2000.0, "missed": 1, "missed_at": 2500.0}, True),
        ({"heard_at": 3000.0, "active_at": 2000.0, "missed": 1, "missed_at": 2500.0}, False),
        ({"heard_at": 1000.0, "active_at": 4601.0}, True),
        ({"active_at": 4000.0}, True),
    ],
    ids=[
        "nothing ever",
        "heard",
        "within a minute",
        "only touched",
        "missed",
        "heard since",
        "an hour",
        "never",
    ],
)
def test_a_repository_is_silent_when_things_happen_and_nothing_is_told(health, silent):
    known = HookHealth(repository_id=1, forge="github", full_name="acme/shop", **health)
    assert bool(silence(known, 5000.0)) is silent


@pytest.mark.parametrize("looked_at", [1900.0, 2400.0])
def test_what_happened_since_the_forge_s_log_was_read_accuses_nobody(looked_at):
    """One delivery was lost, and those that came since are not counted yet."""
    health = {"heard_at": 1000.0, "active_at": 2000.0, "missed": 1, "missed_at": 2500.0}
    known = HookHealth(repository_id=1, forge="github", full_name="acme/shop", **health)
    assert not silence(known, looked_at)
    assert silence(known, 2600.0)
