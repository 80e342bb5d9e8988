"""A process of a fleet takes over the GitHub App that another's set-up page stored."""

import asyncio

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from app.engine import Role, StoredApp, Vault
from app.settings import load
from app.wiring import build
from tests.support.database import postgres_database

APP = StoredApp(app_id=7, slug="gate", html_url="", private_key="-----BEGIN", webhook_secret="hush")


def refusals(logs: list[EventDict]) -> list[EventDict]:
    return [one for one in logs if one["event"] == "stored forges are not used"]


@pytest.mark.postgres
async def test_an_app_is_taken_over_also_after_one_that_could_not_be_read(tmp_path, postgres_template):
    with postgres_database(postgres_template) as url:
        settings = load(
            {
                "PORTCULLIS_DATA_DIR": str(tmp_path / "data"),
                "PORTCULLIS_DATABASE_URL": url,
                "PORTCULLIS_SECRET_KEY": "k" * 40,
            }
        )
        program = build(settings, role=Role.WEB)
        program.credential_seconds = 0.02
        with capture_logs() as logs:
            async with program.running(), asyncio.timeout(60):
                await program.database.run(lambda unit: Vault("o" * 40).save_app(unit, APP, 0.0))
                while not refusals(logs):
                    await asyncio.sleep(0.02)
                await program.database.run(lambda unit: program.vault.save_app(unit, APP, 0.0))
                while program.services.forges["github"].own_id != APP.app_id:
                    await asyncio.sleep(0.02)
            assert len(refusals(logs)) == 1
