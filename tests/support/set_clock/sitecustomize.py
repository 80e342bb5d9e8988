"""Loaded at the start of a Python process by PYTHONPATH: its wall clock is off by the seconds in a file, as on a
machine whose clock somebody sets while it runs. Nothing else counts time anew: what passes stays what it is.
"""

import os
import time
from pathlib import Path

_wall, _place = time.time, os.environ.get("PRACTICE_CLOCK")


def _set() -> float:
    try:
        return _wall() + float(Path(_place or "").read_text("ascii"))
    except (OSError, ValueError):
        return _wall()


if _place:
    time.time = _set
