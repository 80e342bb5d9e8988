"""From a head to a plan: fetch, gate file from the base, test merge, comparison, trust."""

import asyncio
import contextlib
import fnmatch

import msgspec

from app.engine.asked import with_asked
from app.engine.fetching import base_of, fetch_as_named
from app.engine.gates import lint_head, read_gate
from app.engine.services import Options, Services
from app.engine.trust import is_trusted
from app.executors import Commit, Fetched, TreeEntry
from app.forges import Forge
from app.model import (
    AuthorFault,
    Change,
    CheckSpec,
    Outage,
    Plan,
    Repository,
    Run,
    RunFacts,
    RunStatus,
    Sha,
)
from app.plan import GateFile, applies, compile_plan, covers
from app.store import changes


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """What preparing found: why nothing can be planned (`refusal`), that no gate file is valid (`broken`)."""

    run: Run
    gate_text: bytes | None = None
    gate: str = "absent"
    refusal: str = ""
    broken: bool = False
    ai_authored: bool = False
    branch_tip: Sha = Sha("")


async def prepare(
    services: Services, forge: Forge, repository: Repository, row: changes.ChangeRow, run: Run
) -> Prepared:
    """Everything between a new run and its plan. Raises Stale, Outage; AuthorFaults become refusals.

    All that wait may fetch at once (the mirror brings them together); few are looked at, one after the
    other, so that in a burst the first are judged while the last still wait.
    """
    fetched = await fetch_as_named(services, repository, row.change)
    async with services.preparing:
        return await _look(services, forge, repository, row, run, fetched)


async def _look(
    services: Services,
    forge: Forge,
    repository: Repository,
    row: changes.ChangeRow,
    run: Run,
    fetched: Fetched,
) -> Prepared:
    """The gate file, and by it the plan."""
    change = row.change
    base_sha = base_of(change, fetched)
    policy_tip = fetched.base_sha or base_sha
    reading = await read_gate(services, repository, policy_tip, change.base_ref)
    run = msgspec.structs.replace(run, base_sha=base_sha, policy_sha=reading.policy_sha)
    if reading.state == "absent":
        run = await _without_gate(services, repository, run)
        return Prepared(run=run, gate="absent", branch_tip=policy_tip)
    facts = msgspec.structs.replace(
        run.facts,
        diagnostics=reading.diagnostics,
        title_note=reading.note if reading.state == "older" else "",
    )
    run = msgspec.structs.replace(run, facts=facts, status=RunStatus.REFUSED)
    found = Prepared(run=run, gate_text=reading.text, gate="present", branch_tip=policy_tip)
    if reading.gatefile is None:
        return msgspec.structs.replace(found, broken=True)
    if not await _applies(forge, repository, change, reading.gatefile):
        ungated = msgspec.structs.replace(run, status=RunStatus.UNGATED)
        return msgspec.structs.replace(found, run=ungated)
    try:
        return await _plan(services, forge, repository, row, found, reading.gatefile)
    except AuthorFault as fault:
        return msgspec.structs.replace(found, refusal=fault.message)


async def _applies(forge: Forge, repository: Repository, change: Change, gatefile: GateFile) -> bool:
    """Whether the file judges this change."""
    protected = await _protected(forge, repository, gatefile, change.base_ref)
    return applies(gatefile, change, default_branch=repository.default_branch, protected=protected)


async def is_gated(forge: Forge, repository: Repository, gatefile: GateFile, branch: str) -> bool:
    """Whether the file judges changes of this branch."""
    protected = await _protected(forge, repository, gatefile, branch)
    return covers(gatefile, branch, default_branch=repository.default_branch, protected=protected)


async def _protected(
    forge: Forge, repository: Repository, gatefile: GateFile, branch: str
) -> tuple[str, ...]:
    """The protected branches, read only where they could matter."""
    if gatefile.branches is not None or branch == repository.default_branch:
        return ()
    return tuple(await forge.protected_branches(repository))


async def _without_gate(services: Services, repository: Repository, run: Run) -> Run:
    """No gate file on the target: one that the change adds is linted; where we had posted, neutral.

    A head that was cut before the target lost its file still has it, and adds nothing by that.
    """
    merged = await services.workspaces.merge(repository, run.base_sha, run.head_sha)
    sha = run.head_sha if merged.conflicts else merged.tested_sha
    try:
        first = await services.workspaces.read_file(repository, sha, services.options.gate_path) is not None
    except AuthorFault:
        first = True
    diagnostics = await lint_head(services, repository, run.head_sha) if first else ()
    facts = msgspec.structs.replace(
        run.facts, neutral="first" if first else "removed", head_diagnostics=diagnostics
    )
    return msgspec.structs.replace(run, status=RunStatus.NEUTRAL, facts=facts)


