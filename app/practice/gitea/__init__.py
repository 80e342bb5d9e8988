"""The practice forge as a Gitea (and, by one more set of headers, as a Forgejo).

forge = PracticeGitea(World(directory))
async with serving(forge, face=gitea_app) as url: …
"""

from app.practice.gitea.face import gitea_app
from app.practice.gitea.forge import GiteaHook, PracticeGitea

__all__ = ["GiteaHook", "PracticeGitea", "gitea_app"]
