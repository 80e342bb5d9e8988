import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from click.testing import CliRunner

from app.cli import cli, frame
from app.settings import load
from app.wiring import toolbox
from tests.support.leaks import heard, plant_environment


class Ran(NamedTuple):
    """How one command line ended."""

    status: int
    out: str
    err: str


class Shell:
    """Runs `portcullis …` in this process as the console script would, in an environment of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {"HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "COLUMNS": "100"}

    def __call__(self, *arguments: str, **environment: str) -> Ran:
        wanted = {**self.environment, **environment}
        hidden = {name: None for name in os.environ if name.startswith("PORTCULLIS_")}
        runner = CliRunner(env={**hidden, **wanted})

        @click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
        @click.argument("rest", nargs=-1, type=click.UNPROCESSED)
        def whole(rest: tuple[str, ...]) -> None:
            raise SystemExit(frame.run(cli, rest))

        plant_environment(environment)
        result = runner.invoke(whole, ["--", *arguments])
        heard(result.stderr, f"portcullis {' '.join(arguments)}")
        return Ran(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def portcullis(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def toolbox_at() -> Callable[[Path], Path]:
    """Lays a finished toolbox as an installation leaves it (without downloading one); gives its real place."""

    def lay(path: Path) -> Path:
        environment = {"PORTCULLIS_DATA_DIR": str(path.parent), "PORTCULLIS_TOOLBOX": str(path)}
        place = toolbox(load(environment))._wanted()
        place.mkdir()
        (place / "portcullis-complete").write_text("")
        path.symlink_to(place.name)
        return place.resolve()

    return lay