async def _plan(
    services: Services,
    forge: Forge,
    repository: Repository,
    row: changes.ChangeRow,
    found: Prepared,
    gatefile: GateFile,
) -> Prepared:
    change, spaces, run = row.change, services.workspaces, found.run
    merged = await spaces.merge(repository, run.base_sha, run.head_sha)
    if merged.conflicts:
        named = ", ".join(merged.conflicts[:3])
        more = f" and {len(merged.conflicts) - 3} more" if len(merged.conflicts) > 3 else ""  # noqa: PLR2004 - as many as named
        raise AuthorFault(f"conflicts with {change.base_ref} in {named}{more}")
    comparison, entries, commits, trusted = await asyncio.gather(
        spaces.compare(repository, run.base_sha, run.head_sha, merged.tested_sha),
        _entries(services, repository, gatefile, merged.tested_sha),
        spaces.commits(repository, run.base_sha, run.head_sha),
        is_trusted(services, forge, repository, row, run.head_sha),
    )
    plan = compile_plan(
        gatefile,
        comparison=comparison,
        tree_paths=tuple(entry.path for entry in entries),
        policy_sha=run.policy_sha,
    )
    plan = with_operator_limits(services, plan)
    edits = services.options.gate_path in comparison.paths
    facts = msgspec.structs.replace(
        run.facts,
        authors=authors_of(commits),
        trailers=trailers_of(commits),
        edits_gate=edits,
        head_diagnostics=await lint_head(services, repository, run.head_sha) if edits else (),
    )
    facts = await with_asked(spaces, repository, plan, comparison, facts)
    run = msgspec.structs.replace(
        run,
        status=RunStatus.PLANNED,
        tested_sha=merged.tested_sha,
        plan=plan,
        comparison=comparison,
        facts=facts,
        trusted=trusted,
    )
    return msgspec.structs.replace(
        found,
        run=run,
        ai_authored=row.ai_authored or looks_ai_authored(plan, change, facts),
    )


async def _entries(
    services: Services, repository: Repository, gatefile: GateFile, sha: Sha
) -> tuple[TreeEntry, ...]:
    """The files of a commit. Where a check could begin at once its source tree is written too, beside the
    comparison; what goes wrong with it is told by the check that needs it.
    """
    spaces = services.workspaces
    entries = await spaces.entries(repository, sha)
    free = services.role.checks and len(services.running) < services.options.parallel_checks
    if free and any(check.template.external is None for check in gatefile.checks):
        with contextlib.suppress(AuthorFault, Outage, OSError):
            async with spaces.checkout(repository, sha):
                pass
    return entries


def with_operator_limits(services: Services, plan: Plan) -> Plan:
    """No check runs longer, or takes more memory, than the operator allows."""
    checks = tuple(_limited(services.options, check) for check in plan.checks)
    return msgspec.structs.replace(plan, checks=checks)


def _limited(options: Options, check: CheckSpec) -> CheckSpec:
    """Others' systems are not ours to limit: their time is how long we wait."""
    if check.external is not None:
        return check
    memory = min(check.resources.memory, options.max_memory)
    resources = msgspec.structs.replace(check.resources, memory=memory)
    return msgspec.structs.replace(
        check, timeout=min(check.timeout, options.max_timeout), resources=resources
    )


def authors_of(commits: tuple[Commit, ...]) -> tuple[tuple[str, str], ...]:
    """(name, e-mail) of authors and co-authors, once each: who counts as having written."""
    found: dict[tuple[str, str], None] = {}
    for commit in commits:
        found[commit.author_name, commit.author_email] = None
        for trailer in commit.trailers:
            key, _, value = trailer.partition(":")
            if key.strip().casefold() == "co-authored-by":
                name, _, rest = value.strip().partition("<")
                found[name.strip(), rest.rstrip("> ")] = None
    return tuple(found)


def trailers_of(commits: tuple[Commit, ...]) -> tuple[str, ...]:
    """All trailers, once each."""
    return tuple(dict.fromkeys(trailer for commit in commits for trailer in commit.trailers))


def looks_ai_authored(plan: Plan, change: Change, facts: RunFacts) -> bool:
    """Whether any author, trailer, opener or label is on `settings.ai_authored` (globs, caseless)."""
    marks = plan.settings.ai_authored
    authors = [change.author.login]
    for name, email in facts.authors:
        authors += [f"{name} <{email}>", name, email]
    return (
        _any(marks.authors, authors)
        or _any(marks.trailers, facts.trailers)
        or _any(marks.labels, change.labels)
    )


def _any(globs: tuple[str, ...], texts: list[str] | tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(text.casefold(), glob.casefold()) for glob in globs for text in texts)
