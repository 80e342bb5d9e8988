"""The peers that a machine with Python and Node can install, pinned with their hashes beside this file: Buildbot
(its GitHub hook, a worker, statuses pushed to a stub of GitHub's API) and Probot (a hook that does nothing).

They are installed once, outside the repository. Where that fails `installed` says None, and their rows are missing.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import httpx
from cryptography.hazmat.primitives import serialization

from tests.bench.github import free_port
from tests.bench.peers.stub import Stub, stub
from tests.support.faces import app_key

Process: TypeAlias = "subprocess.Popen[bytes]"
HERE = Path(__file__).parent
SECRET = "a secret of the webhook"
HOOK_OF_BUILDBOT = "/change_hook/github"
HOOK_OF_PROBOT = "/webhooks/github"
PATIENCE = 120.0
_TAC = ("--nodaemon", "--no_save", "--python=buildbot.tac", "--pidfile=")


def installed() -> Path | None:
    """Where both are; None where they could not be installed."""
    pins = [HERE / name for name in ("requirements.txt", "package.json", "package-lock.json")]
    name = hashlib.sha256(b"".join(pin.read_bytes() for pin in pins)).hexdigest()[:12]
    place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "portcullis-bench" / name
    if (place / "done").exists():
        return place
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    try:
        venv.create(place / "venv", with_pip=True)
        pip = [str(place / "venv/bin/python"), "-m", "pip", "install", "-q", "--require-hashes", "-r"]
        subprocess.run([*pip, str(HERE / "requirements.txt")], check=True)
        for pin in (*pins[1:], HERE / "probot.mjs"):
            shutil.copy(pin, place)
        subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=place, check=True
        )
    except (OSError, subprocess.CalledProcessError) as problem:
        print(f"the peers cannot be installed: {problem}", file=sys.stderr)
        return None
    (place / "done").touch()
    return place


@contextmanager
def buildbot(place: Path, root: Path, *, builds: bool) -> Iterator[tuple[Process, int, Stub]]:
    """A master, a worker and the stub of GitHub; gives the master, its port, and what the stub was told."""
    with stub() as api:
        port = free_port()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(root),
            "PEER_API": api.url,
            "PEER_SECRET": SECRET,
            "PEER_BUILDS": str(int(builds)),
            "PEER_PORT": str(port),
            "PEER_WORKER_PORT": str(free_port()),
        }
        programs = place / "venv/bin"
        master, worker = root / "master", root / "worker"
        shutil.copytree(HERE, master, ignore=lambda _folder, names: set(names) - {"master.cfg"})

        def run(*line: str) -> None:
            subprocess.run(line, env=environment, check=True, stdout=subprocess.DEVNULL)

        run(str(programs / "buildbot"), "create-master", "-q", str(master))
        address = f"127.0.0.1:{environment['PEER_WORKER_PORT']}"
        run(
            str(programs / "buildbot-worker"),
            "create-worker",
            "-q",
            str(worker),
            address,
            "worker",
            "password",
        )
        with (
            _started([str(programs / "twistd"), *_TAC], master, environment) as process,
            _started([str(programs / "twistd"), *_TAC], worker, environment),
        ):
            until(process, lambda: _connected(f"http://127.0.0.1:{port}"))
            yield process, port, api


@contextmanager
def probot(place: Path, root: Path) -> Iterator[tuple[Process, int]]:
    """Probot's own server; gives it and its port."""
    port = free_port()
    key = app_key().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(root),
        "APP_ID": "1",
        "PRIVATE_KEY": key.decode(),
        "WEBHOOK_SECRET": SECRET,
        "WEBHOOK_PATH": HOOK_OF_PROBOT,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "NODE_ENV": "production",
    }
    root.mkdir(exist_ok=True)
    with _started(["node", str(place / "probot.mjs")], root, environment) as process:
        until(process, lambda: _asked(f"http://127.0.0.1:{port}/ping"))
        yield process, port


@contextmanager
def _started(line: list[str], folder: Path, environment: dict[str, str]) -> Iterator[Process]:
    with (
        (folder / "said").open("wb") as said,
        subprocess.Popen(line, cwd=folder, env=environment, stdout=said, stderr=said) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def until(process: Process, good: Callable[[], object]) -> None:
    """Wait until a peer is so far."""
    end = time.monotonic() + PATIENCE
    while not good():
        assert process.poll() is None, "the peer ended"
        assert time.monotonic() < end, "the peer is not ready"
        time.sleep(0.05)


def _asked(url: str) -> str:
    """What a peer answers; '' while it does not."""
    try:
        return httpx.get(url, trust_env=False).text
    except httpx.HTTPError:
        return ""


def _connected(url: str) -> bool:
    """Whether a master has a worker."""
    said = _asked(f"{url}/api/v2/workers")
    return bool(said) and any(worker["connected_to"] for worker in json.loads(said)["workers"])
