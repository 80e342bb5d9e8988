"""The demo's project: a small shop in Python, a pull request with three flaws, and its mending."""

from typing import Final

GATE_FILE: Final = """\
version: 1
checks:
  lint: {use: ruff}
  test: {use: pytest, args: --cov=shop --cov-branch}
gate:
  - tests.new_failed == 0
  - coverage.new >= 80%
  - findings('high', 'new') == 0
"""

PRICES: Final = '''\
"""Prices of a basket, in cents."""


def total(prices: list[int]) -> int:
    """What a basket costs."""
    return sum(prices)


def cheapest(prices: list[int]) -> int:
    """The lowest price of a basket; 0 for an empty one."""
    return min(prices, default=0)
'''

TEST_PRICES: Final = """\
from shop.prices import cheapest, total


def test_total():
    assert total([250, 100]) == 350


def test_cheapest():
    assert cheapest([250, 100]) == 100
    assert cheapest([]) == 0
"""

FIRST: Final[dict[str, str]] = {
    ".portcullis.yml": GATE_FILE,
    "README.md": "# shop\n\nA very small shop.\n",
    "shop/__init__.py": '"""A very small shop."""\n',
    "shop/prices.py": PRICES,
    "tests/test_prices.py": TEST_PRICES,
    "conftest.py": "",
}

FLAWED: Final[dict[str, str]] = {
    "shop/prices.py": PRICES.replace("    return sum(prices)\n", ""),
    "shop/discount.py": '''\
"""Discounts on a basket."""


def discount(prices: list[int], code: str) -> int:
    """How much a code takes off, in cents."""
    if not code:
        return 0
    if code == "HALF":
        return sum(prices) // 2
    if code == "TEN":
        return sum(prices) // 10
    if code.startswith("FIX"):
        amount = int(code.removeprefix("FIX"))
        return min(amount, sum(prices))
    return best_offer(prices)


def label(code: str) -> str:
    """What the receipt says."""
    if code == "HALF":
        return "half price"
    if code == "TEN":
        return "ten per cent off"
    return code.lower()
''',
}

MENDED: Final[dict[str, str]] = {
    "shop/prices.py": PRICES,
    "shop/discount.py": FLAWED["shop/discount.py"].replace(
        "    return best_offer(prices)\n", "    return 0\n"
    ),
    "tests/test_discount.py": """\
import pytest

from shop.discount import discount, label


@pytest.mark.parametrize(
    ("code", "off"), [("", 0), ("HALF", 175), ("TEN", 35), ("FIX100", 100), ("FIX999", 350), ("ODD", 0)]
)
def test_discount(code, off):
    assert discount([250, 100], code) == off


def test_label():
    assert label("HALF") == "half price"
    assert label("TEN") == "ten per cent off"
    assert label("ODD") == "odd"
""",
}
