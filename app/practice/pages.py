"""Plain pages of the practice forge, for people who want to look; and the forms of app set-up."""

import html
import json
import secrets
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.practice.forge import PracticeForge
from app.practice.markdown import markdown
from app.practice.state import App, CheckRun, PullRequest, Repository
from app.practice.world import NotThere

_STYLE = """
:root{color-scheme:light dark;--line:#d1d9e0;--soft:#f6f8fa;--ink:#1f2328;--quiet:#59636e;--back:#fff;
--good:#1a7f37;--bad:#d1242f;--wait:#9a6700;--link:#0969da}
@media (prefers-color-scheme:dark){:root{--line:#3d444d;--soft:#151b23;--ink:#f0f6fc;--quiet:#9198a1;
--back:#0d1117;--good:#3fb950;--bad:#f85149;--wait:#d29922;--link:#4493f8}}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:var(--ink);
background:var(--back);overflow-wrap:anywhere}
a{color:var(--link)}.quiet{color:var(--quiet)}
code{background:var(--soft);padding:.1em .3em;border-radius:4px;font-size:.9em}
pre{white-space:pre-wrap;background:var(--soft);padding:.75rem;border-radius:6px}pre code{padding:0}
article{border:1px solid var(--line);border-radius:6px;padding:0 1rem;margin:1rem 0}
article>header{margin:0 -1rem 1rem;padding:.5rem 1rem;background:var(--soft);
border-bottom:1px solid var(--line);border-radius:6px 6px 0 0}
.note{border-left:3px solid var(--quiet);padding:.1rem .75rem;margin:.75rem 0}
.note.failure{border-color:var(--bad)}.note.warning{border-color:var(--wait)}
.note p{margin:.25rem 0;white-space:pre-wrap}
table{border-collapse:collapse;margin:.75rem 0;font-size:.95em}
th,td{border:1px solid var(--line);padding:.3rem .6rem;text-align:left;vertical-align:top}
summary{cursor:pointer}details{margin:.5rem 0}
h3.success,li.success{color:var(--good)}h3.failure,h3.timed_out,li.failure,li.error{color:var(--bad)}
h3.in_progress,h3.queued,h3.action_required,li.pending{color:var(--wait)}
"""


def _e(text: object) -> str:
    return html.escape("" if text is None else str(text))


def _page(title: str, body: str, status: int = 200) -> Response:
    return HTMLResponse(
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width,initial-scale=1'>"
        f"<title>{_e(title)}</title><style>{_STYLE}</style>"
        f"<p><a href='/'>practice GitHub</a></p><h1>{_e(title)}</h1>{body}</html>",
        status_code=status,
    )


