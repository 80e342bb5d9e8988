"""What a branch requires before anything is merged: rulesets and branch protection are two places."""

from collections.abc import Sequence

import msgspec

from app.forges.values import RequiredCheck


class _WantedCheck(msgspec.Struct, kw_only=True):
    context: str = ""
    integration_id: int | None = None
    app_id: int | None = None


class _Parameters(msgspec.Struct, kw_only=True):
    required_status_checks: list[_WantedCheck] = []


class BranchRule(msgspec.Struct, kw_only=True):
    """A rule of a ruleset that is active on a branch."""

    type: str = ""
    parameters: _Parameters | None = None


class _Wanted(msgspec.Struct, kw_only=True):
    checks: list[_WantedCheck] = []


class _Protection(msgspec.Struct, kw_only=True):
    required_status_checks: _Wanted | None = None


class ProtectedBranch(msgspec.Struct, kw_only=True):
    """A branch with its (older) branch protection."""

    protection: _Protection | None = None


def required_of(rules: Sequence[BranchRule], branch: ProtectedBranch) -> tuple[RequiredCheck, ...]:
    """The checks that either place requires."""
    wanted = [
        check
        for rule in rules
        if rule.type == "required_status_checks" and rule.parameters is not None
        for check in rule.parameters.required_status_checks
    ]
    if branch.protection is not None and branch.protection.required_status_checks is not None:
        wanted += branch.protection.required_status_checks.checks
    return tuple(
        RequiredCheck(context=check.context, app_id=check.integration_id or check.app_id or None)
        for check in wanted
    )
