"""What is blanked for a second look, and that all is there again afterwards."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from app.presets import PRESETS
from app.presets.unheeded import silenced

BY_NAME = {preset.name: preset for preset in PRESETS}

LINES = {
    "mypy": (
        'lines.append("from x import y  # type: ignore[attr]")  # and more',
        "# mypy: ignore-errors",
        '# mypy: disable-error-code="x"',
    ),
    "pyright": ("print('x  # pyright: ignore[a]')", "print('x  # type: ignore')"),
    "vulture": ('print("import os  # noqa")', "x  # NOQA: F401"),
    "ast-grep": ('message: "or write # ast-grep-ignore: no-foo"',),
    "shellcheck": ("echo '# shellcheck disable=SC2086'",),
    "yamllint": ('a: ["# yamllint disable-line rule:x"]', "# yamllint disable"),
    "markdownlint": ("`<!-- markdownlint-disable-line MD034 -->`", "<!-- MARKDOWNLINT-DISABLE -->"),
    "codespell": ('print("# codespell:ignore word")', "# codespell:ignore-next-line"),
}


def blanked(use: str, text: str) -> str:
    """What the preset's second look makes of it."""
    said = re.split(r"again=\$\(\S+ -I - ", BY_NAME[use].script)[1]
    words = shlex.shlex(said, posix=True)
    words.whitespace_split = True
    comment = words.get_token() or ""
    return re.sub(comment.encode(), lambda found: b"x" * len(found[0]), text.encode()).decode()


def test_every_preset_that_blanks_is_here():
    assert set(LINES) == {preset.name for preset in PRESETS if "again=$(" in preset.script}


@pytest.mark.parametrize(("use", "line"), [(use, line) for use in LINES for line in LINES[use]])
def test_only_the_marker_is_blanked(use: str, line: str):
    """Else the quote that ends a string goes, and the tool cannot read the file."""
    blank = blanked(use, line)
    assert blank != line
    assert len(blank) == len(line)
    assert re.sub(r"[^'\"`)\]#]", "", blank) == re.sub(r"[^'\"`)\]#]", "", line)
    assert blanked(use, blank) == blank


def test_a_marker_ends_with_its_line():
    for use, text in (("vulture", "#\nnoqa = 1\n"), ("mypy", "#\ntype: ignore\n")):
        assert blanked(use, text) == text


def test_the_second_look_sees_blanked_files_and_leaves_them_as_they_were(tmp_path: Path):
    (tmp_path / "look").write_text('cat "$1"/*.py "$1"/out/* "$1"/in/*\n')
    tree = tmp_path / "tree"
    for name in ("a.py", "b.py", "spared.py", "out/c", "in/d"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(f"{name} hide\n")
        (tree / name).chmod(0o444)
    lines = silenced(f"bash {tmp_path}/look {tree}", "hide", f"{tmp_path}/again", "0", spared="spared.*")
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", f"status=9\n{lines}"],
        env={"PORTCULLIS_OUT": str(tree / "out"), "PORTCULLIS_TOOLBOX": str(Path(sys.executable).parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    seen = (tmp_path / "again").read_text().splitlines()
    assert seen == ["a.py xxxx", "b.py xxxx", "spared.py hide", "out/c hide", "in/d hide"]
    for path in tree.rglob("*.*"):
        assert path.read_text() == f"{path.name} hide\n"
        assert path.stat().st_mode & 0o777 == 0o444
