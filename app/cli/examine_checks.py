"""Examinations of what runs the checks: the executor's protections and the toolbox."""

import os
import tempfile
from pathlib import Path

from app.cli.examined import Examined, Health, broken, good, warning
from app.executors import BASIC, GROUPS, AttemptSpec, Executor, LogChunk
from app.model import CheckSpec, PortcullisError
from app.settings import Settings
from app.wiring import executor
from app.wiring import toolbox as toolbox_of

_NETWORK_MEND = "only `network: full` and `setup` need it; see what is said of the sandbox above"


def _trying(settings: Settings, place: Path) -> Executor:
    """The executor as configured, with a place of its own: looking makes no data directory."""
    tools = {"toolbox": settings.toolbox_dir, "artifacts": place / "artifacts"}
    return executor(settings.model_copy(update={**tools, "data_dir": place}))


async def sandbox(settings: Settings) -> tuple[Examined, ...]:
    """Whether checks can run here, and which hostile acts succeed: each is really tried."""
    with tempfile.TemporaryDirectory(prefix="portcullis-probe-") as folder:
        try:
            report = await _trying(settings, Path(folder)).probe()
        except PortcullisError as error:
            return broken(error.message, error.hint or "see the README on executors")
    held = [cell for cell in report.protections if cell.held]
    open_cells = tuple(
        Examined(
            health=Health.WARNING if report.usable else Health.BROKEN,
            says=f"{report.executor}: {cell.name} does not hold{f': {cell.detail}' if cell.detail else ''}",
            mend=cell.mend or "see the log of the service at start",
        )
        for cell in report.protections
        if not cell.held
    )
    if not report.usable:
        return open_cells
    if not report.safe_for_untrusted:
        refused = warning("changes from forks are refused on this machine", "mend the protections named here")
        return (*refused, *open_cells)
    return (*good(f"{report.executor}: {len(held)} hostile acts tried, none succeeded"), *open_cells)


async def network(settings: Settings) -> tuple[Examined, ...]:
    """Whether a check with network gets its only exit here: one is really run."""
    nothing = CheckSpec(id="network", key="network", script="true", network="full", timeout=20.0)
    with tempfile.TemporaryDirectory(prefix="portcullis-probe-") as folder:
        tree = Path(folder) / "tree"
        tree.mkdir()
        spec = AttemptSpec(attempt_id=f"network-{os.getpid()}", check=nothing, tree=tree, trusted=True)
        try:
            outcome = await _trying(settings, Path(folder) / "executor").run(spec, _silent)
        except PortcullisError as error:
            return warning(f"checks with network cannot run: {error.message}", error.hint or _NETWORK_MEND)
    if outcome.exit_code != 0:
        says = f"checks with network cannot run: {outcome.detail or f'exit {outcome.exit_code}'}"
        return warning(says, _NETWORK_MEND)
    exit_by = "the cluster's network policy" if settings.executor == "kubernetes" else "its proxy"
    return good(f"a check with network gets {exit_by} as the only exit")


async def _silent(chunk: LogChunk) -> None:
    del chunk


async def toolbox(settings: Settings) -> tuple[Examined, ...]:
    """Whether the presets' tools are installed, at the versions this version pins."""
    return tuple(one for group in GROUPS for one in _group(settings, group))


def _group(settings: Settings, group: str) -> tuple[Examined, ...]:
    """One group; those beyond the basic one are nobody's duty."""
    try:
        status = toolbox_of(settings, group).status()
    except PortcullisError as error:
        return broken(error.message, error.hint or "install the program anew")
    mend = "run `portcullis toolbox install" + ("`" if group == BASIC else f" {group}`")
    if not status.installed:
        if group != BASIC:
            return ()
        return warning(f"{settings.toolbox_dir}: not installed; presets need it", mend)
    if not status.current:
        return warning(f"{status.path}: not what this version pins", mend)
    return good(f"{status.path}: {len(status.tools)} packages, as pinned")
