"""Paths that no check could have."""

import pytest

from app.executors.names import fault


@pytest.mark.parametrize("path", ["a", "a/b/c", "x" * 255, "é" * 127, "a/" * 3 + "f"])
def test_paths_as_usual(path: str) -> None:
    assert fault(path, 3) == ""


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("a/" * 4 + "f", "folders 4 deep, at most 3"),
        ("d/" * 1900 + "f", "folders 1900 deep, at most 3"),
        ("x" * 256, "a name of 256 bytes, at most 255"),
        ("a/" + "é" * 128, "a name of 256 bytes, at most 255"),
        ("a/../b", "a path that no file can have"),
        ("./b", "a path that no file can have"),
        ("a//b", "a path that no file can have"),
    ],
)
def test_paths_that_cannot_be_written(path: str, why: str) -> None:
    assert fault(path, 3) == why
