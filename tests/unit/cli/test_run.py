"""What checks say on the terminal of somebody who runs them."""

import io
import re

import pytest
from rich.console import Console

from app.cli.run import Board
from app.model import CheckResult, Conclusion, Status

SGR = re.compile(r"\x1b\[[0-9;:]*m")
HOSTILE = {
    "full reset": b"\x1bc",
    "screen of E": b"\x1b#8",
    "clear": b"\x1b[2J\x1b[H",
    "clear by one byte": "\x9b2J".encode(),
    "clipboard": b"\x1b]52;c;ZXZpbA==\x07",
    "clipboard by one byte": "\x9d52;c;ZXZpbA==\x9c".encode(),
    "link": b"\x1b]8;;http://evil/\x1b\\github.com\x1b]8;;\x1b\\",
    "link with a colour in it": b"\x1b]8;;\x1b[0mhttp://evil/\x1b\\github.com\x1b]8;;\x1b\\",
    "title": b"\x1b]0;evil\x07",
    "device control": b"\x1bP$q\x1b\\",
    "reordered": "a \u202egnp.exe".encode(),
    "lone escape": b"\x1b",
    "escape before escape": b"a\x1b\x1bcb",
    "split by a colour": b"\x1b\x1b[31mc",
    "long number": b"\x1b[" + b"9" * 5000 + b"mtext",
    "bell and backspace": b"a\x07\x08\x7fb",
}


def board(written: io.StringIO, *, verbose: bool = True) -> Board:
    console = Console(file=written, force_terminal=True, color_system="standard", soft_wrap=True, width=80)
    return Board(console, verbose=verbose)


@pytest.mark.parametrize("said", HOSTILE.values(), ids=HOSTILE)
def test_nothing_but_colours_reaches_the_terminal(said: bytes):
    written = io.StringIO()
    board(written).said("test", said)
    plain = SGR.sub("", written.getvalue())
    assert plain.startswith("test | ")
    assert plain.removesuffix("\n").isprintable()


def test_colours_stay():
    written = io.StringIO()
    board(written).said("test", "\x1b[1;31mfailed\x1b[0m: é".encode())
    assert "\x1b[1;31mfailed\x1b[0m: é" in written.getvalue()


def test_nor_does_the_end_of_a_failed_check_or_its_reason():
    written = io.StringIO()
    quiet = board(written, verbose=False)
    quiet.said("test", b"\x1bcgone\n")
    reason = "out/\x1b]52;c;ZXZpbA==\x07\u202ex.xml: not found"
    quiet.move(
        CheckResult(
            key="test", id="test", status=Status.COMPLETED, conclusion=Conclusion.FAILURE, reason=reason
        )
    )
    plain = SGR.sub("", written.getvalue())
    assert "gone" in plain
    assert "not found" in plain
    assert plain.replace("\n", "").isprintable()
