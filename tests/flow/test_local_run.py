"""`portcullis run` judges a real repository's change by what its checks really reported."""

import asyncio
import os
import sys

import pytest

from tests.support.git import Origin
from tests.support.prerequisites import REPOSITORY, program

GATE = """\
version: 1
checks:
  test:
    run: sh test.sh
    exit_codes: {findings: [1]}
    reports: [out/junit.xml]
gate:
  - tests.new_failed == 0
"""
TEST = """\
if grep -q broken shop.py; then outcome='<failure message="broken"/>'; status=1; fi
echo "<testsuite><testcase name='sells'>$outcome</testcase></testsuite>" > out/junit.xml
exit ${status:-0}
"""

pytestmark = pytest.mark.sandbox


async def portcullis(place, *arguments: str) -> tuple[int | None, str]:
    status, out, _ = await heard(place, *arguments)
    return status, out


async def heard(place, *arguments: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", *arguments,
        cwd=place / "shop",
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(place),
            "PYTHONPATH": str(REPOSITORY),
            "PORTCULLIS_DATA_DIR": str(place / "data"),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, error = await process.communicate()
    return process.returncode, out.decode(), error.decode()


@pytest.mark.parametrize("broken", [True, False])
async def test_the_reports_of_the_checks_decide(tmp_path, broken):
    program("bwrap")
    origin = Origin(tmp_path / "shop")
    for path, text in ((".portcullis.yml", GATE), ("test.sh", TEST), ("shop.py", "fine\n")):
        origin.write(path, text)
    origin.commit("first")
    origin.write("shop.py", "broken\n" if broken else "finer\n")
    origin.commit("second")
    status, out = await portcullis(tmp_path, "run", "--base", "HEAD~1", "--head", "HEAD")
    if broken:
        assert (status, out.splitlines()[0]) == (1, "BLOCKED  failed tests 1 > 0")
        assert "sells failed in test" in out
    else:
        assert (status, out.splitlines()[0]) == (0, "PASSED  1 of 1 check ran")
        assert "failed tests 0 = 0" in out


async def test_the_end_of_what_a_failed_check_said_is_shown(tmp_path):
    program("bwrap")
    origin = Origin(tmp_path / "shop")
    lines = "version: 1\nchecks:\n  good: {run: echo fine}\n  bad: {run: seq 1 30; exit 7}\n"
    origin.write(".portcullis.yml", lines)
    origin.commit("first")
    origin.write("shop.py", "1\n")
    origin.commit("second")
    status, _, error = await heard(tmp_path, "run", "--base", "HEAD~1", "--head", "HEAD")
    assert status == 1
    assert [line for line in error.splitlines() if " | " in line] == [
        f"bad | {number}" for number in range(19, 31)
    ]


GIVEN = """\
version: 1
checks:
  build: {run: "mkdir -p out/lib && echo built > out/lib/app", artifacts: ["out/**"]}
  test: {run: 'find in -type f > found; cat in/build/lib/app; test "$(cat found)" = in/build/lib/app', needs: [build]}
"""


async def test_a_check_finds_the_artifacts_of_the_one_it_needs_beneath_in(tmp_path):
    program("bwrap")
    origin = Origin(tmp_path / "shop")
    origin.write(".portcullis.yml", GIVEN)
    origin.commit("first")
    origin.write("shop.py", "fine\n")
    origin.commit("second")
    status, out = await portcullis(tmp_path, "run", "--base", "HEAD~1")
    assert (status, "built" in out) == (0, True), out


LACKING = """\
version: 1
checks:
  slow: {run: sleep 600}
  lint: {use: ruff}
  spelling: {use: typos}
"""


async def test_a_tool_that_is_not_there_is_told_once_and_what_runs_is_ended(tmp_path):
    program("bwrap")
    origin = Origin(tmp_path / "shop")
    origin.write(".portcullis.yml", LACKING)
    origin.commit("first")
    origin.write("shop.py", "fine\n")
    origin.commit("second")
    status, _, error = await heard(tmp_path, "run", "--base", "HEAD~1")
    told = "is not in the toolbox: portcullis toolbox install"
    assert (status, error.count(told), "Traceback" in error) == (2, 1, False), error
