"""Which lines of a comment are commands: at column 1, outside quotes, code and HTML; in doubt none."""

import time

import pytest

from app.engine.reading_commands import read_commands


@pytest.mark.parametrize(
    ("body", "verbs"),
    [
        ("/portcullis recheck", ["recheck"]),
        ("Please\n\n/portcullis recheck lint\n\nthanks", ["recheck"]),
        ("/portcullis recheck\r\n/portcullis explain\r\n", ["recheck", "explain"]),
        ("/portcullis", [""]),
        ("/portcullis\trecheck", ["recheck"]),
        ("/PORTCULLIS recheck", []),
        ("/portcullisrecheck", []),
        (" /portcullis recheck", []),
        ("see /portcullis recheck", []),
        ("> /portcullis recheck", []),
        ("> you wrote\n/portcullis recheck", []),
        ("> you wrote\n\n/portcullis recheck", ["recheck"]),
        ("```\n/portcullis recheck\n```", []),
        ("   ```sh\n/portcullis recheck\n   ```", []),
        ("````\n```\n/portcullis recheck\n```\n````\n/portcullis explain", ["explain"]),
        ("~~~\n/portcullis recheck\n```\n/portcullis recheck\n~~~\n/portcullis explain", ["explain"]),
        ("```\n/portcullis recheck", []),
        ("- ```\n/portcullis recheck\n  ```", []),
        ("``` not closed ```x\n/portcullis recheck", []),
        ("`a\n/portcullis recheck\nb`", []),
        ("``a ` b\n/portcullis recheck\n``", []),
        ("one ` tick\n/portcullis recheck", ["recheck"]),
        ("one ` tick\n\n/portcullis recheck\n\nand ` another", ["recheck"]),
        ("use `<pre>` here\n/portcullis recheck", ["recheck"]),
        ("<pre>\n/portcullis recheck\n</pre>", []),
        ("<!--\n/portcullis recheck\n-->\n/portcullis explain", ["explain"]),
        ("<!--\n/portcullis recheck", []),
        ("<blockquote>\n\n/portcullis recheck\n</blockquote>", []),
        ("<details>\n\n/portcullis recheck\n\n</details>", ["recheck"]),
        ("", []),
    ],
)
def test_lines(body, verbs):
    assert [command.verb for command in read_commands(body)] == verbs


def test_words_and_text():
    (command,) = read_commands("/portcullis  ok-to-test  ABC1234   ")
    assert (command.verb, command.words) == ("ok-to-test", ("ABC1234",))


@pytest.mark.parametrize(
    "body",
    [
        "`a" * 32_000,
        " ".join("`" * (n % 350 + 1) for n in range(350)) + "x" * 4000,
        "<pre" * 16_000,
        "</pre " * 10_000,
        "> " * 32_000 + "\n" + "- " * 16_000 + "```",
        "\n" * 65_000,
    ],
)
def test_hostile_bodies_are_read_at_once(body):
    started = time.process_time()
    read_commands(body)
    assert time.process_time() - started < 5  # a quadratic reader takes minutes
