"""The second pull request of a repository, ready to be checked, against `git clone --depth 1` of the same
repository from the same server in the same round.
"""

import asyncio
import random
import shutil
import tempfile
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import TypeVar

from app.executors import GitWorkspaces
from app.model import Repository as Known
from app.model import Sha
from app.practice import PracticeForge, Repository, World, serving
from tests.bench.report import Bench, Table, median, ratio

FILES, COMMITS = 2000, 3000
T = TypeVar("T")
STEPS = ("fetch", "merge", "compare", "checkout")


def history() -> bytes:
    """A fast-import stream: FILES files of some kilobytes, then COMMITS commits that each change one."""
    choose = random.Random(1)  # noqa: S311 - the same bytes every time
    words = [f"{choose.getrandbits(40):x}" for _ in range(4000)]
    parts: list[bytes] = []

    def content(lines: int) -> bytes:
        text = "".join(" ".join(choose.choices(words, k=8)) + "\n" for _ in range(lines)).encode()
        return b"data %d\n%s\n" % (len(text), text)

    for number in range(COMMITS):
        changed = range(FILES) if number == 0 else [choose.randrange(FILES)]
        parts.append(
            b"commit refs/heads/main\ncommitter a <a@b.c> %d +0000\ndata 1\nx\n" % (1_700_000_000 + number)
        )
        parts += [
            b"M 100644 inline src/p%d/m%d.py\n" % (file % 50, file) + content(choose.randrange(10, 60))
            for file in changed
        ]
    return b"".join(parts)


class Timed:
    """Seconds of named steps."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    async def step(self, name: str, work: Awaitable[T]) -> T:
        started = time.perf_counter()
        result = await work
        self.seconds[name] = time.perf_counter() - started
        return result

    @property
    def whole(self) -> float:
        return sum(self.seconds.values())


async def anonymous() -> str:
    return ""


async def prepared(forge: PracticeForge, repo: Repository, spaces: GitWorkspaces, known: Known) -> Timed:
    """A new pull request on a base that moved too, brought here: fetched, merged, compared, checked out."""
    number = repo.next_number
    await forge.push(
        "alice", repo, f"topic-{number}", {f"new/{number}.py": f"x = {number}\n" * 40}, base="main"
    )
    await forge.push("alice", repo, "main", {f"base/{number}.py": f"y = {number}\n"})
    pull = await forge.open_pull_request("alice", repo, f"topic-{number}")
    head, timed = Sha(pull.head_sha), Timed()
    fetched = await timed.step(
        "fetch",
        spaces.fetch(
            known,
            base_ref="main",
            head_refspec=f"refs/pull/{pull.number}/head",
            head_sha=head,
            credential=anonymous,
        ),
    )
    assert fetched.base_sha is not None
    merged = await timed.step("merge", spaces.merge(known, fetched.base_sha, head))
    compared = await timed.step("compare", spaces.compare(known, fetched.base_sha, head, merged.tested_sha))
    assert len(compared.files) == 1
    tree = await timed.step("checkout", spaces.checkout(known, merged.tested_sha))
    assert (tree / f"base/{number}.py").exists()
    return timed


async def clone(url: str, at: Path) -> float:
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec("git", "clone", "-q", "--depth", "1", url, str(at))
    assert await process.wait() == 0
    took = time.perf_counter() - started
    await asyncio.to_thread(shutil.rmtree, at)
    return took


async def play(root: Path, rounds: int) -> Table:
    forge = PracticeForge(World(root / "forge"))
    forge.world.add_organization("acme")
    forge.world.add_user("alice")
    async with serving(forge) as url:
        repo = await forge.create_repository("acme/shop")
        repo.permissions["alice"] = "write"
        await repo.git.run("fast-import", "--quiet", stdin=history())
        await repo.git.run("repack", "-adq")
        address = f"{url}/acme/shop.git"
        known = Known(
            forge="github",
            forge_id=repo.id,
            full_name="acme/shop",
            installation_id=1,
            default_branch="main",
            private=False,
            clone_url=address,
        )
        spaces = GitWorkspaces(root / "mirrors", allow_http=True)
        first = await prepared(forge, repo, spaces, known)
        rows: list[Timed] = []
        clones: list[float] = []
        for number in range(rounds):
            clones.append(await clone(address, root / f"clone-{number}"))
            rows.append(await prepared(forge, repo, spaces, known))
    whole = [row.whole for row in rows]
    steps = [
        [
            f"  {step}",
            median([row.seconds[step] * 1000 for row in rows]),
            ratio([row.seconds[step] for row in rows], clones),
            "",
        ]
        for step in STEPS
    ]
    return Table(
        title=f"workspace ready, {FILES:,} files, {COMMITS:,} commits, {rounds} rounds",
        columns=["", "ms", "x clone", "must (stretch)"],
        rows=[
            ["git clone --depth 1", median([value * 1000 for value in clones]), "1", ""],
            ["first pull request (mirror made)", median([first.whole * 1000]), "", ""],
            [
                "further pull request",
                median([value * 1000 for value in whole]),
                ratio(whole, clones),
                "<= 0.15 (0.08)",
            ],
            *steps,
        ],
    )


def measure(rounds: int, _seconds: float) -> Iterator[Table]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        yield asyncio.run(play(Path(folder), rounds))


BENCH = Bench(name="workspace", run=measure)
