"""Trees as archives: what goes in is what is seen, what comes out leads nowhere."""

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from app.executors.launcher import FACTS, HEAD_TREE, Bind, Layout, Over
from app.executors.packing import IncompleteError, TooMuchError, pack, plan, unpack

LIMITS = {"most_bytes": 1 << 20, "most_files": 100}


def archive(*entries: tarfile.TarInfo | tuple[str, bytes]) -> io.BytesIO:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                tar.addfile(entry)
            else:
                info = tarfile.TarInfo(entry[0])
                info.size = len(entry[1])
                tar.addfile(info, io.BytesIO(entry[1]))
    file.seek(0)
    return file


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def files(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "x")


def laid(folder: Path, named: dict[str, str]) -> Path:
    for name, text in named.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_what_is_packed_is_what_a_check_sees(tmp_path: Path):
    tree = laid(tmp_path / "tree", {"a.py": "tree", "web/old": "x", "out/tracked": "x", "ruff.toml": "head"})
    (tree / "link").symlink_to("/etc/passwd")
    (tree / "run.sh").write_text("#!/bin/sh")
    (tree / "run.sh").chmod(0o755)
    layer = laid(tmp_path / "layer", {"ruff.toml": "base", "web/new": "cached"})
    layout = Layout(
        tree=tree,
        above=(Over(name="layer", source=layer, hidden=("ruff.toml", "web")),),
        clear=("out", "in"),
        place=tmp_path,
        binds=(
            Bind(source=laid(tmp_path / "facts", {"script": "true"}), at=FACTS),
            Bind(source=laid(tmp_path / "head", {"h": "1"}), at=HEAD_TREE),
            Bind(source=Path("/usr"), at="/usr"),
        ),
        inputs=(Bind(source=laid(tmp_path / "lint", {"r.xml": "<x/>"}), at="/workspace/in/lint"),),
    )
    file = io.BytesIO()
    taken = pack(plan(layout), file)
    assert taken >= 4096 * 6
    target = tmp_path / "disk"
    target.mkdir()
    subprocess.run(["tar", "-xf", "-", "-C", target], input=file.getvalue(), check=True)
    found = sorted(str(path.relative_to(target)) for path in target.rglob("*") if not path.is_dir())
    assert found == [
        *("facts/script", "head/h", "in/lint/r.xml"),
        *("m/a.py", "m/link", "m/ruff.toml", "m/run.sh", "m/web/new"),
    ]
    assert (target / "m/ruff.toml").read_text() == "base"
    assert (target / "m/link").readlink() == Path("/etc/passwd")
    assert os.access(target / "m/run.sh", os.X_OK)
    assert all((target / name).is_dir() for name in ("out", "home", "tmp"))


def test_what_was_left_comes_out_as_it_was(tmp_path: Path):
    source = laid(tmp_path / "source", files("out/a.xml", "out/deep/b.xml"))
    (source / "out/link").symlink_to("/etc/passwd")
    os.mkfifo(source / "out/pipe")
    told = subprocess.run(["tar", "-cf", "-", "-C", source, "out"], capture_output=True, check=True).stdout
    unpack(io.BytesIO(told), tmp_path / "taken", **LIMITS)
    taken = tmp_path / "taken/out"
    assert (taken / "deep/b.xml").read_text() == "x"
    assert (taken / "link").is_symlink()
    assert (taken / "pipe").is_fifo()


def test_an_archive_leads_nowhere(tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    hostile = archive(
        special("out/way", tarfile.SYMTYPE, str(outside)),
        ("out/way/planted", b"x"),
        ("../planted", b"x"),
        (str(outside / "planted"), b"x"),
        ("out/../../outside/planted", b"x"),
        ("planted", b"x"),
        special("out/hard", tarfile.LNKTYPE, "/etc/passwd"),
        special("out/device", tarfile.CHRTYPE),
        ("out/last", b"x"),
    )
    unpack(hostile, tmp_path / "taken", **LIMITS)
    assert list(outside.iterdir()) == []
    assert not (tmp_path / "planted").exists()
    assert sorted(path.name for path in (tmp_path / "taken/out").iterdir()) == ["last", "way"]


def test_too_much_is_refused(tmp_path: Path):
    with pytest.raises(TooMuchError):
        unpack(archive(("out/a", b"x" * (1 << 20)), ("out/b", b"x")), tmp_path / "large", **LIMITS)
    many = archive(*((f"out/{number}", b"") for number in range(101)))
    with pytest.raises(TooMuchError):
        unpack(many, tmp_path / "many", **LIMITS)


def test_an_archive_that_breaks_off_gives_what_came_whole(tmp_path: Path):
    told = archive(("out/a", b"1" * 600), ("out/b", b"2" * 600)).getvalue()
    for length in (1536, 1800, 2048, 3072, 3584):  # between two files, within one, within its end
        with pytest.raises(IncompleteError, match="breaks off"):
            unpack(io.BytesIO(told[:length]), tmp_path / "taken", **LIMITS)
        assert (tmp_path / "taken/out/a").read_bytes() == b"1" * 600
        shutil.rmtree(tmp_path / "taken")
    with pytest.raises(IncompleteError, match="breaks off"):
        unpack(io.BytesIO(b""), tmp_path / "taken", **LIMITS)
    assert list((tmp_path / "taken/out").iterdir()) == []


def test_an_archive_is_whole_with_its_end(tmp_path: Path):
    told = archive(("out/a", b"1" * 600), ("out/b", b"2" * 600)).getvalue()
    unpack(io.BytesIO(told[:4096]), tmp_path / "taken", **LIMITS)
    assert sorted(path.name for path in (tmp_path / "taken/out").iterdir()) == ["a", "b"]
