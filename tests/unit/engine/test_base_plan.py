"""Which checks run on base, how askers share a run, and what an ending on base says."""

import msgspec
import pytest

from app.engine.base_plan import join, on_base, with_itself
from app.engine.base_settling import why_impossible
from app.model import (
    CheckResult,
    CheckRow,
    CheckSpec,
    Conclusion,
    Expression,
    External,
    Need,
    Plan,
    Sha,
)
from app.plan import definition


def spec(key: str, *needs: str, soft: bool = False, script: str = "make", **fields: object) -> CheckSpec:
    made = CheckSpec(
        id=key.partition(" ")[0],
        key=key,
        script=script,
        needs=tuple(Need(check=need, soft=soft) for need in needs),
        **fields,  # type: ignore[arg-type]
    )
    return msgspec.structs.replace(made, definition=definition(made))


def plan(*specs: CheckSpec) -> Plan:
    return Plan(path="", policy_sha="", gate_hash="", checks=specs)


def keys(specs: tuple[CheckSpec, ...] | None) -> list[str] | None:
    return None if specs is None else [one.key for one in specs]


def test_all_that_is_needed_comes_along_with_all_its_cells() -> None:
    whole = plan(
        spec("build (a)"),
        spec("build (b)"),
        spec("lint"),
        spec("tool"),
        spec("test", "build"),
        spec("e2e", "test"),
    )
    assert keys(on_base(whole, ["e2e"])) == ["build (a)", "build (b)", "test", "e2e"]
    assert keys(on_base(whole, ["lint"])) == ["lint"]
    assert keys(on_base(whole, [])) == []


def test_what_only_orders_and_what_others_run_is_left_out() -> None:
    waits = msgspec.structs.replace(spec("ci"), external=External(context="ci", app="ci"))
    whole = plan(spec("lint"), waits, spec("test", "lint", soft=True), spec("e2e", "ci"))
    assert keys(on_base(whole, ["test", "e2e", "ci"])) == ["test", "e2e"]


def test_a_soft_need_that_leaves_artifacts_comes_along() -> None:
    whole = plan(
        spec("build", artifacts=("out/app",)), spec("lint"), spec("test", "build", "lint", soft=True)
    )
    assert keys(on_base(whole, ["test"])) == ["build", "test"]


def test_an_upload_is_looked_at_where_it_is_asked_for_and_never_waited_for() -> None:
    ci = msgspec.structs.replace(spec("ci"), external=External(upload="ci"))
    whole = plan(ci, spec("test", "ci"))
    assert keys(on_base(whole, ["test"])) == ["test"]
    assert keys(on_base(whole, ["ci"])) == ["ci"]
    assert keys(on_base(whole, ["test", "ci"])) == ["ci", "test"]


def test_nobody_decides_about_a_check_on_base() -> None:
    asked = spec(
        "infra",
        when=Expression(text="changed('infra/**')"),
        after=Expression(text="approvals >= 1"),
        required=False,
    )
    [made] = on_base(plan(asked), ["infra"])
    assert (made.when, made.after, made.required, made.ignorable) == (None, None, True, False)
    assert made.definition == asked.definition == definition(made)


def test_askers_share_what_is_the_same() -> None:
    build, test, e2e = spec("build"), spec("test", "build"), spec("e2e", "build")
    assert keys(join((build, test), (build, e2e))) == ["build", "test", "e2e"]
    assert keys(join((), (test,))) == ["test"]


def test_one_key_never_means_two_things_in_a_run() -> None:
    assert join((spec("lint"),), (spec("lint", script="make strict"),)) is None
    assert join((spec("test", "build"), spec("build")), (spec("test"),)) is None


def test_no_asker_waits_for_cells_that_its_own_plan_does_not_have() -> None:
    ours = (spec("build (a)"), spec("test", "build"))
    assert join(ours, (spec("build (b)"),)) is None
    assert join((spec("build (b)"),), ours) is None
    assert join(ours, (spec("build (a)"),)) is not None


def test_a_commit_compared_with_itself_changed_nothing() -> None:
    same = with_itself(Sha("1" * 40), Sha("2" * 40))
    assert (same.base_tree, same.paths, same.tested_sha) == (same.tested_tree, (), same.base_sha)


@pytest.mark.parametrize(
    ("conclusion", "code", "delivered", "reason"),
    [
        (Conclusion.SUCCESS, 0, True, ""),
        (Conclusion.SUCCESS, 0, False, ""),
        (Conclusion.NOT_NEEDED, 3, False, ""),
        (Conclusion.FAILURE, 2, True, ""),
        (Conclusion.FAILURE, 2, False, "ruff left no report on main@abc1234: so it is"),
        (Conclusion.FAILURE, None, True, "ruff was cut off on main@abc1234: so it is"),
        (Conclusion.TIMED_OUT, None, True, "ruff did not finish on main@abc1234: so it is"),
        (Conclusion.CANCELLED, None, True, "ruff did not finish on main@abc1234: so it is"),
        (Conclusion.ERROR, None, True, "ruff could not be run on main@abc1234: so it is"),
        (Conclusion.SKIPPED, None, False, "ruff did not run on main@abc1234: so it is"),
    ],
)
def test_what_an_ending_on_base_is_worth(
    conclusion: Conclusion, code: int | None, delivered: bool, reason: str
) -> None:
    result = CheckResult(id="ruff", key="ruff", conclusion=conclusion, reason="so it is", exit_code=code)
    row = CheckRow(id=1, run_id=1, attempt=1, result=result)
    assert why_impossible(row, "main@abc1234", delivered=delivered) == reason


def test_uploads_have_no_exit_code_and_were_not_cut_off() -> None:
    result = CheckResult(id="ci", key="ci", conclusion=Conclusion.FAILURE, reason="1 finding")
    assert why_impossible(CheckRow(id=1, run_id=1, result=result), "main@abc1234", delivered=True) == ""
