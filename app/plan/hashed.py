"""`${hash('GLOB')}` in a cache's key: the content of the files that a glob names."""

import re
from collections.abc import Callable
from typing import Final

HASH: Final = re.compile(r"""\$\{hash\(\s*(?:'([^'{}\n]+)'|"([^"{}\n]+)")\s*\)\}""")
BEGUN: Final = re.compile(r"\$\{hash\b")
"""Where one begins, well-formed or not."""


def hashed_globs(key: str) -> tuple[str, ...]:
    """The globs whose files decide what a key is, in order."""
    return tuple(match[1] or match[2] for match in HASH.finditer(key))


def with_hashes(key: str, digest: Callable[[str], str]) -> str:
    """The key with each glob's digest in its place."""
    return HASH.sub(lambda match: digest(match[1] or match[2]), key)
