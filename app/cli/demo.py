"""`portcullis demo`."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import click
import httpx

from app import settings, telemetry
from app.cli import output
from app.cli.demo_forges import FORGES, DemoForge, Told
from app.cli.demo_project import FIRST, FLAWED, MENDED
from app.cli.output import Exit
from app.model import Misconfigured
from app.practice import PracticeForge, PullRequest, Repository, World, serving
from app.web import listen, serve
from app.wiring import build, toolbox

PATIENCE_SECONDS = 120.0


class Demo:
    """A practice forge with a shop's repository, and what its API says of a pull request there."""

    def __init__(self, kind: DemoForge, forge: PracticeForge, repo: Repository) -> None:
        self.kind = kind
        self.forge = forge
        self.repo = repo
        self._http = httpx.AsyncClient(
            base_url=f"{forge.world.url}{kind.api}",
            headers={"Authorization": f"Bearer {forge.world.account('alice').token}"},
            trust_env=False,
        )

    async def verdict(self, sha: str) -> Told:
        """What the forge shows on a commit, asked for over HTTP until it is there."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                told = await self.kind.verdict(self._http, self.repo, sha)
                if told is not None:
                    return told
                await asyncio.sleep(0.1)

    async def comments(self, pull: PullRequest) -> list[str]:
        """Our comments on a pull request."""
        return await self.kind.comments(self._http, self.repo, pull.number)

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()


async def _show(demo: Demo, pull: PullRequest, what: str, expected: str) -> Told:
    """Wait for a head's verdict and print what the practice forge shows of it."""
    output.data(f"\n{click.style(what, bold=True)} ({pull.head_sha[:10]})")
    told = await demo.verdict(pull.head_sha)
    color = "green" if told.conclusion == "success" else "red"
    output.data(f"  portcullis: {click.style(told.conclusion, fg=color, bold=True)}")
    output.data(f"  {told.title}")
    for note in told.notes:
        output.data(f"  - {note}")
    if told.conclusion != expected:
        output.error(f"the demo expected {expected}", "the log above and the run page say why")
    return told


async def _play(demo: Demo) -> tuple[bool, PullRequest, tuple[Told, Told]]:
    """The story: a flawed pull request is blocked, the mended one passes."""
    forge, repo, noun = demo.forge, demo.repo, demo.kind.noun
    await forge.push("alice", repo, "discounts", FLAWED, "Add discounts", base="main")
    pull = await forge.open_pull_request("alice", repo, "discounts", title="Add discounts")
    blocked = await _show(demo, pull, f"alice opens a {noun}: Add discounts", "failure")
    await forge.push("alice", repo, "discounts", MENDED, "Mend and test discounts")
    passed = await _show(demo, pull, "alice pushes again: Mend and test discounts", "success")
    comments = await demo.comments(pull)
    output.data(f"\nThe {noun} has {output.counted(len(comments), 'comment')} of ours, edited in place.")
    good = (blocked.conclusion, passed.conclusion, len(comments)) == ("failure", "success", 1)
    return good, pull, (blocked, passed)


@asynccontextmanager
async def _stage(kind: DemoForge, name: str, root: Path, tools: Path) -> AsyncGenerator[tuple[Demo, str]]:
    """A practice forge and the service, connected by settings that would else name a real one."""
    forge = kind.make(World(root / "forge"))
    world = forge.world
    world.add_organization("acme")
    world.add_user("alice")
    async with serving(forge, face=kind.face):
        listener = listen("127.0.0.1", 0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        started = asyncio.Event()
        program = build(settings.load(_environment(root, tools, url, kind.settings(forge, url))))
        stop = asyncio.Event()
        server = asyncio.create_task(serve(program, listener, started.set, stop=stop))
        waiting = asyncio.create_task(started.wait())
        await asyncio.wait({server, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if server.done():
            waiting.cancel()
            await server
            raise Misconfigured("the service ended before it had started", hint="see the log above")
        repo = await forge.create_repository("acme/shop", FIRST)
        repo.permissions["alice"] = "admin"
        await kind.begin(forge, repo, program.services.forges[name], url)
        demo = Demo(kind, forge, repo)
        try:
            yield demo, url
        finally:
            await demo.close()
            stop.set()
            await server


def _environment(root: Path, tools: Path, url: str, connected: Mapping[str, str]) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if name == "PORTCULLIS_TOOLCHAINS"}
    return {
        **own,
        "PORTCULLIS_DATA_DIR": str(root / "data"),
        "PORTCULLIS_TOOLBOX": str(tools),
        "PORTCULLIS_PUBLIC_URL": url,
        **connected,
    }


async def _demo(name: str, tools: Path, *, leave: bool) -> bool:
    kind, task = FORGES[name], asyncio.current_task()
    if task is not None:  # a SIGTERM ends everything in order, as Ctrl-C does
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with tempfile.TemporaryDirectory(prefix="portcullis-demo-") as folder:
        async with _stage(kind, name, Path(folder), tools) as (demo, url):
            output.data(f"A practice {kind.title} serves {demo.forge.world.url}, portcullis {url}.")
            good, pull, (blocked, passed) = await _play(demo)
            if leave:
                return good
            output.data("\nOpen:")
            page = kind.page.format(number=pull.number)
            output.data(f"  the {f'{kind.noun}':<19}{demo.forge.world.url}{page}")
            output.data(f"  why it passed          {passed.url}")
            output.data(f"  why it was blocked     {blocked.url}")
            output.data("\nServing until Ctrl-C.")
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
    return good


@click.command("demo", short_help="Show a practice pull request judged from end to end.")
@click.option(
    "--exit", "leave", is_flag=True, help="End once both verdicts are there; status 0 if both are right."
)
@click.option(
    "--forge", "name", type=click.Choice(list(FORGES)), default="github", show_default=True, help="Which one."
)
def command(*, leave: bool, name: str) -> None:
    """Show the main job on this machine: a practice forge, a pull request, real tools, the verdict.

    Needs no account, no network and no database server; everything is in a temporary directory.
    """
    telemetry.setup(level="warning")
    tools = toolbox(settings.load())
    if not tools.status().installed:
        raise Misconfigured("the toolbox is not installed", hint="portcullis toolbox install")
    try:
        good = asyncio.run(_demo(name, tools.path, leave=leave))
    except asyncio.CancelledError:
        raise click.Abort from None
    output.ends_with(Exit.PASSED if good else Exit.BROKEN)
