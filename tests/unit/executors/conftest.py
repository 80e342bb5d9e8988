from pathlib import Path

import pytest

from app.executors import GitWorkspaces
from tests.support.git import Origin


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path / "origin")


@pytest.fixture
def workspaces(tmp_path: Path) -> GitWorkspaces:
    return GitWorkspaces(tmp_path / "workspaces", allow_local=True)
