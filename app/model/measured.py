"""What reports measure besides findings, tests and coverage: clones, complexity, packages."""

from decimal import Decimal

import msgspec


class CloneBlock(msgspec.Struct, frozen=True, kw_only=True):
    """One of the places where the same code stands. Lines are 1-based, both included."""

    path: str
    line: int
    end_line: int


class Clone(msgspec.Struct, frozen=True, kw_only=True):
    """Code that stands in two places or more."""

    blocks: tuple[CloneBlock, ...]


class FunctionComplexity(msgspec.Struct, frozen=True, kw_only=True):
    """McCabe's cyclomatic complexity of one function; 1-based lines, both included."""

    path: str
    name: str
    line: int
    end_line: int
    complexity: int


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """A package that the project contains or depends on. `purl` is its package URL, `licence` an SPDX
    licence expression as the report gives it ('' = it names none).
    """

    name: str
    version: str = ""
    purl: str = ""
    licence: str = ""
    path: str = ""


class Measure(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The value of a metric, as a report names it."""

    metric: str
    value: Decimal
