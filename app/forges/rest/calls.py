"""One request to a forge and its answer, before anybody sends anything."""

from collections.abc import Mapping
from typing import Final, TypeVar
from urllib.parse import quote

import msgspec

from app.forges.importance import Importance, asking_for
from app.model import Misconfigured, Outage

T = TypeVar("T")

APP: Final = 0
"""Asks as the app itself instead of as one of its installations."""
ANONYMOUS: Final = -1
"""Asks without proving anything."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `who` is an installation id, APP or ANONYMOUS; `kind` names it in metrics and
    errors; `content` marks what a forge counts as creating content; `once` forbids blind repetition
    after a failure that may have done the work; `fleeting` answers are not kept: they never come again;
    `importance` is what it is worth at most; `etag` is what the caller knows the answer by: where it is
    still so, the answer is an empty 304.
    """

    kind: str
    who: int
    path: str
    method: str = "GET"
    params: Mapping[str, str | int] = {}
    body: Mapping[str, object] | None = None
    accept: str = "application/json"
    content: bool = False
    once: bool = False
    fleeting: bool = False
    etag: str = ""
    importance: Importance = Importance.VERDICT

    @property
    def worth(self) -> Importance:
        """How much depends on it, here and now."""
        return max(self.importance, asking_for.get())

    @property
    def write(self) -> bool:
        """Whether it changes anything."""
        return self.method != "GET"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back."""

    status: int
    content: bytes
    link: str = ""
    etag: str = ""

    @property
    def unchanged(self) -> bool:
        """Whether all is still as the call's `etag` says."""
        return self.status == 304  # noqa: PLR2004 - HTTP's own number

    def read(self, shape: type[T]) -> T:
        """The JSON as `shape`. Raises Outage for an answer that is not what the forge documents."""
        try:
            return msgspec.json.decode(self.content, type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Outage("the forge gave an answer that could not be read") from None


class Lost(Outage):
    """A call marked `once` failed in a way that may have done its work all the same."""


def segment(text: str) -> str:
    """`text` as one path segment. Raises Misconfigured for what would leave its place."""
    if text in {"", ".", ".."}:
        raise Misconfigured(f"{text!r} cannot be part of an address")
    return quote(text, safe="")


def segments(text: str) -> str:
    """A path whose every part is one segment (a file, a ref, `owner/name`)."""
    return "/".join(segment(part) for part in text.split("/"))


def next_link(link: str) -> str | None:
    """The `rel="next"` address of a Link header (RFC 8288)."""
    for part in link.split(","):
        address, _, attributes = part.partition(";")
        if 'rel="next"' in attributes:
            return address.strip().removeprefix("<").removesuffix(">")
    return None
