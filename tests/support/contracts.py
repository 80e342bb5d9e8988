"""Where the official descriptions are, for code that is no fixture; a clear skip where they are not."""

import os
from pathlib import Path

import pytest

from tests.support.prerequisites import REPOSITORY


def contracts(*parts: str) -> Path:
    """A file or folder of the gathered contracts; skips the test where they are not on this machine."""
    base = Path(os.environ.get("PORTCULLIS_CONTRACTS", REPOSITORY.parent / "shared" / "contracts"))
    found = base.joinpath(*parts)
    if not found.exists():
        pytest.skip(f"no official descriptions in {base} (set PORTCULLIS_CONTRACTS)")
    return found
