"""The HTTP edge: webhooks, health, the API, and the dashboard's pages."""

from app.web.api import RunReads
from app.web.health import Probe
from app.web.program import Server, application, listen, serve
from app.web.reports import ReportIntake
from app.web.server import WebParts, create_app
from app.web.webhooks import Keeper, Tally

__all__ = [
    "Keeper",
    "Probe",
    "ReportIntake",
    "RunReads",
    "Server",
    "Tally",
    "WebParts",
    "application",
    "create_app",
    "listen",
    "serve",
]
