"""Coverage of new lines is diff-cover's, line by line, over a history with real reports of coverage.py."""

from pathlib import Path

from tests.support.git import Origin
from tests.support.patch_coverage import OURS, Patch, by_diff_cover, by_portcullis, measure
from tests.support.prerequisites import program

SHAPES = """def area(shape, a, b=0):
    if shape == "circle":
        return 3 * a * a
    if shape == "square":
        return a * a
    raise ValueError(shape)
"""
TESTS = """import unittest
from shop import {module}


class Test(unittest.TestCase):
    def test_square(self):
        self.assertEqual({module}.area("square", 2), 4)
"""
LONGER = SHAPES.replace(
    "    raise ValueError(shape)\n",
    '''    if shape == "hexagon":
        """Not
        measured."""
        sides = [
            a
            for _ in range(6)
        ]
        return sum(sides)
    raise ValueError(shape)
''',
)


def test_each_step_of_a_history_is_judged_as_diff_cover_does(tmp_path: Path) -> None:
    program("git")
    origin = Origin(tmp_path / "project")
    origin.write("tests/__init__.py", "")
    origin.write("tests/test_shapes.py", TESTS.format(module="shapes"))
    origin.write("shop/__init__.py", "")
    origin.write("shop/shapes.py", SHAPES)
    origin.commit("begin")
    steps = {
        "a branch that no test runs, a file that none imports": lambda: (
            origin.write("shop/shapes.py", LONGER),
            origin.write("shop/unused.py", "A = 1\n\n\ndef b():\n    return A\n"),
        ),
        "moved, renamed and edited; comments": lambda: (
            origin.git("mv", "shop/shapes.py", "shop/figures.py"),
            origin.write("shop/figures.py", "import math\n\n\n" + LONGER.replace("3 * a", "math.pi * a")),
            origin.write("tests/test_shapes.py", TESTS.format(module="figures")),
            origin.write("shop/unused.py", "# one\nA = 1\n\n\ndef b():\n    # two\n    return A\n"),
        ),
    }
    found = {name: _step(origin, tmp_path, change) for name, change in steps.items()}
    assert [str(ours) for ours, _ in found.values()] == ["0/7", "1/2"]
    for name, (ours, theirs) in found.items():
        assert ours == theirs, name


def _step(origin: Origin, folder: Path, change) -> tuple[Patch, Patch]:
    base = origin.head()
    change()
    origin.commit()
    report = folder / "coverage.xml"
    measure(origin.place, report, "shop", "tests")
    return (
        by_portcullis(origin.place, base, report, folder / "data"),
        by_diff_cover(origin.place, base, report, algorithm=OURS),
    )
