"""`portcullis demo`."""

import asyncio
import os
import secrets
import signal
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import click
import httpx

from app import settings, telemetry
from app.cli import output
from app.cli.demo_project import FIRST, FLAWED, MENDED
from app.cli.output import Exit
from app.forges import EVENTS, PERMISSIONS
from app.model import Misconfigured
from app.practice import App, PracticeForge, PullRequest, Repository, World, serving
from app.web import listen, serve
from app.wiring import build, toolbox

PATIENCE_SECONDS = 120.0


class Demo:
    """A practice GitHub with a shop's repository, and what its API says of a pull request there."""

    def __init__(self, forge: PracticeForge, repo: Repository) -> None:
        self.forge = forge
        self.repo = repo
        self._http = httpx.AsyncClient(
            base_url=f"{forge.world.api_url}/repos/{repo.full_name}",
            headers={"Authorization": f"Bearer {forge.world.account('alice').token}"},
            trust_env=False,
        )

    async def verdict(self, sha: str) -> dict[str, Any]:
        """The completed check run `portcullis` on a commit, asked for over HTTP until it is there."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                answer = await self._http.get(f"/commits/{sha}/check-runs")
                answer.raise_for_status()
                for run in answer.json()["check_runs"]:
                    if run["name"] == "portcullis" and run["status"] == "completed":
                        return dict(run)
                await asyncio.sleep(0.1)

    async def annotations(self, run: dict[str, Any]) -> list[dict[str, Any]]:
        """The annotations of a check run."""
        answer = await self._http.get(f"/check-runs/{run['id']}/annotations")
        answer.raise_for_status()
        return list(answer.json())

    async def comments(self, pull: PullRequest) -> list[dict[str, Any]]:
        """The comments of a pull request."""
        answer = await self._http.get(f"/issues/{pull.number}/comments")
        answer.raise_for_status()
        return list(answer.json())

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()


async def _show(demo: Demo, pull: PullRequest, what: str, expected: str) -> bool:
    """Wait for a head's verdict and print what the practice GitHub shows of it."""
    output.data(f"\n{click.style(what, bold=True)} ({pull.head_sha[:10]})")
    run = await demo.verdict(pull.head_sha)
    good = bool(run["conclusion"] == expected)
    color = "green" if run["conclusion"] == "success" else "red"
    output.data(f"  check run portcullis: {click.style(run['conclusion'], fg=color, bold=True)}")
    output.data(f"  {run['output']['title']}")
    for annotation in await demo.annotations(run):
        place = f"{annotation['path']}:{annotation['start_line']}"
        output.data(f"  - {place}  {annotation['title']}")
    if not good:
        output.error(f"the demo expected {expected}", "the log above and the run page say why")
    return good


async def _play(demo: Demo) -> tuple[bool, PullRequest]:
    """The story: a flawed pull request is blocked, the mended one passes."""
    forge, repo = demo.forge, demo.repo
    await forge.push("alice", repo, "discounts", FLAWED, "Add discounts", base="main")
    pull = await forge.open_pull_request("alice", repo, "discounts", title="Add discounts")
    blocked = await _show(demo, pull, "alice opens a pull request: Add discounts", "failure")
    await forge.push("alice", repo, "discounts", MENDED, "Mend and test discounts")
    passed = await _show(demo, pull, "alice pushes again: Mend and test discounts", "success")
    comments = [comment for comment in await demo.comments(pull) if comment["user"]["type"] == "Bot"]
    output.data(
        f"\nThe pull request has {output.counted(len(comments), 'comment')} of ours, edited in place."
    )
    return blocked and passed and len(comments) == 1, pull


@asynccontextmanager
async def _stage(root: Path, tools: Path) -> AsyncGenerator[tuple[Demo, str]]:
    """A practice GitHub and the service, connected: three settings that would else name github.com."""
    forge = PracticeForge(World(root / "github"))
    world = forge.world
    world.add_organization("acme")
    world.add_user("alice")
    async with serving(forge):
        listener = listen("127.0.0.1", 0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = world.add_app(
            "portcullis",
            owner="acme",
            webhook_url=f"{url}/webhooks/github",
            webhook_secret=secrets.token_urlsafe(32),
            permissions=dict(PERMISSIONS),
            events=list(EVENTS),
        )
        started = asyncio.Event()
        program = build(settings.load(_environment(root, tools, url, world, app)))
        stop = asyncio.Event()
        server = asyncio.create_task(serve(program, listener, started.set, stop=stop))
        waiting = asyncio.create_task(started.wait())
        await asyncio.wait({server, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if server.done():
            waiting.cancel()
            await server
            raise Misconfigured("the service ended before it had started", hint="see the log above")
        forge.install("alice", app, "acme")
        repo = await forge.create_repository("acme/shop", FIRST)
        repo.permissions["alice"] = "admin"
        demo = Demo(forge, repo)
        try:
            yield demo, url
        finally:
            await demo.close()
            stop.set()
            await server


def _environment(root: Path, tools: Path, url: str, world: World, app: App) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if name == "PORTCULLIS_TOOLCHAINS"}
    return {
        **own,
        "PORTCULLIS_DATA_DIR": str(root / "data"),
        "PORTCULLIS_TOOLBOX": str(tools),
        "PORTCULLIS_PUBLIC_URL": url,
        "PORTCULLIS_GITHUB_API_URL": world.api_url,
        "PORTCULLIS_GITHUB_APP_ID": str(app.id),
        "PORTCULLIS_GITHUB_PRIVATE_KEY": app.private_key,
        "PORTCULLIS_GITHUB_WEBHOOK_SECRET": app.webhook_secret,
    }


async def _demo(tools: Path, *, leave: bool) -> bool:
    task = asyncio.current_task()
    if task is not None:  # a SIGTERM ends everything in order, as Ctrl-C does
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with tempfile.TemporaryDirectory(prefix="portcullis-demo-") as folder:
        async with _stage(Path(folder), tools) as (demo, url):
            output.data(f"A practice GitHub serves {demo.forge.world.url}, portcullis {url}.")
            good, pull = await _play(demo)
            if leave:
                return good
            run = await demo.verdict(pull.head_sha)
            output.data("\nOpen:")
            output.data(f"  the pull request    {demo.forge.world.url}/acme/shop/pull/{pull.number}")
            output.data(f"  why it passed       {run['details_url']}")
            first = next(found for found in demo.repo.runs.values() if found.conclusion == "failure")
            output.data(f"  why it was blocked  {first.details_url}")
            output.data("\nServing until Ctrl-C.")
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
    return good


@click.command("demo", short_help="Show a practice pull request judged from end to end.")
@click.option(
    "--exit", "leave", is_flag=True, help="End once both verdicts are there; status 0 if both are right."
)
def command(*, leave: bool) -> None:
    """Show the main job on this machine: a practice GitHub, a pull request, real tools, the verdict.

    Needs no account, no network and no database server; everything is in a temporary directory.
    """
    telemetry.setup(level="warning")
    tools = toolbox(settings.load())
    if not tools.status().installed:
        raise Misconfigured("the toolbox is not installed", hint="portcullis toolbox install")
    try:
        good = asyncio.run(_demo(tools.path, leave=leave))
    except asyncio.CancelledError:
        raise click.Abort from None
    output.ends_with(Exit.PASSED if good else Exit.BROKEN)
