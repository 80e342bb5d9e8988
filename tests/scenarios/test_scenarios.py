"""Every folder here is a situation, played through the real app (README.md describes the language)."""

import logging
from pathlib import Path

import pytest

from tests.support.situation import play

FOLDERS = sorted(path.parent for path in Path(__file__).parent.glob("*/story.yml"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
async def test_scenario(folder, tmp_path, sqlite_template, caplog):
    await play(folder, tmp_path, sqlite_template)
    told = [entry.getMessage() for entry in caplog.records if entry.levelno >= logging.ERROR]
    assert not told, "a library logged errors"
