"""How a check's processes come to be: two small scripts around bubblewrap, no Python in between.

`unshare -m` (as root) or `unshare -Urm` (as anyone else) → sh joins the control groups, mounts one sized
tmpfs that holds everything the check may write, binds what it may read, lays the overlay → says
`mounted`, waits for the supervisor to take hold of the result directory → bwrap makes the namespaces
→ a last sh says `started` and becomes the check. Both words go to the setup pipe, which hostile code never
has as a descriptor before `started` was written. All mounts live and die with that namespace.
"""

import shlex
import sys
from pathlib import Path

import msgspec

from app.executors.trees import JOB_UID

STAGES = ("/media", "/mnt", "/srv", "/opt", "/run", "/tmp")  # noqa: S108 - hidden by our own tmpfs
WORKSPACE = "/workspace"
HOME, TEMPORARY = "/home/job", "/tmp"  # noqa: S108 - the check's own
FACTS = "/portcullis"
HEAD_TREE = "/head"
LISTEN = "listen.py"
"""What makes the listening socket of a check with an exit, then becomes the stage script."""
FSTAB, BINDS = "fstab", "fstab.binds"
"""The mounts with the overlay and, for kernels that refuse it and for copies, those without."""
VIEWS = ("u", "m")
"""Where beneath the stage lies what a dead check changed: above the overlay, or in the copy, beside the
tree's own files."""
MOUNTED, STARTED = b"mounted\n", b"started\n"
_INNER_ID = 1000
_NAMESPACES = (
    "--unshare-user",
    "--unshare-pid",
    "--unshare-net",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--disable-userns",
)
_OPTIONAL_ETC = (
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/debian_version",
    "/etc/os-release",
)


class Bind(msgspec.Struct, frozen=True, kw_only=True):
    """Something of the host that the check sees read-only at `at`."""

    source: Path
    at: str


class Over(msgspec.Struct, frozen=True, kw_only=True):
    """A directory that lies above the tree; `hidden` are the paths beneath that a copy of it must remove."""

    name: str
    source: Path
    hidden: tuple[str, ...] = ()


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """All that decides what one check sees. Sizes are bytes.

    `above` lie over `tree`, lowest first. `copy` copies the tree instead of laying an overlay, as is done
    too where the kernel refuses the overlay. `clear` are paths of the view to remove. `listen` is the
    descriptor over which the socket of the only exit is handed out (-1: there is no exit). `etc` are files
    of the facts directory that /etc shows. `joins` are the control groups joined before anything is copied.
    """

    tree: Path
    above: tuple[Over, ...] = ()
    copy: bool = False
    clear: tuple[str, ...] = ()
    binds: tuple[Bind, ...] = ()
    inputs: tuple[Bind, ...] = ()
    etc: tuple[str, ...] = ()
    place: Path
    joins: tuple[str, ...] = ()
    disk: int = 1 << 30
    shm: int = 64 << 20
    environment: dict[str, str] = {}
    workdir: str = ""
    argv: tuple[str, ...] = ()
    root: bool = False
    listen: int = -1

    @property
    def stage(self) -> str:
        """An existing directory, hidden in the namespace by our tmpfs, that holds none of the sources."""
        sources = [str(self.tree), str(self.place), *(str(bind.source) for bind in self.binds + self.inputs)]
        sources += [str(over.source) for over in self.above]
        for stage in STAGES:
            if Path(stage).is_dir() and not any(source.startswith(stage + "/") for source in sources):
                return stage
        return STAGES[0]

    @property
    def staged(self) -> tuple[tuple[str, str], ...]:
        """(host path, path beneath the stage) of everything bound."""
        lower = [(str(self.tree), f"{self.stage}/s/tree")]
        lower += [(str(over.source), f"{self.stage}/s/{over.name}") for over in self.above]
        rest = [
            (str(bind.source), f"{self.stage}/s/{number}")
            for number, bind in enumerate(self.binds + self.inputs)
        ]
        return (*lower, *rest)


