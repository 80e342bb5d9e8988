"""Duplicated code, complex functions and denied licences of a judgement, as small tables of plain text."""

from collections.abc import Iterator

import msgspec

from app.model import Evidence, Plan
from app.policy import (
    DeniedPackage,
    FileDuplication,
    TouchedFunction,
    denied_packages,
    new_duplication,
    touched_functions,
)
from app.publish import figures, phrases

_FUNCTIONS = 10
_PLACES = 3


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A table of what was measured: `key` is short and ours, `summary` its sum in one line, `heads` the
    titles of the columns. Cells may hold what others wrote; the first of each row is a name or a path. `one`
    is what a row stands for.
    """

    key: str
    summary: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    one: str


def sections(plan: Plan, evidence: Evidence) -> tuple[Section, ...]:
    """Those that have something to show."""
    return tuple(_sections(plan, evidence))


def _sections(plan: Plan, evidence: Evidence) -> Iterator[Section]:
    duplication = new_duplication(plan, evidence)
    if duplication.files:
        yield Section(
            key="duplication",
            summary=phrases.duplication_counted(duplication.duplicated, duplication.new),
            heads=("File", "New lines duplicated", "Lines", "The same code stands in"),
            rows=tuple(_duplication(file) for file in duplication.files),
            one="file",
        )
    if functions := touched_functions(plan, evidence):
        yield Section(
            key="complexity",
            summary=phrases.complexity_counted(len(functions), functions[0].function.complexity),
            heads=("Where", "Function", "Complexity"),
            rows=tuple(_function(one) for one in functions[:_FUNCTIONS]),
            one="function",
        )
    if denied := [one for one in denied_packages(plan, evidence) if one.new]:
        yield Section(
            key="licences",
            summary=phrases.licences_counted(len(denied)),
            heads=("New package", "Version", "Licence", ""),
            rows=tuple(_package(one) for one in denied),
            one="package",
        )


def _duplication(file: FileDuplication) -> tuple[str, ...]:
    places = [f"{block.path}:{block.line}-{block.end_line}" for block in file.elsewhere]
    share = figures.percent(file.duplicated, file.new, up=True)
    return (
        file.path,
        f"{file.duplicated:,} of {file.new:,} ({share})",
        figures.line_ranges(file.ranges),
        figures.listing(places, _PLACES),
    )


def _function(one: TouchedFunction) -> tuple[str, ...]:
    function = one.function
    return figures.place(function.path, function.line), function.name, f"{function.complexity:,}"


def _package(one: DeniedPackage) -> tuple[str, ...]:
    package = one.package
    return (
        package.name,
        package.version,
        package.licence or "none named",
        phrases.licence_standing(one.standing),
    )
