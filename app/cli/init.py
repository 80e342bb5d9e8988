"""`portcullis init`."""

import os
from pathlib import Path

import click

from app.catalogue import catalogue
from app.cli import output
from app.cli.gatefile import GATE_FILE, shown_path
from app.cli.init_file import CONFIGURATIONS, Seen, draft, needed_groups
from app.model import Misconfigured

_PASSED_OVER = frozenset(
    {"node_modules", "vendor", "third_party", "venv", "env", "dist", "build", "target", "__pycache__"}
)
_MOST_FILES = 100_000
_MOST_BYTES = 256 * 1024


def _root(folder: Path) -> Path:
    """The repository around a folder, else the folder."""
    return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), folder)


def look(root: Path) -> Seen:
    """What lies beneath `root`; hidden folders (but .github) and other people's code are passed over."""
    paths: list[str] = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if name not in _PASSED_OVER and (not name.startswith(".") or name == ".github")
        )
        inside = Path(folder).relative_to(root)
        paths += [(inside / name).as_posix() for name in sorted(files)]
        if len(paths) > _MOST_FILES:
            break
    texts = {}
    for name in CONFIGURATIONS:
        if (root / name).is_file():
            with (root / name).open("rb") as file:
                texts[name] = file.read(_MOST_BYTES).decode("utf-8", "replace")
    return Seen(paths=tuple(paths[:_MOST_FILES]), texts=texts)


def _write(target: Path, text: str) -> None:
    """Write a file that is not there yet. Raises Misconfigured."""
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Misconfigured(
            f"{shown_path(target)} is there already, and is left as it is",
            hint="see what would be written: portcullis init",
        ) from None
    except OSError as error:
        raise Misconfigured(f"cannot write {shown_path(target)}: {error.strerror}") from error


@click.command("init", short_help="Write a first gate file that fits a repository.")
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--write", is_flag=True, help=f"Write it to {GATE_FILE}, if there is none, instead of printing."
)
def command(*, folder: Path | None, write: bool) -> None:
    """Look at a repository and draft a gate file that fits it.

    FOLDER is the repository (the one around the current folder if left out). Its languages, tests,
    configuration and CI decide which presets are used; each line says what it is for and what to try next.
    """
    root = _root((folder or Path.cwd()).resolve())
    presets = catalogue().presets
    text = draft(look(root), presets)
    if write:
        _write(root / GATE_FILE, text)
        output.note(f"wrote {shown_path(root / GATE_FILE)}")
        output.hint("try it here: portcullis run")
    else:
        output.data(text.rstrip("\n"))
    groups = needed_groups(text, presets)
    if groups:
        output.hint(
            f"its checks need more of the toolbox: portcullis toolbox install basic {' '.join(groups)}"
        )
