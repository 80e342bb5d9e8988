"""XML of hostile reports: expat handlers, no entity but the five built in, nothing ever fetched.

A DOCTYPE that only names an external DTD is let through and never read, because istanbul, gcovr and
older coverage.py write one; a DOCTYPE with declarations of its own, and any other entity, is refused.
"""

import re
from collections.abc import Callable
from xml.parsers import expat

from app.model import AuthorFault
from app.reports.text import quoted

MAX_TEXT = 65_536

Attributes = dict[str, str]
Pairs = list[str]
"""Attributes as they stand: name, value, name, value. Cheaper to make than a dictionary."""

StartHandler = Callable[[str, Attributes], None]
PairsHandler = Callable[[str, Pairs], None]
EndHandler = Callable[[str], None]

_BLANKS = b" \t\r\n"
_NAME = re.compile(rb"<([A-Za-z_][\w.-]{0,200})([^>]{0,4000})")
_HEAD = 8_192


def root_element(content: bytes) -> tuple[str, str]:
    """Name and raw attributes of the root element, from the first 8 KiB; ('', '') if it is no XML."""
    head = content[:_HEAD]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head.decode("utf-16", "replace").encode("utf-8", "replace")
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip(_BLANKS)
    while head.startswith((b"<?", b"<!")):
        mark = b"?>" if head.startswith(b"<?") else b"-->" if head.startswith(b"<!--") else b">"
        subset = head.find(b"[") if head.startswith(b"<!DOCTYPE") else -1
        if 0 <= subset < head.find(b">"):
            mark = b"]>"
        end = head.find(mark)
        if end < 0:
            return "", ""
        head = head[end + len(mark) :].lstrip(_BLANKS)
    match = _NAME.match(head)
    return (match[1].decode("ascii", "replace"), match[2].decode("ascii", "replace")) if match else ("", "")


def attributes_of(pairs: Pairs) -> Attributes:
    """The same by name; XML allows each name once."""
    one = iter(pairs)
    return dict(zip(one, one, strict=True))


class _Refused(Exception):
    """Raised inside a handler to leave expat with a sentence of ours."""


class XmlReader:
    """Drives expat over one document. Texts come through `text()`, capped at 64 KiB of head and tail.

    The handlers are called by expat itself, half a million times for a large report; with `pairs` a
    `PairsHandler`. Nesting costs expat memory but no stack, so no depth is refused here.
    """

    def __init__(self, start: StartHandler | PairsHandler, end: EndHandler, *, pairs: bool = False) -> None:
        self._parts: list[str] = []
        self._size = 0
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.ordered_attributes = pairs
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.StartDoctypeDeclHandler = self._on_doctype
        parser.EntityDeclHandler = self._on_entity
        parser.SkippedEntityHandler = self._on_skipped
        parser.ExternalEntityRefHandler = self._on_external

    @property
    def where(self) -> str:
        """The current position, for messages."""
        return f"line {self._parser.CurrentLineNumber}, column {self._parser.CurrentColumnNumber + 1}"

    def run(self, content: bytes) -> None:
        """Read the whole document. Raises AuthorFault; what handlers raise of that kind passes through."""
        try:
            self._parser.Parse(content, True)  # noqa: FBT003 - expat takes it by position only
        except expat.ExpatError as error:
            if error.code == expat.errors.codes[expat.errors.XML_ERROR_NO_MEMORY]:
                raise MemoryError from None
            reason = expat.ErrorString(error.code) or "not well-formed"
            raise AuthorFault(
                f"line {error.lineno}, column {error.offset + 1}: {reason}",
                hint="the file may have been cut off; write it whole before the check ends",
            ) from None
        except _Refused as error:
            raise AuthorFault(f"{self.where}: {error}", hint="write the report without it") from None
        except (ValueError, LookupError) as error:
            # An encoding that Python does not know, or a multi-byte one that expat cannot use.
            raise AuthorFault(f"{self.where}: {error}", hint="write the report in UTF-8") from None
        finally:
            # Handlers are bound methods: without this the parser and its reader keep each other alive.
            self._parser.StartElementHandler = None
            self._parser.EndElementHandler = None
            self._parser.CharacterDataHandler = None

    def hear(self, start: StartHandler | PairsHandler, end: EndHandler) -> None:
        """Call these from now on."""
        self._parser.StartElementHandler = start
        self._parser.EndElementHandler = end

    def hear_ends(self, end: EndHandler | None) -> None:
        """Call `end` from now on; None = ends of elements do not matter for now."""
        self._parser.EndElementHandler = end

    def collect(self) -> None:
        """Start gathering text; else it is passed over, so that outputs and indentation cost nothing."""
        self._parts, self._size = [], 0
        self._parser.CharacterDataHandler = self._on_text

    def text(self) -> str:
        """What was gathered since `collect`; stops gathering."""
        self._parser.CharacterDataHandler = None
        parts, self._parts = self._parts, []
        return "".join(parts)

    def _on_text(self, text: str) -> None:
        self._parts.append(text)
        self._size += len(text)
        if self._size > 2 * MAX_TEXT:
            whole = "".join(self._parts)
            self._parts = [whole[: MAX_TEXT // 2], whole[-MAX_TEXT // 2 :]]
            self._size = MAX_TEXT

    def _on_doctype(self, name: str, _system: str | None, _public: str | None, internal: int) -> None:
        if internal:
            raise _Refused(f"a DOCTYPE with declarations of its own ({quoted(name)}) is refused")

    def _on_entity(self, name: str, *_declaration: object) -> None:
        raise _Refused(f"the entity {quoted(name)} is declared; entities are refused")

    def _on_skipped(self, name: str, _parameter: int) -> None:
        raise _Refused(f"the entity {quoted(name)} is not one of the five that XML knows")

    def _on_external(self, *_reference: object) -> int:
        raise _Refused("an external entity is refused")
