"""Earlier results that may serve again (gate-file.md section 4, `reuse`): looking for them, keeping them.

What serves: a success on a first attempt, at most seven days old, of the same definition on the same inputs
and platform; of a trusted base run, or of this same change while its head was as trusted as it is now. What
an untrusted head made may rest on anything that it brought, so it serves for the same two trees only.

Where base or this change has failed on the same inputs within that time, before or after, nothing serves:
inputs that gave both results do not decide it, and a flaky success is never reused.
"""

import asyncio
from collections.abc import Collection
from typing import Final

import structlog
from sqlalchemy import Connection

from app.engine.configuration import configuration_of
from app.engine.fetching import bring_tested
from app.engine.inputs import Entries, inputs_of, needs_entries
from app.engine.services import Services
from app.engine.specs import base_configures
from app.model import (
    Change,
    ChangeKind,
    CheckRow,
    CheckSpec,
    Comparison,
    Conclusion,
    Earlier,
    Inputs,
    PortcullisError,
    Repository,
    Run,
    Sha,
    Status,
)
from app.store import EvidenceSource, Reusable, changes, checks, find_reusable

LOG = structlog.get_logger(__name__)
REUSED_FOR: Final = 7 * 86_400.0
"""Seconds for which a result may serve."""


async def know_inputs(services: Services, repository: Repository, run: Run, change: Change) -> None:
    """Look at the inputs of checks that have not begun, once each. What cannot be read is not reused."""
    plan, comparison = run.plan, run.comparison
    if plan is None or comparison is None:
        return
    unknown = await services.database.read(lambda c: checks.without_inputs(c, run.id))
    specs = tuple(spec for spec in plan.checks if spec.key in unknown and spec.external is None)
    if not specs:
        return
    try:
        found = await _look(services, repository, run, change, comparison, specs)
    except PortcullisError as problem:
        LOG.warning("no earlier result can serve", reason=problem.message)
        return
    by_id = {unknown[key]: inputs for key, inputs in found.items()}
    await services.database.run(lambda unit: checks.know_inputs(unit, by_id))


async def _look(
    services: Services,
    repository: Repository,
    run: Run,
    change: Change,
    comparison: Comparison,
    specs: tuple[CheckSpec, ...],
) -> dict[str, Inputs]:
    of_tested, of_base = needs_entries(specs, trusted=run.trusted)
    if of_tested:
        await bring_tested(services, repository, run, change.base_ref)
    spaces, nothing = services.workspaces, ()
    tested: Entries = await spaces.entries(repository, comparison.tested_sha) if of_tested else nothing
    base: Entries = await spaces.entries(repository, comparison.base_sha) if of_base else nothing
    found: dict[tuple[Sha, tuple[str, ...]], frozenset[str] | None] = {}
    named: dict[str, frozenset[str] | None] = {}
    for spec in specs:
        if spec.reuse and spec.config_files:
            ours = base_configures(spec, trusted=run.trusted)
            sha, tree = (comparison.base_sha, base) if ours else (comparison.tested_sha, tested)
            at = sha, spec.config_files
            if at not in found:
                found[at] = await configuration_of(spaces, repository, sha, tree, spec.config_files)
            named[spec.key] = found[at]

    def look() -> dict[str, Inputs]:
        return {
            spec.key: inputs_of(
                spec,
                comparison=comparison,
                base_ref=change.base_ref,
                tested=tested,
                base=base,
                trusted=run.trusted,
                whole=change.kind is ChangeKind.BASE,
                configuration=named.get(spec.key, frozenset()),
            )
            for spec in specs
        }

    return await asyncio.to_thread(look)


def earlier_results(
    connection: Connection,
    services: Services,
    run: Run,
    change: Change,
    rows: tuple[CheckRow, ...],
    platform: str,
) -> dict[str, tuple[Earlier, ...]]:
    """By key, newest first, what may serve for the checks of a run that have not begun."""
    open_rows = {row.result.key: row for row in rows if _asks(row)}
    if not platform or not open_rows or run.plan is None or run.comparison is None:
        return {}
    files = {row.inputs.files for row in open_rows.values() if row.inputs is not None}
    # What failed longer ago than evidence is kept may be forgotten, while a verdict keeps the success.
    since = services.clock.now() - min(REUSED_FOR, services.options.keep.evidence)
    found = find_reusable(connection, run.repository_id, files, platform, since)
    if not found:
        return {}
    declared = {run.change_id, subject_of(connection, run, change)}
    # A group that enters the queue again is judged again, but for checks that declare their inputs.
    otherwise = set() if change.kind is ChangeKind.MERGE_GROUP else {run.change_id}
    specs = {spec.key: spec for spec in run.plan.checks}
    results = {}
    for key, row in open_rows.items():
        alike = [
            one for one in found if one.definition == specs[key].definition and _same_inputs(one, row.inputs)
        ]
        own = declared if specs[key].reuse else otherwise
        if not any(speaks_to(one, declared) for one in alike):
            serving = (one.serves.earlier for one in alike if may_serve(one, run, change, own))
            results[key] = tuple(earlier for earlier in serving if earlier is not None)
    return results


def _same_inputs(one: Reusable, inputs: Inputs | None) -> bool:
    """What base runs made was told of all files as changed, so it holds whatever was changed."""
    if inputs is None or one.serves.inputs.files != inputs.files:
        return False
    return one.source is EvidenceSource.BASE or one.serves.inputs.changed == inputs.changed


def _asks(row: CheckRow) -> bool:
    """Whether an earlier result may take the place of a first attempt."""
    result = row.result
    left_out = result.conclusion in {Conclusion.SKIPPED, Conclusion.NOT_NEEDED}
    begins = row.attempt == 0 and (result.status is Status.WAITING or left_out)
    return begins and not result.fresh and row.inputs is not None and bool(row.inputs.files)


def subject_of(connection: Connection, run: Run, change: Change) -> int:
    """The id of the change that a merge group carries (for checks that declare their inputs its results are
    the group's own); any other change's own.
    """
    if change.kind is not ChangeKind.MERGE_GROUP or change.subject_key is None:
        return run.change_id
    subject = changes.find_change(connection, run.repository_id, change.subject_key)
    return run.change_id if subject is None else subject.id


def speaks_to(one: Reusable, own: Collection[int]) -> bool:
    """Whether what was found is a failure that counts for these changes (ids): base's counts for all."""
    if one.serves.earlier is not None:
        return False
    return one.serves.change_id in own or (one.source is EvidenceSource.BASE and one.serves.trusted)


def may_serve(one: Reusable, run: Run, change: Change, own: Collection[int]) -> bool:
    """Whether what was found may serve this run at all: whose it is (`own`: ids of changes that count as this
    one), and how far that one is trusted.
    """
    serves, comparison = one.serves, run.comparison
    if one.source is EvidenceSource.BASE:
        return serves.trusted
    if change.kind is ChangeKind.BASE or serves.change_id not in own or serves.trusted is not run.trusted:
        return False
    if run.trusted:
        return True
    return comparison is not None and (one.base_tree, one.tested_tree) == (
        comparison.base_tree,
        comparison.tested_tree,
    )
