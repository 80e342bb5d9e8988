"""Secrets taken out of texts: what has the shape of a secret, and what is known to be one."""

import base64
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, quote_plus

MASK: Final = "[redacted]"
_SHAPES: Final = re.compile(
    r"gh[pousr]_[A-Za-z0-9_]{10,}"  # GitHub's tokens
    r"|github_pat_\w{20,}"
    r"|gl[a-z]{2,6}-[\w-]{20,}"  # GitLab's
    r"|whsec_[A-Za-z0-9+/=_-]{10,}"  # Standard Webhooks' signing keys
    r"|pct_[\w-]{43}"  # ours
    r"|eyJ[\w-]{4,}\.[\w-]{4,}\.[\w-]{4,}"  # a JSON Web Token
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<=://)[^/\s:@]*:[^/\s]+(?=@)"  # user and password of an address
    r"|(?<=password=)[^\s&]+",  # of a connection's settings
    re.DOTALL,
)


def written_forms(secret: bytes) -> set[bytes]:
    """How a secret may be written: raw, URL-quoted, and base64 at each of its three offsets."""
    text = secret.decode("utf-8", "surrogateescape")
    forms = {secret}
    for quoted in (
        quote(text, safe="", errors="surrogateescape"),
        quote_plus(text, errors="surrogateescape"),
    ):
        forms.add(quoted.encode())
        forms.add(re.sub(rb"%[0-9A-F]{2}", lambda match: match.group().lower(), quoted.encode()))
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for lead in range(3):
            coded = encode(b"\0" * lead + secret).rstrip(b"=")
            # Characters that also hold bits of the neighbours differ by what surrounds the secret.
            first = (0, 2, 3)[lead]
            last = len(coded) - (1 if (lead + len(secret)) % 3 else 0)
            forms.add(coded[first:last])
    return forms


def any_of(values: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern for `redacted` that finds each of the values, the longest first; None for no value."""
    longest_first = sorted({value for value in values if value}, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


def redacted(text: str, *patterns: re.Pattern[str] | None) -> str:
    """The text with what has the shape of a secret, and what any of the patterns finds, masked.

    All are looked for in the text as it came: one that masks a part of another secret (the first words of a
    key, say) would hide its shape.
    """
    kept: list[str] = []
    masked_until = 0
    for start, end in _found(text, patterns):
        if start >= masked_until:
            kept += (text[masked_until:start], MASK)
        masked_until = max(masked_until, end)
    return "".join((*kept, text[masked_until:])) if kept else text


def _found(text: str, patterns: Iterable[re.Pattern[str] | None]) -> list[tuple[int, int]]:
    used = (pattern for pattern in (_SHAPES, *patterns) if pattern is not None)
    return sorted(match.span() for pattern in used for match in pattern.finditer(text) if match.group())
