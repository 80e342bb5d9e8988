"""JUnit XML in the dialects of pytest, surefire, jest, vitest, node, Go, googletest, CTest, .NET, PHPUnit.

Root `testsuites` or `testsuite`, suites nested at will. `failure` is a failed assertion, `error` a test
that could not run; surefire's `flakyFailure`/`flakyError` passed in the end, its `rerunFailure` did
not. googletest says skipped by attribute; node writes `skipped` beside the failure of a test that is still
to be done; CTest says skipped of a test it could not start. gotestsum writes each try of a test as a test:
they are joined. A suite that declares failures none of its tests carries (jest: a file that does not
compile) becomes one errored test, so that it is never lost.
"""

import msgspec

from app.model import AuthorFault, Kind, ReportContent, TestCase, TestOutcome
from app.reports.paths import Paths
from app.reports.protocol import MAX_LINE, Dropped, Format, ReadContext, too_many
from app.reports.text import NAME_CHARS, both_ends, clean, line, quoted
from app.reports.xml import Attributes, XmlReader, root_element

_SUITES = frozenset({"testsuite", "testsuites"})
_BAD = frozenset({"failure", "error"})
_FLAKY = frozenset({"flakyFailure", "flakyError", "rerun"})
_DETAILS = _BAD | _FLAKY | {"skipped", "rerunFailure", "rerunError"}
_OUTPUTS = frozenset({"system-out", "system-err"})
_STATUSES = {
    **dict.fromkeys(("fail", "failed", "failure"), TestOutcome.FAILED),
    **dict.fromkeys(("error", "errored", "broken"), TestOutcome.ERRORED),
    **dict.fromkeys(
        ("notrun", "skipped", "disabled", "ignored", "suppressed", "pending", "todo", "inconclusive"),
        TestOutcome.SKIPPED,
    ),
}
_UNNAMED = "(unnamed test)"
_MAX_SECONDS = 10_000_000.0


def seconds(text: str) -> float:
    """A duration: `0.123`, surefire's `1,234.5`, a decimal comma `0,5`, `0.1s`; 0.0 if unreadable."""
    try:
        value = float(text)
    except ValueError:
        text = text.strip().removesuffix("s").strip()
        text = text.replace(",", "") if "." in text else text.replace(",", ".")
        try:
            value = float(text)
        except ValueError:
            return 0.0
    return value if 0.0 <= value <= _MAX_SECONDS else 0.0


def _count(attributes: Attributes, *names: str) -> int:
    total = 0
    for name in names:
        text = attributes.get(name, "")
        total += int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0  # noqa: PLR2004 - nine digits
    return total


class _Suite:
    """An open suite: its name, the problems it declares, those found in it so far."""

    __slots__ = ("declared", "found", "name", "path")

    def __init__(self, attributes: Attributes) -> None:
        self.name = attributes.get("name", "")
        self.path = attributes.get("file") or attributes.get("filepath") or ""
        self.declared = _count(attributes, "failures", "errors")
        self.found = 0


class _Case:
    """An open test case. `stray` = a problem that stands in no test."""

    __slots__ = ("attributes", "details", "message", "output", "stray")

    def __init__(self, attributes: Attributes, *, stray: bool = False) -> None:
        self.attributes = attributes
        self.details: set[str] = set()
        self.message = ""
        self.output = ""
        self.stray = stray

    def outcome(self) -> TestOutcome:
        if "error" in self.details:
            return TestOutcome.ERRORED
        if "failure" in self.details and "todo" not in self.details:
            return TestOutcome.FAILED
        if "skipped" in self.details:
            return TestOutcome.ERRORED if self._could_not_start() else TestOutcome.SKIPPED
        for name in ("result", "status"):
            outcome = _STATUSES.get(self.attributes.get(name, "").lower())
            if outcome is not None:
                return outcome
        return TestOutcome.PASSED

    def _could_not_start(self) -> bool:
        """CTest counts as failed what it skips, unless the test itself asked for it."""
        said = self.attributes
        return (
            said.get("status") == "notrun" and "result" not in said and not self.message.startswith("SKIP_")
        )


