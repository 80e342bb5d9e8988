"""Which earlier result may serve a check: its inputs, whose it is, how far that one is trusted."""

from functools import partial

import msgspec
import pytest

from app.engine.earlier import earlier_of, given_to, speaks_against, succeeds
from app.engine.inputs import inputs_of, needs_entries
from app.engine.reuse import may_serve, speaks_to
from app.executors import TreeEntry
from app.model import (
    Cache,
    ChangeKind,
    CheckEvidence,
    CheckResult,
    CheckSpec,
    Comparison,
    Conclusion,
    Earlier,
    Ending,
    FileChange,
    FileStatus,
    Inputs,
    Need,
    Plan,
    ReportContent,
    Reused,
    Run,
    Sha,
    Status,
)
from app.model import TestCase as Case
from app.store import EvidenceSource, Reusable, Serves
from tests.unit.policy.world import CHANGE

SPEC = CheckSpec(id="test", key="test", script="pytest", reuse=("src/**",))
EMPTY = Inputs()


def entry(path: str, sha: str = "1", mode: str = "100644") -> TreeEntry:
    return TreeEntry(path=path, mode=mode, size=1, sha=Sha(sha))


TESTED = (entry("src/a.py"), entry("docs/a.md"), entry("ruff.toml"))
BASE = (entry("src/a.py", "0"), entry("ruff.toml", "0"))


def comparison(*paths: str, base: str = "b", tested: str = "t") -> Comparison:
    return Comparison(
        base_sha=Sha(base * 40),
        head_sha=Sha("c" * 40),
        tested_sha=Sha("d" * 40),
        base_tree=Sha(base * 40),
        tested_tree=Sha(tested * 40),
        files=tuple(FileChange(path=path, status=FileStatus.MODIFIED) for path in paths),
    )


