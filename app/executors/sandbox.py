"""`SandboxExecutor`: each attempt in its own namespaces, control group and sized, vanishing disk.

What holds it: bubblewrap (namespaces, no network, no capabilities, seccomp), a control group joined
before the first instruction, one sized tmpfs for all it writes over a read-only source tree. As root
the check runs under an own uid. What a missing protection costs: see `probe`.
"""

import asyncio
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from app.executors import launcher, seccomp
from app.executors.cgroup import Cgroups, Group
from app.executors.collect import CollectLimits, Collector
from app.executors.configuration import replacement, write_layer
from app.executors.launcher import FACTS, HEAD_TREE, WORKSPACE, Bind, Layout
from app.executors.logs import Log, LogLimits, Mask
from app.executors.probe import probe
from app.executors.protocol import (
    Artifact,
    AttemptOutcome,
    AttemptSpec,
    Collected,
    Ended,
    LogSink,
    ProbeReport,
)
from app.executors.supervise import Observed, Supervisor
from app.executors.trees import JOB_UID
from app.model import CheckSpec, Misconfigured

_ETC = {
    "passwd": "root:x:0:0:root:/root:/bin/sh\njob:x:1000:1000:job:/home/job:/bin/bash\n"
    "nobody:x:65534:65534:nobody:/:/bin/false\n",
    "group": "root:x:0:\njob:x:1000:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost check\n::1 localhost\n",
}
_PLAIN_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,80}\Z")


