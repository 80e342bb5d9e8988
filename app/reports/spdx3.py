"""SPDX 3.0 JSON-LD: a flat list of elements; licences are elements too, tied to packages by relationships.

Sets of licences from the profile "expanded licensing" are not read: what hangs on one counts as unknown.
"""

import msgspec

from app.model import ReportContent
from app.reports.jsontext import UNDECODABLE, decode, fault
from app.reports.packages import Packages, all_of, named, said
from app.reports.protocol import ReadContext

_HINT = "the tool must write SPDX 3.0 as JSON-LD"
_LICENCES = ("hasConcludedLicense", "hasDeclaredLicense")
"""The relationships that tie licences to packages; the first one that is there counts."""
_LISTED = "https://spdx.org/licenses/"
_PURL = "packageUrl"
_UNSAID = ("NoAssertion", "NoAssertionLicense", "None", "NoneLicense")


class _Graph(msgspec.Struct, gc=False):
    graph: list[msgspec.Raw] = msgspec.field(name="@graph")


class _Head(msgspec.Struct, gc=False):
    type: str = ""


class _Identifier(msgspec.Struct, gc=False, rename="camel"):
    external_identifier_type: str = ""
    identifier: str = ""


class _Package(msgspec.Struct, gc=False):
    id: str = msgspec.field(name="spdxId")
    name: str = ""
    version: str = msgspec.field(name="software_packageVersion", default="")
    purl: str = msgspec.field(name="software_packageUrl", default="")
    identifiers: list[_Identifier] = msgspec.field(name="externalIdentifier", default_factory=list)


class _Licence(msgspec.Struct, gc=False):
    id: str = msgspec.field(name="spdxId")
    name: str = ""
    expression: str = msgspec.field(name="simplelicensing_licenseExpression", default="")


class _Relationship(msgspec.Struct, gc=False):
    start: str = msgspec.field(name="from")
    to: list[str]
    kind: str = msgspec.field(name="relationshipType", default="")


class _Collection(msgspec.Struct, gc=False):
    roots: list[str] = msgspec.field(name="rootElement", default_factory=list)


class _Tool(msgspec.Struct, gc=False):
    name: str = ""


_GRAPH = msgspec.json.Decoder(_Graph)
_HEAD = msgspec.json.Decoder(_Head)
_DECODERS: dict[str, msgspec.json.Decoder[msgspec.Struct]] = {
    kind: msgspec.json.Decoder(struct)
    for kind, struct in {
        "software_Package": _Package,
        "simplelicensing_LicenseExpression": _Licence,
        "simplelicensing_SimpleLicensingText": _Licence,
        "Relationship": _Relationship,
        "software_Sbom": _Collection,
        "Tool": _Tool,
    }.items()
}


class _Elements:
    """The elements of one document, by what they are."""

    def __init__(self) -> None:
        self.packages: list[_Package] = []
        self.roots: set[str] = set()
        self.tool = ""
        self._licences: dict[str, str] = {}
        self._ties: dict[tuple[str, str], list[str]] = {}

    def take(self, raw: msgspec.Raw, where: str) -> None:
        """One element. Raises AuthorFault naming it."""
        try:
            decoder = _DECODERS.get(_HEAD.decode(raw).type)
            element = decoder.decode(raw) if decoder is not None else None
        except UNDECODABLE as error:
            raise fault(error, where, _HINT) from None
        match element:
            case _Package():
                self.packages.append(element)
            case _Licence():
                self._licences[element.id] = said(element.expression) or named(element.name)
            case _Relationship():
                self._ties.setdefault((element.start, element.kind), []).extend(element.to)
            case _Collection():
                self.roots.update(element.roots)
            case _Tool():
                self.tool = self.tool or element.name
            case _:
                pass

    def licence(self, package: str) -> str:
        """The licences of a package as one expression."""
        for kind in _LICENCES:
            if found := all_of(self._named(one) for one in self._ties.get((package, kind), [])):
                return found
        return ""

    def _named(self, licence: str) -> str:
        if licence in self._licences:
            return self._licences[licence]
        last = licence.rpartition("/")[2].rpartition("_")[2]
        if licence.startswith(_LISTED):
            return named(last)
        return "" if last in _UNSAID else named(f"LicenseRef-{last}")


def read_graph(content: bytes, context: ReadContext) -> ReportContent:
    """The packages of an SPDX 3.0 document. Raises AuthorFault."""
    elements, packages = _Elements(), Packages(context)
    for index, raw in enumerate(decode(_GRAPH, content, "SPDX", _HINT).graph):
        elements.take(raw, f"$.@graph[{index}]")
    itself = elements.roots if len(elements.roots) == 1 else set()
    for one in elements.packages:
        if one.id in itself:
            continue
        purls = [two.identifier for two in one.identifiers if two.external_identifier_type == _PURL]
        packages.add(
            name=one.name,
            version=one.version,
            purl=one.purl or (purls[0] if purls else ""),
            licence=elements.licence(one.id),
        )
    return packages.report("spdx", elements.tool, "")