def inputs(spec: CheckSpec = SPEC, **given: object) -> Inputs:
    known = {
        "comparison": comparison("src/a.py"),
        "base_ref": "main",
        "tested": TESTED,
        "base": BASE,
        "trusted": True,
        "whole": False,
    }
    return inputs_of(spec, **(known | given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "given",
    [
        {"tested": (*TESTED, entry("docs/b.md"))},
        {"comparison": comparison("src/a.py", "docs/a.md", base="e", tested="f")},
        {"base": ()},
        {"trusted": False},
    ],
)
def test_what_is_not_among_the_inputs_changes_nothing(given: dict[str, object]) -> None:
    assert inputs(**given) == inputs()


@pytest.mark.parametrize(
    "given",
    [
        {"tested": (entry("src/a.py", "2"), *TESTED[1:])},
        {"tested": (entry("src/a.py", mode="100755"), *TESTED[1:])},
        {"tested": (*TESTED, entry("src/b.py"))},
        {"base_ref": "release"},
        {"comparison": comparison("src/a.py", "src/b.py")},
    ],
)
def test_an_input_that_differs_is_another_key(given: dict[str, object]) -> None:
    assert inputs(**given) != inputs()


def test_base_is_told_of_all_files_so_what_changed_does_not_count() -> None:
    whole = inputs(whole=True, comparison=comparison())
    assert (whole.files, whole.changed) == (inputs().files, "")


def test_a_reuse_that_names_no_file_says_nothing() -> None:
    nothing = msgspec.structs.replace(SPEC, reuse=("sources/**",))
    assert inputs(nothing) == EMPTY


def test_what_configures_the_tool_is_an_input_from_where_it_comes() -> None:
    tool = msgspec.structs.replace(SPEC, config_files=("ruff.toml",))
    of_tool = partial(inputs, configuration={"ruff.toml"})
    edited = (TESTED[0], TESTED[1], entry("ruff.toml", "9"))
    assert of_tool(tool, tested=edited) != of_tool(tool)
    assert of_tool(tool, tested=edited, trusted=False) == of_tool(tool, trusted=False)
    assert of_tool(tool, base=(), trusted=False) != of_tool(tool, trusted=False)
    ours = msgspec.structs.replace(tool, config="base")
    assert of_tool(ours, tested=edited) == of_tool(ours)


def test_what_its_configuration_names_is_an_input_and_nothing_is_reused_where_that_is_not_known() -> None:
    tool = msgspec.structs.replace(SPEC, config_files=("ruff.toml",))
    two = {"ruff.toml", "config/strict.toml"}
    strict, lenient = (*TESTED, entry("config/strict.toml", "7")), (*TESTED, entry("config/strict.toml", "8"))
    assert inputs(tool, tested=strict, configuration=two) != inputs(tool, tested=lenient, configuration=two)
    assert inputs(tool, configuration=None) == EMPTY


@pytest.mark.parametrize("path", [".gitattributes", "src/deep/.gitattributes"])
def test_how_files_are_written_out_is_an_input(path: str) -> None:
    assert inputs(tested=(*TESTED, entry(path, "7"))) != inputs(tested=(*TESTED, entry(path, "8")))
    of_base = msgspec.structs.replace(SPEC, tree="base")
    assert inputs(of_base, base=(*BASE, entry(path))) != inputs(of_base)


def test_a_script_of_base_is_an_input() -> None:
    of_base = msgspec.structs.replace(SPEC, tree="base")
    assert needs_entries([of_base], trusted=True) == (True, True)
    assert inputs(of_base, base=()) != inputs(of_base)


def test_without_reuse_both_trees_are_the_inputs() -> None:
    plain = msgspec.structs.replace(SPEC, reuse=())
    assert needs_entries([plain], trusted=False) == (False, False)
    assert inputs(plain, tested=()) == inputs(plain)
    assert inputs(plain, comparison=comparison(base="e")) != inputs(plain)
    assert inputs(plain, comparison=comparison(tested="e")) != inputs(plain)


def test_what_its_cache_depends_on_is_an_input() -> None:
    cached = msgspec.structs.replace(SPEC, cache=Cache(key="k-${hash('*.toml')}", paths=(".deps",)))
    assert inputs(cached, tested=(*TESTED, entry("docs/b.md"))) == inputs(cached)
    assert inputs(cached, tested=(*TESTED[:2], entry("ruff.toml", "9"))) != inputs(cached)


def test_who_looks_at_commits_depends_on_which_they_are() -> None:
    looks = msgspec.structs.replace(SPEC, commits=True)
    other = msgspec.structs.replace(comparison("src/a.py"), head_sha=Sha("9" * 40))
    assert inputs(looks, comparison=other) != inputs(looks)
    assert inputs(comparison=other) == inputs()


def found(
    *,
    source: EvidenceSource = EvidenceSource.CHANGE,
    trusted: bool = True,
    change_id: int = 1,
    tested: str = "t",
) -> Reusable:
    return Reusable(
        definition="",
        base_tree="b" * 40,
        tested_tree=tested * 40,
        source=source,
        serves=Serves(
            earlier=Earlier(attempt=1, at=0.0),
            change_id=change_id,
            trusted=trusted,
            inputs=Inputs(files="f", changed="c"),
            platform="p",
        ),
    )


def run(*, trusted: bool) -> Run:
    return Run(
        id=5, repository_id=1, change_id=1, head_sha=Sha("c" * 40), trusted=trusted, comparison=comparison()
    )


ON_BASE = msgspec.structs.replace(CHANGE, kind=ChangeKind.BASE)
OF_BASE = EvidenceSource.BASE


@pytest.mark.parametrize(
    ("one", "trusted", "change", "serves"),
    [
        (found(), True, CHANGE, True),
        (found(tested="x"), True, CHANGE, True),
        (found(change_id=2), True, CHANGE, False),
        (found(change_id=0), True, CHANGE, False),
        (found(trusted=False), True, CHANGE, False),
        (found(), False, CHANGE, False),
        (found(trusted=False), False, CHANGE, True),
        (found(trusted=False, tested="x"), False, CHANGE, False),
        (found(source=OF_BASE, change_id=2), True, CHANGE, True),
        (found(source=OF_BASE, change_id=2, tested="x"), False, CHANGE, True),
        (found(source=OF_BASE, change_id=2, trusted=False), True, CHANGE, False),
        (found(source=OF_BASE, change_id=2), True, ON_BASE, True),
        (found(), True, ON_BASE, False),
    ],
)
def test_whom_a_result_may_serve(one: Reusable, trusted: bool, change: object, serves: bool) -> None:
    assert may_serve(one, run(trusted=trusted), change, {1}) is serves  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "speaks"),
    [
        (found(), True),
        (found(tested="x"), True),
        (found(trusted=False), True),
        (found(change_id=2), False),
        (found(source=OF_BASE, change_id=2), True),
        (found(source=OF_BASE, change_id=2, trusted=False), False),
    ],
)
def test_to_whom_a_failure_speaks(one: Reusable, speaks: bool) -> None:
    failed = msgspec.structs.replace(one, serves=msgspec.structs.replace(one.serves, earlier=None))
    assert speaks_to(failed, {1}) is speaks
    assert not speaks_to(one, {1})


