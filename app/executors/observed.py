"""How processes ended, as an executor saw it; the same words for each kind of executor."""

import signal

import msgspec

from app.executors.protocol import Ended

# Exit codes of a shell (and of bwrap) for a child that a signal ended, where no tool uses them otherwise.
_FATAL = {signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGKILL}
_FATAL |= {signal.SIGSEGV, signal.SIGPIPE, signal.SIGTERM, signal.SIGXCPU, signal.SIGXFSZ, signal.SIGSYS}
_SIGNAL_BASE = 128


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen. `seconds` from the check's start to its end; `said` by what held it, of why it could not
    be made or was lost.
    """

    ended: Ended
    code: int | None = None
    signal: int | None = None
    seconds: float = 0.0
    said: str = ""
    disk_full: bool = False
    pids_limited: bool = False


def ending_signal(code: int) -> int | None:
    """The signal that an exit code stands for; None where it is a code of the program's own."""
    number = code - _SIGNAL_BASE
    return number if number in _FATAL else None
