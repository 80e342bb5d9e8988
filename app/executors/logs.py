"""The log of an attempt: masked, bounded, timed. Reads never stop, so no check waits for a viewer.

The first `head` bytes are passed on as they come; of the rest the last `tail` bytes are kept and passed
on at the end, what lies between is counted and dropped. A slow sink therefore costs at most
head + tail bytes of memory per attempt.
"""

import asyncio
import collections
import contextlib
import re
import time
from collections.abc import Iterable

import msgspec

from app.executors.protocol import LogChunk, LogSink
from app.model import written_forms

CHUNK = 64 * 1024
_MASK = b"***"
_SHORTEST_SECRET = 4
_GATHER_SECONDS = 0.1


class LogLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes kept from the start and the end, and after how many the check is killed."""

    head: int = 1 << 20
    tail: int = 1 << 20
    most: int = 64 << 20
    drain_seconds: float = 10.0


class Mask:
    """Replaces secrets in a stream, also where a read ends within one."""

    def __init__(self, secrets: Iterable[bytes] = ()) -> None:
        forms = {
            form
            for secret in secrets
            if len(secret) >= _SHORTEST_SECRET
            for form in written_forms(secret)
            if len(form) >= _SHORTEST_SECRET
        }
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile(b"|".join(map(re.escape, longest_first))) if forms else None
        self._longest = max(map(len, forms), default=1) - 1
        self._beginnings = {form[:size] for form in forms for size in range(1, len(form))}
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """What may be shown now; last bytes with which a secret may begin are held until that is clear."""
        if self._pattern is None:
            return data
        whole = self._held + data
        shown: list[bytes] = []
        at = 0
        safe = len(whole) - self._open_end(whole)
        for match in self._pattern.finditer(whole):
            if match.start() >= safe:
                break
            shown += (whole[at : match.start()], _MASK)
            at = match.end()
        end = max(at, safe)
        shown.append(whole[at:end])
        self._held = whole[end:]
        return b"".join(shown)

    def _open_end(self, data: bytes) -> int:
        """How many of the last bytes are the beginning of a secret (the longest such end)."""
        for size in range(min(self._longest, len(data)), 0, -1):
            if data[-size:] in self._beginnings:
                return size
        return 0

    def finish(self) -> bytes:
        """The rest."""
        held, self._held = self._held, b""
        return self._pattern.sub(_MASK, held) if self._pattern is not None else held


class Log:
    """Takes raw output by `write`, gives chunks to a sink; `over` is set past the hard limit."""

    def __init__(self, sink: LogSink, limits: LogLimits, mask: Mask) -> None:
        self.limits = limits
        self.raw_bytes = 0
        self.bytes = 0
        self.dropped = 0
        self.over = asyncio.Event()
        self._sink = sink
        self._mask = mask
        self._start = time.monotonic()
        self._head: collections.deque[tuple[int, int, bytes]] = collections.deque()
        self._tail: collections.deque[tuple[int, int, bytes]] = collections.deque()
        self._tail_bytes = 0
        self._waiting = asyncio.Event()
        self._closed = asyncio.Event()
        self._seq = 0
        self._loop = asyncio.get_running_loop()
        self._sender = asyncio.create_task(self._send())

    def write(self, data: bytes) -> None:
        """Take one read of raw output."""
        self.raw_bytes += len(data)
        if self.raw_bytes > self.limits.most:
            self.over.set()
        self._take(self._mask.feed(data))

    def tell(self, text: str) -> None:
        """Add a line of ours. May be called from any thread."""
        self._loop.call_soon_threadsafe(self.write, text.encode("utf-8", "replace") + b"\n")

    def _take(self, data: bytes) -> None:
        if not data:
            return
        t_ms = int((time.monotonic() - self._start) * 1000)
        room = self.limits.head - self.bytes
        if room > 0:
            self._head.append((self.bytes, t_ms, data[:room]))
            self._waiting.set()
        rest = data[max(0, room) :]
        if rest:
            self._tail.append((self.bytes + len(data) - len(rest), t_ms, rest))
            self._tail_bytes += len(rest)
            self._trim()
        self.bytes += len(data)

    def _trim(self) -> None:
        while self._tail_bytes > self.limits.tail:
            offset, t_ms, data = self._tail.popleft()
            cut = min(len(data), self._tail_bytes - self.limits.tail)
            self._tail_bytes -= cut
            self.dropped += cut
            if cut < len(data):
                self._tail.appendleft((offset + cut, t_ms, data[cut:]))

    async def _send(self) -> None:
        while True:
            await self._waiting.wait()
            # One chunk per tenth of a second, not one per line; the end waits for nothing.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GATHER_SECONDS):
                    await self._closed.wait()
            self._waiting.clear()
            await self._pass_on(self._head)
            if self._closed.is_set() and not self._head:
                await self._pass_on(self._tail)
                return

    async def _pass_on(self, pieces: collections.deque[tuple[int, int, bytes]]) -> None:
        while pieces:
            offset, t_ms, data = pieces.popleft()
            parts = [data]
            size = len(data)
            while pieces and size + len(pieces[0][2]) <= CHUNK and pieces[0][0] == offset + size:
                parts.append(pieces.popleft()[2])
                size += len(parts[-1])
            whole = b"".join(parts)
            for at in range(0, size, CHUNK):
                chunk = LogChunk(seq=self._seq, offset=offset + at, t_ms=t_ms, data=whole[at : at + CHUNK])
                self._seq += 1
                await self._sink(chunk)

    def abandon(self) -> None:
        """Stop sending, whatever is left; after `close` this changes nothing."""
        self._sender.cancel()

    async def close(self) -> None:
        """Pass on what is left, waiting a bounded time for a slow sink; then its rest is dropped.

        Raises what the sink raised.
        """
        self._take(self._mask.finish())
        self._closed.set()
        self._waiting.set()
        try:
            async with asyncio.timeout(self.limits.drain_seconds):
                await self._sender
        except TimeoutError:
            left = sum(len(piece[2]) for pieces in (self._head, self._tail) for piece in pieces)
            self.dropped += left