class Pages:
    """What a person sees in a browser. People are not signed in: private things are shown to all."""

    def __init__(self, forge: PracticeForge) -> None:
        self._forge = forge
        self._world = forge.world

    async def home(self, _: Request) -> Response:
        """All repositories and their pull requests."""
        parts = []
        for repo in self._world.repositories.values():
            pulls = "".join(
                f"<li><a href='/{_e(repo.full_name)}/pull/{pull.number}'>#{pull.number} {_e(pull.title)}</a>"
                f" ({_e(pull.state)})"
                for pull in repo.pulls.values()
            )
            parts.append(f"<h2>{_e(repo.full_name)}</h2><ul>{pulls or '<li>no pull requests'}</ul>")
        return _page("Repositories", "".join(parts))

    def _found(self, request: Request) -> tuple[Repository, PullRequest]:
        at = request.path_params
        repo = self._world.repository(f"{at['owner']}/{at['repo']}")
        pull = repo.pulls.get(at["number"])
        if pull is None:
            raise NotThere("no pull request")
        return repo, pull

    async def pull(self, request: Request) -> Response:
        """A pull request: its checks, statuses and comments."""
        try:
            repo, pull = self._found(request)
        except NotThere:
            return _page("Not here", "", 404)
        newest: dict[tuple[int, str], CheckRun] = {}
        for run in repo.runs.values():
            if run.head_sha == pull.head_sha:
                newest[run.app_id, run.name] = run
        checks = "".join(self._check(repo, run) for run in newest.values()) or "<p>none yet"
        comments = "".join(
            f"<article id='issuecomment-{one.id}'><header><b>{_e(one.author.login)}</b>"
            f" <span class=quiet>{_e(one.updated_at)}</span></header>{markdown(one.body)}"
            f"<p class=quiet>{' '.join(_e(each.content) for each in one.reactions)}</article>"
            for one in repo.comments.values()
            if one.number == pull.number
        )
        statuses = "".join(
            f"<li class={_e(each.state)}>{_e(each.context)}: {_e(each.state)} {_e(each.description)}"
            for each in repo.statuses
            if each.sha == pull.head_sha
        )
        return _page(
            f"{pull.title} #{pull.number}",
            f"<p>{_e(pull.author.login)} wants to merge"
            f" <code>{_e(pull.head_owner)}:{_e(pull.head_ref)}</code>"
            f" into <code>{_e(pull.base_ref)}</code> · {_e(pull.state)}"
            f"{' · draft' if pull.draft else ''}"
            f" · head <code>{_e(pull.head_sha[:12])}</code></p>{markdown(pull.body)}"
            f"<h2>Checks</h2>{checks}<ul>{statuses}</ul><h2>Comments</h2>{comments}",
        )

    def _check(self, repo: Repository, run: CheckRun) -> str:
        app = self._world.apps[run.app_id]
        state = run.conclusion or run.status
        notes = "".join(
            f"<div class='note {_e(each['annotation_level'])}'>"
            f"<code>{_e(each['path'])}:{_e(each['start_line'])}</code>"
            f" <b>{_e(each.get('title'))}</b><p>{_e(each['message'])}</p></div>"
            for each in run.annotations
        )
        forms = "".join(
            f"<button name=identifier value='{_e(each['identifier'])}' title='{_e(each['description'])}'>"
            f"{_e(each['label'])}</button> "
            for each in run.actions
        )
        heading = "<h4>Annotations</h4>" if notes else ""
        return (
            f"<article><h3 class={_e(state)}>{_e(run.name)} · {_e(state)} · {_e(run.title)}</h3>"
            f"<p>by {_e(app.slug)} · <a rel=noreferrer href='{_e(_safe(run.details_url))}'>details</a>"
            f"<form method=post action='/{_e(repo.full_name)}/runs/{run.id}'>"
            f"<button name=identifier value=''>Re-run</button> {forms}</form>"
            f"{markdown(run.summary)}{markdown(run.text)}{heading}{notes}</article>"
        )

    async def press(self, request: Request) -> Response:
        """Somebody presses a button of a check run; on these pages that is the repository's owner."""
        at = request.path_params
        try:
            repo = self._world.repository(f"{at['owner']}/{at['repo']}")
            run = repo.runs[at["run_id"]]
        except (NotThere, KeyError):
            return _page("Not here", "", 404)
        form = await request.form()
        button = str(form.get("identifier", ""))
        who = next(login for login, level in repo.permissions.items() if level == "admin")
        if button:
            await self._forge.press_button(who, repo, run, button)
        else:
            await self._forge.press_rerun(who, repo, run)
        return self._to_pull(repo, run)

    async def run(self, request: Request) -> Response:
        """A check run's address leads to its pull request."""
        at = request.path_params
        try:
            repo = self._world.repository(f"{at['owner']}/{at['repo']}")
            return self._to_pull(repo, repo.runs[at["run_id"]])
        except (NotThere, KeyError):
            return _page("Not here", "", 404)

    @staticmethod
    def _to_pull(repo: Repository, run: CheckRun) -> Response:
        number = next((each.number for each in repo.pulls.values() if each.head_sha == run.head_sha), None)
        return RedirectResponse(f"/{repo.full_name}/pull/{number}" if number else "/", status_code=303)

    async def new_app(self, request: Request) -> Response:
        """`POST /settings/apps/new`: shows what a manifest asks for; a second press creates the app."""
        form = await request.form()
        manifest = json.loads(str(form["manifest"]))
        owner = request.path_params.get("organization") or self._first_person()
        state = request.query_params.get("state", str(form.get("state", "")))
        if form.get("confirmed"):
            app = self._from_manifest(manifest, owner)
            code = secrets.token_hex(20)
            self._world.manifest_codes[code] = app.id
            query = urlencode({"code": code, **({"state": state} if state else {})})
            return RedirectResponse(f"{manifest['redirect_url']}?{query}", status_code=302)
        return _page(
            f"Create {manifest.get('name')}",
            f"<pre>{_e(json.dumps(manifest, indent=2))}</pre><form method=post>"
            f"<input type=hidden name=manifest value='{_e(json.dumps(manifest))}'>"
            f"<input type=hidden name=state value='{_e(state)}'><button name=confirmed value=1>"
            f"Create GitHub App for {_e(owner)}</button></form>",
        )

    def _first_person(self) -> str:
        return next(each.login for each in self._world.accounts.values() if each.type == "User")

    def _from_manifest(self, manifest: dict[str, object], owner: str) -> App:
        hook, permissions = manifest.get("hook_attributes"), manifest.get("default_permissions")
        events = manifest.get("default_events")
        app = self._world.add_app(
            str(manifest["name"]).lower().replace(" ", "-"),
            owner=owner,
            webhook_url=str(hook.get("url", "")) if isinstance(hook, dict) else "",
            webhook_secret=secrets.token_hex(20),
            permissions=dict(permissions) if isinstance(permissions, dict) else {},
            events=list(events) if isinstance(events, list) else [],
        )
        app.setup_url = str(manifest.get("setup_url", ""))
        self._forge.events.ping(app, self._world.account(owner))
        return app

    async def install(self, request: Request) -> Response:
        """`/apps/{slug}/installations/new`: installs on all repositories of an account."""
        app = self._world.app(request.path_params["slug"])
        if request.method == "POST":
            form = await request.form()
            account = str(form["account"])
            made = self._forge.install(self._first_person(), app, account)
            query = urlencode({"installation_id": made.id, "setup_action": "install"})
            return RedirectResponse(f"{app.setup_url}?{query}" if app.setup_url else "/", status_code=302)
        accounts = [each.login for each in self._world.accounts.values() if each.type != "Bot"]
        buttons = "".join(
            f"<button name=account value='{_e(each)}'>{_e(each)}</button> " for each in accounts
        )
        return _page(f"Install {app.name}", f"<form method=post>{buttons}</form>")


def _safe(url: str | None) -> str:
    return url if url is not None and url.startswith(("http://", "https://")) else "#"
