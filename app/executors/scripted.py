"""`ScriptedExecutor`: answers from a table, starts no process. For scenarios and tests of the order of
things; it promises every protection because nothing runs.
"""

import asyncio
import time
from collections.abc import Mapping

import msgspec

from app.executors.protocol import (
    MISSING,
    Artifact,
    AttemptOutcome,
    AttemptSpec,
    Collected,
    Ended,
    LogChunk,
    LogSink,
    ProbeReport,
)
from app.language import globs

_CHUNK = 64 * 1024


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt does. `files` maps paths (`out/junit.xml`) to bytes. With `hold` it runs until
    `ScriptedExecutor.release`. `seconds` is what the outcome says, no time passes.
    """

    ended: Ended = Ended.EXITED
    exit_code: int | None = 0
    signal: int | None = None
    seconds: float = 1.0
    detail: str = ""
    files: dict[str, bytes] = {}
    artifacts: tuple[Artifact, ...] = ()
    log: bytes = b""
    hold: bool = False


class ScriptedExecutor:
    """`Executor` by table: check key → answers, the n-th for its n-th attempt (the last one repeats); a base
    run's check goes by `KEY on base`.

    A key that is not in the table gets `default`. `ran` lists the specs in the order they came,
    `running` those that are held now, by attempt id. `platform` may be set.
    """

    name = "scripted"

    def __init__(self, answers: Mapping[str, tuple[Answer, ...]], default: Answer | None = None) -> None:
        self.platform = "scripted"
        self.answers = dict(answers)
        self.default = default or Answer()
        self.ran: list[AttemptSpec] = []
        self.running: dict[str, AttemptSpec] = {}
        self.cancelled: list[str] = []
        self._gates: dict[str, asyncio.Event] = {}
        self._counts: dict[str, int] = {}

    async def probe(self) -> ProbeReport:
        """Always safe: nothing runs."""
        return ProbeReport(executor=self.name, usable=True, safe_for_untrusted=True, protections=())

    async def run(self, spec: AttemptSpec, log: LogSink) -> AttemptOutcome:
        """Give the next answer of this check; held ones wait for `release`."""
        self.ran.append(spec)
        answer = self._next(script_key(spec))
        for at in range(0, len(answer.log), _CHUNK):
            data = answer.log[at : at + _CHUNK]
            await log(LogChunk(seq=at // _CHUNK, offset=at, t_ms=0, data=data))
        if answer.hold:
            await self._held(spec)
        return AttemptOutcome(
            ended=answer.ended,
            exit_code=answer.exit_code if answer.ended is Ended.EXITED else None,
            signal=answer.signal,
            seconds=answer.seconds,
            detail=answer.detail,
            files=_collected(spec, answer.files),
            artifacts=answer.artifacts,
            log_bytes=len(answer.log),
        )

    def script(self, key: str, answers: tuple[Answer, ...]) -> None:
        """From now on a check answers these, the first one first."""
        self.answers[key] = answers
        self._counts.pop(key, None)
        if key in self._gates and self._gates[key].is_set():
            del self._gates[key]  # what is held by these answers waits for a release of its own

    @property
    def unused(self) -> dict[str, int]:
        """Check key → answers of the table that no attempt has got yet."""
        left = {key: len(answers) - self._counts.get(key, 0) for key, answers in self.answers.items()}
        return {key: count for key, count in left.items() if count > 0}

    def _next(self, key: str) -> Answer:
        answers = self.answers.get(key) or (self.default,)
        number = self._counts.get(key, 0)
        self._counts[key] = number + 1
        return answers[min(number, len(answers) - 1)]

    async def _held(self, spec: AttemptSpec) -> None:
        gate = self._gates.setdefault(script_key(spec), asyncio.Event())
        self.running[spec.attempt_id] = spec
        try:
            await gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append(spec.attempt_id)
            raise
        finally:
            self.running.pop(spec.attempt_id, None)

    def release(self, key: str) -> None:
        """Let the held attempts of a check (now and later) end."""
        self._gates.setdefault(key, asyncio.Event()).set()

    async def until_running(self, key: str, seconds: float = 5.0) -> AttemptSpec:
        """Wait until an attempt of this check is held. Raises TimeoutError."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for spec in self.running.values():
                if script_key(spec) == key:
                    return spec
            await asyncio.sleep(0)
        raise TimeoutError(key)

    async def sweep(self) -> int:
        """Nothing is ever left."""
        return 0


def script_key(spec: AttemptSpec) -> str:
    """What an attempt goes by in the table: of a base run, head and base are one commit."""
    facts = spec.facts
    on_base = facts.get("PORTCULLIS_HEAD_SHA", "") == facts.get("PORTCULLIS_BASE_SHA")
    return f"{spec.check.key} on base" if on_base else spec.check.key


def _collected(spec: AttemptSpec, files: Mapping[str, bytes]) -> tuple[Collected, ...]:
    """The files as a real executor gives them: the declared ones, missing ones with their problem."""
    declared = [report.path for report in spec.check.reports]
    declared += [spec.check.outputs] if spec.check.outputs else []
    return tuple(file for path in dict.fromkeys(declared) for file in _declared(path, files))


def _declared(declared: str, files: Mapping[str, bytes]) -> list[Collected]:
    """The file of that path, or all that it matches as a glob."""
    pattern = globs((f"/{declared}",))
    found = [declared] if declared in files else sorted(path for path in files if pattern.matches(path))
    return [Collected(declared=declared, path=path, content=files[path]) for path in found] or [
        Collected(declared=declared, path="", problem=MISSING)
    ]
