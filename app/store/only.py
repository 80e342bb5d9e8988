"""One process per data directory: mirrors, source trees and sandboxes have one user. An embedded database
lies in it, and has one process by that.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sqlalchemy import make_url

from app.model import Misconfigured


def embedded_file(url: str) -> Path:
    """The file of a `sqlite:` URL."""
    return Path(make_url(url).database or "")


def only_user(url: str, hint: str) -> AbstractContextManager[None]:
    """Hold the embedded database of a `sqlite:` URL. Raises Misconfigured, with the hint, if another does."""
    return only_process(Path(f"{embedded_file(url)}.lock"), hint)


@contextmanager
def only_process(place: Path, hint: str) -> Iterator[None]:
    """Hold a file's lock. Raises Misconfigured, with the hint, when another process does."""
    descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Misconfigured("another portcullis process uses this data directory", hint=hint) from error
        yield
    finally:
        os.close(descriptor)
