"""What the README tells a newcomer to write is valid, whole and without a remark."""

import re

import pytest

from app.catalogue import catalogue
from app.plan import parse
from tests.support.prerequisites import REPOSITORY

README = (REPOSITORY / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
CHECKS = "version: 1\nchecks:\n  lint: {use: ruff}\n  test: {use: pytest, args: --cov=src --cov-branch}\n"


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[1].strip())
def test_every_example_is_valid(block):
    text = block if block.startswith("version:") else CHECKS + block
    parsed = parse(text.encode(), "README.md", catalogue())
    assert parsed.diagnostics == ()
    assert parsed.gatefile is not None


def test_the_examples_show_what_a_newcomer_needs():
    keys = (
        *("use", "run", "external", "args", "needs", "when", "after", "matrix", "required", "timeout"),
        *(
            "retry",
            "exit_codes",
            "reports",
            "env",
            "resources",
            "defaults",
            "gate",
            "expect",
            "require",
            "any",
        ),
    )
    assert [key for key in keys if not re.search(rf"\b{key}:", "".join(BLOCKS))] == []
    assert "PORTCULLIS_TOOLCHAINS=" in README
