"""The practice GitLab over HTTP: the API beneath /api/v4, git, and plain pages."""

import html
from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from app.practice.forge import PracticeForge
from app.practice.gitlab import endpoints_ci, endpoints_merge_requests, endpoints_projects
from app.practice.gitlab.forge import PracticeGitLab
from app.practice.markdown import markdown
from app.practice.server import Api
from app.practice.smart import SmartHttp
from app.practice.world import NotThere


class GitLabApi(Api):
    """Answers as GitLab does."""

    prefix = "/api/v4"
    limits = "ratelimit-"
    too_many = (429, "Retry later")
    about: Mapping[str, str] = {}


async def _not_found(_: Request, __: Exception) -> Response:
    return JSONResponse({"error": "404 Not Found"}, 404)


class Pages:
    """What a person sees in a browser. People are not signed in: private things are shown to all."""

    def __init__(self, forge: PracticeGitLab) -> None:
        self._forge = forge

    async def home(self, _: Request) -> Response:
        """All projects and their merge requests."""
        parts = []
        for repo in self._forge.world.repositories.values():
            links = "".join(
                f"<li><a href='/{_e(repo.full_name)}/-/merge_requests/{pull.number}'>!{pull.number}"
                f" {_e(pull.title)}</a>"
                for pull in repo.pulls.values()
            )
            parts.append(f"<h2>{_e(repo.full_name)}</h2><ul>{links}</ul>")
        return _page("Projects", "".join(parts))

    async def merge_request(self, request: Request) -> Response:
        """A merge request: the statuses of its head and its notes."""
        try:
            repo = self._forge.world.repository(request.path_params["project"])
            pull = repo.pulls[request.path_params["number"]]
        except (NotThere, KeyError):
            return _page("Not here", "")
        statuses = "".join(
            f"<li>{_e(each.name)}: <b>{_e(each.status)}</b> {_e(each.description)}"
            for each in self._forge.own(repo).statuses
            if each.sha == pull.head_sha
        )
        notes = "".join(
            f"<article><b>{_e(one.author.login)}</b>{markdown(one.body)}</article><hr>"
            for one in repo.comments.values()
            if one.number == pull.number
        )
        head = f"<p>{_e(pull.head_ref)} into {_e(pull.base_ref)}, head {_e(pull.head_sha[:8])}"
        return _page(f"{pull.title} !{pull.number}", f"{head}<ul>{statuses}</ul>{notes}")


def _e(text: object) -> str:
    return html.escape("" if text is None else str(text))


def _page(title: str, body: str) -> Response:
    return HTMLResponse(
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width,initial-scale=1'>"
        "<style>:root{color-scheme:light dark}body{font:15px/1.5 system-ui;max-width:60rem;margin:2rem auto}"
        f"</style><title>{_e(title)}</title><p><a href='/'>practice GitLab</a></p><h1>{_e(title)}</h1>{body}"
    )


def gitlab_app(forge: PracticeForge) -> Starlette:
    """The whole forge."""
    if not isinstance(forge, PracticeGitLab):
        raise TypeError("this face is of a GitLab")
    api, git, pages = GitLabApi(forge), SmartHttp(forge), Pages(forge)
    endpoints = [
        *endpoints_projects.ENDPOINTS,
        *endpoints_merge_requests.ENDPOINTS,
        *endpoints_ci.ENDPOINTS,
    ]
    inside = "/{owner:path}/{repo}"  # groups may be nested
    routes = [
        *api.routes(endpoints),
        Route(f"{inside}/info/refs", git.refs),
        Route(f"{inside}/git-upload-pack", git.service, methods=["POST"]),
        Route(f"{inside}/git-receive-pack", git.service, methods=["POST"]),
        Route("/", pages.home),
        Route("/{project:path}/-/merge_requests/{number:int}", pages.merge_request),
    ]
    return Starlette(routes=routes, exception_handlers={404: _not_found, 405: _not_found})
