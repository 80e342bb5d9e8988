"""Licence expressions against lists."""

import pytest

from app.language import licence_problem, licence_standing
from app.model import Licences

ALLOW = Licences(allow=("MIT", "Apache-2.0", "BSD-*", "LicenseRef-Ours"))
DENY = Licences(deny=("GPL-*", "AGPL-*"))


@pytest.mark.parametrize(
    ("expression", "allowed", "denied"),
    [
        ("MIT", "allowed", "allowed"),
        ("mit", "allowed", "allowed"),
        ("BSD-3-Clause", "allowed", "allowed"),
        ("GPL-2.0-only", "denied", "denied"),
        ("GPL-2.0+", "denied", "denied"),
        ("Zlib", "denied", "allowed"),
        ("MIT OR GPL-3.0-only", "allowed", "allowed"),
        ("MIT AND GPL-3.0-only", "denied", "denied"),
        ("MIT AND (GPL-3.0-only OR Apache-2.0)", "allowed", "allowed"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "denied", "denied"),
        ("Apache-2.0 WITH LLVM-exception", "allowed", "allowed"),
        ("LicenseRef-Ours", "allowed", "unknown"),
        ("LicenseRef-Theirs", "unknown", "unknown"),
        ("Fancy Licence", "unknown", "unknown"),
        ("MIT OR LicenseRef-Theirs", "allowed", "allowed"),
        ("MIT AND LicenseRef-Theirs", "unknown", "unknown"),
        ("GPL-3.0-only AND LicenseRef-Theirs", "denied", "denied"),
        ("GPL-3.0-only OR LicenseRef-Theirs", "unknown", "unknown"),
        ("", "unknown", "unknown"),
        ("()", "unknown", "unknown"),
        ("MIT AND", "unknown", "unknown"),
        ("MIT/X11", "unknown", "unknown"),
        ("<script>", "unknown", "unknown"),
    ],
)
def test_how_a_licence_stands(expression: str, allowed: str, denied: str) -> None:
    assert licence_standing(expression, ALLOW) == allowed
    assert licence_standing(expression, DENY) == denied


def test_an_exception_may_be_listed_apart() -> None:
    lists = Licences(allow=("GPL-2.0-only WITH Classpath-exception-2.0",), deny=("GPL-*",))
    assert licence_standing("GPL-2.0-only", lists) == "denied"
    only = Licences(allow=("GPL-2.0-only WITH Classpath-exception-2.0",))
    assert licence_standing("GPL-2.0-only WITH Classpath-exception-2.0", only) == "allowed"
    assert licence_standing("GPL-2.0-only", only) == "denied"


def test_both_lists_and_none() -> None:
    both = Licences(allow=("*",), deny=("AGPL-*",))
    assert licence_standing("AGPL-3.0-only", both) == "denied"
    assert licence_standing("MIT", both) == "allowed"
    assert licence_standing("MIT", Licences()) == "denied"


def test_deep_expressions_end() -> None:
    deep = "MIT"
    for _ in range(150):
        deep = f"({deep} AND (ISC OR Zlib))"
    assert licence_standing(deep, Licences(allow=("MIT", "ISC"))) in {"allowed", "unknown"}
    assert licence_standing("(" * 5_000 + "MIT", ALLOW) == "unknown"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("MIT", ""),
        ("GPL-*", ""),
        ("*", ""),
        ("LicenseRef-Anything", ""),
        ("GPL-2.0-only WITH Classpath-exception-2.0", ""),
        ("mit", "did you mean 'MIT'?"),
        ("GPL-2.0+", "did you mean 'GPL-2.0-or-later'?"),
        ("Apache-2", "did you mean 'Apache-2.0'?"),
        ("GPL-2.0-only WITH Classpath-exception-2", "did you mean 'Classpath-exception-2.0'?"),
        ("Nothing-like-it-at-all", "see https://spdx.org/licenses"),
        ("Nope-*", "see https://spdx.org/licenses"),
        ("MIT OR ISC", "list each licence by itself"),
    ],
)
def test_entries_of_a_list(name: str, problem: str) -> None:
    assert licence_problem(name) == problem
