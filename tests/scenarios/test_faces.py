"""Stories about the forge itself, played on forges of other kinds: the same steps, the same verdicts.

Left out are those whose steps only GitHub knows: buttons, its own re-run, others' check runs, workflows, the
merge queue; and those in which a review is dismissed, which Gitea tells nobody (it is read within minutes).
What a check run's text would say stands in the comment there.
"""

import logging
from pathlib import Path

import pytest

from tests.support.faces import FACES
from tests.support.situation import play

HERE = Path(__file__).parent
STORIES = (
    "01_new_push_supersedes",
    "07_fork_ok_to_test_then_a_push",
    "08_base_moves_while_running",
    "17_draft_then_ready",
    "24_a_b_a_force_push",
    "26_retarget",
    "35_only_people_are_waited_for",
    "36_publish_everything",
    "37_deliveries_doubled_and_reordered",
    "38_deliveries_lost",
    "39_restart_while_a_check_runs",
    "40_the_forge_fails",
    "42_closed_while_pending_and_reopened",
    "71_override_then_a_push",
    "73_waived_by_comment",
)


@pytest.mark.parametrize("face", [kind for kind in FACES if kind != "github"])
@pytest.mark.parametrize("name", STORIES)
async def test_a_story_is_the_same_on_every_forge(name, face, tmp_path, sqlite_template, caplog):
    await play(HERE / name, tmp_path, sqlite_template, face)
    told = [entry.getMessage() for entry in caplog.records if entry.levelno >= logging.ERROR]
    assert not told, "a library logged errors"