def ended(conclusion: Conclusion = Conclusion.SUCCESS) -> Ending:
    return Ending(conclusion=conclusion, exit_code=0, seconds=3.0, artifacts=2)


def reported(*, flaky: bool) -> CheckEvidence:
    case = Case(name="test_a", flaky=flaky)
    return CheckEvidence(key="test", reports=(ReportContent(format="junit", kind="tests", tests=(case,)),))


def test_only_a_success_without_a_flaky_test_may_serve_later() -> None:
    def earlier(ending: Ending, evidence: CheckEvidence) -> Earlier | None:
        return earlier_of(7, ending, evidence, {"n": 1}, {"build": 4}, 10.0)

    assert earlier(ended(Conclusion.FAILURE), reported(flaky=False)) is None
    assert earlier(ended(Conclusion.NOT_NEEDED), reported(flaky=False)) is None
    assert earlier(ended(), reported(flaky=True)) is None
    kept = earlier(ended(), reported(flaky=False))
    assert kept is not None
    assert (kept.attempt, kept.seconds, kept.outputs, kept.delivered) == (7, 3.0, {"n": 1}, ("tests",))
    assert (kept.artifacts, kept.given) == (2, {"build": 4})


def test_a_failure_and_a_flaky_success_speak_against_their_inputs_our_error_does_not() -> None:
    against = {one for one in Conclusion if speaks_against(ended(one), reported(flaky=False))}
    assert against == {Conclusion.FAILURE, Conclusion.TIMED_OUT}
    assert speaks_against(ended(), reported(flaky=True))


def test_findings_are_a_success_only_where_this_gate_judges_them() -> None:
    clean, findings = Earlier(attempt=1, at=0.0), Earlier(attempt=1, at=0.0, exit_code=1)
    secrets = msgspec.structs.replace(findings, secrets=True)
    judged = msgspec.structs.replace(SPEC, findings_succeed=True)
    both = msgspec.structs.replace(judged, secrets_judged=True)
    assert [succeeds(SPEC, one) for one in (clean, findings, secrets)] == [True, False, False]
    assert [succeeds(judged, one) for one in (clean, findings, secrets)] == [True, True, False]
    assert [succeeds(both, one) for one in (clean, findings, secrets)] == [True, True, True]


def test_the_artifacts_a_check_is_given_are_known_by_the_attempt_that_made_them() -> None:
    build = CheckSpec(id="build", key="build", script="make", artifacts=("out/app",))
    lint = CheckSpec(id="lint", key="lint", script="make lint")
    spec = msgspec.structs.replace(SPEC, needs=(Need(check="build"), Need(check="lint", soft=True)))
    plan = Plan(path="", policy_sha="", gate_hash="", checks=(build, lint, spec))

    def given(result: CheckResult) -> dict[str, int]:
        return given_to(
            spec, plan, {"build": result, "lint": CheckResult(id="lint", key="lint")}, {"build": 8}
        )

    done = CheckResult(id="build", key="build", status=Status.COMPLETED)
    assert given(done) == {"build": 0}
    assert given(msgspec.structs.replace(done, attempt=1)) == {"build": 8}
    assert given(msgspec.structs.replace(done, reused=Reused(attempt=3, at=0.0))) == {"build": 3}
