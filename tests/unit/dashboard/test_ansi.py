"""Logs as HTML: colours of ours, text of theirs, nothing else."""

import html
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.dashboard import ansi_html

HOSTILE = st.text(alphabet="\x1b[]();:?0123456789mKJHx<>&\"'\\\x07\r\n\x08ab\u202e", max_size=80)


@settings(max_examples=500)
@given(st.one_of(HOSTILE, st.text(max_size=80)))
def test_whatever_comes_only_our_spans_come_out(text: str) -> None:
    rendered = str(ansi_html(text))
    for tag in re.findall(r"<[^>]*>", rendered):
        assert re.fullmatch(r'</span>|<span class="(?:b|dim|i|u|c1?[0-9]| )+">', tag)
    shown = html.unescape(re.sub(r"<[^>]*>", "", rendered))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown)


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("plain <b>", "plain &lt;b&gt;"),
        ("\x1b[31mred\x1b[0m not", '<span class="c1">red</span> not'),
        (
            "\x1b[1;92mbold\x1b[22m green\x1b[m.",
            '<span class="b c10">bold</span><span class="c10"> green</span>.',
        ),
        ("\x1b[2;3;4mx\x1b[23;24my", '<span class="dim i u">x</span><span class="dim">y</span>'),
        ("\x1b[38;5;9mx\x1b[39my", '<span class="c9">x</span>y'),
        ("\x1b[31;38;5;200mx", "x"),
        ("\x1b[38;2;1;2;3;1mx", '<span class="b">x</span>'),
        ("\x1b[48;5;1mx\x1b[48;2;1;1;1my", "xy"),
        ("\x1b[38mx\x1b[38;5mx", "xx"),
        ("10%\r50%\r100%\ndone", "100%\ndone"),
        ("crlf\r\nnext\r", "crlf\nnext"),
        ("\x1b]0;title\x07a\x1b]8;;http://x\x1b\\b\x1b]8;;\x1b\\", "ab"),
        ("\x1b[2J\x1b[10;10Ha\x1b[?25l\x1b(Bb\x1bcc", "abc"),
        ("\x1b[999999999999mx", "x"),
        ("\x1b", ""),
        ("a\tb", "a    b"),
        ("", ""),
    ],
)
def test_what_a_terminal_would_draw(text: str, rendered: str) -> None:
    assert str(ansi_html(text)) == rendered


def test_long_output_is_quick() -> None:
    text = "\x1b[32mPASSED\x1b[0m tests/test_a.py::test_b ünïcode\r\n" * 4000
    assert str(ansi_html(text)).count('<span class="c2">PASSED</span>') == 4000


def test_what_has_too_many_styles_is_plain_from_there_on() -> None:
    rendered = str(ansi_html("\x1b[1mx\x1b[my" * 30_000 + "\x1b[31mend"))
    assert rendered.startswith('<span class="b">x</span>y<span class="b">x</span>')
    assert rendered.count("<span") == 10_000
    assert rendered.endswith("xyxyend")


def test_neighbours_of_one_style_are_one_piece() -> None:
    assert str(ansi_html("\x1b[1ma\x1b[1mb\x1b[0;1mc")) == '<span class="b">abc</span>'


@pytest.mark.parametrize("text", ["\x1b[" * 100_000, "\x1b]" * 100_000, "\r" * 300_000, "\x1bP" * 100_000])
def test_output_made_to_be_slow_is_not(text: str) -> None:
    assert len(str(ansi_html(text))) < 300_000
