"""Hostile text: whatever it is, it shows as text, rings nobody, and closes nothing of ours."""

import html
import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from app.publish import clean

GFM = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
PLAIN = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="`*_[]()<>#@!|~\\&;:/.$-+=1aw \n\t\r\x1b\u202e\u200b", max_size=60),
)
GAP = "\u200b"


def text_of(rendered: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", rendered))


@settings(max_examples=400)
@given(PLAIN)
@example("- item")
@example("1. item")
@example("12345678) x")
@example("=== ")
@example("&lt;script&gt;&amp;")
@example("[a](javascript:alert(1))")
@example("a  \nb")
@example("    code")
@example("a\\|b \\` `x`")
@example("https://evil.example www.evil.example GH-12")
@example("_www.evil.example _GH-12")
@example("++++")
def test_escaped_text_is_one_paragraph_that_shows_exactly_that_text(text: str) -> None:
    shown = clean.line(text, 500)
    rendered = GFM.render(clean.escape(text))
    if not shown:
        assert not rendered.strip()
        return
    assert re.findall(r"</?[a-zA-Z][^>]*>", rendered) == ["<p>", "</p>"]
    assert text_of(rendered).strip("\n").replace(GAP, "") == shown


@settings(max_examples=300)
@given(PLAIN)
def test_escaped_text_stays_in_its_table_cell(text: str) -> None:
    rendered = GFM.render(f"| a | b |\n| --- | --- |\n| {clean.escape(text)} | {clean.code(text)} |")
    cells = re.findall(r"<td>(.*?)</td>", rendered, re.DOTALL)
    assert len(cells) == 2
    assert text_of(cells[0]).replace(GAP, "") == clean.line(text, 500)
    assert text_of(cells[1]).replace(GAP, "") == clean.line(text, 200)


@given(PLAIN)
@example("_www.evil.example _GH-12 www.evil.example")
def test_escaped_text_rings_nobody_and_refers_to_nothing(text: str) -> None:
    seen = text_of(GFM.render(clean.escape(text)))
    assert not re.search(r"@[\w-]", seen)
    assert not re.search(r"#\d", seen)
    assert "://" not in seen
    assert not re.search(r"(?i)(?<![^\W_])www\.", seen)
    assert not re.search(r"(?i)(?<![^\W_])gh-\d", seen)


@given(PLAIN)
def test_code_shows_the_text_and_nothing_else_is_markup(text: str) -> None:
    shown = clean.line(text, 200)
    rendered = GFM.render(f"x {clean.code(text)} y")
    assert set(re.findall(r"</?([a-zA-Z]+)", rendered)) <= {"p", "code"}
    assert text_of(rendered).strip().replace(GAP, "") == (f"x {shown} y" if shown else "x  y")


@settings(max_examples=300)
@given(PLAIN)
@example("```\n</details>\n````\n@all")
def test_nothing_inside_closes_a_fence(text: str) -> None:
    rendered = GFM.render(f"<details>\n\n{clean.fence(text)}\n\n</details>\n\nafter")
    body = re.fullmatch(
        r'<details>\n<pre><code class="language-text">(.*?)\n?</code></pre>\n</details>\n<p>after</p>\n',
        rendered,
        re.DOTALL,
    )
    assert body is not None
    assert html.unescape(body[1]).strip("\n") == clean.block(text).strip("\n")


@given(PLAIN)
def test_cleaned_text_holds_nothing_invisible(text: str) -> None:
    for char in clean.block(text).replace("\n", ""):
        assert unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert "\n" not in clean.line(text)


@given(PLAIN, st.integers(1, 80))
def test_lines_keep_their_limit(text: str, limit: int) -> None:
    assert len(clean.line(text, limit)) <= limit


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;https://evil.example\x07click\x1b]8;;\x07", "click"),
        ("a\u202eb", "a\ufffdb"),
        ("zero\u200bwidth", "zerowidth"),
        ("nul\x00bell\x07", "nul bell"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("tab\tand\r\nlines", "tab and lines"),
        ("", ""),
    ],
)
def test_what_a_terminal_would_obey_is_gone(hostile: str, harmless: str) -> None:
    assert clean.line(hostile) == harmless


def test_a_huge_line_costs_little() -> None:
    assert len(clean.line("a b" * 10_000_000, 100)) == 100
    assert len(clean.escape("@" * 10_000_000)) < 5000


def test_middle_cut_keeps_head_and_tail_and_says_so() -> None:
    text = "a" * 5000 + "middle" + "z" * 5000
    kept = clean.middle_cut(text, 300)
    assert kept.startswith("a" * 100)
    assert kept.endswith("z" * 200)
    assert "9,706 characters left out" in kept


def test_fit_drops_whole_blocks_and_says_where_the_rest_is() -> None:
    blocks = ["one " * 10, "two " * 10, "three " * 10]
    assert clean.fit(blocks, 10_000, "more") == "\n\n".join(blocks)
    fitted = clean.fit(blocks, 100, "more")
    assert fitted == f"{blocks[0]}\n\n{blocks[1]}\n\nmore"
    assert clean.size(fitted) <= 100
    assert clean.fit(["é" * 100], 50, "more") == "more"
