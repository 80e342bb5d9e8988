import pytest

from app.plan import Catalogue, GateFile, Parsed, parse
from app.policy import vocabulary
from app.presets import PRESETS
from app.reports import formats


@pytest.fixture(scope="session")
def catalogue():
    return Catalogue(
        vocabulary=vocabulary(), presets={preset.name: preset for preset in PRESETS}, formats=formats()
    )


@pytest.fixture(scope="session")
def read(catalogue):
    """Parse a text."""

    def parsed(text: str | bytes) -> Parsed:
        content = text if isinstance(text, bytes) else text.encode()
        return parse(content, ".portcullis.yml", catalogue)

    return parsed


@pytest.fixture(scope="session")
def valid(read):
    """Parse a text that must be valid."""

    def gatefile(text: str) -> GateFile:
        parsed = read(text)
        assert parsed.gatefile is not None, parsed.diagnostics
        return parsed.gatefile

    return gatefile


@pytest.fixture(scope="session")
def complaints(read):
    """The diagnostics of a text as short tuples: code, line, column, length, message."""

    def short(text: str | bytes) -> list[tuple[str, int, int, int, str]]:
        return [
            (
                one.code,
                one.line,
                one.column,
                one.length,
                f"{one.where}: {one.message}" if one.where else one.message,
            )
            for one in read(text).diagnostics
        ]

    return short