class SandboxExecutor:
    """Runs attempts on this machine (see `Executor`). One process at a time may use `root`.

    `store` is where artifacts are kept, as `store/<attempt_id>/…`. `toolbox` is a directory whose `bin`
    comes first on PATH; it and `toolchains` are seen read-only at their own paths. `secrets` are masked
    in logs. `grace` seconds pass between TERM and KILL at a timeout.
    """

    name = "sandbox"

    def __init__(
        self,
        root: Path,
        *,
        store: Path | None = None,
        toolbox: Path | None = None,
        toolchains: Iterable[Path] = (),
        secrets: Iterable[bytes] = (),
        log_limits: LogLimits | None = None,
        collect_limits: CollectLimits | None = None,
        grace: float = 5.0,
    ) -> None:
        self.root = root.resolve()
        self.store = (store or self.root / "artifacts").resolve()
        self.toolbox = toolbox
        self.toolchains = tuple(toolchains)
        self.secrets = tuple(secrets)
        self.log_limits = log_limits or LogLimits()
        self.collect_limits = collect_limits or CollectLimits()
        self.grace = grace
        self.as_root = os.geteuid() == 0
        self.attempts = self.root / "attempts"
        self.owner = "portcullis-" + hashlib.sha256(str(self.root).encode()).hexdigest()[:10]
        self.attempts.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._cgroups: Cgroups | None = None
        self._report: ProbeReport | None = None
        self._probing = asyncio.Lock()
        self._lock = -1

    @property
    def cgroups(self) -> Cgroups:
        """The control groups this machine lets us make."""
        if self._cgroups is None:
            self._cgroups = Cgroups(self.owner)
        return self._cgroups

    async def probe(self) -> ProbeReport:
        """See `Executor.probe`. Runs the hostile set once per process; later calls give its answer."""
        async with self._probing:
            if self._report is None:
                self._report = await probe(self)
            return self._report

    async def run(self, spec: AttemptSpec, log: LogSink) -> AttemptOutcome:
        """See `Executor.run`. Raises Misconfigured for an untrusted attempt where a protection is open."""
        if not spec.trusted:
            report = await self.probe()
            if not report.safe_for_untrusted:
                open_cells = [cell for cell in report.protections if not cell.held]
                names = ", ".join(cell.name for cell in open_cells)
                raise Misconfigured(
                    f"checks of untrusted changes are refused here, not protected: {names}",
                    hint=open_cells[0].mend if open_cells else "",
                )
        return await self.attempt(spec, log)

    async def attempt(
        self,
        spec: AttemptSpec,
        log: LogSink,
        extra: tuple[Bind, ...] = (),
        *,
        grace: float | None = None,
    ) -> AttemptOutcome:
        """Run without asking whether this machine protects enough; the probe's own way in. `extra` is
        bound read-only too, `grace` (seconds) replaces the executor's.
        """
        if not spec.check.script and not spec.check.argv:
            raise Misconfigured(f"check {spec.check.key} has nothing to run here")
        name = _safe(spec.attempt_id)
        place = self.attempts / name
        group = await asyncio.to_thread(self.cgroups.make, name, spec.check.resources)
        try:
            await asyncio.to_thread(self._prepare, spec, place)
            return await self._run(spec, log, place, group, extra, self.grace if grace is None else grace)
        finally:
            await asyncio.shield(asyncio.to_thread(_remove, group, place))

    def _prepare(self, spec: AttemptSpec, place: Path) -> None:
        """Everything of the attempt's directory that does not depend on descriptors."""
        shutil.rmtree(place, ignore_errors=True)
        facts = place / "facts"
        facts.mkdir(parents=True)
        (facts / "script").write_text(spec.check.script)
        changed = b"".join(os.fsencode(path) + b"\0" for path in spec.changed)
        (facts / "changed").write_bytes(changed)
        for name, text in _ETC.items():
            (place / name).write_text(text)
        for path in (place, facts, *facts.iterdir(), *(place / name for name in _ETC)):
            path.chmod(0o755 if path.is_dir() else 0o644)

    async def _run(
        self,
        spec: AttemptSpec,
        sink: LogSink,
        place: Path,
        group: Group,
        extra: tuple[Bind, ...],
        grace: float,
    ) -> AttemptOutcome:
        filter_file = seccomp.open_program()
        arguments = os.memfd_create("arguments", os.MFD_CLOEXEC)
        log = Log(sink, self.log_limits, Mask(self.secrets))
        supervisor = None
        try:
            layout = await asyncio.to_thread(self._layout, spec, place, group, extra, filter_file, arguments)
            supervisor = Supervisor(layout, group, log, timeout=spec.check.timeout, grace=grace)
            seen = await supervisor.run()
            await log.close()
            return await asyncio.to_thread(self._outcome, spec, seen, supervisor.out, log)
        finally:
            log.abandon()
            if supervisor is not None:
                supervisor.close()
            os.close(filter_file)
            os.close(arguments)

    def _layout(
        self,
        spec: AttemptSpec,
        place: Path,
        group: Group,
        extra: tuple[Bind, ...],
        filter_file: int,
        arguments: int,
    ) -> Layout:
        check = spec.check
        layer, removed, hidden = self._configuration(spec, place)
        layout = Layout(
            tree=spec.tree.resolve(),
            layer=layer,
            # A view whose files are not the check's own cannot be written in: then it gets a copy.
            copy=self.as_root and spec.tree.stat().st_uid != JOB_UID,
            clear=("out", "in", *removed),
            hidden=hidden,
            binds=(*self._binds(spec, place), *extra),
            inputs=tuple(
                Bind(source=path.resolve(), at=f"{WORKSPACE}/in/{name}")
                for name, path in spec.inputs.items()
                if path.is_dir() and _PLAIN_ID.match(name)
            ),
            place=place,
            joins=tuple(group.joins),
            disk=check.resources.disk,
            environment=self._environment(spec),
            workdir=check.workdir,
            argv=_argv(check),
            root=self.as_root,
            seccomp=filter_file,
            arguments=arguments,
        )
        (place / "stage.sh").write_bytes(os.fsencode(launcher.script(layout)))
        (place / "fstab").write_bytes(os.fsencode(launcher.fstab(layout)))
        packed = b"".join(os.fsencode(part) + b"\0" for part in launcher.bwrap_arguments(layout))
        os.write(arguments, packed)
        os.lseek(arguments, 0, os.SEEK_SET)
        return layout

    def _configuration(
        self, spec: AttemptSpec, place: Path
    ) -> tuple[Path | None, tuple[str, ...], tuple[str, ...]]:
        """(layer, paths to remove, paths hidden by the layer) of the base's configuration files."""
        if spec.config_tree is None or not spec.check.config_files:
            return None, (), ()
        what = replacement(spec.tree, spec.config_tree, spec.check.config_files)
        if not what.files:
            return None, what.removed, ()
        layer = place / "layer"
        write_layer(spec.config_tree, what.files, layer, root=self.as_root)
        return layer, what.removed, what.hidden

    def _binds(self, spec: AttemptSpec, place: Path) -> tuple[Bind, ...]:
        binds = [Bind(source=place / "facts", at=FACTS)]
        binds += [Bind(source=place / name, at=f"/etc/{name}") for name in _ETC]
        seen = (*(() if self.toolbox is None else (self.toolbox,)), *self.toolchains)
        binds += [Bind(source=path.resolve(), at=str(path)) for path in seen if path.exists()]
        if spec.other_tree is not None:
            binds.append(Bind(source=spec.other_tree.resolve(), at=HEAD_TREE))
        return tuple(binds)

    def _environment(self, spec: AttemptSpec) -> dict[str, str]:
        path = "/usr/local/bin:/usr/bin:/bin"
        ours = {
            "PORTCULLIS_TRUSTED": "true" if spec.trusted else "false",
            **{
                key if key.startswith("PORTCULLIS_") else f"PORTCULLIS_{key}": value
                for key, value in spec.facts.items()
            },
            "PORTCULLIS_CHANGED_FILES": f"{FACTS}/changed",
            "PORTCULLIS_OUT": f"{WORKSPACE}/out",
            "PORTCULLIS_IN": f"{WORKSPACE}/in",
        }
        if self.toolbox is not None:
            ours["PORTCULLIS_TOOLBOX"] = str(self.toolbox)
            path = f"{self.toolbox}/bin:{path}"
        if spec.other_tree is not None:
            ours["PORTCULLIS_HEAD_TREE"] = HEAD_TREE
        usual = {
            "PATH": path,
            "HOME": "/home/job",
            "USER": "job",
            "LANG": "C.UTF-8",
            "TMPDIR": "/tmp",  # noqa: S108 - the check's own tmpfs
            "TERM": "dumb",
        }
        return {**usual, **spec.check.env, **ours}

    def _outcome(self, spec: AttemptSpec, seen: Observed, out: int, log: Log) -> AttemptOutcome:
        files: tuple[Collected, ...] = ()
        artifacts: tuple[Artifact, ...] = ()
        if out >= 0:
            collector = Collector(out, self.collect_limits)
            files = collector.files(spec.check)
            artifacts = collector.artifacts(spec.check, self.store / _safe(spec.attempt_id))
        return AttemptOutcome(
            ended=seen.ended,
            exit_code=seen.code,
            signal=seen.signal,
            seconds=round(seen.seconds, 3),
            detail=_detail(seen, spec.check, self.log_limits),
            files=files,
            artifacts=artifacts,
            log_bytes=log.bytes,
            log_dropped=log.dropped,
        )

    async def sweep(self) -> int:
        """See `Executor.sweep`. Raises Misconfigured where another live process uses the directory."""
        return await asyncio.to_thread(self._sweep)

    def _sweep(self) -> int:
        if self._lock < 0:
            handle = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                raise Misconfigured(
                    f"another process uses {self.root}", hint="give each worker a directory of its own"
                ) from None
            self._lock = handle
        removed = self.cgroups.sweep()
        for place in self.attempts.iterdir():
            shutil.rmtree(place, ignore_errors=True)
            removed += 1
        return removed

    def close(self) -> None:
        """Give the directory back to other processes."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _remove(group: Group, place: Path) -> None:
    group.destroy_now()
    shutil.rmtree(place, ignore_errors=True)


def _safe(attempt_id: str) -> str:
    """The id itself, or its hash where it could not name a directory."""
    if _PLAIN_ID.match(attempt_id):
        return attempt_id
    return hashlib.sha256(attempt_id.encode()).hexdigest()[:32]


def _argv(check: CheckSpec) -> tuple[str, ...]:
    if not check.script:
        return check.argv
    flags = ("-eo", "pipefail") if check.shell == "bash" else ("-e",)
    return (check.shell, *flags, f"{FACTS}/script")


def _detail(seen: Observed, check: CheckSpec, limits: LogLimits) -> str:
    """One sentence for people on how it ended ('' for an ordinary exit)."""
    mib = 1 << 20
    match seen.ended:
        case Ended.TIMED_OUT:
            return f"ran longer than {check.timeout:g} s"
        case Ended.OUT_OF_MEMORY:
            return f"used more memory than its {check.resources.memory // mib} MiB"
        case Ended.DISK_FULL:
            return f"filled its disk of {check.resources.disk // mib} MiB"
        case Ended.LOG_LIMIT:
            return f"wrote more than {limits.most // mib} MiB of log"
        case Ended.SIGNALED:
            return f"ended by signal {seen.signal}"
        case Ended.SETUP_ERROR:
            return f"the sandbox could not be made: {seen.setup or 'no reason given'}"
        case Ended.LOST:
            return "the sandbox was killed from outside"
        case _:
            return f"reached its limit of {check.resources.pids} processes" if seen.pids_limited else ""
