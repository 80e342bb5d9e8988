"""What a check runs on is known by what it sees there."""

import os
from pathlib import Path

import pytest

from app.executors import Containers, Images, LocalExecutor
from app.executors.platform import LOOKED_THROUGH, platform_of, tools
from app.executors.view import Given


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    tool = tmp_path / "shop" / "bin" / "mypy"
    tool.parent.mkdir(parents=True)
    tool.write_text("one")
    os.utime(tool, (1, 1))
    (tool.parent / "python").symlink_to("/usr/bin/python3")
    return tmp_path / "shop"


def seen(chain: Path, minute: int) -> str:
    return platform_of(Given(toolchains=(chain,)), LOOKED_THROUGH * minute)


@pytest.mark.parametrize("what", ["content", "time", "new", "gone", "mode", "link"])
def test_a_tool_chain_that_changes_is_another_platform(chain: Path, what: str) -> None:
    before = seen(chain, 1)
    assert before == seen(chain, 2)
    tool = chain / "bin" / "mypy"
    if what == "content":  # in place, as `cp` does: the directory stays as it was
        tool.write_text("longer")
        os.utime(tool, (1, 1))
    elif what == "time":
        os.utime(tool, (2, 2))
    elif what == "new":
        (chain / "lib").mkdir()
    elif what == "gone":
        tool.unlink()
    elif what == "mode":
        tool.chmod(0o755)
    else:
        (chain / "bin" / "python").unlink()
        (chain / "bin" / "python").symlink_to("/usr/bin/python3.99")
    assert seen(chain, 2) == before, "looked through once a minute"
    assert seen(chain, 3) != before


def test_what_python_remembers_of_its_modules_is_no_change(chain: Path) -> None:
    before = seen(chain, 1)
    (chain / "bin" / "__pycache__").mkdir()
    (chain / "bin" / "__pycache__" / "a.pyc").write_text("x")
    assert seen(chain, 2) == before


def test_a_tool_chain_that_is_not_there_is_another_platform_than_one_that_is(chain: Path) -> None:
    assert seen(chain / "elsewhere", 1) != seen(chain, 1)
    assert platform_of(Given(), 0.0) != seen(chain, 1)


def test_a_container_is_known_by_its_image_and_by_the_tool_chains_too(chain: Path, tmp_path: Path) -> None:
    def platform(image: str, *chains: Path) -> str:
        return LocalExecutor(Containers("podman", Images(image)), tmp_path, toolchains=chains).platform

    assert platform("debian", chain) == platform("debian", chain)
    assert len({platform("debian", chain), platform("alpine", chain), platform("debian")}) == 3
    given = Given(toolchains=(chain,))
    before = tools(given, 0.0)
    (chain / "new").write_text("x")
    assert tools(given, LOOKED_THROUGH) != before
