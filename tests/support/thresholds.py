"""How much of each package the tests must run: `python -m tests.support.thresholds`, after pytest with --cov.

Lines and branches together, in per cent. The pure packages are to be run whole: whatever they decide can be
tried in a unit test. What runs in other processes (report readers, command lines) is not seen.
"""

import io
import math
import sys
from collections.abc import Mapping
from typing import Final

import coverage

THRESHOLDS: Final[Mapping[str, float]] = {
    "app/language/*": 99.0,
    "app/model/*": 99.0,
    "app/plan/*": 98.0,
    "app/policy/*": 99.0,
    "app/presets/*": 100.0,
    "app/publish/*": 99.0,
    "app/reports/*": 98.0,
    "app/*": 90.0,
}


def main() -> int:
    """Print each share, rounded down to a tenth; 1 if one is below its threshold."""
    measured = coverage.Coverage()
    measured.load()
    failed = 0
    for files, least in THRESHOLDS.items():
        found = math.floor(measured.report(include=files, file=io.StringIO()) * 10) / 10
        failed |= found < least
        print(f"{files:16} {found:5.1f} % of {least:5.1f} %{'  too little' if found < least else ''}")
    if failed:
        print("error: tests are missing; `coverage report -m --include 'app/NAME/*'` names the lines")
    return failed


if __name__ == "__main__":
    sys.exit(main())
