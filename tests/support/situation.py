"""Reads a scenario folder and plays it; its language is described in tests/scenarios/README.md."""

import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import structlog
import yaml
from structlog.processors import ExceptionRenderer
from structlog.typing import EventDict, WrappedLogger

from app.executors import ScriptedExecutor, script_key
from tests.support.clock import HandTurnedClock
from tests.support.database import sqlite_url
from tests.support.described import answers
from tests.support.player import Player, StoryError, contents
from tests.support.seen import broken_promises, differences, leftovers
from tests.support.service import stage

FILES = {"gate.yml", "story.yml", "expected.yml"}
GATE_PATH = ".portcullis.yml"


class Story(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """story.yml: `main` are the files on main besides the gate file (`gate: false`: without it), `checks`
    the scripted answers, `settings` operator's settings without their prefix, `log` parts of errors that
    must be logged.
    """

    about: str
    main: dict[str, Any] = {}
    gate: bool = True
    teams: dict[str, list[str]] = {}
    settings: dict[str, str] = {}
    checks: dict[str, Any] = {}
    steps: list[dict[str, Any]]
    log: list[str] = []

    @property
    def moments(self) -> list[str]:
        """The names of all moments at which the story looks around."""
        return [str(step["then"]) for step in self.steps if "then" in step]


def read_story(folder: Path) -> tuple[Story, dict[str, dict[str, Any]]]:
    """The story and what it expects at each of its moments. Raises StoryError."""
    if extra := {path.name for path in folder.iterdir()} - FILES:
        raise StoryError(f"unknown files {sorted(extra)}")
    story = msgspec.convert(yaml.safe_load((folder / "story.yml").read_text()), Story)
    expected = yaml.safe_load((folder / "expected.yml").read_text())
    moments = story.moments
    if len(set(moments)) != len(moments) or set(moments) != set(expected):
        raise StoryError(f"story.yml has the moments {moments}, expected.yml {list(expected)}")
    return story, expected


async def play(folder: Path, root: Path, template: Path, face: str = "github") -> None:
    """Play a story to its end, on a forge of this kind. Raises AssertionError with all that is not as expected at a moment."""
    story, expected = read_story(folder)
    with logged() as log:
        async with _staged(story, folder, root, template, face) as player:
            for step in story.steps:
                if "then" in step:
                    assert list(step) == ["then"], f"a moment stands alone: {step}"
                    await _look(player, str(step["then"]), expected)
                else:
                    await player.play(step)
                    await player.rest()
            _hold(folder, "at the end", await leftovers(player))
    _hold(folder, "in the log", _complaints(log, story.log))


async def _look(player: Player, moment: str, expected: Mapping[str, Any]) -> None:
    wanted = dict(expected[moment])
    ran = wanted.pop("ran", None)
    found = await differences(player, wanted) + await broken_promises(player)
    begun = dict(Counter(script_key(spec) for spec in player.runner.ran))
    if ran is not None and begun != ran:
        found.append(f"ran: {begun}, not {ran}")
    _hold(None, moment, found)


def _hold(folder: Path | None, moment: str, problems: list[str]) -> None:
    __tracebackhide__ = True
    if problems:
        where = f"{folder.name}: " if folder else ""
        raise AssertionError(f"{where}{moment}:\n- " + "\n- ".join(problems))


@asynccontextmanager
async def _staged(story: Story, folder: Path, root: Path, template: Path, face: str) -> AsyncIterator[Player]:
    database = root / "portcullis.db"
    shutil.copyfile(template, database)
    clock = HandTurnedClock()
    runner = ScriptedExecutor({key: answers(each) for key, each in story.checks.items()})
    environment = {f"PORTCULLIS_{name.upper()}": value for name, value in story.settings.items()}
    async with stage(
        root,
        runner=runner,
        clock=clock,
        database_url=sqlite_url(database),
        environment={"PORTCULLIS_PARALLEL_CHECKS": "16", **environment},
        face=face,
    ) as scene:
        scene.world.add_user("mallory")
        for slug, members in story.teams.items():
            scene.world.add_team("acme", slug, *members)
        files = contents(story.main)
        if story.gate:
            files[GATE_PATH] = (folder / "gate.yml").read_bytes()
        repo = await scene.repository(files)
        player = Player(scene=scene, repo=repo, clock=clock, runner=runner)
        yield player
        await player.rest()


@contextmanager
def logged() -> Iterator[list[EventDict]]:
    """Everything that our loggers say meanwhile, tracebacks as text."""
    entries: list[EventDict] = []

    def keep(_logger: WrappedLogger, method: str, entry: EventDict) -> EventDict:
        entries.append({"level": method, **entry})
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, ExceptionRenderer(), keep])
    try:
        yield entries
    finally:
        structlog.configure(**before)


def _complaints(log: list[EventDict], awaited: list[str]) -> list[str]:
    """Errors that the story does not await, and awaited ones that were not logged."""
    errors = [
        entry for entry in log if entry["level"] in {"error", "exception", "critical"} or "exception" in entry
    ]
    texts = [" ".join(f"{key}={value}" for key, value in entry.items()) for entry in errors]
    found = [text for text in texts if not any(part in text for part in awaited)]
    return found + [f"not logged: {part}" for part in awaited if not any(part in text for text in texts)]
