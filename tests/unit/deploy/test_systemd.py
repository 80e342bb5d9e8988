"""What deploy/systemd says is what systemd and our own program understand. Offline: nothing is started."""

import configparser
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli import main
from app.settings import Settings, variable
from tests.support.prerequisites import program

FOLDER = Path(__file__).resolve().parents[3] / "deploy" / "systemd"
UNITS = sorted(path.name for path in FOLDER.iterdir())
PROGRAM = "/opt/portcullis/.venv/bin/portcullis"
MOST_EXPOSED = 50
"""Tenths: what remains is what the sandbox is made of."""


def service(unit: str) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=False, delimiters="=")
    parser.optionxform = str  # type: ignore[assignment]
    parser.read_string((FOLDER / unit).read_text())
    return parser["Service"]


def analyze(tmp_path: Path, unit: str, *words: str, old: str = "", new: str = "") -> tuple[int, str]:
    """systemd-analyze on a copy whose program is there; gives its exit code and words."""
    text = (FOLDER / unit).read_text().replace(PROGRAM, sys.executable)
    assert old in text
    copy = tmp_path / unit
    copy.write_text(text.replace(old, new))
    command = (program("systemd-analyze"), *words, str(copy))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_reads_each_unit_without_a_remark(tmp_path: Path, unit: str) -> None:
    assert analyze(tmp_path, unit, "verify", "--man=no") == (0, "")


def test_what_it_does_not_know_is_remarked(tmp_path: Path) -> None:
    _, said = analyze(
        tmp_path, "portcullis.service", "verify", "--man=no", old="PrivateTmp=true", new="PrivateTemp=true"
    )
    assert "'PrivateTemp'" in said


@pytest.mark.parametrize("unit", UNITS)
def test_the_drop_in_for_containers_takes_back_what_keeps_mounts_apart(tmp_path: Path, unit: str) -> None:
    readme = (FOLDER.parents[1] / "README.md").read_text()
    (drop_in,) = [block.split("```")[0] for block in readme.split("```ini\n")[1:]]
    assert analyze(tmp_path, unit, "verify", "--man=no", old="[Install]", new=f"{drop_in}\n[Install]") == (
        0,
        "",
    )
    given = configparser.RawConfigParser(delimiters="=")
    given.optionxform = str  # type: ignore[assignment]
    given.read_string(drop_in)
    apart = {"ProtectSystem", "ProtectHome", "ProtectKernelModules", "PrivateTmp", "PrivateMounts"}
    assert apart <= {name for name in service(unit) if name.startswith(("Protect", "Private"))}
    assert {given["Service"][name] for name in apart} == {"false"}
    assert "ReadWritePaths" in service(unit)
    assert given["Service"]["ReadWritePaths"] == ""


@pytest.mark.parametrize("unit", UNITS)
def test_no_unit_may_more_than_it_must(tmp_path: Path, unit: str) -> None:
    code, said = analyze(tmp_path, unit, "security", "--offline=true", f"--threshold={MOST_EXPOSED}")
    assert code == 0, said
    open_wide = ("ProtectSystem=strict", "ProtectSystem=false")
    code, _ = analyze(
        tmp_path, unit, "security", "--offline=true", "--threshold=10", old=open_wide[0], new=open_wide[1]
    )
    assert code != 0


@pytest.mark.parametrize("unit", UNITS)
def test_each_unit_leaves_what_the_sandbox_is_made_of(unit: str) -> None:
    keys = set(service(unit))
    assert service(unit)["Delegate"] == "memory pids cpu"
    for refused in (
        "RestrictNamespaces",
        "ProtectKernelTunables",
        "ProtectKernelLogs",
        "ProtectProc",
        "ProtectHostname",
        "ProtectControlGroups",
        "SystemCallFilter",
        "MemoryDenyWriteExecute",
    ):
        assert refused not in keys, refused


@pytest.mark.parametrize("unit", UNITS)
def test_each_unit_runs_a_command_of_ours_with_settings_that_there_are(
    unit: str, capsys: pytest.CaptureFixture[str]
) -> None:
    known = {variable(field) for field in Settings.model_fields}
    started, *words = service(unit)["ExecStart"].split()
    assert started == PROGRAM
    assert main([*(word.replace("${ROLE}", "checks") for word in words), "--help"]) == 0
    assert "Usage: " in capsys.readouterr().out
    named = {word.split("=")[0] for word in service(unit)["Environment"].split()}
    assert named <= known | {"ROLE"}
