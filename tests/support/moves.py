"""Real source files, what can be done to them without a fault, and what the tracker makes of it.

The files are Python's own; ruff with all its rules finds some hundreds of things in each.
"""

import ast
import random
import re
import subprocess
import sysconfig
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec

from app.executors import GitWorkspaces
from app.model import Comparison, Finding, ReportSpec, Repository, Sha
from app.policy.linemap import Origins
from app.policy.tracking import Matching, match
from app.reports import ReadContext, ingest

Files = dict[str, str]

NAMES = ("argparse.py", "configparser.py", "difflib.py", "optparse.py", "shlex.py", "textwrap.py")
_DIGITS = re.compile(r"\d+")
_SEEDS = 12


def real_files() -> Files:
    """Six modules of the standard library, as they are."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    return {f"src/{name}": (folder / name).read_text() for name in NAMES}


def _blocks(text: str, *, least: int = 6) -> list[tuple[int, int]]:
    """First line and the line behind the last (from 0) of each function and class at the top level."""
    found = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)]) - 1
            last = node.end_lineno or node.lineno
            if last - first >= least:
                found.append((first, last))
    return found


def _cut(text: str, block: tuple[int, int]) -> tuple[list[str], list[str]]:
    """The lines without a block, and the block."""
    lines = text.splitlines(keepends=True)
    return lines[: block[0]] + lines[block[1] :], lines[block[0] : block[1]]


def renamed(files: Files) -> Files:
    """Each file in another folder by another name."""
    return {path.replace("src/", "lib/core/my_"): text for path, text in files.items()}


def renamed_and_lengthened(files: Files) -> Files:
    """The same, and thirty lines above."""
    return {path: "# begun\n" * 30 + text for path, text in renamed(files).items()}


def lengthened(files: Files) -> Files:
    """Comments above, in the middle of the top level and below."""
    edited = {}
    for path, text in files.items():
        at = _blocks(text)[len(_blocks(text)) // 2][0]
        lines = text.splitlines(keepends=True)
        edited[path] = "".join(["# a\n"] * 7 + lines[:at] + ["# b\n"] * 9 + lines[at:] + ["# c\n"] * 11)
    return edited


def moved_down(files: Files) -> Files:
    """The first block of each file at its end."""
    edited = {}
    for path, text in files.items():
        rest, block = _cut(text, _blocks(text)[0])
        edited[path] = "".join([*rest, "\n\n", *block])
    return edited


def moved_up(files: Files) -> Files:
    """The last block of each file before its first."""
    edited = {}
    for path, text in files.items():
        rest, block = _cut(text, _blocks(text)[-1])
        at = _blocks(text)[0][0]
        edited[path] = "".join([*rest[:at], *block, "\n\n", *rest[at:]])
    return edited


def moved_to_another_file(files: Files) -> Files:
    """The largest block of each file at the end of the next."""
    paths = list(files)
    edited = dict(files)
    for path, other in zip(paths, [*paths[1:], paths[0]], strict=True):
        largest = max(_blocks(files[path]), key=lambda block: block[1] - block[0])
        block = _cut(files[path], largest)[1]
        edited[path] = edited[path].replace("".join(block), "")
        edited[other] = edited[other].rstrip("\n") + "\n\n\n" + "".join(block)
    return edited


def split(files: Files) -> Files:
    """The second half of the blocks of each file in a new one."""
    edited = {}
    for path, text in files.items():
        at = _blocks(text)[len(_blocks(text)) // 2][0]
        lines = text.splitlines(keepends=True)
        edited[path] = "".join(lines[:at])
        edited[path.replace(".py", "_more.py")] = "".join(lines[at:])
    return edited


def indented(files: Files) -> Files:
    """The last block of each file one level deeper."""
    edited = {}
    for path, text in files.items():
        first, last = _blocks(text)[-1]
        lines = text.splitlines(keepends=True)
        deeper = [f"    {line}" if line.strip() else line for line in lines[first:last]]
        edited[path] = "".join([*lines[:first], "if __debug__:\n", *deeper, *lines[last:]])
    return edited


def halved(files: Files) -> Files:
    """Every indentation half as deep: the difference joins lines that have nothing but a bracket in common."""

    def line(text: str) -> str:
        bare = text.lstrip(" ")
        return " " * ((len(text) - len(bare)) // 2) + bare

    return {path: "".join(map(line, text.splitlines(keepends=True))) for path, text in files.items()}


MOVES: tuple[Callable[[Files], Files], ...] = (
    renamed,
    renamed_and_lengthened,
    lengthened,
    moved_down,
    moved_up,
    moved_to_another_file,
    split,
    indented,
    halved,
)


def seeded(files: Files, rng: random.Random) -> tuple[Files, set[tuple[str, int]]]:
    """Faults of many kinds between the blocks of each file, and the lines that they stand on."""
    edited: Files = {}
    places: set[tuple[str, int]] = set()
    for path, text in files.items():
        lines = text.splitlines(keepends=True)
        for number in range(_SEEDS):
            at = rng.choice(_blocks("".join(lines)))[0]
            lines[at:at] = [f"seed_{number} = eval(input('{path} {number}'))\n"]
        edited[path] = "".join(lines)
        places |= {(path, at) for at, line in enumerate(lines, 1) if line.startswith("seed_")}
    return edited, places


class Compared(msgspec.Struct, frozen=True):
    """Findings of ruff on both trees, and how they were matched."""

    head: tuple[Finding, ...]
    base: tuple[Finding, ...]
    matching: Matching
    comparison: Comparison

    def least_new(self) -> int:
        """How many must be new whatever is matched: there are more of them by rule and message."""
        return (Counter(map(_kind, self.head)) - Counter(map(_kind, self.base))).total()


def _kind(finding: Finding) -> tuple[str, str]:
    return finding.rule, _DIGITS.sub("#", finding.message)


class Project:
    """A repository with one commit per tree, and ruff's findings of each."""

    def __init__(self, folder: Path) -> None:
        self._top = folder / "project"
        self._top.mkdir()
        self._workspaces = GitWorkspaces(folder / "git", allow_local=True)
        self._git("init", "-q", "-b", "base")

    async def compare(self, base: Files, head: Files) -> Compared:
        """What the tracker makes of the change from one tree to the other."""
        base_sha, was = self._commit("base", base)
        head_sha, now = self._commit("head", head)
        comparison = await self._comparison(base_sha, head_sha)
        return Compared(now, was, match(now, was, Origins(comparison)), comparison)

    async def _comparison(self, base_sha: Sha, head_sha: Sha) -> Comparison:
        repository = Repository(
            forge="local",
            forge_id=1,
            full_name="project",
            installation_id=0,
            default_branch="base",
            private=True,
            clone_url=str(self._top),
        )
        await self._workspaces.fetch(
            repository,
            base_ref="base",
            head_refspec="refs/heads/head",
            head_sha=head_sha,
            credential=_nothing,
        )
        return await self._workspaces.compare(repository, base_sha, head_sha, head_sha)

    def _commit(self, branch: str, files: Files) -> tuple[Sha, tuple[Finding, ...]]:
        if branch == "head":
            self._git("checkout", "-q", "-B", "head", "base")
        self._git("rm", "-rq", "--ignore-unmatch", ".")
        for path, text in files.items():
            place = self._top / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        self._git("add", "-A")
        self._git("-c", "user.name=d", "-c", "user.email=d@x", "commit", "-qm", branch, "--allow-empty")
        return Sha(self._git("rev-parse", "HEAD").strip()), ruff_findings(self._top)

    def _git(self, *arguments: str) -> str:
        ran = subprocess.run(["git", *arguments], cwd=self._top, check=True, capture_output=True, text=True)
        return ran.stdout


def ruff_findings(top: Path) -> tuple[Finding, ...]:
    """All that ruff finds beneath a folder, by all its rules."""
    ran = subprocess.run(
        ["ruff", "check", "--isolated", "--no-cache", "--select", "ALL", "--output-format", "json", "."],
        cwd=top,
        capture_output=True,
        check=False,
    )

    def source(path: str) -> bytes | None:
        place = top / path
        return place.read_bytes() if place.is_file() else None

    context = ReadContext(roots=(str(top),), sources=source)
    return ingest(ran.stdout, ReportSpec(path="ruff.json", format="ruff"), context=context).findings


async def _nothing() -> str:
    return ""
