"""One process per data directory: mirrors, source trees and sandboxes have one user. An embedded database
lies in it, and has one process by that.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.model import Misconfigured


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
