"""Takes secrets out of every text that may reach a log, an error or a person."""

import logging
import re
from typing import Final

from app.model import any_of, redacted

_MANIFEST_CODES: Final = re.compile(r"(?<=/app-manifests/)[^/\s\"']+")


def redact(text: str, *known: str) -> str:
    """`text` without secrets (`app.model.redacted`), manifest codes and the `known` secrets."""
    return redacted(text, _MANIFEST_CODES, any_of(known))


class _HttpLogFilter(logging.Filter):
    """httpx logs each request's address; a manifest code in it is a secret for an hour."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record, redacted."""
        if "/app-manifests/" in (message := record.getMessage()):
            record.msg, record.args = redact(message), None
        return True


def guard_http_log() -> None:
    """Install the filter on httpx's logger, once."""
    logger = logging.getLogger("httpx")
    if not any(isinstance(known, _HttpLogFilter) for known in logger.filters):
        logger.addFilter(_HttpLogFilter())
