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


@pytest.fixture(scope="session")
def contracts() -> Path:
    """The folder of official API descriptions and payloads; too large and too foreign for this repository.

    Skips wherever it is not: nobody but its keepers has it.
    """
    folder = Path(os.environ.get("PORTCULLIS_CONTRACTS", REPOSITORY.parent / "shared" / "contracts"))
    if not folder.is_dir():
        pytest.skip(f"no official descriptions in {folder} (set PORTCULLIS_CONTRACTS)")
    return folder