class _Junit:
    """Handlers that turn elements into test cases."""

    def __init__(self, context: ReadContext) -> None:
        self.tests: list[TestCase] = []
        self.tool = ""
        self.dropped = Dropped()
        self.has_tries = False
        self.xml = XmlReader(self._start, self._end)
        self._limit = context.limits.tests
        self._paths = Paths(context)
        self._suites = [_Suite({})]
        self._test: Attributes | None = None
        self._case: _Case | None = None
        self._in_detail = False
        self._names: dict[str, str] = {}
        self._durations: dict[str, float] = {}

    def _start(self, name: str, attributes: Attributes) -> None:
        if name == "testcase":
            if self._test is not None:
                # One inside another: neither may get lost.
                self._close_test(self._test)
            self._test = attributes
        elif name in _DETAILS:
            self._open_detail(name, attributes)
        elif name in _SUITES:
            self._suites.append(_Suite(attributes))
            if attributes.get("name") == "pytest":
                self.tool = "pytest"
        elif name in _OUTPUTS and self._test is not None:
            self._case = case = self._case or _Case(self._test)
            if self._in_detail:
                # surefire puts the output of a try inside its flakyFailure; the stack trace came first.
                case.output = case.output or self.xml.text()
            else:
                self.xml.collect()
        elif name == "property" and attributes.get("name") == "go.version":
            self.has_tries = True

    def _open_detail(self, name: str, attributes: Attributes) -> None:
        if self._case is None:
            # Outside any test it is a problem of the suite itself: googletest and PHPUnit write such.
            stray = self._test is None
            self._case = _Case(
                {"name": self._suites[-1].name} if self._test is None else self._test, stray=stray
            )
        case = self._case
        case.details.add(name)
        if name == "skipped" and attributes.get("type") == "todo":
            case.details.add("todo")
        self._in_detail = True
        if name in _BAD:
            self._suites[-1].found += 1
        case.message = case.message or attributes.get("message") or attributes.get("type") or ""
        self.xml.collect()

    def _end(self, name: str) -> None:
        if name == "testcase":
            if self._test is not None:
                self._close_test(self._test)
            return
        case = self._case
        if name in _SUITES:
            self._close_suite(self._suites.pop())
        elif case is None:
            return
        elif name in _DETAILS:
            self._close_detail(name, case)
        elif name in _OUTPUTS and not self._in_detail:
            text = self.xml.text()
            if not case.output and case.details:
                case.output = text

    def _close_detail(self, name: str, case: _Case) -> None:
        self._in_detail = False
        text = self.xml.text()
        if name == "skipped":
            case.message = case.message or text
        else:
            case.output = case.output or text
            case.message = case.message or text.strip().partition("\n")[0]
        if case.stray:
            self._close_case(case)

    def _close_suite(self, suite: _Suite) -> None:
        if suite.declared and not suite.found:
            suite.found = suite.declared
            name = line(suite.name) or "(unnamed suite)"
            text = f"the suite declares {suite.declared} failures or errors, none of its tests carries one"
            self._add(TestCase(name=name, outcome=TestOutcome.ERRORED, message=text))
        self._suites[-1].found += suite.found

    def _close_test(self, attributes: Attributes) -> None:
        case = self._case
        self._test = None
        if case is not None or "file" in attributes or "status" in attributes or "result" in attributes:
            self._close_case(case or _Case(attributes))
            return
        suite = self._suites[-1]
        if suite.path:
            self._close_case(_Case(attributes))
            return
        # Nearly all tests pass and say no more than this.
        name, classname = attributes.get("name", ""), attributes.get("classname", "")
        self._add(
            TestCase(
                name=line(name) or _UNNAMED,
                classname=self._names.get(classname)
                or self._class(classname or attributes.get("class") or suite.name),
                seconds=self._duration(attributes.get("time", "")),
            )
        )

    def _duration(self, text: str) -> float:
        """Most tests are over in one of a few hundred durations: one number for all alike."""
        known = self._durations.get(text)
        if known is None:
            known = self._durations[text] = seconds(text)
        return known

    def _close_case(self, case: _Case) -> None:
        self._case = None
        self._in_detail = False
        outcome = case.outcome()
        attributes = case.attributes
        suite = self._suites[-1]
        bad = outcome is TestOutcome.FAILED or outcome is TestOutcome.ERRORED
        flaky = not bad and not case.details.isdisjoint(_FLAKY)
        if bad and case.details.isdisjoint(_BAD):
            suite.found += 1
        raw_path = attributes.get("file") or suite.path
        path, at = self._where(raw_path, attributes) if raw_path else ("", 0)
        self._add(
            TestCase(
                name=line(attributes.get("name", "")) or _UNNAMED,
                classname=self._class(attributes.get("classname") or attributes.get("class") or suite.name),
                outcome=outcome,
                seconds=seconds(attributes.get("time", "")),
                message=clean(case.message),
                output=both_ends(case.output) if bad or flaky else "",
                path=path,
                line=at,
                flaky=flaky,
            )
        )

    def _class(self, raw: str) -> str:
        """Class names repeat: one string for all."""
        if raw not in self._names:
            self._names[raw] = line(raw, NAME_CHARS)
        return self._names[raw]

    def _where(self, raw: str, attributes: Attributes) -> tuple[str, int]:
        place = self._paths.place(raw)
        if not place.path:
            self.dropped.add(f"file of a test {place.why.value}", raw)
            return "", 0
        number = _count(attributes, "line")
        # pytest's xunit1 counts lines from 0; every other writer from 1.
        number += 1 if self.tool == "pytest" and "line" in attributes else 0
        return place.path, number if 0 < number <= MAX_LINE else 0

    def _add(self, test: TestCase) -> None:
        if len(self.tests) >= self._limit:
            raise too_many("tests", self._limit)
        self.tests.append(test)


def _joined(tests: list[TestCase]) -> list[TestCase]:
    """Tries of one test of Go made one: flaky if any passed, failed if none did. Names in a package of Go
    are unique, so that tries are all they can be; those that never failed are left as they are.
    """
    tries: dict[tuple[str, str], list[TestCase]] = {}
    for test in tests:
        tries.setdefault((test.classname, test.name), []).append(test)
    joined: list[TestCase] = []
    for found in tries.values():
        failed = [test for test in found if test.outcome is TestOutcome.FAILED]
        passed = [test for test in found if test.outcome is TestOutcome.PASSED]
        if failed and passed:
            first, last = failed[0], passed[-1]
            joined.append(
                msgspec.structs.replace(last, message=first.message, output=first.output, flaky=True)
            )
        else:
            joined.extend(failed[:1] or found)
    return joined


def _recognises(head: bytes) -> bool:
    return root_element(head)[0] in _SUITES


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The test cases of a JUnit XML file. Raises AuthorFault."""
    name, _ = root_element(content)
    if name and name not in _SUITES:
        raise AuthorFault(f"its root element is {quoted(name)}, not 'testsuites' or 'testsuite'")
    reader = _Junit(context)
    reader.xml.run(content)
    return ReportContent(
        format="junit",
        kind="tests",
        tool=reader.tool,
        tests=tuple(_joined(reader.tests) if reader.has_tries else reader.tests),
        dropped=reader.dropped.sentences(),
    )


JUNIT = Format(name="junit", title="JUnit XML", kind=Kind.TESTS, recognises=_recognises, read=read)
