"""What was probably meant, and long words cut for complaints."""

from collections.abc import Iterable
from difflib import get_close_matches


def suggest(name: str, known: Iterable[str]) -> str:
    """`did you mean …?`, or '' where nothing is near."""
    close = get_close_matches(name[:80], list(known), n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else ""


def short(text: str) -> str:
    """At most 60 characters of it."""
    return text if len(text) <= 60 else text[:59] + "…"  # noqa: PLR2004  a line for people
