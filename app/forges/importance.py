"""How much depends on a request: where a limit is nearly used up, what matters least waits first."""

from contextvars import ContextVar
from enum import IntEnum
from typing import Final


class Importance(IntEnum):
    """Most important first: what a verdict needs and says, what people are told, details of single checks,
    reading again what nobody told us to read.
    """

    VERDICT = 0
    COMMENT = 1
    DETAIL = 2
    SWEEP = 3


HELD_BACK: Final = {
    Importance.VERDICT: 0.0,
    Importance.COMMENT: 0.1,
    Importance.DETAIL: 0.2,
    Importance.SWEEP: 0.3,
}
"""The share of any limit on requests that is kept for what is more important."""
CONTENT_HELD_BACK: Final = {
    Importance.VERDICT: 0.0,
    Importance.COMMENT: 0.0,
    Importance.DETAIL: 0.25,
    Importance.SWEEP: 0.25,
}
"""The same of the limits on creating content. Verdicts are counted there, but never wait for them: only the
forge's own refusal holds a verdict back.
"""

writing_until: ContextVar[float] = ContextVar("writing_until", default=float("inf"))
"""Until when (epoch seconds) what is done here may write: after that another may have written."""
asking_for: ContextVar[Importance] = ContextVar("asking_for", default=Importance.VERDICT)
"""What the work that is done here is for. Calls that matter less by themselves (a comment) stay so."""
