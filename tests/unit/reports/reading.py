"""The samples (real files, written by the tools themselves in /workspace) and short words to read bytes."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.model import AuthorFault, ReportContent, ReportSpec
from app.reports import ReadContext, ingest

SAMPLES = Path(__file__).parent / "samples"

TREE = {
    "src/shop/__init__.py": b'"""A small shop."""\n',
    "src/shop/prices.py": (SAMPLES / "shop/prices.py.txt").read_bytes(),
    "src/shop/orders.py": (SAMPLES / "shop/orders.py.txt").read_bytes(),
    "src/shop/refunds.py": (SAMPLES / "shop/refunds.py.txt").read_bytes(),
    "src/shop/stock.py": (SAMPLES / "shop/stock.py.txt").read_bytes(),
    ".github/workflows/ci.yml": (SAMPLES / "shop/ci.yml.txt").read_bytes(),
    "tests/test_shop.py": b"",
    "web/broken.js": (SAMPLES / "shop/broken.js.txt").read_bytes(),
    "web/cart.js": (SAMPLES / "shop/cart.js.txt").read_bytes(),
    "deploy/Dockerfile": (SAMPLES / "shop/Dockerfile.txt").read_bytes(),
    "deploy/build.sh": (SAMPLES / "shop/build.sh.txt").read_bytes(),
    "deploy/start.sh": (SAMPLES / "shop/start.sh.txt").read_bytes(),
    "deploy/app.yml": (SAMPLES / "shop/app.yml.txt").read_bytes(),
    "deploy/settings.env": (SAMPLES / "shop/settings.env.txt").read_bytes(),
    "requirements.txt": b"jinja2==2.11.2\n",
    "package-lock.json": b"{}\n",
    "web/prices.js": (SAMPLES / "shop/prices.js.txt").read_bytes(),
    "web/test/cart.test.js": b"",
    "web/test/tape.js": b"",
    "pay/src/main/java/com/acme/shop/Payment.java": (SAMPLES / "shop/Payment.java.txt").read_bytes(),
    "till/go.mod": (SAMPLES / "shop/go.mod.txt").read_bytes(),
    "till/till.go": (SAMPLES / "shop/till.go.txt").read_bytes(),
    "till/money/money.go": (SAMPLES / "shop/money.go.txt").read_bytes(),
    "infra/main.tf": (SAMPLES / "shop/main.tf.txt").read_bytes(),
}
SHOP = ReadContext(tree_paths=lambda: frozenset(TREE), sources=TREE.get)


def sample(name: str, context: ReadContext = SHOP) -> ReportContent:
    return ingest((SAMPLES / name).read_bytes(), ReportSpec(path=f"out/{name}"), context=context)


def raw(name: str) -> Any:
    """A sample as plain values, to be changed."""
    return json.loads((SAMPLES / name).read_bytes())


def read(content: bytes | str, name: str = "", context: ReadContext | None = None) -> ReportContent:
    raw = content.encode() if isinstance(content, str) else content
    return ingest(raw, ReportSpec(path="out/report", format=name), context=context or ReadContext())


def fault(content: bytes | str, name: str = "", context: ReadContext | None = None) -> str:
    with pytest.raises(AuthorFault) as caught:
        read(content, name, context)
    assert caught.value.message
    return caught.value.message
