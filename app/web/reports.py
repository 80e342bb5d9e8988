"""`POST /api/v1/reports`: CI uploads the reports of a head. Who uploads is proved before a byte is read."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from typing import IO, Final, Protocol

import msgspec
import structlog
from fastapi import APIRouter, Depends
from fastapi.security import HTTPBearer
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.engine import Sender, Sent, Taken, UploadRefused, Why
from app.forges import Untrusted
from app.model import Outage
from app.reports import Limits
from app.web.described import FIELDS, MAX_FIELD, UPLOAD
from app.web.problems import documented, problem, unavailable
from app.web.rates import Rates, sender_of

LOG = structlog.get_logger(__name__)
MAX_FILE: Final = Limits().content
MAX_BODY: Final = 100_000_000
MAX_FILES: Final = 100
READ_SECONDS: Final = 120.0
_AT_ONCE: Final = 64
_AT_ONCE_OF_ONE: Final = 8
"""Uploads that are received at a time: in all, and of one repository, which may let them trickle in."""
_IN_MEMORY: Final = 2
_SPOOLED: Final = 1 << 20
_FIELDS: Final = tuple(FIELDS)
_STATUS: Final = {
    Why.UNKNOWN: 401,
    Why.FORBIDDEN: 403,
    Why.ABSENT: 404,
    Why.MALFORMED: 400,
    Why.TAKEN: 409,
    Why.FULL: 409,
}


class ReportIntake(Protocol):
    """Where reports are taken in (app.engine.Uploads)."""

    async def identify(self, token: str) -> Sender:
        """Who holds a token. Raises UploadRefused, Untrusted, Outage."""
        ...

    async def accept(self, sender: Sender, sent: Sent) -> Taken:
        """Returns once the files are durable. Raises UploadRefused, Outage."""
        ...


class _Answered(Exception):
    """The answer to a request that goes no further."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


class _TooLongError(MultiPartException):
    """More came than may; of this kind, so that the form's reader cleans up."""


def report_routes(intake: ReportIntake, now: Callable[[], float]) -> APIRouter:
    """The route. Files are sent as a form, or one file as the raw body with its fields in the query."""
    router = APIRouter(prefix="/api/v1")
    door = _Door(intake, now)

    @router.post(
        "/reports",
        status_code=201,
        openapi_extra=UPLOAD,
        dependencies=[Depends(HTTPBearer(auto_error=False, scheme_name="bearer"))],
        responses=documented(400, 401, 403, 404, 408, 409, 413, 422, 429, 503),
    )
    async def reports(request: Request) -> Response:
        """Upload report files for a head. Needs a repository token, or the identity token of a CI job, as a
        bearer token. A file that cannot be read is kept and answered 422: a check that declares it fails.
        """
        try:
            return await door.take(request)
        except _Answered as answered:
            return answered.response
        except Untrusted as untrusted:
            return problem(401, untrusted.message, hint=untrusted.hint)
        except UploadRefused as refused:
            return problem(_STATUS[refused.why], refused.message, hint=refused.hint)
        except Outage as outage:
            return unavailable(outage)

    return router


