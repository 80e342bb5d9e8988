"""What all endpoints of the practice Gitea ask first: who, of which repository, may they."""

from app.practice.gitea.forge import PracticeGitea
from app.practice.server import Ask, Refusal
from app.practice.state import Account, PullRequest, Repository
from app.practice.world import NotThere


def gitea(ask: Ask) -> PracticeGitea:
    """The forge, as what it is."""
    if not isinstance(ask.forge, PracticeGitea):
        raise TypeError("these endpoints are of a Gitea")
    return ask.forge


def account(ask: Ask) -> Account:
    """Who asks; 401 for nobody."""
    if ask.caller.person is None:
        raise Refusal(401, "token is required")
    return ask.caller.person


def repository(ask: Ask) -> Repository:
    """The repository of the path; hidden ones are not there, archived ones cannot be changed."""
    account(ask)
    repo = ask.repository()
    if repo.archived and ask.request.method != "GET":
        raise Refusal(423, f"{repo.full_name} is archived")
    return repo


def may(ask: Ask, repo: Repository, level: str) -> None:
    """403 for who has less than that."""
    if not ask.world.allows(repo, account(ask).login, level):
        raise Refusal(403, "user should have a permission to do that")


def pull_request(ask: Ask, key: str = "index") -> tuple[Repository, PullRequest]:
    """The pull request of the path."""
    repo = repository(ask)
    found = repo.pulls.get(ask.at[key])
    if found is None:
        raise NotThere("no pull request")
    return repo, found
