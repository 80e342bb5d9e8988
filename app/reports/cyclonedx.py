"""CycloneDX JSON, 1.2 to 1.7: the components, also those within others.

The component that the document is about (`metadata.component`) is no dependency. Several licences of one
component hold together; trove classifiers beside them ("License :: OSI Approved :: …") only repeat them.
"""

from collections.abc import Iterator

import msgspec

from app.model import AuthorFault, Kind, ReportContent
from app.reports.jsontext import decode
from app.reports.packages import Packages, all_of, named, said
from app.reports.protocol import Format, ReadContext
from app.reports.shape import has
from app.reports.text import quoted

_HINT = "the tool must write CycloneDX as JSON"
_CLASSIFIER = "License :: "
# Things of a project that are under no licence of their own.
_NO_PACKAGES = {"file", "cryptographic-asset", "data"}


class _Licence(msgspec.Struct, gc=False):
    id: str | None = None
    name: str | None = None


class _Choice(msgspec.Struct, gc=False):
    license: _Licence | None = None
    expression: str | None = None


class _Component(msgspec.Struct, gc=False):
    name: str
    type: str = ""
    group: str | None = None
    version: str | None = None
    purl: str | None = None
    licenses: list[_Choice] | None = None
    components: list["_Component"] | None = None


class _Tool(msgspec.Struct, gc=False):
    name: str | None = None
    version: str | None = None


class _Tools(msgspec.Struct, gc=False):
    components: list[_Tool] | None = None


class _Metadata(msgspec.Struct, gc=False):
    tools: list[_Tool] | _Tools | None = None


class _Bom(msgspec.Struct, gc=False, rename="camel"):
    bom_format: str
    spec_version: str
    metadata: _Metadata | None = None
    components: list[_Component] | None = None
    vulnerabilities: list[msgspec.Raw] | None = None


_DECODER = msgspec.json.Decoder(_Bom)


def _walk(components: list[_Component] | None) -> Iterator[_Component]:
    waiting = list(reversed(components or []))
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(reversed(one.components or []))


def _licence(one: _Component) -> str:
    choices = one.licenses or []
    expressions = [said(choice.expression) for choice in choices]
    ids = [said(choice.license.id) for choice in choices if choice.license is not None]
    names = [choice.license.name or "" for choice in choices if choice.license is not None]
    if any(expressions) or any(ids):
        names = [name for name in names if not name.startswith(_CLASSIFIER)]
    return all_of([*expressions, *ids, *(named(name.removeprefix(_CLASSIFIER)) for name in names)])


def _tool(bom: _Bom) -> _Tool:
    tools = bom.metadata.tools if bom.metadata is not None else None
    listed = tools.components if isinstance(tools, _Tools) else tools
    return listed[0] if listed else _Tool()


def _recognises(head: bytes) -> bool:
    return has(head, "bomFormat", "specVersion")


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The packages of a bill of materials. Raises AuthorFault."""
    bom = decode(_DECODER, content, "CycloneDX", _HINT)
    if bom.bom_format != "CycloneDX":
        raise AuthorFault(f"$.bomFormat: is {quoted(bom.bom_format)}", hint=_HINT)
    packages = Packages(context)
    for one in _walk(bom.components):
        if one.type in _NO_PACKAGES:
            continue
        packages.add(
            name=f"{one.group}/{one.name}" if one.group else one.name,
            version=one.version or "",
            purl=one.purl or "",
            licence=_licence(one),
        )
    for _ in bom.vulnerabilities or []:
        packages.dropped.add("vulnerability: advisories are not judged from this format")
    tool = _tool(bom)
    return packages.report("cyclonedx", tool.name or "", tool.version or "")


CYCLONEDX = Format(
    name="cyclonedx", title="CycloneDX JSON", kind=Kind.LICENCES, recognises=_recognises, read=read
)
