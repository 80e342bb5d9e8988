"""The HTTP edge: webhooks, health, the API, and the dashboard's pages."""

from app.web.api import Recomputed, RunReads
from app.web.health import Probe
from app.web.server import WebParts, create_app
from app.web.webhooks import Keeper, Tally

__all__ = ["Keeper", "Probe", "Recomputed", "RunReads", "Tally", "WebParts", "create_app"]
