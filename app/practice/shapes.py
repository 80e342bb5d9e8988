"""The JSON that GitHub shows for accounts, repositories, apps and installations.

One shape serves API answers and deliveries; tests hold both against GitHub's own descriptions.
"""

import base64
from typing import Any, Final

from app.practice.state import Account, App, Installation, Repository, Team
from app.practice.world import World

Json = dict[str, Any]

_REPOSITORY_URLS: Final = {
    "archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}", "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}", "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}", "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}", "contributors_url": "/contributors",
    "deployments_url": "/deployments", "downloads_url": "/downloads", "events_url": "/events",
    "forks_url": "/forks", "git_commits_url": "/git/commits{/sha}", "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}", "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}", "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}", "keys_url": "/keys{/key_id}", "labels_url": "/labels{/name}",
    "languages_url": "/languages", "merges_url": "/merges", "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}", "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}", "stargazers_url": "/stargazers", "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers", "subscription_url": "/subscription", "tags_url": "/tags",
    "teams_url": "/teams", "trees_url": "/git/trees{/sha}",
}  # fmt: skip
_USER_URLS: Final = {
    "followers_url": "/followers", "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}", "organizations_url": "/orgs",
    "received_events_url": "/received_events", "repos_url": "/repos",
    "starred_url": "/starred{/owner}{/repo}", "subscriptions_url": "/subscriptions",
    "events_url": "/events{/privacy}",
}  # fmt: skip


def node_id(kind: str, number: int) -> str:
    """GitHub's opaque second name of a thing."""
    return base64.b64encode(f"{kind}{number}".encode()).decode()


def user(world: World, account: Account) -> Json:
    """A "simple user"."""
    login = account.login
    api = f"{world.api_url}/users/{login}"
    where = f"apps/{login.removesuffix('[bot]')}" if account.type == "Bot" else login
    return {
        "login": login,
        "id": account.id,
        "node_id": node_id("User", account.id),
        "avatar_url": f"{world.url}/avatars/{account.id}",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{world.url}/{where}",
        **{name: api + path for name, path in _USER_URLS.items()},
        "type": account.type,
        "site_admin": False,
    }


def repository(world: World, repo: Repository) -> Json:
    """A full repository."""
    api, page = f"{world.api_url}/repos/{repo.full_name}", f"{world.url}/{repo.full_name}"
    bare = page.partition("://")[2]
    forks = sum(1 for other in world.repositories.values() if other.fork_of == repo.id)
    opened = sum(1 for pull in repo.pulls.values() if pull.state == "open")
    return {
        "id": repo.id,
        "node_id": node_id("Repository", repo.id),
        "name": repo.name,
        "full_name": repo.full_name,
        "private": repo.private,
        "owner": user(world, world.account(repo.owner)),
        "html_url": page,
        "description": None,
        "fork": repo.fork_of is not None,
        "url": api,
        **{name: api + path for name, path in _REPOSITORY_URLS.items()},
        "git_url": f"git://{bare}.git",
        "ssh_url": f"git@{bare.replace('/', ':', 1)}.git",
        "clone_url": f"{page}.git",
        "svn_url": page,
        "mirror_url": None,
        "homepage": None,
        "language": None,
        "license": None,
        "size": 0,
        "forks": forks,
        "forks_count": forks,
        "stargazers_count": 0,
        "watchers": 0,
        "watchers_count": 0,
        "open_issues": opened,
        "open_issues_count": opened,
        "has_issues": True,
        "has_projects": False,
        "has_wiki": False,
        "has_pages": False,
        "has_downloads": True,
        "has_discussions": False,
        "archived": repo.archived,
        "disabled": False,
        "allow_forking": True,
        "is_template": False,
        "web_commit_signoff_required": False,
        "topics": [],
        "visibility": "private" if repo.private else "public",
        "default_branch": repo.default_branch,
        "created_at": repo.created_at,
        "updated_at": repo.pushed_at,
        "pushed_at": repo.pushed_at,
    }


def full_repository(world: World, repo: Repository) -> Json:
    """What `GET /repos/…` adds."""
    return {**repository(world, repo), "network_count": 0, "subscribers_count": 0}


def app(world: World, found: App) -> Json:
    """A GitHub App, as everybody sees it."""
    return {
        "id": found.id,
        "client_id": found.client_id,
        "slug": found.slug,
        "node_id": node_id("App", found.id),
        "owner": user(world, world.account(found.owner)),
        "name": found.name,
        "description": None,
        "external_url": world.url,
        "html_url": f"{world.url}/apps/{found.slug}",
        "created_at": found.created_at,
        "updated_at": found.created_at,
        "permissions": dict(found.permissions),
        "events": list(found.events),
    }


def installation(world: World, found: Installation) -> Json:
    """An installation."""
    account = world.account(found.account)
    api = f"{world.api_url}/app/installations/{found.id}"
    return {
        "id": found.id,
        "account": user(world, account),
        "repository_selection": "all" if found.repositories is None else "selected",
        "access_tokens_url": f"{api}/access_tokens",
        "repositories_url": f"{world.api_url}/installation/repositories",
        "html_url": f"{world.url}/settings/installations/{found.id}",
        "app_id": found.app_id,
        "app_slug": world.apps[found.app_id].slug,
        "target_id": account.id,
        "target_type": account.type,
        "permissions": dict(found.permissions),
        "events": list(found.events),
        "created_at": found.created_at,
        "updated_at": found.created_at,
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": None,
        "suspended_at": found.suspended_at,
    }


def short_repository(repo: Repository) -> Json:
    """A repository as installation deliveries name it."""
    return {
        "id": repo.id,
        "node_id": node_id("Repository", repo.id),
        "name": repo.name,
        "full_name": repo.full_name,
        "private": repo.private,
    }


def team(world: World, found: Team) -> Json:
    """A team, without its nesting."""
    api = f"{world.api_url}/orgs/{found.organization}/teams/{found.slug}"
    return {
        "id": found.id,
        "node_id": node_id("Team", found.id),
        "name": found.slug,
        "slug": found.slug,
        "description": None,
        "privacy": "closed",
        "permission": "push",
        "url": api,
        "html_url": f"{world.url}/orgs/{found.organization}/teams/{found.slug}",
        "members_url": f"{api}/members{{/member}}",
        "repositories_url": f"{api}/repos",
        "parent": None,
    }
