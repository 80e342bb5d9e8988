"""The error tree: three audiences, anything else is a bug.

`AuthorFault` is shown on the change, `Misconfigured` to the operator, `Outage` is retried.
A red check is a result, not an exception.
"""

from datetime import datetime


class PortcullisError(Exception):
    """An error with a message for a person and, where there is one, a way out.

    `message` says what happened and why; `hint` says what to do next (may be empty).
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class AuthorFault(PortcullisError):
    """The change (its gate file, its reports, its history) is at fault; say so on the change."""


class Misconfigured(PortcullisError):
    """The installation is at fault (a setting, a permission, a missing tool); tell the operator."""


class Outage(PortcullisError):
    """Something outside fails for now (forge, network, database); try again, not before `retry_at`."""

    def __init__(self, message: str, *, hint: str = "", retry_at: datetime | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_at = retry_at

    def again_at(self, now: float, wait: float) -> float:
        """When to try again (epoch seconds): when the forge said, to the second, else after `wait`."""
        told = self.retry_at.timestamp() if self.retry_at is not None else now
        return told if told > now else now + wait
