"""Cache entries on the disk: whole or not there, never evicted from under somebody."""

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.executors.cache_copy import TooLarge
from app.executors.caches import CacheLimits, Caches

ONE, TWO, THREE = (f"forge-1/base/{digit * 64}" for digit in "123")


@pytest.fixture
def caches(tmp_path: Path) -> Caches:
    return Caches(tmp_path / "caches")


@pytest.fixture
def view(tmp_path: Path) -> Iterator[int]:
    """What a check left."""
    place = tmp_path / "view"
    (place / "deps" / "lib").mkdir(parents=True)
    (place / "deps" / "lib" / "a.py").write_text("print(1)\n")
    (place / "one-file").write_text("x")
    handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    yield handle
    os.close(handle)


def test_an_entry_is_as_it_was_left(caches: Caches, view: int, tmp_path: Path) -> None:
    at = 1_700_000_000
    os.utime(tmp_path / "view/deps/lib/a.py", (at, at))
    assert caches.keep(ONE, [view], ["deps", "one-file", "absent"])
    taken = caches.take([TWO, ONE])
    assert taken is not None
    assert taken.name == ONE
    assert (taken.content / "deps/lib/a.py").read_text() == "print(1)\n"
    assert (taken.content / "deps/lib/a.py").stat().st_mtime == at
    assert (taken.content / "one-file").read_text() == "x"
    taken.close()
    assert caches.take([TWO]) is None


def test_nothing_left_is_no_entry_and_the_first_stays(caches: Caches, view: int, tmp_path: Path) -> None:
    assert not caches.keep(ONE, [view], ["absent", "deps/absent"])
    assert caches.keep(ONE, [view], ["deps"])
    (tmp_path / "view/deps/lib/a.py").write_text("other")
    assert not caches.keep(ONE, [view], ["deps"])
    taken = caches.take([ONE])
    assert taken is not None
    assert (taken.content / "deps/lib/a.py").read_text() == "print(1)\n"
    taken.close()
    assert not list(caches.place.glob("new-*"))


def test_the_first_view_that_has_a_path_counts(caches: Caches, view: int, tmp_path: Path) -> None:
    (tmp_path / "upper").mkdir()
    empty = os.open(tmp_path / "upper", os.O_RDONLY | os.O_DIRECTORY)
    assert caches.keep(ONE, [empty, view], ["deps"])
    os.close(empty)


@pytest.fixture
def source(tmp_path: Path) -> Iterator[int]:
    """The tree that the view is a copy of."""
    place = tmp_path / "source"
    place.mkdir()
    handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    yield handle
    os.close(handle)


def test_what_the_source_has_is_not_kept(caches: Caches, view: int, source: int, tmp_path: Path) -> None:
    shutil.copytree(tmp_path / "view", tmp_path / "source", dirs_exist_ok=True)
    assert not caches.keep(ONE, [view], ["deps", "one-file", "deps/lib/a.py"], [source])
    place = tmp_path / "view/deps"
    (place / "lib/a.py").write_text("changed\n")
    (place / "lib/new.py").write_text("new\n")
    (place / "empty").mkdir()
    (place / "link").symlink_to("lib")
    assert caches.keep(ONE, [view], ["deps"], [source])
    content = caches.place / ONE / "content"
    found = sorted(str(path.relative_to(content)) for path in content.rglob("*"))
    assert found == ["deps", "deps/empty", "deps/lib", "deps/lib/new.py", "deps/link"]


def test_what_took_the_place_of_something_of_the_source_is_not_kept(
    caches: Caches, view: int, source: int, tmp_path: Path
) -> None:
    (tmp_path / "source/deps").symlink_to("elsewhere")
    (tmp_path / "source/one-file").mkdir()
    assert not caches.keep(ONE, [view], ["deps", "deps/lib", "deps/lib/a.py", "one-file"], [source])
    (tmp_path / "source/deps").unlink()
    (tmp_path / "source/deps/lib/a.py").mkdir(parents=True)
    assert not caches.keep(ONE, [view], ["deps", "deps/lib/a.py"], [source])
    (tmp_path / "source/deps/lib/a.py").rmdir()
    assert caches.keep(ONE, [view], ["deps"], [source])


