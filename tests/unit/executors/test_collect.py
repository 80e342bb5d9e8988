"""Reading what hostile code left behind."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.executors.collect import CollectLimits, Collector, listing, open_beneath
from app.model import CheckSpec, ReportSpec


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "key").write_text("the service's key")
    place = tmp_path / "out"
    place.mkdir()
    return place


def collected(
    out: Path, *declared: str, limits: CollectLimits | None = None, outputs: str = ""
) -> dict[str, tuple[bytes, str]]:
    handle = os.open(out, os.O_RDONLY | os.O_DIRECTORY)
    check = CheckSpec(
        id="c",
        key="c",
        script="true",
        reports=tuple(ReportSpec(path=path) for path in declared),
        outputs=outputs,
    )
    try:
        files = Collector(handle, limits or CollectLimits()).files(check)
    finally:
        os.close(handle)
    return {file.path or file.declared: (file.content, file.problem) for file in files}


def test_plain_and_globbed_reports(out: Path):
    for path in ("a.xml", "deep/er/b.xml", "c.txt"):
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_text(path)
    assert collected(out, "out/a.xml", "./out/c.txt") == {
        "out/a.xml": (b"a.xml", ""),
        "out/c.txt": (b"c.txt", ""),
    }
    assert collected(out, "out/**/*.xml") == {
        "out/a.xml": (b"a.xml", ""),
        "out/deep/er/b.xml": (b"deep/er/b.xml", ""),
    }
    assert collected(out, "out/*.xml") == {"out/a.xml": (b"a.xml", "")}
    assert collected(out, outputs="out/c.txt") == {"out/c.txt": (b"c.txt", "")}


@pytest.mark.parametrize("declared", ["out/none.xml", "out/*.none", "out/a/b/c"])
def test_missing(out: Path, declared: str):
    assert collected(out, declared)[declared][1] == "missing"


@pytest.mark.parametrize("declared", ["junit.xml", "/etc/passwd", "../key", "outer/x"])
def test_other_places_are_not_read(out: Path, declared: str):
    assert collected(out, declared) == {declared: (b"", "not beneath out/")}


def test_links_pipes_folders_and_ways_out_are_never_followed(out: Path):
    (out / "link").symlink_to("../key")
    (out / "absolute").symlink_to("/etc/passwd")
    (out / "real").write_text("inside")
    (out / "inner").symlink_to("real")
    (out / "folder").symlink_to("..")
    (out / "magic").symlink_to("/proc/self/environ")
    (out / "directory").mkdir()
    os.mkfifo(out / "fifo")
    declared = [
        "link",
        "absolute",
        "inner",
        "folder/key",
        "magic",
        "directory",
        "fifo",
        "../key",
        "x/../../key",
    ]
    for path, (content, problem) in collected(out, *(f"out/{name}" for name in declared)).items():
        assert content == b"", path
        assert problem, path
    globbed = collected(out, "out/*")
    assert {path for path, (_, problem) in globbed.items() if not problem} == {"out/real"}
    assert b"key" not in b"".join(content for content, _ in globbed.values())


def test_limits_of_size(out: Path):
    (out / "a").write_bytes(b"x" * 10)
    (out / "b").write_bytes(b"x" * 11)
    limits = CollectLimits(report=10, reports=15)
    found = collected(out, "out/a", "out/b", limits=limits)
    assert found["out/a"] == (b"x" * 10, "")
    assert "11 bytes" in found["out/b"][1]
    sparse = out / "sparse"
    with sparse.open("wb") as file:
        file.truncate(1 << 40)
    assert "at most" in collected(out, "out/sparse")["out/sparse"][1]


def test_a_directory_without_end_is_cut(out: Path):
    at = out
    for _ in range(60):
        at /= "d"
        at.mkdir()
    (at / "deep.xml").write_text("x")
    for number in range(50):
        (out / f"f{number}").write_text("")
    handle = os.open(out, os.O_RDONLY)
    try:
        few = listing(handle, CollectLimits(entries=20))
        assert (len(few.names), few.cut) == (20, True)
        assert listing(handle, CollectLimits(names=100)).cut
        whole = listing(handle, CollectLimits())
        assert (len(whole.names), whole.cut) == (50, False)
        with pytest.raises(OSError, match="cross-device"):
            open_beneath(handle, "../key")
    finally:
        os.close(handle)


def test_a_glob_that_cannot_be_followed_to_its_end_is_told(out: Path):
    """A part of the reports would look like all of them."""
    for number in range(30):
        (out / f"{number}.xml").write_text("x")
    found = collected(out, "out/*.xml", "out/3.xml", limits=CollectLimits(entries=20))
    assert found == {
        "out/*.xml": (b"", "out/ holds more than 20 files or too long names"),
        "out/3.xml": (b"x", ""),
    }


def test_names_that_cannot_be_kept_leave_the_others(out: Path, tmp_path: Path):
    """Bytes that are no UTF-8 take four characters each; two names may look alike then."""
    (out / os.fsdecode(b"\xff" * 80)).write_bytes(b"too long")
    (out / os.fsdecode(b"a\xff")).write_bytes(b"first")
    (out / "a\\xff").mkdir()
    (out / "a\\xff" / "below").write_bytes(b"beneath a file")
    (out / os.fsdecode(b"b\xff")).write_bytes(b"one")
    (out / "b\\xff").write_bytes(b"another")
    (out / "plain").write_bytes(b"kept")
    handle = os.open(out, os.O_RDONLY)
    try:
        for _ in range(2):  # an attempt that is collected again leaves the same
            kept = Collector(handle, CollectLimits()).artifacts(
                CheckSpec(id="c", key="c", script="true", artifacts=("out/**",)), tmp_path / "store"
            )
            paths = [artifact.path for artifact in kept]
            assert paths.count("out/b\\xff") == 1
            assert "out/plain" in paths
            assert all(Path(artifact.stored).stat().st_size == artifact.size for artifact in kept)
    finally:
        os.close(handle)


def test_artifacts_are_copied_with_odd_names_and_limits(out: Path, tmp_path: Path):
    (out / "html").mkdir()
    (out / "html" / "index.html").write_text("<p>")
    (out / os.fsdecode(b"odd \xff\n.bin")).write_bytes(b"1")
    (out / "large.bin").write_bytes(b"x" * 100)
    (out / "evil").symlink_to("../key")
    check = CheckSpec(
        id="c", key="c", script="true", artifacts=("out/html/", "out/*.bin", "out/evil", "other/x")
    )
    handle = os.open(out, os.O_RDONLY)
    try:
        kept = Collector(handle, CollectLimits(artifacts=50)).artifacts(check, tmp_path / "store")
    finally:
        os.close(handle)
    assert {artifact.path: artifact.size for artifact in kept} == {
        "out/html/index.html": 3,
        "out/odd \\xff\n.bin": 1,
    }
    for artifact in kept:
        artifact.stored.encode()
        assert Path(artifact.stored).is_relative_to(tmp_path / "store")
        assert Path(artifact.stored).stat().st_size == artifact.size
