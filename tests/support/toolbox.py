"""The real toolbox, which tests/run installs once beside this Python."""

import sys
from pathlib import Path

from app.executors import Toolbox
from app.settings import load
from app.wiring import toolbox
from tests.support.prerequisites import missing

PLACE = Path(sys.prefix) / "toolbox"


def group(name: str) -> Toolbox:
    """An installed group, or `missing`."""
    tools = toolbox(load({"PORTCULLIS_TOOLBOX": str(PLACE), "PORTCULLIS_DATA_DIR": str(PLACE.parent)}), name)
    if not tools.status().current:
        missing(
            f"the toolbox's group {name!r} is not installed for the tests: "
            f"PORTCULLIS_TOOLBOX={PLACE} portcullis toolbox install {name}"
        )
    return tools
