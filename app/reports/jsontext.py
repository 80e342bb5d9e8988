"""JSON of hostile reports: decoded into structs, refused with a place and a sentence."""

from typing import TypeVar

import msgspec

from app.model import AuthorFault
from app.reports.text import line as one_line

T = TypeVar("T")

UNDECODABLE = (msgspec.DecodeError, RecursionError, ValueError)
_TEXTS = msgspec.json.Decoder(list[str])


def fault(error: Exception, where: str, hint: str) -> AuthorFault:
    """The fault of JSON that could not be decoded; `where` names the report or the place in it."""
    if isinstance(error, RecursionError):
        return AuthorFault(f"{where}: nested too deeply")
    if isinstance(error, UnicodeError):
        return AuthorFault(f"{where}: text that is not UTF-8", hint="the tool must write UTF-8")
    return AuthorFault(f"{where}: {one_line(str(error), 300)}", hint=hint)


def decode(decoder: msgspec.json.Decoder[T], content: bytes, where: str, hint: str = "") -> T:
    """One JSON document as the decoder's type; a byte order mark is passed over. Raises AuthorFault."""
    try:
        return decoder.decode(content.removeprefix(b"\xef\xbb\xbf"))
    except UNDECODABLE as error:
        raise fault(error, where, hint) from None


def texts(raw: msgspec.Raw) -> list[str]:
    """A list of texts where one may stand; [] for anything else."""
    try:
        return _TEXTS.decode(raw) if raw else []
    except UNDECODABLE:
        return []
