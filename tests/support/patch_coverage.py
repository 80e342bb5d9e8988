"""Coverage of the new lines of one step of a project's history: as `portcullis judge` gives it, as diff-cover does."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

OURS = "histogram"
"""The algorithm of git by which Portcullis takes every difference."""


class Covered(msgspec.Struct, frozen=True):
    """New lines of one file that tests run, and those that they do not."""

    hit: frozenset[int]
    missed: frozenset[int]


class Patch(msgspec.Struct, frozen=True):
    """Coverage of a change by path; files without a coverable new line are left out."""

    files: Mapping[str, Covered]

    @property
    def hit(self) -> int:
        return sum(len(file.hit) for file in self.files.values())

    @property
    def total(self) -> int:
        return self.hit + sum(len(file.missed) for file in self.files.values())

    def __str__(self) -> str:
        return f"{self.hit}/{self.total}"


def _patch(found: Mapping[str, tuple[list[int], list[int]]]) -> Patch:
    return Patch(
        {
            path: Covered(frozenset(hit), frozenset(missed))
            for path, (hit, missed) in found.items()
            if hit or missed
        }
    )


def measure(top: Path, report: Path, source: str, *tests: str) -> None:
    """Run the tests of a working tree beneath coverage.py; its report in Cobertura's form. Tests may fail:
    what they ran counts all the same.
    """
    data = {**os.environ, "COVERAGE_FILE": str(report.with_suffix(".data")), "PYTHONDONTWRITEBYTECODE": "1"}
    coverage = [sys.executable, "-m", "coverage"]
    rules = ["--rcfile=", "--branch", f"--source={source}"]
    run = [*coverage, "run", *rules, "-m", "unittest", "discover", "-t", ".", "-s", *tests]
    subprocess.run(run, cwd=top, env=data, capture_output=True, check=False)
    write = [*coverage, "xml", "--rcfile=", "-q", "-o", str(report)]
    subprocess.run(write, cwd=top, env=data, capture_output=True, check=True)


def by_portcullis(top: Path, base: str, report: Path, data: Path) -> Patch:
    """What `portcullis judge` says of the checked out commit."""
    command = [sys.executable, "-P", "-m", "app", "judge", "--base", base, "--head", "HEAD"]
    environment = {**os.environ, "PORTCULLIS_DATA_DIR": str(data)}
    ran = subprocess.run(
        [*command, "--report", str(report), "--format", "json"],
        cwd=top,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert ran.returncode in {0, 1}, ran.stderr
    files = json.loads(ran.stdout)["coverage"]["new"]["files"]
    return _patch({path: (file["covered"], file["missed"]) for path, file in files.items()})


def by_diff_cover(top: Path, base: str, report: Path, *, algorithm: str = "") -> Patch:
    """What diff-cover says of the checked out commit, by git's usual algorithm or another one."""
    told = report.with_suffix(".json")
    chosen = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "diff.algorithm", "GIT_CONFIG_VALUE_0": algorithm}
    command = [sys.executable, "-m", "diff_cover.diff_cover_tool", f"--compare-branch={base}", "--quiet"]
    subprocess.run(
        [*command, f"--format=json:{told}", str(report)],
        cwd=top,
        env={**os.environ, **(chosen if algorithm else {})},
        capture_output=True,
        check=True,
    )
    files = json.loads(told.read_text())["src_stats"]
    return _patch({path: (file["covered_lines"], file["violation_lines"]) for path, file in files.items()})
