"""Tests of this change beside those of base: which fail alike there, which are gone.

A test is known by class, name and file. One whose file git sees renamed keeps its identity, also where the
class tells the file (`tests.test_pay` for tests/test_pay.py). A test of the same name that stands in
another class or file is one that was moved, as long as each counts once; a test renamed in place is one
removed and one added.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath

import msgspec

from app.model import (
    Baseline,
    BaselineState,
    Comparison,
    Evidence,
    FileStatus,
    ReportContent,
    TestCase,
    TestOutcome,
)

FAILED = frozenset({TestOutcome.FAILED, TestOutcome.ERRORED})

Identity = tuple[str, str, str]
"""Class, name and file, as base calls them."""


class CheckTests(msgspec.Struct, frozen=True, kw_only=True):
    """The failed tests of one check (by key) beside base's evidence of it.

    `told` are all, as the reports have them, each with whether it fails alike on base; `failed` those that do
    not, `alike` those that do. `flaky_on_base` are those of `failed` that passed on base only when tried
    again. `removed` are base's tests that are gone. `untold` is why there is nothing to compare with;
    `waits`: base's evidence is on its way.
    """

    check: str
    told: tuple[tuple[TestCase, bool], ...] = ()
    flaky_on_base: tuple[TestCase, ...] = ()
    removed: tuple[TestCase, ...] = ()
    untold: str = ""
    waits: bool = False

    @property
    def failed(self) -> tuple[TestCase, ...]:
        """See the class."""
        return tuple(case for case, alike in self.told if not alike)

    @property
    def alike(self) -> tuple[TestCase, ...]:
        """See the class."""
        return tuple(case for case, alike in self.told if alike)


def known_test(check: str, case: TestCase) -> tuple[str, ...]:
    """What a test of a check (by key) is known by whenever the check runs again."""
    return "test", check, case.classname, case.name, case.path


def compare_tests(evidence: Evidence, check: str) -> CheckTests:
    """The tests of one check beside base's."""
    reports = [one for delivered in evidence.reports if delivered.key == check for one in delivered.reports]
    baseline = next((one for one in evidence.baselines if one.key == check), None)
    told = tuple((case, False) for case in _cases(reports) if case.outcome in FAILED)
    if baseline is not None and baseline.state is BaselineState.READY:
        return _compared(check, list(_cases(reports)), baseline, Renames(evidence.comparison))
    if baseline is not None and baseline.state is BaselineState.OUTSTANDING:
        return CheckTests(check=check, told=told, waits=True)
    base = evidence.change.base_ref
    why = f"tests of {check} were not compared with {base}"
    if baseline is not None:
        why = baseline.reason or f"{check} cannot be run on {base}"
    return CheckTests(check=check, told=told, untold=why)


def _cases(reports: Iterable[ReportContent]) -> Iterable[TestCase]:
    return (case for report in reports for case in report.tests)


def _compared(check: str, here: list[TestCase], baseline: Baseline, renames: "Renames") -> CheckTests:
    there = list(_cases(baseline.reports))
    flaky = {_identity(case) for case in there if case.flaky}
    told = _told_apart(here, there, renames)
    return CheckTests(
        check=check,
        told=told,
        flaky_on_base=tuple(case for case, alike in told if not alike and renames.identity(case) in flaky),
        removed=_removed(here, there, renames),
    )


def _told_apart(
    here: list[TestCase], there: list[TestCase], renames: "Renames"
) -> tuple[tuple[TestCase, bool], ...]:
    """The failed tests, each with whether it fails alike on base. Of tests of one name (parameters that the
    report leaves out) as many fail alike as fail there.
    """
    failing = Counter(_identity(case) for case in there if case.outcome in FAILED)
    told: list[tuple[TestCase, bool]] = []
    for case in here:
        if case.outcome not in FAILED:
            continue
        identity = renames.identity(case)
        alike = failing[identity] > 0
        failing[identity] -= alike
        told.append((case, alike))
    return tuple(told)


def _removed(here: list[TestCase], there: list[TestCase], renames: "Renames") -> tuple[TestCase, ...]:
    """Base's tests without a counterpart: not by identity, and not moved."""
    known = {renames.identity(case) for case in here}
    before = {_identity(case) for case in there}
    added = {identity for case in here if (identity := renames.identity(case)) not in before}
    moved = Counter(name for _, name, _ in added)
    gone = []
    for identity, case in {_identity(case): case for case in there}.items():
        if identity in known:
            continue
        if moved[case.name]:
            moved[case.name] -= 1
        else:
            gone.append(case)
    return tuple(gone)


def _identity(case: TestCase) -> Identity:
    return case.classname, case.name, case.path


class Renames:
    """What tests of renamed files were called on base."""

    def __init__(self, comparison: Comparison) -> None:
        self._paths: dict[str, str] = {}
        self._modules: dict[str, str] = {}
        for file in comparison.files:
            if file.status is FileStatus.RENAMED and file.old_path is not None:
                self._paths[file.path] = file.old_path
                self._modules |= _modules(file.path, file.old_path)

    def __bool__(self) -> bool:
        return bool(self._paths)

    def identity(self, case: TestCase) -> Identity:
        """The identity that the test had on base."""
        return self._class(case.classname), case.name, self._paths.get(case.path, case.path)

    def _class(self, name: str) -> str:
        if not self._modules:
            return name
        module = name
        while module:
            if (old := self._modules.get(module)) is not None:
                return old + name[len(module) :]
            module = module.rpartition(".")[0]
        return name


def _modules(path: str, old_path: str) -> dict[str, str]:
    """A file's dotted names, counted from each folder that both paths share, as the old one's."""
    new, old = (list(PurePosixPath(one).with_suffix("").parts) for one in (path, old_path))
    found = {".".join(new): ".".join(old)}
    while len(new) > 1 and len(old) > 1 and new[0] == old[0]:
        new, old = new[1:], old[1:]
        found[".".join(new)] = ".".join(old)
    return found
