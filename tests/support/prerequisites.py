"""What a test needs from the machine, and what happens where it is missing."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def missing(what: str) -> NoReturn:
    """Fail on CI, where everything must be there; skip on somebody's machine, saying what is missing."""
    __tracebackhide__ = True
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} (CI=true: a missing prerequisite is a failure)", pytrace=False)
    pytest.skip(what)


def program(name: str) -> str:
    """The path of a program on PATH, or `missing`."""
    return shutil.which(name) or missing(f"the program {name!r} is not installed")
