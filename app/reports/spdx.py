"""SPDX 2.2 and 2.3 as JSON, and SPDX 3.0 as JSON-LD: packages and their licences.

A licence that somebody concluded counts before the one that the package declares. The one package that
the document describes is the project itself, no dependency.
"""

import msgspec

from app.model import AuthorFault, Kind, ReportContent
from app.reports.jsontext import decode
from app.reports.packages import Packages, said
from app.reports.protocol import Format, ReadContext
from app.reports.shape import has
from app.reports.spdx3 import read_graph
from app.reports.text import quoted

_HINT = "the tool must write SPDX as JSON"
_TOOL = "Tool: "
_PURL = "purl"
_ITSELF = "SPDXRef-DOCUMENT"


class _Reference(msgspec.Struct, gc=False, rename="camel"):
    reference_type: str = ""
    reference_locator: str = ""


class _Package(msgspec.Struct, gc=False, rename="camel"):
    name: str
    spdx_id: str = msgspec.field(name="SPDXID", default="")
    version_info: str | None = None
    license_concluded: str | None = None
    license_declared: str | None = None
    external_refs: list[_Reference] | None = None


class _Relationship(msgspec.Struct, gc=False, rename="camel"):
    spdx_element_id: str = ""
    relationship_type: str = ""
    related_spdx_element: str = ""


class _Creation(msgspec.Struct, gc=False):
    creators: list[str] | None = None


class _Document(msgspec.Struct, gc=False, rename="camel"):
    spdx_version: str
    packages: list[_Package] | None = None
    relationships: list[_Relationship] | None = None
    document_describes: list[str] | None = None
    creation_info: _Creation | None = None


_DECODER = msgspec.json.Decoder(_Document)


def _described(document: _Document) -> set[str]:
    found = set(document.document_describes or [])
    for one in document.relationships or []:
        if one.relationship_type == "DESCRIBES" and one.spdx_element_id == _ITSELF:
            found.add(one.related_spdx_element)
        elif one.relationship_type == "DESCRIBED_BY" and one.related_spdx_element == _ITSELF:
            found.add(one.spdx_element_id)
    return found if len(found) == 1 else set()


def _tool(document: _Document) -> tuple[str, str]:
    """Name and version: `Tool: NAME-VERSION`."""
    creators = document.creation_info.creators if document.creation_info is not None else None
    tool = next((one.removeprefix(_TOOL) for one in creators or [] if one.startswith(_TOOL)), "")
    name, dash, version = tool.rpartition("-")
    return (name, version) if dash and version[:1].isdigit() else (tool, "")


def _recognises(head: bytes) -> bool:
    return has(head, "spdxVersion") or has(head, "@context", "@graph")


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The packages of an SPDX document. Raises AuthorFault."""
    if has(content[:65_536], "@graph"):
        return read_graph(content, context)
    document = decode(_DECODER, content, "SPDX", _HINT)
    if not document.spdx_version.startswith("SPDX-2."):
        raise AuthorFault(
            f"$.spdxVersion: is {quoted(document.spdx_version)}", hint="write SPDX 2.2, 2.3 or 3.0"
        )
    packages, itself = Packages(context), _described(document)
    for one in document.packages or []:
        if one.spdx_id in itself:
            continue
        purls = [ref.reference_locator for ref in one.external_refs or [] if ref.reference_type == _PURL]
        packages.add(
            name=one.name,
            version=one.version_info or "",
            purl=purls[0] if purls else "",
            licence=said(one.license_concluded) or said(one.license_declared),
        )
    name, version = _tool(document)
    return packages.report("spdx", name, version)


SPDX = Format(name="spdx", title="SPDX JSON", kind=Kind.LICENCES, recognises=_recognises, read=read)
