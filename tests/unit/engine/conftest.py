"""A service that was composed as always and not started: its transactions are called one by one."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from app.engine import Services
from app.executors import ScriptedExecutor
from app.model import Repository
from app.settings import load
from app.store import Unit, projects
from app.wiring import Program, build
from tests.support.clock import HandTurnedClock


class Desk:
    """One repository known to a service that does nothing by itself."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.services: Services = program.services
        self.repository = Repository(
            forge="github",
            forge_id=7,
            full_name="acme/shop",
            installation_id=3,
            default_branch="main",
            private=False,
            clone_url="https://github.example/acme/shop.git",
        )
        with program.database.unit() as unit:
            self.repository_id = projects.upsert_repository(unit, self.repository, self.now)
            projects.know_branch(unit, self.repository_id, "main", "a" * 40, "present", "", self.now)

    @property
    def now(self) -> float:
        return self.services.clock.now()

    def unit(self) -> AbstractContextManager[Unit]:
        """One transaction, kept at the end."""
        return self.program.database.unit()


@pytest.fixture
def desk(tmp_path: Path, migrated_url: str) -> Iterator[Desk]:
    settings = load(
        {
            "PORTCULLIS_DATA_DIR": str(tmp_path / "data"),
            "PORTCULLIS_DATABASE_URL": migrated_url,
            "PORTCULLIS_SECRET_KEY": "k" * 40,
        }
    )
    program = build(settings, clock=HandTurnedClock(), runner=ScriptedExecutor({}))
    yield Desk(program)
    program.services.reader.close()
    program.database.close()