def _escape(path: str) -> str:
    """A path as a field of fstab(5)."""
    return "".join(f"\\{ord(char):03o}" if char in " \t\n\\#" else char for char in path)


def fstab(layout: Layout, *, overlay: bool) -> str:
    """The mounts, in order, for one call of mount(8); the view as an overlay is the last."""
    stage = layout.stage
    lines = []
    for source, at in layout.staged:
        make = "X-mount.mkdir" if Path(source).is_dir() else "X-mount.mkdir=0711"
        lines.append(f"{_escape(source)} {at} none rbind,{make} 0 0")
    if overlay:
        above = [over.name for over in reversed(layout.above)]
        lower = ":".join(f"{stage}/s/{name}" for name in (*above, "tree"))
        kind = "" if layout.root else ",userxattr"
        options = f"lowerdir={lower},upperdir={stage}/u,workdir={stage}/k{kind}"
        lines.append(f"view {stage}/m overlay {options} 0 0")
    return "\n".join(lines) + "\n"


def script(layout: Layout, arguments: int) -> str:
    """The stage script, for `sh -e`. It reads one line before it becomes bwrap."""
    drop = (
        f"setpriv --reuid {JOB_UID} --regid {JOB_UID} --clear-groups --no-new-privs " if layout.root else ""
    )
    lines = [
        *_mounting(layout),
        *(_removing(layout, path) for path in layout.clear),
        "echo mounted >&2",
        "read go",
        "exec </dev/null",
        f"exec {drop}bwrap --args {arguments} -- {shlex.join(_becoming(layout))}",
    ]
    return "\n".join(lines) + "\n"


def _mounting(layout: Layout) -> list[str]:
    """The sized tmpfs, all mounts in it, and the view: an overlay, or where there can be none a copy."""
    stage = layout.stage
    quote = shlex.quote
    owner = f"-o {JOB_UID} -g {JOB_UID} " if layout.root else ""
    inodes = max(10_000, layout.disk >> 12)
    lines = _joined(layout) if layout.copy else []
    lines += [
        "ulimit -c 0",
        "ulimit -n 4096",
        "umask 022",
        f"mount -t tmpfs -o size={layout.disk},nr_inodes={inodes},mode=0755 t {stage}",
        f"install -d {owner}{stage}/u {stage}/k {stage}/m {stage}/out {stage}/home {stage}/tmp",  # noqa: S108 - in the tmpfs above
    ]
    files = [at for source, at in layout.staged if not Path(source).is_dir()]
    if files:
        lines.append(f"mkdir {stage}/s")
        lines += [f": > {at}" for at in files]
    binds = f"mount -a -T {quote(str(layout.place / BINDS))}"
    if layout.copy:
        return [*lines, binds, *_copy(layout)]
    return [
        *lines,
        f"if ! mount -a -T {quote(str(layout.place / FSTAB))} 2>{stage}/said; then",
        f"if mountpoint -q {stage}/m; then cat {stage}/said >&2; exit 1; fi",
        *_joined(layout),
        binds,  # the first time one of them may have failed too
        *_copy(layout),
        "fi",
        f"rm -f {stage}/said",
    ]


def _removing(layout: Layout, path: str) -> str:
    """Remove a path of the view, unless a link is on the way to it: that would lead out of the view, as this
    runs before the check's own root is made. Nothing changes the view meanwhile.
    """
    view = f"{layout.stage}/m"
    links = [f"[ -L {shlex.quote(f'{view}/{parent}')} ]" for parent in list(Path(path).parents)[-2::-1]]
    return " || ".join([*links, f"rm -rf -- {shlex.quote(f'{view}/{path}')}"])


def _joined(layout: Layout) -> list[str]:
    """What is copied counts as the check's: the groups are joined before."""
    return [f"echo $$ > {shlex.quote(join)}" for join in layout.joins]


