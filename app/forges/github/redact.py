"""Takes secrets out of every text that may reach a log, an error or a person."""

import logging
import re
from typing import Final

_TOKEN: Final = re.compile(
    r"gh[pousr]_[A-Za-z0-9_]{10,}|github_pat_[A-Za-z0-9_]{20,}"
    r"|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
    r"|(?<=/app-manifests/)[^/\s\"']+",
    re.DOTALL,
)
_MASK: Final = "[redacted]"


def redact(text: str, *known: str) -> str:
    """`text` without GitHub tokens, JSON Web Tokens, private keys, URL credentials, manifest codes and
    the `known` secrets.
    """
    for secret in known:
        if secret:
            text = text.replace(secret, _MASK)
    return _TOKEN.sub(_MASK, text)


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
