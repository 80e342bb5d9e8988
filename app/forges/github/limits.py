"""GitHub's published limits.

Source: docs.github.com "Rate limits for the REST API" (2026): 900 points a minute (a read costs 1, a
write 5), 80 content-creating requests a minute and 500 an hour, beside the hourly primary limit that
the answers' headers tell.
"""

from app.forges.rest import limits


class Limits(limits.Limits, frozen=True, kw_only=True):
    """What one installation may do by itself; 0 = unlimited."""

    points_per_minute: int = 900
    content_per_minute: int = 80
    content_per_hour: int = 500

    @classmethod
    def for_api(cls, api_url: str) -> "Limits":
        """github.com's published limits; on GitHub Enterprise Server limits are off unless its
        administrator turns them on, so there only its answers count.
        """
        if api_url.rstrip("/") == "https://api.github.com":
            return cls()
        return cls(points_per_minute=0, content_per_minute=0, content_per_hour=0)
