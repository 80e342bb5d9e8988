"""The second pull request of a repository, ready to be checked, against `git clone --depth 1` of the same
repository from the same server in the same round.

The repository has the size of sympy, which the target was measured on: as many files and bytes, and as much
to bring for a shallow clone (8.5 MB). Its history is shorter, which neither side looks at.
"""

import asyncio
import itertools
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
from tests.support.git import checked_out

FILES, FOLDERS, COMMITS = 2087, 150, 1500
LARGEST = 400_000
WORDS, OWN_WORDS = 6000, 200
T = TypeVar("T")
STEPS = ("fetch", "merge", "compare, check out")


class Project:
    """Files that look like source to git: 33 MB in sizes from some hundred bytes to 400 kB, indented lines
    of few words, most of them a file's own, which zlib makes four times smaller. The same bytes every time.
    """

    def __init__(self) -> None:
        self.choose = random.Random(1)  # noqa: S311 - the same bytes every time
        letters = "etaoinshrdlucmfwypvbgk_"
        self.words = [
            "".join(self.choose.choices(letters, k=self.choose.randrange(2, 11))) for _ in range(WORDS)
        ]
        self.weights = list(itertools.accumulate(1 / (rank + 4) for rank in range(OWN_WORDS)))
        self.files = [self.content() for _ in range(FILES)]

    def lines(self, number: int, words: list[str]) -> list[bytes]:
        choose = self.choose
        return [
            b" " * (4 * choose.randrange(4))
            + " ".join(choose.choices(words, cum_weights=self.weights, k=choose.randrange(1, 10))).encode()
            + b"\n"
            for _ in range(number)
        ]

    def content(self) -> list[bytes]:
        size = min(LARGEST, max(200.0, self.choose.lognormvariate(8.9, 1.25)))
        own = self.choose.sample(self.words, OWN_WORDS)
        return self.lines(int(size / 33) + 1, own)  # a line has 33 bytes

    @staticmethod
    def path(file: int) -> str:
        return f"src/p{file % FOLDERS}/m{file}.py"

    def edit(self, file: int, count: int) -> bytes:
        """The file with some lines put in."""
        at = self.choose.randrange(len(self.files[file]) + 1)
        self.files[file][at:at] = self.lines(count, self.words[:OWN_WORDS])
        return b"".join(self.files[file])

    def edits(self, times: int) -> list[dict[str, bytes]]:
        """As many edits, each of four other files, ten lines put into each."""
        files = iter(self.choose.sample(range(FILES), 4 * times))
        return [
            {self.path(file): self.edit(file, 10) for file in four} for four in zip(*[files] * 4, strict=True)
        ]

    def history(self) -> Iterator[bytes]:
        """A fast-import stream: all files, then commits that each put three lines into one."""
        for number in range(COMMITS):
            yield b"commit refs/heads/main\ncommitter a <a@b.c> %d +0000\ndata 1\nx\n" % (
                1_700_000_000 + number
            )
            for file in range(FILES) if number == 0 else [self.choose.randrange(FILES)]:
                content = self.edit(file, 3)
                yield b"M 100644 inline %s\ndata %d\n" % (self.path(file).encode(), len(content))
                yield content + b"\n"


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


async def prepared(
    forge: PracticeForge, repo: Repository, project: Project, spaces: GitWorkspaces, known: Known
) -> Timed:
    """A new pull request of some files on a base that moved too, brought here: fetched, merged, compared
    and checked out.
    """
    number = repo.next_number
    ours, theirs = project.edits(2)
    ours[f"new/{number}.py"] = f"x = {number}\n".encode() * 40
    theirs[f"base/{number}.py"] = f"y = {number}\n".encode()
    await forge.push("alice", repo, f"topic-{number}", ours, base="main")
    await forge.push("alice", repo, "main", theirs)
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

    async def listed_and_written() -> Path:
        await spaces.entries(known, merged.tested_sha)
        return await checked_out(spaces, known, merged.tested_sha)

    compared, tree = await timed.step(
        "compare, check out",  # both at once, as planning does
        asyncio.gather(
            spaces.compare(known, fetched.base_sha, head, merged.tested_sha), listed_and_written()
        ),
    )
    assert set(compared.paths) == set(ours)
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
        project = Project()
        await repo.git.run("fast-import", "--quiet", stdin=b"".join(project.history()))
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
        first = await prepared(forge, repo, project, spaces, known)
        rows: list[Timed] = []
        clones: list[float] = []
        for number in range(rounds):
            clones.append(await clone(address, root / f"clone-{number}"))
            rows.append(await prepared(forge, repo, project, spaces, known))
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
