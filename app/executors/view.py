"""What one attempt sees: its directory, its mounts, its environment. Everything before the first process."""

import hashlib
import os
import re
import shutil
from pathlib import Path

import msgspec

from app.executors import egress, launcher
from app.executors.configuration import replacement, write_layer
from app.executors.launcher import FACTS, HEAD_TREE, WORKSPACE, Bind, Layout, Over
from app.executors.laying import beside, in_the_way
from app.executors.protocol import AttemptSpec
from app.executors.toolbox import BASIC, GROUPS, absent, group_path, visible
from app.executors.trees import JOB_UID
from app.model import CheckSpec, Misconfigured

_ETC = {
    "passwd": "root:x:0:0:root:/root:/bin/sh\njob:x:1000:1000:job:/home/job:/bin/bash\n"
    "nobody:x:65534:65534:nobody:/:/bin/false\n",
    "group": "root:x:0:\njob:x:1000:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost check\n::1 localhost\n",
}
_PLAIN_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,80}\Z")


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator lets every check see, read-only at its own path; `root`: the service is root. `path`
    is where programs are, behind the toolbox.
    """

    toolbox: Path | None = None
    toolchains: tuple[Path, ...] = ()
    root: bool = False
    path: str = "/usr/local/bin:/usr/bin:/bin"

    @property
    def tools(self) -> dict[str, tuple[Path, ...]]:
        """Each group of the toolbox that is there, as it lies now: its real path first, its interpreter."""
        if self.toolbox is None:
            return {}
        found = {group: visible(group_path(self.toolbox, group)) for group in GROUPS}
        return {group: paths for group, paths in found.items() if paths}


def safe_name(attempt_id: str) -> str:
    """The id itself, or its hash where it could not name a directory."""
    if _PLAIN_ID.match(attempt_id):
        return attempt_id
    return hashlib.sha256(attempt_id.encode()).hexdigest()[:32]


def write_facts(spec: AttemptSpec, place: Path) -> None:
    """Make the attempt's directory: the script, the changed paths (each ended by NUL), what commits add, a
    small /etc.
    """
    shutil.rmtree(place, ignore_errors=True)
    facts = place / "facts"
    facts.mkdir(parents=True)
    (facts / "script").write_text(spec.check.script)
    (facts / "changed").write_bytes(b"".join(os.fsencode(path) + b"\0" for path in spec.changed))
    for name, text in _ETC.items():
        (facts / name).write_text(text)
    for name, added in spec.commits.items():
        target = facts / "commits" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(added)
    for path in (place, facts, *facts.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def make_layout(
    spec: AttemptSpec,
    place: Path,
    given: Given,
    extra: tuple[Bind, ...],
    joins: tuple[str, ...],
    cached: Path | None = None,
) -> Layout:
    """Decide what is mounted where; writes the configuration layer beneath `place` if there is one. `cached`
    is the cache entry that the check sees.

    Raises Misconfigured for a source tree that is not there, and for a preset whose tool is not installed.
    """
    if not spec.tree.is_dir():
        raise Misconfigured(f"there is no source tree at {spec.tree}")
    if spec.check.tool and (why := absent(given.toolbox, spec.check.toolbox or BASIC, spec.check.tool)):
        raise Misconfigured(why)
    above, removed = _above(spec, place, cached, root=given.root)
    # A view whose files are not the check's own cannot be written in: then it gets a copy.
    copy = given.root and spec.tree.stat().st_uid != JOB_UID
    return Layout(
        tree=spec.tree.resolve(),
        above=above,
        copy=copy,
        clear=("out", "in", *removed),
        binds=(*_binds(spec, place, given), *extra),
        inputs=tuple(
            Bind(source=path.resolve(), at=f"{WORKSPACE}/in/{safe_name(name)}")
            for name, path in spec.inputs.items()
            if path.is_dir()
        ),
        etc=tuple(_ETC),
        place=place,
        joins=joins,
        disk=spec.check.resources.disk,
        environment=_environment(spec, given),
        workdir=spec.check.workdir,
        argv=_argv(spec.check),
        root=given.root,
    )


def _above(
    spec: AttemptSpec, place: Path, cached: Path | None, *, root: bool
) -> tuple[tuple[Over, ...], tuple[str, ...]]:
    """What lies above the tree, lowest first: the cache entry, then the base's configuration files; and the
    configuration files to remove: what the cache entry hides or brings itself is not.
    """
    above: list[Over] = []
    if cached is not None and spec.check.cache is not None:
        hidden = in_the_way(spec.tree, cached, spec.check.cache.paths)
        above.append(Over(name="cached", source=cached, hidden=hidden))
    if spec.config_tree is None or not spec.check.config_files:
        return tuple(above), ()
    what = replacement(spec.tree, spec.config_tree, spec.check.config_files)
    if what.files:
        layer = place / "layer"
        write_layer(spec.config_tree, what.files, layer, root=root)
        below = (spec.tree, *(over.source for over in above))
        hidden = tuple(path for tree in below for path in in_the_way(tree, layer, what.files))
        above.append(Over(name="layer", source=layer, hidden=hidden))
    if cached is None:
        return tuple(above), what.removed
    return tuple(above), tuple(one for path in what.removed for one in beside(spec.tree, cached, path))


def _binds(spec: AttemptSpec, place: Path, given: Given) -> tuple[Bind, ...]:
    binds = [Bind(source=place / "facts", at=FACTS)]
    seen = dict.fromkeys(path for paths in given.tools.values() for path in paths)
    binds += [Bind(source=path, at=str(path)) for path in seen]
    binds += [Bind(source=path.resolve(), at=str(path)) for path in given.toolchains if path.exists()]
    if spec.other_tree is not None:
        binds.append(Bind(source=spec.other_tree.resolve(), at=HEAD_TREE))
    return tuple(binds)


def _environment(spec: AttemptSpec, given: Given) -> dict[str, str]:
    """The usual, then the check's own, then the facts, which nothing overrides."""
    facts = {_fact(key): value for key, value in spec.facts.items()}
    ours = {
        "PORTCULLIS_TRUSTED": "true" if spec.trusted else "false",
        **facts,
        "PORTCULLIS_CHANGED_FILES": f"{FACTS}/changed",
        "PORTCULLIS_OUT": f"{WORKSPACE}/out",
        "PORTCULLIS_IN": f"{WORKSPACE}/in",
    }
    if spec.check.commits:
        ours["PORTCULLIS_COMMITS"] = f"{FACTS}/commits"
    bins = {group: str(paths[0] / "bin") for group, paths in given.tools.items()}
    for group, place in bins.items():
        ours["PORTCULLIS_TOOLBOX" if group == BASIC else f"PORTCULLIS_TOOLBOX_{group.upper()}"] = place
    path = ":".join((*bins.values(), given.path))
    if spec.other_tree is not None:
        ours["PORTCULLIS_HEAD_TREE"] = HEAD_TREE
    usual = {
        "PATH": path,
        "HOME": launcher.HOME,
        "USER": "job",
        "LANG": "C.UTF-8",
        "TMPDIR": launcher.TEMPORARY,
        "TERM": "dumb",
    }
    exit_by = egress.environment() if spec.check.network == "full" else {}
    return {**usual, **spec.check.env, **exit_by, **ours}


def _fact(key: str) -> str:
    return key if key.startswith("PORTCULLIS_") else f"PORTCULLIS_{key}"


def _argv(check: CheckSpec) -> tuple[str, ...]:
    if not check.script:
        return check.argv
    flags = ("-eo", "pipefail") if check.shell == "bash" else ("-e",)
    return (check.shell, *flags, f"{FACTS}/script")