def _copy(layout: Layout) -> list[str]:
    """The view as a copy, where no overlay can be laid or the tree's owner is not the check's uid."""
    stage = layout.stage
    copy = "cp -a --no-preserve=ownership --remove-destination"  # else it writes through a link that is there
    lines = [f"{copy} {stage}/s/tree/. {stage}/m/"]
    for over in layout.above:
        lines += [_removing(layout, path) for path in over.hidden]
        lines.append(f"{copy} {stage}/s/{over.name}/. {stage}/m/")
    if layout.root:
        lines.append(f"chown -hR {JOB_UID}:{JOB_UID} {stage}/m")
    return lines


def _system() -> list[str]:
    """The host's programs and libraries, read-only, and a minimal /etc."""
    arguments = ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/") / name
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            arguments += ["--ro-bind", str(path), str(path)]
    for path in map(Path, _OPTIONAL_ETC):
        if path.exists():
            arguments += ["--ro-bind", str(path), str(path)]
    return arguments


def bwrap_arguments(layout: Layout, seccomp: int) -> list[str]:
    """The options of bwrap."""
    stage = layout.stage
    arguments = [
        *(flag for flag in _NAMESPACES if flag != "--unshare-net" or layout.listen < 0),
        "--die-with-parent",
        "--new-session",
        *("--cap-drop", "ALL", "--uid", str(_INNER_ID), "--gid", str(_INNER_ID), "--hostname", "check"),
        *("--seccomp", str(seccomp), "--clearenv"),
    ]
    for key, value in layout.environment.items():
        arguments += ["--setenv", key, value]
    arguments += _system()
    for name in layout.etc:
        arguments += ["--symlink", f"{FACTS}/{name}", f"/etc/{name}"]
    arguments += ["--proc", "/proc", "--dev", "/dev", "--size", str(layout.shm), "--tmpfs", "/dev/shm"]  # noqa: S108 - the check's own
    arguments += ["--symlink", "/tmp", "/var/tmp", "--bind", f"{stage}/tmp", "/tmp"]  # noqa: S108 - the check's own
    arguments += ["--bind", f"{stage}/home", HOME, "--bind", f"{stage}/m", WORKSPACE]
    arguments += ["--bind", f"{stage}/out", f"{WORKSPACE}/out", "--size", "1048576"]
    arguments += ["--tmpfs", f"{WORKSPACE}/in"]
    for number, bind in enumerate(layout.binds + layout.inputs):
        arguments += ["--ro-bind", f"{stage}/s/{number}", bind.at]
    arguments += [
        "--remount-ro",
        f"{WORKSPACE}/in",
        "--remount-ro",
        "/dev",
        "--chdir",
        WORKSPACE,
        "--remount-ro",
        "/",
    ]
    return arguments


def inside(workdir: str) -> str:
    """The absolute path of a folder of the view."""
    return f"{WORKSPACE}/{workdir.strip('/')}" if workdir.strip("/") else WORKSPACE


def _becoming(layout: Layout) -> list[str]:
    """The last step: say `started`, give the setup pipe up, become the check."""
    steps = 'echo started >&2; exec 2>&1; cd -- "$0" || exit 127; exec "$@"'
    return ["/bin/sh", "-c", steps, inside(layout.workdir), *layout.argv]


def command(layout: Layout) -> list[str]:
    """What the supervisor starts. With an exit the network namespace is made here, and a socket in it."""
    flags = ["-m"] if layout.root else ["-U", "-r", "-m"]
    stage = ["/bin/sh", "-e", str(layout.place / "stage.sh")]
    if layout.listen < 0:
        return ["unshare", *flags, "--", *stage]
    listen = [sys.executable, "-I", "-S", str(layout.place / LISTEN), str(layout.listen)]
    return ["unshare", *flags, "-n", "--", *listen, *stage]
