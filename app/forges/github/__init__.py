"""GitHub: github.com and GitHub Enterprise Server."""

from app.forges.github.auth import AppCredentials
from app.forges.github.deliveries import GitHubIntake
from app.forges.github.errors import Refused
from app.forges.github.forge import GitHubForge
from app.forges.github.limits import Limits
from app.forges.github.manifest import (
    EVENTS,
    PERMISSIONS,
    AppProblem,
    ConvertedApp,
    app_manifest,
    check_app,
    convert_manifest,
    manifest_url,
    web_url,
)

__all__ = [
    "EVENTS",
    "PERMISSIONS",
    "AppCredentials",
    "AppProblem",
    "ConvertedApp",
    "GitHubForge",
    "GitHubIntake",
    "Limits",
    "Refused",
    "app_manifest",
    "check_app",
    "convert_manifest",
    "manifest_url",
    "web_url",
]
