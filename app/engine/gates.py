"""Finding the gate file that judges: on the target branch, its newest valid version (gate-file.md 2)."""

from typing import Literal

import msgspec

from app.engine.days import utc_day
from app.engine.services import Services
from app.model import AuthorFault, Diagnostic, Repository, Sha
from app.plan import GateFile, parse

State = Literal["absent", "valid", "older", "broken"]


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What the target branch says. ABSENT: no file. OLDER: the tip's is invalid, an older one judges.

    BROKEN: no version is valid. `diagnostics` are the tip's, `note` says in words why an older one judges.
    """

    state: State
    gatefile: GateFile | None = None
    text: bytes = b""
    policy_sha: Sha = Sha("")
    diagnostics: tuple[Diagnostic, ...] = ()
    note: str = ""


def gate_state(reading: Reading) -> str:
    """What is remembered of a branch: `absent`, `present`, or `pushes` where pushes to it are judged."""
    if reading.state == "absent":
        return "absent"
    return "pushes" if reading.gatefile is not None and "push" in reading.gatefile.events else "present"


async def read_gate(services: Services, repository: Repository, tip: Sha, branch: str) -> Reading:
    """The gate file of a branch at its tip."""
    path = services.options.gate_path
    text, diagnostics, gatefile = await _version(services, repository, tip)
    if text is None and not diagnostics:
        return Reading(state="absent", policy_sha=tip)
    if gatefile is not None:
        return Reading(
            state="valid", gatefile=gatefile, text=text or b"", policy_sha=tip, diagnostics=diagnostics
        )
    since = tip
    limit = services.options.history_limit
    for sha in await services.workspaces.versions(repository, tip, path, limit):
        older_text, older_diagnostics, older = await _version(services, repository, sha)
        if older_text is None and not older_diagnostics:
            break  # the file was deleted here: what came before does not count
        if older is None:
            since = sha
            continue
        return Reading(
            state="older",
            gatefile=older,
            text=older_text or b"",
            policy_sha=sha,
            diagnostics=diagnostics,
            note=f"gate file on {branch} is invalid since {since[:7]}, judged by {sha[:7]}",
        )
    return Reading(state="broken", text=text or b"", policy_sha=tip, diagnostics=diagnostics)


async def _version(
    services: Services, repository: Repository, sha: Sha
) -> tuple[bytes | None, tuple[Diagnostic, ...], GateFile | None]:
    path = services.options.gate_path
    try:
        text = await services.workspaces.read_file(repository, sha, path)
    except AuthorFault as fault:
        problem = Diagnostic(code="G001", message=fault.message, path=path, line=1, column=1, hint=fault.hint)
        return None, (problem,), None
    if text is None:
        return None, (), None
    parsed = parse(text, path, services.catalogue, today=utc_day(services.clock.now()))
    return text, parsed.diagnostics, parsed.gatefile


async def lint_head(services: Services, repository: Repository, head_sha: Sha) -> tuple[Diagnostic, ...]:
    """Diagnostics of the head's own version: it is checked and shown, never obeyed."""
    _, diagnostics, _ = await _version(services, repository, head_sha)
    return diagnostics
