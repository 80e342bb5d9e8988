"""What the YAML beneath a line of TAP says: its few keys that matter, read without a YAML parser.

Producers agree on no schema, and it is hostile text: lines are looked at, nothing is built.
"""

import re

_LINES = 200
_DURATION = re.compile(r"duration_ms:[ \t]*(\d{1,12}(?:\.\d{1,12})?)")
_TYPE = re.compile(r"type:[ \t]*['\"]?(\w{1,20})")
_PLACE = re.compile(
    r"(?:location:[ \t]*['\"]?(?:file://)?|at:[ \t]*(?:[^()]{0,500}\()?(?:file://)?)"
    r"([^()'\":]{1,1000}):(\d{1,8}):\d{1,8}"
)
_MESSAGE = re.compile(r"(?:error|message):[ \t]*(.*)", re.DOTALL)
_BLOCK = re.compile(r"[|>][+-]?")


class Detail:
    """Duration, place and message; empty where the lines do not tell."""

    def __init__(self, lines: list[str]) -> None:
        self.seconds = 0.0
        self.place: tuple[str, int] = ("", 0)
        self.message = ""
        self._type = ""
        self._timed = False
        # Its own keys are indented like the first; deeper ones are values.
        indent = len(lines[0]) - len(lines[0].lstrip(" ")) if lines else 0
        for at, raw in enumerate(lines[:_LINES]):
            if len(raw) - len(raw.lstrip(" ")) == indent:
                self._key(raw[indent:], lines[at + 1 : _LINES], indent)

    @property
    def is_test(self) -> bool:
        """Whether a line that sums up a subtest is a test of its own to its producer: node times both tests
        and suites, and says which are suites.
        """
        return self._timed and self._type in {"", "test"}

    def _key(self, text: str, following: list[str], indent: int) -> None:
        if (timed := _DURATION.match(text)) is not None:
            self._timed = True
            self.seconds = min(float(timed[1]) / 1_000, 1e7)
        elif (place := _PLACE.match(text)) is not None:
            self.place = place[1], int(place[2])
        elif (kind := _TYPE.match(text)) is not None:
            self._type = kind[1]
        elif not self.message and (said := _MESSAGE.match(text)) is not None:
            self.message = said[1].strip()
            if _BLOCK.fullmatch(self.message):
                self.message = "\n".join(_deeper(following, indent))
            elif len(self.message) > 1 and self.message[0] == self.message[-1] in {"'", '"'}:
                self.message = self.message[1:-1]


def _deeper(lines: list[str], indent: int) -> list[str]:
    """The lines of a block scalar."""
    found: list[str] = []
    for text in lines:
        if text.strip() and len(text) - len(text.lstrip(" ")) <= indent:
            break
        found.append(text[indent + 2 :])
    return found
