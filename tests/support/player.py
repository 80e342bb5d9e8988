"""Plays the steps of a story (tests/scenarios/README.md): one method per verb, on the real app."""

import asyncio
import inspect
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.executors import ScriptedExecutor
from app.practice import App, Content, Fault, MergeGroup, PullRequest, Repository, Signature
from tests.support.clock import HandTurnedClock
from tests.support.described import answers
from tests.support.faces import app_key
from tests.support.service import Stage

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
PATIENCE = 20.0


class StoryError(Exception):
    """The story cannot be played as written."""


@dataclass(kw_only=True)
class Opened:
    """A pull request of the story: where its branch lives and what it is called."""

    pull: PullRequest
    source: Repository
    branch: str
    by: str


@dataclass(kw_only=True)
class Player:
    """The stage, and everything that the story has given a name."""

    scene: Stage
    repo: Repository
    clock: HandTurnedClock
    runner: ScriptedExecutor
    pulls: dict[str, Opened] = field(default_factory=dict)
    groups: dict[str, MergeGroup] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)

    async def play(self, step: Mapping[str, Any]) -> None:
        """Act one step: its first key is the verb, the others are the verb's own words."""
        (verb, what), *more = step.items()
        act = getattr(self, f"do_{verb}", None)
        if act is None:
            known = sorted(name.removeprefix("do_") for name in dir(self) if name.startswith("do_"))
            raise StoryError(f"unknown step {verb!r}; there are: then, {', '.join(known)}")
        try:
            inspect.signature(act).bind(what, **dict(more))
        except TypeError as error:
            raise StoryError(f"{verb}: {error}") from error
        await act(what, **dict(more))

    # Waiting

    async def rest(self) -> None:
        """Wait until nothing moves any more: deliveries, handlers, timers that are due. Held checks stay."""
        calm = 0
        async with asyncio.timeout(PATIENCE):
            while calm < 3:
                await self.scene.forge.hooks.settle()
                await asyncio.sleep(0.001)
                calm = 0 if self._busy() else calm + 1

    def _busy(self) -> bool:
        dispatch, held = self.scene.program.services.dispatch, set(self.runner.running)
        running = self.scene.program.services.running
        kinds = [kind for kind, _ in dispatch._running.values()]
        attempts = kinds.count("attempt")  # each is on its way to one
        moving = (
            attempts < len(kinds)
            or attempts > len(running)
            or any(str(attempt) not in held for attempt in running)
        )
        due = any(at <= self.clock.now() for at, _ in dispatch._timers._set.values())
        waiting = any(dispatch._waiting.values())
        return moving or due or waiting or not self.clock.still(set(dispatch._running))

    def head(self, name: str) -> str:
        """The SHA of a named head, or of a change's newest."""
        if name in self.heads:
            return self.heads[name]
        if name in self.groups:
            return self.groups[name].head_sha
        return self._opened(name).pull.head_sha

    def _opened(self, name: str) -> Opened:
        if name not in self.pulls:
            raise StoryError(f"no pull request is called {name!r}")
        return self.pulls[name]

    # Code

    async def do_push(
        self,
        where: str,
        *,
        files: Mapping[str, Any],
        by: str = "",
        base: str = "",
        message: str = "Change files",
        author: str = "",
        amend: bool = False,
        head: str = "",
    ) -> None:
        opened = self.pulls.get(where)
        repo, branch = (opened.source, opened.branch) if opened else (self.repo, where)
        by = by or (opened.by if opened else "alice")
        sha = await self.scene.forge.push(
            by,
            repo,
            branch,
            contents(files),
            message,
            base=base,
            author=signature(author, self.clock),
            amend=amend,
        )
        self._call(head, sha)

    async def do_point(self, name: str, *, at: str, by: str = "") -> None:
        opened = self._opened(name)
        await self.scene.forge.push_commit(by or opened.by, opened.source, opened.branch, self.head(at))

    async def do_open(
        self,
        name: str,
        *,
        files: Mapping[str, Any] | None = None,
        by: str = "",
        base: str = "main",
        onto: str = "",
        fork: bool = False,
        draft: bool = False,
        title: str = "Change something",
        message: str = "Change files",
        author: str = "",
        same_head_as: str = "",
        head: str = "",
    ) -> None:
        forge, by = self.scene.forge, by or ("mallory" if fork else "alice")
        if same_head_as:
            other = self._opened(same_head_as)
            source, branch = other.source, other.branch
        else:
            if files is None:
                raise StoryError(f"open {name}: files or same_head_as")
            source, branch = (await forge.fork(by, self.repo) if fork else self.repo), name
            await forge.push(
                by,
                source,
                branch,
                contents(files),
                message,
                base=onto or base,
                author=signature(author, self.clock),
            )
        pull = await forge.open_pull_request(
            by, self.repo, branch, base=base, title=title, draft=draft, source=source
        )
        self.pulls[name] = Opened(pull=pull, source=source, branch=branch, by=by)
        self._call(head, pull.head_sha)

    def _call(self, head: str, sha: str) -> None:
        if head:
            self.heads[head] = sha

    async def do_retarget(self, name: str, *, to: str) -> None:
        opened = self._opened(name)
        await self.scene.forge.retarget(opened.by, self.repo, opened.pull, to)

    async def do_close(self, name: str) -> None:
        await self.scene.forge.close("alice", self.repo, self._opened(name).pull)

    async def do_reopen(self, name: str) -> None:
        await self.scene.forge.reopen("alice", self.repo, self._opened(name).pull)

    async def do_merge(self, name: str, *, by: str = "bob") -> None:
        await self.scene.forge.merge(by, self.repo, self._opened(name).pull)

    async def do_queue(self, name: str, *, called: str, by: str = "bob", on: str = "") -> None:
        pull = self._opened(name).pull
        sha = self.head(on) if on else ""
        self.groups[called] = await self.scene.forge.queue(by, self.repo, pull, on=sha)

    async def do_dequeue(self, name: str) -> None:
        await self.scene.forge.dequeue("bob", self.repo, self.groups[name])

    # People

    async def do_draft(self, name: str) -> None:
        await self.scene.forge.set_draft("alice", self.repo, self._opened(name).pull, draft=True)

    async def do_ready(self, name: str) -> None:
        await self.scene.forge.set_draft("alice", self.repo, self._opened(name).pull, draft=False)

    async def do_review(self, name: str, *, by: str, says: str) -> None:
        state = {"approve": "APPROVED", "refuse": "CHANGES_REQUESTED", "comment": "COMMENTED"}[says]
        await self.scene.forge.review(by, self.repo, self._opened(name).pull, state)

    async def do_dismiss(self, name: str, *, of: str) -> None:
        pull = self._opened(name).pull
        review = next(each for each in reversed(pull.reviews) if each.author.login == of)
        await self.scene.forge.dismiss("alice", self.repo, pull, review)

    async def do_comment(self, name: str, *, says: str, by: str = "alice") -> None:
        pull = self._opened(name).pull
        await self.scene.forge.comment(by, self.repo, pull, says.replace("{head}", pull.head_sha[:10]))

    async def do_label(self, name: str, *, called: str, by: str = "alice") -> None:
        await self.scene.forge.label(by, self.repo, self._opened(name).pull, called)

    async def do_unlabel(self, name: str, *, called: str, by: str = "alice") -> None:
        await self.scene.forge.unlabel(by, self.repo, self._opened(name).pull, called)

    async def do_permit(self, login: str, *, level: str) -> None:
        self.repo.permissions[login] = level

    # Checks

    async def do_rerun(self, name: str, *, by: str = "alice") -> None:
        await self.scene.forge.press_rerun(by, self.repo, self._newest_run(name))

    async def do_rerun_all(self, name: str, *, by: str = "alice") -> None:
        await self.scene.forge.press_rerun_all(by, self.repo, self._app("portcullis"), self.head(name))

    async def do_button(self, name: str, *, press: str, by: str = "alice") -> None:
        await self.scene.forge.press_button(by, self.repo, self._newest_run(name), press)

    def _newest_run(self, name: str) -> Any:
        return self.scene.runs(self.repo, self.head(name))[-1]

    async def do_check_run(
        self, name: str, *, called: str, app: str, status: str = "completed", conclusion: str = ""
    ) -> None:
        body = {"head_sha": self.head(name), "name": called, "status": status}
        if conclusion:
            body["conclusion"] = conclusion
        await self.scene.forge.create_check_run(self._app(app), self.repo, body)

    def _app(self, slug: str) -> App:
        for app in self.scene.world.apps.values():
            if app.slug == slug:
                return app
        made = self.scene.world.add_app(slug, owner="acme", permissions={"checks": "write"}, key=app_key())
        self.scene.forge.install("alice", made, "acme")
        return made

    async def do_status(self, name: str, *, called: str, by: str, state: str) -> None:
        await self.scene.forge.post_status(by, self.repo, self.head(name), context=called, state=state)

    async def do_workflow(
        self,
        name: str,
        *,
        file: str,
        event: str = "pull_request",
        status: str = "completed",
        conclusion: str = "",
        by: str = "alice",
        jobs: tuple[str, ...] = ("build",),
    ) -> None:
        """The newest run of a workflow for that head moves on; without one, or with `event`, one begins."""
        forge, sha = self.scene.forge, self.head(name)
        path = f".github/workflows/{file}"
        found = [
            run
            for run in self.repo.workflow_runs.values()
            if (run.path, run.head_sha, run.event) == (path, sha, event)
        ]
        if not found or status == "queued":
            self._app("github-actions")
            run = await forge.start_workflow(by, self.repo, path, sha, event=event, jobs=jobs)
        else:
            run = found[-1]
        if status == "in_progress":
            await forge.progress_workflow(self.repo, run)
        elif status == "completed":
            await forge.finish_workflow(self.repo, run, conclusion)

    async def do_rerun_workflow(self, name: str, *, file: str, by: str = "alice") -> None:
        path, sha = f".github/workflows/{file}", self.head(name)
        run = next(
            run
            for run in reversed(self.repo.workflow_runs.values())
            if (run.path, run.head_sha) == (path, sha)
        )
        await self.scene.forge.rerun_workflow(by, self.repo, run)
        await self.scene.forge.progress_workflow(self.repo, run)

    async def do_hide(self, _whole: bool) -> None:
        self.scene.forge.set_private("alice", self.repo, private=True)

    async def do_answer(self, scripted: Mapping[str, Any]) -> None:
        for key, described in scripted.items():
            self.runner.script(key, answers(described))

    async def do_release(self, key: str) -> None:
        await self.runner.until_running(key)
        self.runner.release(key)

    # Time and machines

    async def do_advance(self, how_far: str) -> None:
        await self.clock.advance(seconds(how_far), self.rest)

    async def do_sleep(self, how_long: str) -> None:
        """The machine's sleep: hours pass at once, and whatever was due in them is done afterwards."""
        self.clock.turn_to(self.clock.now() + seconds(how_long))

    async def do_restart(self, how: str) -> None:
        """A new process on the same data, a second later. After a kill that data is what was there at the
        moment of the kill: nothing is given back, leases are held by nobody.
        """
        if how not in {"orderly", "killed"}:
            raise StoryError(f"restart: orderly or killed, not {how!r}")
        place = Path(str(self.scene.program.database.engine.url.database))
        kept = place.with_suffix(".kept")
        with closing(sqlite3.connect(place)) as now, closing(sqlite3.connect(kept)) as copy:
            now.backup(copy)
        await self.scene.stop()
        if how == "killed":
            for log in ("-wal", "-shm"):
                place.with_name(place.name + log).unlink(missing_ok=True)
            kept.replace(place)
        await self.clock.sleep_until(self.clock.now() + 1)
        await self.scene.start_again()

    async def do_deliver(self, how: str, *, count: int = 1) -> None:
        hooks = self.scene.forge.hooks
        match how:
            case "doubled" | "normally":
                hooks.double = how == "doubled"
            case "lost":
                hooks.drop = count
            case "later":
                hooks.hold()
            case "now":
                hooks.release()
            case "reversed":
                hooks.release(lambda held: held[::-1])
            case _:
                raise StoryError(f"deliver: doubled, normally, lost, later, now or reversed, not {how!r}")

    async def do_fail_forge(self, fault: Mapping[str, Any]) -> None:
        self.scene.world.faults.append(Fault(**self.scene.face.fault(fault)))

    async def do_mend_forge(self, _whole: bool) -> None:
        self.scene.world.faults.clear()

    async def do_together(self, steps: list[Mapping[str, Any]]) -> None:
        """Steps without a rest between them."""
        for step in steps:
            await self.play(step)


def seconds(duration: str) -> int:
    """`90s`, `10m`, `14h` or `2d` in seconds."""
    match = re.fullmatch(r"(\d+)([smhd])", duration)
    if not match:
        raise StoryError(f"not a duration: {duration!r}")
    return int(match[1]) * UNITS[match[2]]


def contents(files: Mapping[str, Any]) -> dict[str, Content]:
    """Texts as they are, null to delete, `{bytes: N}` for a binary of that size, `{lines: N}` for text."""
    return {path: _content(each) for path, each in files.items()}


def _content(described: Any) -> Content:
    match described:
        case None | str():
            return described
        case {"bytes": int(size)} if len(described) == 1:
            return b"\0" * size
        case {"lines": int(count)} if len(described) == 1:
            return "".join(f"line {n}\n" for n in range(1, count + 1))
        case _:
            raise StoryError(f"not a file: {described!r}")


def signature(author: str, clock: HandTurnedClock) -> Signature | None:
    """`Name <mail>`; None for ''."""
    if not author:
        return None
    name, _, email = author.rstrip(">").partition(" <")
    return Signature(name=name, email=email, at=int(clock.now()))
