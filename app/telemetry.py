"""Structured logs, set up once: one form for ours and for libraries', on stderr, without secrets.

Who wants a logger calls `structlog.get_logger()`; who learns a secret value calls `register_secret`.
`structlog.contextvars.bound_contextvars(run=…)` puts ids on every entry below it; the names are delivery,
request, run and check.
"""

import logging
import re
import sys
from collections.abc import Mapping
from threading import Lock
from typing import Literal, TextIO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from app.model import MASK, any_of, redacted, written_forms

_SHORTEST = 6
_SECRET_KEYS = re.compile(
    r"secret|token|passw|private_?key|authorization|cookie|credential|api_?key|signature", re.IGNORECASE
)


class Redactor:
    """Replaces secrets in log entries: by the name of the key, by registered value, by known shape."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._lock = Lock()

    def register(self, value: str) -> None:
        """Never let this value (and each line of it, however it is written) into a log; very short ones would
        mask words. The first and last line of a key are no secret.
        """
        lines = (line for line in value.splitlines() if not line.startswith("-----"))
        parts = {part for part in (value, *lines) if len(part) >= _SHORTEST}
        forms = {form.decode("utf-8", "replace") for part in parts for form in written_forms(part.encode())}
        with self._lock:
            self._values |= {form for form in forms if len(form) >= _SHORTEST}
            self._pattern = any_of(self._values)

    def text(self, text: str) -> str:
        """The text with every secret in it masked."""
        return redacted(text, self._pattern)

    def value(self, value: object, key: str = "") -> object:
        """A log value with secrets masked, at any depth; what is not plain data is shown as its repr."""
        if key and _SECRET_KEYS.search(key) and value not in (None, "", True, False):
            return MASK
        match value:
            case None | bool() | int() | float():
                return value
            case str():
                return self.text(value)
            case Mapping():
                return {self.text(str(name)): self.value(item, str(name)) for name, item in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self.value(item) for item in value]
            case _:
                return self.text(repr(value))

    def __call__(self, _logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
        """The structlog processor; internal keys (`_record`) pass."""
        return {key: value if key.startswith("_") else self.value(value, key) for key, value in entry.items()}


redactor = Redactor()


def register_secret(value: str) -> None:
    """Mask this value in every later log entry."""
    redactor.register(value)


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,  # tracebacks become text, so that they are masked too
        redactor,
    ]


def _renderer(log_format: Literal["console", "json"], stream: TextIO, *, color: bool) -> Processor:
    if log_format == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(
        colors=color and stream.isatty(), exception_formatter=structlog.dev.plain_traceback
    )


def setup(
    *,
    log_format: Literal["console", "json"] = "console",
    level: str = "info",
    color: bool = True,
    stream: TextIO | None = None,
) -> None:
    """Send all logs of the process to `stream` (stderr). A second call replaces the first.

    Args:
        log_format: `console` for people, `json` for one object per line.
        level: the least severe level shown; libraries' own chatter begins at warning.
        color: whether colours may be used on a terminal.
        stream: where to write.
    """
    stream = stream or sys.stderr
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _renderer(log_format, stream, color=color),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("httpx", "httpcore", "alembic", "sqlalchemy.engine", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").setLevel(logging.NOTSET)  # an embedded server may have raised it
    for own_handlers in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(own_handlers)
        logger.handlers.clear()
        logger.propagate = True
