from pathlib import Path

import pytest

from app.executors import GitWorkspaces
from app.model import Sha
from tests.support.git import Origin

NOWHERE = Sha("1" * 40)


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path / "origin")


@pytest.fixture
def workspaces(tmp_path: Path) -> GitWorkspaces:
    return GitWorkspaces(tmp_path / "workspaces", allow_local=True)
