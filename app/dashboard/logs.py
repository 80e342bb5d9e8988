"""The output of one attempt: as a page with colours, or as plain text to keep."""

import asyncio
import codecs
from collections.abc import AsyncIterator, Sequence

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.dashboard import frame
from app.dashboard.access import number, open_run
from app.dashboard.ansi import ansi_html
from app.dashboard.protocol import AttemptView, LogPart, Reads, Surroundings
from app.model import AttemptStatus, Outage
from app.publish import words

TAIL = 64 << 10
"""Bytes of output on the run page."""
WHOLE = 1 << 20
"""Bytes of output on a log's own page; the plain text has all of it."""
_STEP = 256 << 10


async def read(reads: Reads, attempt_id: int, offset: int, limit: int) -> tuple[LogPart, ...]:
    """Up to `limit` bytes from `offset` on, asking again until there is no more."""
    parts: list[LogPart] = []
    while limit > 0:
        more = await reads.log(attempt_id, offset, min(limit, _STEP))
        if not more:
            break
        parts += more
        end = more[-1].offset + len(more[-1].data)
        limit -= max(end - offset, 1)
        offset = end
    return tuple(parts)


def text(parts: Sequence[LogPart], offset: int) -> str:
    """Output as text; what is not UTF-8 becomes U+FFFD, what was not kept is told.

    Where `offset` cuts into a line, the rest of that line is left out.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    pieces: list[str] = []
    at = offset
    for part in parts:
        if part.offset > at and pieces:
            pieces.append(
                f"{decoder.decode(b'', final=True)}\n… {part.offset - at:,} bytes were not kept …\n"
            )
            decoder.reset()
        pieces.append(decoder.decode(part.data))
        at = part.offset + len(part.data)
    whole = "".join([*pieces, decoder.decode(b"", final=True)])
    return whole.partition("\n")[2] if offset and "\n" in whole else whole


async def log(request: Request, surroundings: Surroundings) -> Response:
    """`/runs/<id>/log/<attempt>`: all output of one attempt of a run; `?raw=1` as plain text."""
    async with surroundings.drawing:
        opened = await open_run(request, surroundings)
        if isinstance(opened, Response):
            return opened
        attempt_id = number(request.path_params["attempt_id"])
        attempt = next((found for found in opened.attempts if found.id == attempt_id), None)
        if attempt is None:
            return frame.missing()
        if request.query_params.get("raw"):
            headers = {
                **frame.headers(),
                "Content-Disposition": f'inline; filename="attempt-{attempt.id}.log"',
            }
            stream = _plain(surroundings.reads, attempt.id)
            return StreamingResponse(stream, media_type="text/plain; charset=utf-8", headers=headers)
        offset = max(0, attempt.log_bytes - WHOLE)
        try:
            parts = await read(surroundings.reads, attempt.id, offset, WHOLE)
        except Outage:
            return frame.unavailable()
        token = request.query_params.get("t", "")
        return await asyncio.to_thread(_drawn, opened.judgement.run_id, attempt, offset, parts, token)


def _drawn(
    run_id: int, attempt: AttemptView, offset: int, parts: tuple[LogPart, ...], token: str
) -> Response:
    word = words.conclusion_word(attempt.conclusion) if attempt.conclusion else attempt.status.value
    view = {
        "run_id": run_id,
        "attempt": attempt,
        "word": word,
        "html": ansi_html(text(parts, offset)),
        "cut": offset > 0,
        "token": token,
        "live": attempt.status in {AttemptStatus.RUNNING, AttemptStatus.QUEUED},
    }
    return frame.page("log.html", view)


async def _plain(reads: Reads, attempt_id: int) -> AsyncIterator[bytes]:
    """All kept output as it is, a line where something was not kept."""
    offset = 0
    while parts := await reads.log(attempt_id, offset, _STEP):
        for part in parts:
            if part.offset > offset:
                yield f"\n… {part.offset - offset:,} bytes were not kept …\n".encode()
            yield part.data
            offset = part.offset + len(part.data)
