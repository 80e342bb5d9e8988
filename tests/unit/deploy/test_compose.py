"""What deploy/compose.yml says holds together, and is what our own program understands. Nothing is started."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.cli import main
from app.settings import Settings, variable

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "deploy" / "compose.yml").read_text()
FILE: dict[str, Any] = yaml.safe_load(TEXT)
OURS = {name: service for name, service in FILE["services"].items() if "build" in service}


def test_the_roles_and_the_database_are_there() -> None:
    assert set(FILE["services"]) == {"web", "control", "checks", "database"}
    assert set(OURS) == {"web", "control", "checks"}


@pytest.mark.parametrize("name", OURS)
def test_each_service_runs_a_command_of_ours_with_settings_that_there_are(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    service = OURS[name]
    assert main([*service["command"], "--help"]) == 0
    assert "Usage: " in capsys.readouterr().out
    assert set(service["environment"]) <= {variable(field) for field in Settings.model_fields}
    assert set(service["depends_on"]) <= set(FILE["services"])
    assert (ROOT / "deploy" / service["build"] / "Dockerfile").is_file()


@pytest.mark.parametrize("name", OURS)
def test_no_service_may_more_than_it_must(name: str) -> None:
    service = OURS[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert (len(service["security_opt"]) == 1) == (name != "checks")
    for volume in service["volumes"]:
        source = volume.partition(":")[0]
        assert source.startswith("/var/lib/portcullis") or source in FILE["volumes"]


def test_every_secret_must_be_given() -> None:
    used = set(re.findall(r"\$\{(\w+)([^}]*)\}", TEXT))
    assert {name for name, _ in used} == {
        "POSTGRES_PASSWORD",
        "PORTCULLIS_SECRET_KEY",
        "PORTCULLIS_PUBLIC_URL",
    }
    assert {rest for _, rest in used} == {":?"}, "without a value compose refuses to start"