def test_an_entry_of_which_this_machine_could_not_read_all_is_not_kept(
    caches: Caches, view: int, source: int
) -> None:
    """Out of file handles: what the tree has cannot be told from what is new."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    last = os.open(os.devnull, os.O_RDONLY)
    os.close(last)
    try:
        for more in range(1, 12):
            resource.setrlimit(resource.RLIMIT_NOFILE, (last + more, hard))
            try:
                kept = caches.keep(ONE, [view], ["deps", "one-file"], [source])
            except OSError as error:
                assert error.errno == errno.EMFILE  # noqa: PT017 - it may as well succeed
            else:
                assert kept
                break
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    content = caches.place / ONE / "content"
    assert sorted(path.name for path in content.rglob("*")) == ["a.py", "deps", "lib", "one-file"]


def test_a_link_is_never_followed(caches: Caches, view: int, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("k")
    (tmp_path / "view/out").symlink_to(secret)
    (tmp_path / "view/deps/out").symlink_to(secret)
    assert not caches.keep(ONE, [view], ["out", "out/key", "deps/../../secret"])
    assert caches.keep(TWO, [view], ["deps"])
    taken = caches.take([TWO])
    assert taken is not None
    assert (taken.content / "deps/out").is_symlink()
    taken.close()


def test_the_limits_of_one_entry(tmp_path: Path, view: int) -> None:
    small = Caches(tmp_path / "small", limits=CacheLimits(entry_bytes=4))
    with pytest.raises(TooLarge, match="more than 0 MiB"):
        small.keep(ONE, [view], ["deps"])
    few = Caches(tmp_path / "few", limits=CacheLimits(entry_files=1))
    with pytest.raises(TooLarge, match="more than 1 files"):
        few.keep(ONE, [view], ["deps"])
    assert small.take([ONE]) is None
    assert not list(small.place.iterdir())


def test_an_entry_is_never_kept_in_part(caches: Caches, view: int, tmp_path: Path) -> None:
    deep = tmp_path / "view/deps" / "/".join("d" * 70)
    deep.mkdir(parents=True)
    (deep / "leaf").write_text("x")
    with pytest.raises(TooLarge, match="folders more than 60 deep"):
        caches.keep(ONE, [view], ["deps"])
    assert caches.take([ONE]) is None


def test_what_changes_keep_goes_before_what_the_target_keeps(tmp_path: Path, view: int) -> None:
    (tmp_path / "view/deps/big").write_bytes(b"x" * 1000)
    caches = Caches(tmp_path / "caches", limits=CacheLimits(total_bytes=2500))
    base = [f"forge-{number}/base/abc" for number in (1, 2)]
    own = [f"forge-1/change-{number}/abc" for number in (7, 8)]
    for at, name in enumerate((*base, *own), 1_900_000_000):
        assert caches.keep(name, [view], ["deps"])
        assert (caches.place / name).is_dir(), "whoever made it is about to use it"
        os.utime(caches.place / name, (at, at))
    there = sorted(str(path.relative_to(caches.place)) for path in caches.place.glob("*/*/*"))
    assert there == sorted((*base, own[1]))
    assert caches.evict() == 1
    assert sorted(str(path.relative_to(caches.place)) for path in caches.place.glob("*/*/*")) == base


def test_the_least_used_go_first_and_never_one_in_use(tmp_path: Path, view: int) -> None:
    caches = Caches(tmp_path / "caches", limits=CacheLimits(total_bytes=25))
    caches.keep(ONE, [view], ["deps"])
    taken = caches.take([ONE])
    assert taken is not None
    long_ago = time.time() - 1000
    os.utime(caches.place / ONE, (long_ago, long_ago))
    caches.keep(TWO, [view], ["deps"])
    caches.keep(THREE, [view], ["deps"])
    there = [name for name in (ONE, TWO, THREE) if (caches.place / name).is_dir()]
    assert there == [ONE, THREE]
    taken.close()
    caches.evict()
    assert (caches.place / ONE).is_dir()
    assert not list(caches.place.glob("new-*"))


def test_what_nobody_uses_goes_after_a_while(tmp_path: Path, view: int) -> None:
    caches = Caches(tmp_path / "caches", limits=CacheLimits(unused=60.0))
    caches.keep(ONE, [view], ["deps"])
    assert caches.evict() == 0
    long_ago = time.time() - 61
    os.utime(caches.place / ONE, (long_ago, long_ago))
    assert caches.evict() == 1
    assert caches.take([ONE]) is None


def test_a_use_is_a_use(tmp_path: Path, view: int) -> None:
    caches = Caches(tmp_path / "caches", limits=CacheLimits(unused=60.0))
    caches.keep(ONE, [view], ["deps"])
    long_ago = time.time() - 61
    os.utime(caches.place / ONE, (long_ago, long_ago))
    taken = caches.take([ONE])
    assert taken is not None
    taken.close()
    assert caches.evict() == 0


@pytest.mark.parametrize("name", ["../x/y/z", "a/b", "a/b/c/d", "a//c", "/a/b/c", "a/../c", ".a/b/c"])
def test_a_name_stays_beneath_its_place(caches: Caches, name: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        caches.take([name])


def copied(place: Path) -> bool:
    """Whether a half-made entry holds something."""
    try:
        return any(any(deps.iterdir()) for deps in place.glob("new-*/content/deps"))
    except FileNotFoundError:
        return False  # it was moved into its place meanwhile


def test_a_kill_in_the_middle_leaves_no_entry(tmp_path: Path) -> None:
    place, deps = tmp_path / "caches", tmp_path / "view" / "deps"
    deps.mkdir(parents=True)
    for number in range(20_000):
        (deps / str(number)).touch()
    code = (
        "import os, sys; from pathlib import Path; from app.executors.caches import Caches\n"
        "view = os.open(sys.argv[1], os.O_RDONLY)\n"
        "caches = Caches(Path(sys.argv[2]))\n"
        "print('begun', flush=True)\n"
        f"caches.keep({ONE!r}, [view], ['deps'])\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "view"), str(place)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        while process.poll() is None and not copied(place):
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
    caches = Caches(place)
    left = list(place.glob("new-*"))
    if process.returncode == -signal.SIGKILL and not (place / ONE).exists():
        assert left
    assert caches.take([ONE]) is None or (len(list((place / ONE / "content/deps").iterdir())) == 20_000)
    assert caches.sweep() == len(left)
    assert not list(place.glob("new-*"))
