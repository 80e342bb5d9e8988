"""Where something is written."""

import msgspec


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where something is written: policy layer, file, 1-based line and column."""

    layer: str = "repository"
    path: str = ""
    line: int = 0
    column: int = 0
