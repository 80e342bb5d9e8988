"""Which checks run on base, and how plans of several askers become one: pure decisions."""

from collections.abc import Collection

import msgspec

from app.model import CheckSpec, Comparison, Plan, Sha


def on_base(plan: Plan, keys: Collection[str]) -> tuple[CheckSpec, ...]:
    """The checks of these keys and all that they need, as they run on base: nobody decides about them. A soft
    need that leaves artifacts is among them: without those the check would not do the same there.

    Others' systems are left out: they post on what changes, and upload for base if they do. Whose uploads are
    asked for are in it; who needs those does not wait for them.
    """
    by_id: dict[str, list[CheckSpec]] = {}
    for spec in plan.checks:
        if spec.external is None:
            by_id.setdefault(spec.id, []).append(spec)
    found: set[str] = set()
    open_specs = [spec for spec in plan.checks if spec.key in keys and _has_evidence(spec)]
    while open_specs:
        spec = open_specs.pop()
        if spec.key not in found:
            found.add(spec.key)
            open_specs.extend(
                cell
                for need in spec.needs
                for cell in by_id.get(need.check, ())
                if cell.artifacts or not need.soft
            )
    return tuple(
        msgspec.structs.replace(spec, when=None, after=None, required=True, ignorable=False)
        for spec in plan.checks
        if spec.key in found
    )


def _has_evidence(spec: CheckSpec) -> bool:
    return spec.external is None or bool(spec.external.upload)


def join(known: tuple[CheckSpec, ...], more: tuple[CheckSpec, ...]) -> tuple[CheckSpec, ...] | None:
    """The checks of one base run with those of a further asker; None where they cannot be in one plan.

    That is where one key would mean two things, or a check would wait for cells that its own plan does not
    have.
    """
    by_key = {spec.key: spec for spec in known}
    for spec in more:
        other = by_key.get(spec.key)
        if other is not None and (other.definition, other.needs) != (spec.definition, spec.needs):
            return None
    if _adds_to_needs(known, more) or _adds_to_needs(more, known):
        return None
    return (*known, *(spec for spec in more if spec.key not in by_key))


def _adds_to_needs(plan: tuple[CheckSpec, ...], others: tuple[CheckSpec, ...]) -> bool:
    keys = {spec.key for spec in plan}
    needed = {need.check for spec in plan for need in spec.needs}
    return any(spec.id in needed and spec.key not in keys for spec in others)


def with_itself(sha: Sha, tree: Sha) -> Comparison:
    """A commit compared with itself: nothing is changed."""
    return Comparison(base_sha=sha, head_sha=sha, tested_sha=sha, base_tree=tree, tested_tree=tree, files=())
