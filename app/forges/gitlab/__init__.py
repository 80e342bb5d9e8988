"""GitLab: GitLab.com and self-managed."""

from app.forges.gitlab.deliveries import GitLabIntake
from app.forges.gitlab.forge import GITLAB_CAPABILITIES, GitLabForge, connect_gitlab, hear_gitlab

__all__ = ["GITLAB_CAPABILITIES", "GitLabForge", "GitLabIntake", "connect_gitlab", "hear_gitlab"]
