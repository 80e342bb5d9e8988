"""The command line that runs one attempt's container."""

import resource
from collections.abc import Mapping
from pathlib import Path

from app.executors import container_stage, launcher
from app.executors.container_engine import Engine, Image
from app.executors.launcher import HOME, TEMPORARY, WORKSPACE, Layout
from app.executors.trees import JOB_UID
from app.model import CheckSpec

_MOST_OF_ONE_UID = 1 << 15
_INIT = 1
"""Processes of a container that are not the check's."""
_ENGINES_OWN = ("container", "HOSTNAME")
"""Variables that engines set in every container, besides proxies of their own configuration."""
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")


def command(
    engine: Engine, name: str, image: Image, check: CheckSpec, layout: Layout, labels: Mapping[str, str]
) -> list[str]:
    """What runs the container, attached."""
    words = [engine.program, "run", "--interactive", f"--name={name}", "--init", "--pull=never"]
    words += [f"--label={key}={value}" for key, value in labels.items()]
    words += ["--network=none", "--hostname=check", "--ipc=private", "--cgroupns=private", "--read-only"]
    words += ["--cap-drop=all", "--security-opt=no-new-privileges", "--security-opt=label=disable"]
    words += [f"--security-opt=seccomp={layout.place / 'seccomp.json'}", f"--user={JOB_UID}:{JOB_UID}"]
    words += ["--log-driver=none", "--workdir=/", *_limits(check, layout.shm), *_mounts(layout, image)]
    if engine.is_podman:
        words += ["--read-only-tmpfs=false", "--http-proxy=false"]
    words += [f"--env={key}={value}" for key, value in layout.environment.items()]
    return [*words, "--entrypoint=/bin/sh", image.digest, *steps(layout)]


def steps(layout: Layout) -> list[str]:
    """What the first shell does: wait for our word, give the setup pipe up, become the check."""
    proxies = {name for lower in _PROXIES for name in (lower, lower.upper())}
    unset = sorted({*_ENGINES_OWN, *proxies} - layout.environment.keys())
    shell = (
        "echo mounted >&2; read -r go || exit 125; exec </dev/null; "
        f"unset {' '.join(unset)}; echo started >&2; "
        'exec 2>&1; cd -- "$0" || exit 127; exec "$@"'
    )
    return ["-c", shell, launcher.inside(layout.workdir), *layout.argv]


def _mounts(layout: Layout, image: Image) -> list[str]:
    """What the container sees of this machine, as the engine's options."""
    stage, facts = layout.place / container_stage.STAGE, layout.place / "facts"
    writable = [
        (stage / "m", WORKSPACE),
        (stage / "out", f"{WORKSPACE}/out"),
        (stage / "home", HOME),
        (stage / "tmp", TEMPORARY),
        (stage / "tmp", f"/var{TEMPORARY}"),
    ]
    ours = {at for _, at in writable}
    writable += [
        (stage / f"v{number}", at) for number, at in enumerate(image.volumes) if at.rstrip("/") not in ours
    ]
    seen = {f"{WORKSPACE}/in": layout.place / container_stage.IN}
    seen |= {f"/etc/{name}": facts / name for name in ("passwd", "group")}
    seen |= {bind.at: bind.source for bind in (*layout.binds, *layout.inputs)}
    options = [_mount(source, at) for source, at in writable]
    return options + [f"{_mount(source, at)},readonly" for at, source in seen.items()]


def _mount(source: Path, at: str) -> str:
    """The engines read this option as a line of CSV."""
    fields = (f"source={source}", f"target={at}")
    quoted = ('"' + field.replace('"', '""') + '"' if set(field) & set(',"') else field for field in fields)
    return f"--mount=type=bind,{','.join(quoted)}"


def _limits(check: CheckSpec, shm: int) -> list[str]:
    limits = check.resources
    options = [
        f"--memory={limits.memory}",
        f"--memory-swap={limits.memory}",
        f"--pids-limit={limits.pids + _INIT}",
        f"--cpus={limits.cpus:g}",
        "--ulimit=core=0:0",
        "--ulimit=nofile=4096:4096",
        f"--shm-size={shm}",
    ]
    _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    most = _MOST_OF_ONE_UID if hard == resource.RLIM_INFINITY else min(hard, _MOST_OF_ONE_UID)
    return [*options, f"--ulimit=nproc={most}:{most}"]  # without, some engines try to raise it
