"""The practice forge as a GitLab.

forge = PracticeGitLab(World(directory))
async with serving(forge, face=gitlab_app) as url: …
"""

from app.practice.gitlab.face import gitlab_app
from app.practice.gitlab.forge import PracticeGitLab
from app.practice.gitlab.state import Job, Pipeline, PostedStatus, StatusCheck, Webhook

__all__ = ["Job", "Pipeline", "PostedStatus", "PracticeGitLab", "StatusCheck", "Webhook", "gitlab_app"]
