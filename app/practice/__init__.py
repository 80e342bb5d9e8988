"""The practice forge: a small GitHub with real git repositories, served over HTTP.

forge = PracticeForge(World(directory))
forge.world.add_user("alice")
async with serving(forge) as url: …
"""

from app.practice.access import Caller
from app.practice.changes import Forbidden
from app.practice.forge import PracticeForge
from app.practice.git import Content, File, Git, GitError, Signature
from app.practice.gitea import GiteaHook, PracticeGitea, gitea_app
from app.practice.gitlab import Job, Pipeline, PostedStatus, PracticeGitLab, StatusCheck, Webhook, gitlab_app
from app.practice.hooks import Hooks
from app.practice.posts import Invalid
from app.practice.serve import Face, listening, practice_app, serving
from app.practice.state import (
    Account,
    App,
    CheckRun,
    Comment,
    Installation,
    MergeGroup,
    PullRequest,
    Repository,
    RequiredCheck,
    Review,
    Status,
    WorkflowRun,
)
from app.practice.traffic import Delivery, Fault, Seen
from app.practice.world import NotThere, World

__all__ = [
    "Account",
    "App",
    "Caller",
    "CheckRun",
    "Comment",
    "Content",
    "Delivery",
    "Face",
    "Fault",
    "File",
    "Forbidden",
    "Git",
    "GitError",
    "GiteaHook",
    "Hooks",
    "Installation",
    "Invalid",
    "Job",
    "MergeGroup",
    "NotThere",
    "Pipeline",
    "PostedStatus",
    "PracticeForge",
    "PracticeGitLab",
    "PracticeGitea",
    "PullRequest",
    "Repository",
    "RequiredCheck",
    "Review",
    "Seen",
    "Signature",
    "Status",
    "StatusCheck",
    "Webhook",
    "WorkflowRun",
    "World",
    "gitea_app",
    "gitlab_app",
    "listening",
    "practice_app",
    "serving",
]
