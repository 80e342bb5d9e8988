"""What all endpoints of the practice GitLab ask first: who, of which project, may they."""

from app.practice.gitlab.forge import PracticeGitLab
from app.practice.gitlab.state import ACCESS, Project
from app.practice.server import Ask, Refusal
from app.practice.state import Account, PullRequest, Repository
from app.practice.world import NotThere


def gitlab(ask: Ask) -> PracticeGitLab:
    """The forge, as what it is."""
    if not isinstance(ask.forge, PracticeGitLab):
        raise TypeError("these endpoints are of a GitLab")
    return ask.forge


def account(ask: Ask) -> Account:
    """Who asks; 401 for nobody."""
    if ask.caller.person is None:
        raise Refusal(401, "401 Unauthorized")
    return ask.caller.person


def project(ask: Ask, least: str = "read") -> Repository:
    """The project of the path; hidden ones are not there, and 403 without the level."""
    who = account(ask)
    repo = ask.world.repositories.get(ask.at["id"])
    if repo is None or not ask.caller.sees(ask.world, repo):
        raise Refusal(404, "404 Project Not Found")
    if ACCESS[ask.world.permission(repo, who.login)] < ACCESS[least]:
        raise Refusal(403, "403 Forbidden")
    if repo.archived and least != "read":
        raise Refusal(403, "403 Forbidden")
    return repo


def own(ask: Ask, repo: Repository) -> Project:
    """What GitLab keeps of a project."""
    return gitlab(ask).own(repo)


def merge_request(ask: Ask, repo: Repository) -> PullRequest:
    """The merge request of the path."""
    found = repo.pulls.get(ask.at["iid"])
    if found is None:
        raise NotThere("no merge request")
    return found


def text(ask: Ask, name: str, longest: int) -> str:
    """A text of the body that may not be empty. Raises Refusal."""
    found = ask.fields().get(name)
    if not isinstance(found, str) or not found.strip():
        raise Refusal(400, f"{name} is missing")
    if len(found) > longest:
        raise Refusal(400, f"{name} is too long (maximum is {longest} characters)")
    return found
