"""What is known of base for one run's decision, and asking for what is not (hold-the-line)."""

from collections.abc import Iterator

import msgspec

from app.engine.base_runs import Base, ask, hurry, name_of
from app.engine.queueing import priority_of
from app.engine.services import Services
from app.engine.standings import Moved
from app.engine.uploaded import gather
from app.model import Baseline, BaselineState, Change, ChangeKind, CheckSpec, Run
from app.store import Unit, baselines, evidence, projects, uploads


def known_of_base(
    unit: Unit, services: Services, run: Run, change: Change, moved: Moved
) -> tuple[Baseline, ...]:
    """The baselines that a decision rests on; those that nobody has made yet are asked for, once for all
    runs on this base. Costs nothing where none is wanted, else one look-up and the reports themselves.
    """
    keys = {*moved.wants, *moved.carries}
    if not keys or run.plan is None or run.comparison is None:
        return ()
    specs = {spec.key: spec for spec in run.plan.checks if spec.key in keys}
    definitions = {spec.definition for spec in specs.values()}
    connection, tree = unit.connection, run.comparison.base_tree
    rows = baselines.find(connection, run.repository_id, tree, definitions)
    digests = _uploaded(unit, run, change, [specs[key] for key in moved.wants])
    missing = tuple(
        key
        for key in moved.wants
        if _to_ask(rows.get(specs[key].definition), specs[key], digests.get(key, ""), run)
    )
    if missing:
        priority = priority_of(change, trusted=run.trusted)
        ask(unit, services, _base(unit, run, change), missing, priority=priority, digests=digests)
        rows = baselines.find(connection, run.repository_id, tree, definitions)
    _wait(unit, run, change, {row for row in rows.values() if _outstanding(row)})
    return tuple(_baselines(unit, run, change, moved, specs, rows))


def _outstanding(row: baselines.BaselineRow) -> bool:
    """Whether somebody makes it, so that its end can be waited for."""
    return row.state is BaselineState.OUTSTANDING and not row.abandoned


def _uploaded(unit: Unit, run: Run, change: Change, specs: list[CheckSpec]) -> dict[str, str]:
    """What is uploaded for base of the checks that others run: the digests of their files, by key."""
    waiting = [spec for spec in specs if spec.external is not None]
    if not waiting:
        return {}
    there = uploads.uploads_on(unit.connection, run.repository_id, run.base_sha)
    on_base = msgspec.structs.replace(change, kind=ChangeKind.BASE, number=None)
    return {spec.key: gather(spec, there, on_base).digest for spec in waiting}


def _to_ask(row: baselines.BaselineRow | None, spec: CheckSpec, digest: str, run: Run) -> bool:
    """Whether nobody makes this baseline, and it can be made: never asked for, abandoned, or impossible
    through an error of ours before this run was opened. Others upload when they do: what is not there is
    not waited for, and what is there beside or instead of what was read is read anew.
    """
    if spec.external is not None and not digest:
        return False
    if row is None or row.abandoned or (row.ours and row.at < run.opened_at):
        return True
    return row.state is not BaselineState.OUTSTANDING and row.digest != digest


def _base(unit: Unit, run: Run, change: Change) -> Base:
    assert run.plan is not None  # noqa: S101 - who wants a baseline has a plan
    assert run.comparison is not None  # noqa: S101 - the same
    trusted = True
    if change.kind is ChangeKind.MERGE_GROUP:
        known = projects.branch(unit.connection, run.repository_id, change.base_ref)
        trusted = known is not None and known[0] == run.base_sha
    return Base(
        repository_id=run.repository_id,
        ref=change.base_ref,
        sha=run.base_sha,
        tree=run.comparison.base_tree,
        plan=run.plan,
        trusted=trusted,
    )


def _wait(unit: Unit, run: Run, change: Change, rows: set[baselines.BaselineRow]) -> None:
    priority = priority_of(change, trusted=run.trusted)
    for row in rows:
        baselines.wait_for(unit, row.id, run.id)
        if row.run_id is not None and row.priority < priority:
            hurry(unit, row.run_id, priority)


def _baselines(
    unit: Unit,
    run: Run,
    change: Change,
    moved: Moved,
    specs: dict[str, CheckSpec],
    rows: dict[str, baselines.BaselineRow],
) -> Iterator[Baseline]:
    """One for each check wanted, in the plan's order; of those not needed what is there or on its way."""
    ids = tuple(row.evidence_id for row in rows.values() if row.evidence_id is not None)
    reports = evidence.load_reports(unit.connection, ids)
    for key, spec in specs.items():
        row = rows.get(spec.definition)
        if row is not None and row.evidence_id in reports:
            origin, content = reports[row.evidence_id]
            yield Baseline(
                key=key, state=row.state, origin=origin, evidence_id=row.evidence_id, reports=content
            )
        elif row is not None and (key in moved.wants or _outstanding(row)):
            yield Baseline(key=key, state=row.state, reason=row.reason)
        elif spec.external is not None and key in moved.wants:
            reason = f"no upload of {spec.external.upload} for {name_of(change.base_ref, run.base_sha)}"
            yield Baseline(key=key, state=BaselineState.IMPOSSIBLE, reason=reason)
