"""GitHub: github.com and GitHub Enterprise Server."""

from app.forges.github.auth import AppCredentials
from app.forges.github.deliveries import GitHubIntake, hear_github
from app.forges.github.errors import Refused
from app.forges.github.forge import GITHUB_CAPABILITIES, GitHubForge, connect_github
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
    "GITHUB_CAPABILITIES",
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
    "connect_github",
    "convert_manifest",
    "hear_github",
    "manifest_url",
    "web_url",
]
