"""The practice Gitea over HTTP: the API beneath /api/v1, git, and plain pages."""

import html
from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from app.practice.forge import PracticeForge
from app.practice.gitea import endpoints_changes, endpoints_repositories
from app.practice.gitea.forge import PracticeGitea
from app.practice.markdown import markdown
from app.practice.server import Api, Reply
from app.practice.smart import SmartHttp
from app.practice.world import NotThere


class GiteaApi(Api):
    """Answers as Gitea does: no ETag, pages of 50 at most whose links lead to ROOT_URL, no limit of its own
    (but what a proxy in front may have).
    """

    prefix = "/api/v1"
    too_many = (429, "Too Many Requests")
    about: Mapping[str, str] = {"url": "http://localhost/api/swagger"}
    etags = False
    paging = ("limit", 50)
    root_url = "http://localhost"

    def _moved(self, request: Request, repository_id: int) -> Reply:
        """307 to the new name, on the same server."""
        rest = request.url.path.removeprefix(f"{self.prefix}/repos/").split("/")[2:]
        repo = self._world.repositories[repository_id]
        query = f"?{request.url.query}" if request.url.query else ""
        where = "/".join([f"{self.prefix}/repos/{repo.full_name}", *rest])
        return Reply(status=307, body={}, headers={"location": where + query})


async def _not_found(_: Request, __: Exception) -> Response:
    return JSONResponse({"message": "not found", "url": "http://localhost/api/swagger", "errors": None}, 404)


class Pages:
    """What a person sees in a browser. People are not signed in: private things are shown to all."""

    def __init__(self, forge: PracticeForge) -> None:
        self._world = forge.world

    async def home(self, _: Request) -> Response:
        """All repositories and their pull requests."""
        parts = []
        for repo in self._world.repositories.values():
            links = "".join(
                f"<li><a href='/{_e(repo.full_name)}/pulls/{pull.number}'>#{pull.number} {_e(pull.title)}</a>"
                for pull in repo.pulls.values()
            )
            parts.append(f"<h2>{_e(repo.full_name)}</h2><ul>{links}</ul>")
        return _page("Repositories", "".join(parts))

    async def pull(self, request: Request) -> Response:
        """A pull request: the statuses of its head, and what was said."""
        at = request.path_params
        try:
            repo = self._world.repository(f"{at['owner']}/{at['repo']}")
            found = repo.pulls[at["index"]]
        except (NotThere, KeyError):
            return _page("Not here", "")
        newest = {each.context: each for each in repo.statuses if each.sha == found.head_sha}
        statuses = "".join(
            f"<li><a href='{_e(each.target_url)}'>{_e(each.context)}</a>: <b>{_e(each.state)}</b>"
            f" {_e(each.description)}"
            for each in newest.values()
            if (each.target_url or "").startswith(("http://", "https://"))
        )
        said = "".join(
            f"<article><b>{_e(one.author.login)}</b>{markdown(one.body)}</article><hr>"
            for one in repo.comments.values()
            if one.number == found.number
        )
        head = f"<p>{_e(found.head_ref)} into {_e(found.base_ref)}, head {_e(found.head_sha[:10])}"
        return _page(f"{found.title} #{found.number}", f"{head}<ul>{statuses}</ul>{said}")


def _e(text: object) -> str:
    return html.escape("" if text is None else str(text))


def _page(title: str, body: str) -> Response:
    return HTMLResponse(
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width,initial-scale=1'>"
        "<style>:root{color-scheme:light dark}body{font:15px/1.5 system-ui;max-width:60rem;margin:2rem auto}"
        f"</style><title>{_e(title)}</title><p><a href='/'>practice Gitea</a></p><h1>{_e(title)}</h1>{body}"
    )


def gitea_app(forge: PracticeForge) -> Starlette:
    """The whole forge."""
    if not isinstance(forge, PracticeGitea):
        raise TypeError("this face is of a Gitea")
    api, git, pages = GiteaApi(forge), SmartHttp(forge), Pages(forge)
    inside = "/{owner}/{repo}"
    routes = [
        *api.routes([*endpoints_repositories.ENDPOINTS, *endpoints_changes.ENDPOINTS]),
        Route(f"{inside}/info/refs", git.refs),
        Route(f"{inside}/git-upload-pack", git.service, methods=["POST"]),
        Route(f"{inside}/git-receive-pack", git.service, methods=["POST"]),
        Route("/", pages.home),
        Route(f"{inside}/pulls/{{index:int}}", pages.pull),
    ]
    return Starlette(routes=routes, exception_handlers={404: _not_found, 405: _not_found})
