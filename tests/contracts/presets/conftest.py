"""Every preset on a real tree, by its pinned tool, in the real sandbox, without a network."""

import shutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from app.executors import JOB_UID, AttemptOutcome, AttemptSpec, Collected, LocalExecutor, LogChunk, Sandbox
from app.model import CheckSpec, ReportContent
from app.plan import Catalogue, compile_plan, parse
from app.policy import vocabulary
from app.presets import PRESETS
from app.reports import ReadContext, formats, ingest
from tests.support import toolbox
from tests.support.prerequisites import program

BY_NAME = {preset.name: preset for preset in PRESETS}

Files = dict[str, str | bytes]


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """How one attempt went, and its log."""

    check: CheckSpec
    outcome: AttemptOutcome
    log: str

    @property
    def exit(self) -> int | None:
        """The exit code of the script."""
        return self.outcome.exit_code

    def file(self, index: int = 0) -> Collected:
        """One of the collected files."""
        return self.outcome.files[index]

    def evidence(self, index: int = 0) -> ReportContent:
        """A report as the service reads it."""
        file = self.file(index)
        assert not file.problem, (file, self.log)
        context = ReadContext(workdir=self.check.workdir, severities=self.check.severities)
        return ingest(file.content, self.check.reports[index], context=context)

    def findings(self) -> list[tuple[str, str, int, str]]:
        """(rule, path, line, severity), sorted."""
        found = self.evidence().findings
        return sorted((one.rule, one.path, one.line, one.severity.value) for one in found)


Run = Callable[..., Awaitable[Ran]]


def spec(use: str, **more: str) -> CheckSpec:
    """A preset as it reaches the executor."""
    keys = ", ".join([f"use: {use}", *(f"{key}: {value}" for key, value in more.items())])
    catalogue = Catalogue(vocabulary=vocabulary(), presets=BY_NAME, formats=formats())
    parsed = parse(f"version: 1\nchecks: {{c: {{{keys}}}}}\n".encode(), "g.yml", catalogue)
    assert parsed.gatefile is not None, parsed.diagnostics
    return compile_plan(parsed.gatefile, comparison=None, tree_paths=(), policy_sha="x").checks[0]


def lay(place: Path, files: Files) -> Path:
    """A source tree as workspaces give it; what begins with `#!` can be executed."""
    for name, content in files.items():
        target = place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        target.chmod(0o755 if target.read_bytes().startswith(b"#!") else 0o644)
    place.mkdir(exist_ok=True)
    if place.owner() == "root":
        for path in (place, *place.rglob("*")):
            shutil.chown(path, JOB_UID, JOB_UID)
    return place


@pytest.fixture(scope="module")
def executor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalExecutor]:
    """One executor per module."""
    program("bwrap")
    made = LocalExecutor(Sandbox(), tmp_path_factory.mktemp("executor") / "root", toolbox=toolbox.PLACE)
    yield made
    made.close()


@pytest.fixture
def run(executor: LocalExecutor, tmp_path: Path) -> Run:
    """Run a check (its preset's script, or another one with the same tools) on files."""

    async def once(check: CheckSpec, files: Files, *, script: str = "", **more: object) -> Ran:
        toolbox.group(check.toolbox)
        tree = lay(tmp_path / f"tree-{len(list(tmp_path.iterdir()))}", files)
        log = bytearray()

        async def listen(chunk: LogChunk) -> None:
            log.extend(chunk.data)

        if script:
            check = msgspec.structs.replace(check, script=script)
        attempt = AttemptSpec(attempt_id="attempt-1", check=check, tree=tree, **more)
        outcome = await executor.attempt(attempt, listen)  # the same sandbox; its proof has tests of its own
        return Ran(check=check, outcome=outcome, log=log.decode("utf-8", "replace"))

    return once
