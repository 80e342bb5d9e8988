"""The toolbox, installed for real from a package made here."""

import base64
import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from app.executors import Toolbox
from app.executors.toolbox import absent, visible
from app.model import Misconfigured, Outage


def wheel(folder: Path, version: str) -> str:
    """A wheel with one program, `greet`; gives its SHA-256."""
    info = f"greeter-{version}.dist-info"
    files = {
        "greeter.py": f"def main():\n    print('hello from {version}')\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: greeter\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\ngreet = greeter:main\n",
    }
    record = []
    folder.mkdir(exist_ok=True)
    place = folder / f"greeter-{version}-py3-none-any.whl"
    with zipfile.ZipFile(place, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            record.append(f"{name},sha256={digest},{len(text)}")
        archive.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,\n"]))
    return hashlib.sha256(place.read_bytes()).hexdigest()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    names = ("PATH", "PYENV_ROOT")
    return {"HOME": str(tmp_path)} | {name: os.environ[name] for name in names if name in os.environ}


async def test_install_switch_and_refuse(tmp_path: Path, environment: dict[str, str]):
    lock = tmp_path / "lock.txt"
    here = f"--no-index\n--find-links {tmp_path / 'wheels'}\n"
    lock.write_text(f"{here}greeter==1.0 \\\n    --hash=sha256:{wheel(tmp_path / 'wheels', '1.0')}\n")
    toolbox = Toolbox(tmp_path / "tools" / "toolbox", lock, environment=environment)
    before = toolbox.status()
    assert (before.installed, before.current, before.tools) == (False, False, {"greeter": "1.0"})

    first = await toolbox.install()
    assert (first.installed, first.current) == (True, True)
    assert (tmp_path / "tools/toolbox/bin/greet").exists()
    assert str(visible(tmp_path / "tools" / "toolbox")[0]) == first.path
    stamp = Path(first.path).stat().st_mtime_ns
    assert await toolbox.install() == first
    assert Path(first.path).stat().st_mtime_ns == stamp, "nothing was done again"

    lock.write_text(f"{here}greeter==2.0 --hash=sha256:{wheel(tmp_path / 'wheels', '2.0')}\n")
    assert (toolbox.status().installed, toolbox.status().current) == (True, False)
    second = await toolbox.install()
    assert second.current
    assert second.path != first.path
    assert Path(first.path).exists(), "checks that run may still use it"

    lock.write_text(f"{here}greeter==2.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(Misconfigured, match=r"(?i)hash"):
        await toolbox.install()
    assert toolbox.status().path == second.path, "a failed installation changes nothing"
    lock.write_text(f"{here}absent==9.9 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(Outage):
        await toolbox.install()


def test_a_lock_that_is_not_there_is_the_operators(tmp_path: Path):
    with pytest.raises(Misconfigured, match="lock"):
        Toolbox(tmp_path / "toolbox", tmp_path / "none").status()


def test_nothing_is_visible_of_a_toolbox_that_is_not_there(tmp_path: Path):
    assert visible(tmp_path / "toolbox") == ()


def test_a_program_that_is_not_there_says_where_it_comes_from(tmp_path: Path):
    box = tmp_path / "tools"
    (box / "bin").mkdir(parents=True)
    (box / "bin" / "ruff").touch()
    assert absent(box, "basic", "ruff") == ""
    assert absent(box, "basic", "typos") == "typos is not in the toolbox: portcullis toolbox install"
    biome = "biome is not in the toolbox: portcullis toolbox install web"
    assert absent(box, "web", "biome") == biome
    assert absent(None, "web", "biome") == biome
