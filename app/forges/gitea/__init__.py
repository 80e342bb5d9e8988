"""Gitea and Forgejo: one API, two names. An account's token, commit statuses, the sticky comment."""

from app.forges.gitea.deliveries import GiteaIntake
from app.forges.gitea.forge import GITEA_CAPABILITIES, GiteaForge

__all__ = ["GITEA_CAPABILITIES", "GiteaForge", "GiteaIntake"]