class _Door:
    """How much is let in at a time."""

    def __init__(self, intake: ReportIntake, now: Callable[[], float]) -> None:
        self._intake = intake
        self._rates = Rates(burst=60, per_minute=60, now=now)
        self._strangers = Rates(burst=30, per_minute=30, now=now)
        self._inside: Counter[int] = Counter()
        self._in_memory = asyncio.Semaphore(_IN_MEMORY)

    async def take(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            hint = "send the header Authorization: Bearer TOKEN"
            raise _Answered(problem(401, "an upload needs a token", hint=hint))
        sender = await self._identify(token.strip(), request)
        wait = self._rates.wait((sender.repository_id, sender.uploader.key))
        if wait:
            raise _Answered(problem(429, f"too many uploads by {sender.uploader.says}", retry_after=wait))
        repository = sender.repository_id
        if self._inside[repository] >= _AT_ONCE_OF_ONE or self._inside.total() >= _AT_ONCE:
            raise _Answered(problem(503, "too many uploads are being received", retry_after=5))
        self._inside[repository] += 1
        try:
            return await self._receive(request, sender)
        finally:
            self._inside[repository] -= 1
            self._inside += Counter()  # forgets who has none

    async def _identify(self, token: str, request: Request) -> Sender:
        """Who holds a token. An address that sent too many of nobody waits before another is looked at."""
        address = sender_of(request.scope.get("client"))
        wait = self._strangers.wait(address, take=False)
        if wait:
            raise _Answered(problem(429, "too many uploads with tokens of nobody", retry_after=wait))
        try:
            return await self._intake.identify(token)
        except (Untrusted, UploadRefused):
            self._strangers.wait(address)
            raise

    async def _receive(self, request: Request, sender: Sender) -> Response:
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(READ_SECONDS):
                    form = await _form(request, stack)
            except TimeoutError:
                raise _Answered(problem(408, "the upload did not arrive in time")) from None
            except ClientDisconnect:
                raise _Answered(problem(400, "the upload ended half-way")) from None
            async with self._in_memory:
                sent = await _sent(request, form)
                return _answer(await self._intake.accept(sender, sent))


async def _form(request: Request, stack: AsyncExitStack) -> FormData | IO[bytes]:
    """The form, or the raw body; on disk where they are large."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    raw = kind != "multipart/form-data"
    most = MAX_FILE if raw else MAX_BODY
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared) > most:
        raise _Answered(_too_large(_too_long(most)))
    body = _limited(request, most)
    try:
        if raw:
            file = stack.enter_context(tempfile.SpooledTemporaryFile(_SPOOLED))  # noqa: SIM115 - it is one
            async for part in body:
                await asyncio.to_thread(file.write, part)
            return file
        parser = MultiPartParser(
            request.headers, body, max_files=MAX_FILES, max_fields=len(_FIELDS), max_part_size=MAX_FIELD
        )
        form = await parser.parse()
    except _TooLongError as error:
        raise _Answered(_too_large(error.message)) from None
    except (MultiPartException, KeyError, UnicodeDecodeError, LookupError) as error:
        why = error.message if isinstance(error, MultiPartException) else "it has no usable boundary"
        raise _Answered(problem(400, f"the form cannot be read: {why}")) from None
    stack.push_async_callback(form.close)
    return form


async def _limited(request: Request, most: int) -> AsyncGenerator[bytes]:
    """The body, as long as it may be: what was declared is not what comes."""
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise _TooLongError(_too_long(most))
        yield part


async def _sent(request: Request, form: FormData | IO[bytes]) -> Sent:
    """What a form or a raw body says; each field stands in the query or in the form, and once."""
    fields = {name: request.query_params.get(name, "") for name in (*_FIELDS, "file")}
    named = fields.pop("file")
    if not isinstance(form, FormData):
        form.seek(0)
        content = await asyncio.to_thread(form.read)
        return Sent(**fields, files=((named, content),))
    if named:
        raise _Answered(problem(400, "file names a raw body; the files of a form have names of their own"))
    files = []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            files.append((value.filename or "", _whole(await value.read(MAX_FILE + 1), value.filename or "")))
        elif name not in fields:
            raise _Answered(problem(400, f"the form has no field {name[:50]!a}", hint=f"fields: {_FIELDS}"))
        elif fields[name]:
            raise _Answered(problem(400, f"{name} is said twice"))
        else:
            fields[name] = value
    return Sent(**fields, files=tuple(files))


def _whole(content: bytes, name: str) -> bytes:
    if len(content) > MAX_FILE:
        raise _Answered(_too_large(f"the file {name[:100]} is larger than {MAX_FILE // 1_000_000} MB"))
    return content


def _too_long(most: int) -> str:
    return f"the upload is larger than {most // 1_000_000} MB"


def _too_large(why: str) -> Response:
    return problem(413, why, hint="split the report, or leave out generated and third-party files")


def _answer(taken: Taken) -> Response:
    bad = [file.problem for file in taken.files if file.problem]
    if bad:
        more = {"stored": True, "files": taken.files, "checks": taken.checks, "notes": taken.notes}
        hint = "it is kept, and a check that declares it fails; upload a right one to replace it"
        return problem(422, "; ".join(bad[:3]), hint=hint, more=more)
    return Response(msgspec.json.encode(taken), status_code=201, media_type="application/json")
