"""The search for leaked secrets itself: each way out that is planted here must be found, and nothing else."""

import base64
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.leaks import forms
from tests.support.prerequisites import REPOSITORY

CONFTEST = 'pytest_plugins = ["tests.support.leaks"]\n'
QUIET = """
import subprocess, sys
from tests.support.leaks import plant

def test_all_is_kept():
    plant("quiet secret", "the/quiet+secret value")
    print("the quiet secret", file=sys.stderr)
    subprocess.run([sys.executable, "-c", "print('a child says little')"], check=True)
"""
LOUD = """
import base64, logging, subprocess, sys
from urllib.parse import quote
import pytest
import structlog
from tests.support.leaks import heard, plant, plant_environment, watched

KEY = "-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0BAQEF\\nAASCBKcwggSjAgEAAoIBAQ\\n-----END PRIVATE KEY-----\\n"

def planted(kind):
    value = f"the/{kind}+secret=value"
    plant(kind, value)
    return value

def test_printed():
    print("x", planted("printed"))

def test_printed_as_an_error():
    print("x", planted("stderr"), file=sys.stderr)

def test_logged():
    logging.getLogger("somebody").warning("it is %s", planted("logged"))

def test_logged_by_structlog():
    structlog.get_logger().error("it is", value=planted("structured"))

def test_said_by_a_child():
    script = "import sys; sys.stderr.write(sys.argv[1])"
    subprocess.run([sys.executable, "-c", script, planted("child")], check=True)

def test_captured(capfd):
    print(planted("captured"))
    assert "captured" in capfd.readouterr().out

def test_in_a_fixture(fixture):
    pass

@pytest.fixture
def fixture():
    yield
    print(planted("teardown"))

def test_in_a_file(tmp_path):
    place = tmp_path / "log"
    watched(place)
    place.write_text(planted("file"))

def test_told():
    heard("x" + planted("told"), "a command")

@pytest.mark.parametrize("before", ["", "x", "xy", "x-access-token:"])
def test_encoded(before):
    print(base64.b64encode((before + planted(f"base64 {before}")).encode() + b"more").decode())

def test_quoted():
    print("https://x/?y=" + quote(planted("quoted"), safe=""))

def test_one_line_of_a_key():
    plant("private key", KEY)
    print(KEY.splitlines()[2])

def test_the_password_of_an_address():
    plant_environment({"PORTCULLIS_DATABASE_URL": "postgresql://me:pass%2Fword-of-mine@127.0.0.1/x"})
    print("pass/word-of-mine")

def test_what_nobody_planted():
    print("ghs_" + "a1" * 18)
"""
KINDS = {
    "printed, plain": "test_printed", "stderr, plain": "test_printed_as_an_error",
    "logged, plain": "test_logged", "structured, plain": "test_logged_by_structlog",
    "child, plain": "test_said_by_a_child", "captured, plain": "test_captured",
    "teardown, plain": "test_in_a_fixture", "file, plain": "log", "told, plain": "a command",
    "base64 , base64": "test_encoded", "base64 x, base64": "test_encoded",
    "base64 xy, base64": "test_encoded", "base64 x-access-token:, base64": "test_encoded",
    "quoted, url-encoded": "test_quoted", "private key, plain": "test_one_line_of_a_key",
    "database password, plain": "test_the_password_of_an_address",
    "the shape of a secret (ghs_…)": "test_what_nobody_planted",
}  # fmt: skip


def session(place: Path, text: str, *arguments: str) -> tuple[int, str]:
    """A pytest session of its own over these tests: its exit status and what it said."""
    (place / "conftest.py").write_text(CONFTEST)
    (place / "test_it.py").write_text(text)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"--rootdir={place}",
        *arguments,
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    ran = subprocess.run(
        [*command, str(place)],
        cwd=place,
        env={**environment, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.returncode, ran.stdout + ran.stderr


@pytest.mark.parametrize("processes", ["0", "2"])
def test_every_way_out_is_found_and_named(tmp_path: Path, processes: str) -> None:
    status, said = session(tmp_path, LOUD, "-n", processes)
    assert (status, " passed" in said, " failed" in said) == (1, True, False), said
    leaked = dict(re.findall(r"^leaked: (.+), in (.+)$", said, re.MULTILINE))
    assert leaked.keys() == KINDS.keys(), said
    assert all(source in leaked[kind] for kind, source in KINDS.items()), said
    assert "secret=value" not in said  # the search itself tells nothing


def test_a_suite_that_keeps_its_secrets_passes(tmp_path: Path) -> None:
    status, said = session(tmp_path, QUIET)
    assert (status, "leaked" in said) == (0, False), said


def test_forms_are_those_in_which_secrets_travel() -> None:
    value = 'a "secret"/ä+=~\tvalue'
    known = [text for text, _ in forms(value)]
    header = base64.b64encode(f"user:{value}".encode()).decode()
    for text in (repr({"key": value}), quote(value, safe=""), value.encode().hex(), header, f"x{value}y"):
        assert any(one in text for one in known), text
    assert list(forms("short")) == []
