"""A container engine of this machine with storage of its own, and an image that shows the machine's programs."""

import contextlib
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import msgspec

from tests.support.prerequisites import missing, program

IMAGE = "localhost/portcullis-test:1"
SPECIAL = "localhost/portcullis-special:1"
"""One with a PATH of its own, and a volume."""
TOOLCHAINS = (Path("/usr"), Path("/etc/alternatives"))
"""What the image lacks; checks see it as they see a tool chain."""


class Engine(msgspec.Struct, frozen=True, kw_only=True):
    """A program and what its environment must hold."""

    program: str
    environment: dict[str, str]

    def __call__(self, *words: str, told: bytes = b"") -> str:
        """Run it; gives what it printed."""
        command = (self.program, *words)
        done = subprocess.run(
            command, input=told, capture_output=True, check=False, env={**os.environ, **self.environment}
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()


@contextlib.contextmanager
def engine() -> Iterator[Engine]:
    """podman with storage of its own, holding the images; `missing` where it cannot be."""
    if os.geteuid() != 0:
        missing("only root can run the containers of checks")
    podman = program("podman")
    for needed in ("runc", "conmon", "catatonit"):
        program(needed)
    # Short: the sockets beneath must fit into the 107 bytes that the kernel has for a socket's path, or podman
    # never hears of a container's end.
    with tempfile.TemporaryDirectory(prefix="pct-", dir="/tmp") as place:
        yield _engine(podman, Path(place))


def _engine(podman: str, place: Path) -> Engine:
    (place / "storage.conf").write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{place}/graph"\nrunroot = "{place}/run"\n'
    )
    (place / "containers.conf").write_text(
        '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n'
        f'lock_type = "file"\ntmp_dir = "{place}/tmp"\n'
    )
    made = Engine(
        program=podman,
        environment={
            "CONTAINERS_CONF": str(place / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(place / "storage.conf"),
        },
    )
    made("import", "-", IMAGE, told=_root())
    made(
        *("import", "--change=ENV PATH=/opt/tools/bin:/usr/bin:/bin", "--change=VOLUME /data", "-", SPECIAL),
        told=_root(),
    )
    return made


def _root() -> bytes:
    """The file system of the image: folders and links, no program."""
    file = BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name in ("usr", "etc", "proc", "dev", "sys", "tmp", "var", "home", "root"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(folder)
        for path in map(Path, ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")):
            if path.is_symlink():
                link = tarfile.TarInfo(path.name)
                link.type, link.linkname = tarfile.SYMTYPE, str(path.readlink())
                tar.addfile(link)
    return file.getvalue()
