"""JUnit XML in the dialects of pytest, surefire, jest-junit, go-junit-report, googletest, CTest.

Root `testsuites` or `testsuite`, suites nested at will. `failure` is a failed assertion, `error` a test
that could not run; surefire's `flakyFailure`/`flakyError` passed in the end, its `rerunFailure` did
not. googletest says skipped by attribute. A suite that declares failures none of its tests carries
(jest: a file that does not compile) becomes one errored test, so that it is never lost.
"""

from app.model import Kind, ReportContent, TestCase, TestOutcome
from app.reports.paths import Paths
from app.reports.protocol import MAX_LINE, Dropped, Format, ReadContext, too_many
from app.reports.text import NAME_CHARS, both_ends, clean, line
from app.reports.xml import Attributes, XmlReader, root_element

_FLAKY = {"flakyFailure", "flakyError", "rerun"}
_DETAILS = {"failure", "error", "skipped", "rerunFailure", "rerunError"} | _FLAKY
_OUTPUTS = {"system-out", "system-err"}
_SKIPPED_STATUS = {"notrun", "skipped", "disabled", "ignored", "suppressed", "pending", "todo"}
_FAILED_STATUS = {"fail", "failed", "failure"}
_ERRORED_STATUS = {"error", "errored", "broken"}
_MAX_SECONDS = 10_000_000.0


def seconds(text: str) -> float:
    """A duration: `0.123`, surefire's `1,234.5`, a decimal comma `0,5`, `0.1s`; 0.0 if unreadable."""
    text = text.strip().removesuffix("s").strip()
    if "," in text:
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
    """An open test case."""

    __slots__ = ("attributes", "details", "message", "output", "suite")

    def __init__(self, attributes: Attributes, suite: _Suite | None) -> None:
        self.attributes = attributes
        self.suite = suite
        self.details: set[str] = set()
        self.message = ""
        self.output = ""

    def outcome(self) -> TestOutcome:
        if "error" in self.details:
            return TestOutcome.ERRORED
        if "failure" in self.details:
            return TestOutcome.FAILED
        if "skipped" in self.details:
            return TestOutcome.SKIPPED
        return self._by_status()

    def _by_status(self) -> TestOutcome:
        for name in ("result", "status"):
            word = self.attributes.get(name, "").lower()
            if word in _FAILED_STATUS:
                return TestOutcome.FAILED
            if word in _ERRORED_STATUS:
                return TestOutcome.ERRORED
            if word in _SKIPPED_STATUS:
                return TestOutcome.SKIPPED
        return TestOutcome.PASSED


class _Junit:
    """Handlers that turn elements into test cases."""

    def __init__(self, context: ReadContext) -> None:
        self.tests: list[TestCase] = []
        self.tool = ""
        self.dropped = Dropped()
        self.xml = XmlReader(self._start, self._end)
        self._limit = context.limits.tests
        self._paths = Paths(context)
        self._suites: list[_Suite] = []
        self._case: _Case | None = None
        self._in_detail = False
        self._names: dict[str, str] = {}

    def _start(self, name: str, attributes: Attributes) -> None:
        if name in {"testsuite", "testsuites"}:
            self._suites.append(_Suite(attributes))
            if not self.tool and attributes.get("name") == "pytest":
                self.tool = "pytest"
        elif name == "testcase":
            self._case = _Case(attributes, self._suites[-1] if self._suites else None)
        elif name in _DETAILS:
            self._open_detail(name, attributes)
        elif name in _OUTPUTS and self._case is not None:
            if self._in_detail:
                # surefire puts the output of a try inside its flakyFailure; the stack trace came first.
                self._case.output = self._case.output or self.xml.text()
            else:
                self.xml.collect()

    def _open_detail(self, name: str, attributes: Attributes) -> None:
        if self._case is None:
            # A problem of the suite itself: googletest and PHPUnit write it outside any test.
            suite = self._suites[-1] if self._suites else None
            self._case = _Case({"name": suite.name if suite else "", "classname": ""}, suite)
            self._case.details.add("of the suite")
        self._case.details.add(name)
        self._in_detail = True
        if name in {"failure", "error"}:
            for suite in self._suites:
                suite.found += 1
        if not self._case.message:
            self._case.message = attributes.get("message") or attributes.get("type") or ""
        self.xml.collect()

    def _end(self, name: str) -> None:
        case = self._case
        if name in {"testsuite", "testsuites"} and self._suites:
            self._close_suite(self._suites.pop())
        elif case is None:
            return
        elif name in _DETAILS:
            self._in_detail = False
            text = self.xml.text()
            if name == "skipped":
                case.message = case.message or text
            else:
                case.output = case.output or text
                case.message = case.message or text.strip().partition("\n")[0]
            if "of the suite" in case.details:
                self._close_case(case)
        elif name in _OUTPUTS and not self._in_detail:
            text = self.xml.text()
            if not case.output and case.details:
                case.output = text
        elif name == "testcase":
            self._close_case(case)

    def _close_suite(self, suite: _Suite) -> None:
        if suite.declared and not suite.found:
            for outer in self._suites:
                outer.found += suite.declared
            name = line(suite.name) or "(unnamed suite)"
            text = f"the suite declares {suite.declared} failures or errors, none of its tests carries one"
            self._add(TestCase(name=name, outcome=TestOutcome.ERRORED, message=text))

    def _close_case(self, case: _Case) -> None:
        self._case = None
        outcome = case.outcome()
        attributes = case.attributes
        bad = outcome in {TestOutcome.FAILED, TestOutcome.ERRORED}
        if bad and not case.details & {"failure", "error"}:
            for suite in self._suites:
                suite.found += 1
        path, at = self._where(case)
        self._add(
            TestCase(
                name=line(attributes.get("name", "")) or "(unnamed test)",
                classname=self._class(
                    attributes.get("classname") or attributes.get("class") or self._suite_name(case)
                ),
                outcome=outcome,
                seconds=seconds(attributes.get("time", "0")),
                message=clean(case.message),
                output=both_ends(case.output) if bad or case.details & _FLAKY else "",
                path=path,
                line=at,
                flaky=not bad and bool(case.details & _FLAKY),
            )
        )

    def _suite_name(self, case: _Case) -> str:
        return case.suite.name if case.suite is not None else ""

    def _class(self, raw: str) -> str:
        """Class names repeat: one string for all."""
        if raw not in self._names:
            self._names[raw] = line(raw, NAME_CHARS)
        return self._names[raw]

    def _where(self, case: _Case) -> tuple[str, int]:
        raw = case.attributes.get("file") or (case.suite.path if case.suite is not None else "")
        if not raw:
            return "", 0
        place = self._paths.place(raw)
        if not place.path:
            self.dropped.add(f"file of a test {place.why}", raw)
            return "", 0
        number = _count(case.attributes, "line")
        # pytest's xunit1 counts lines from 0; every other writer from 1.
        number += 1 if self.tool == "pytest" and "line" in case.attributes else 0
        return place.path, number if 0 < number <= MAX_LINE else 0

    def _add(self, test: TestCase) -> None:
        if len(self.tests) >= self._limit:
            raise too_many("tests", self._limit)
        self.tests.append(test)


def _recognises(head: bytes) -> bool:
    return root_element(head)[0] in {"testsuite", "testsuites"}


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The test cases of a JUnit XML file. Raises AuthorFault."""
    reader = _Junit(context)
    reader.xml.run(content)
    return ReportContent(
        format="junit",
        kind="tests",
        tool=reader.tool,
        tests=tuple(reader.tests),
        dropped=reader.dropped.sentences(),
    )


JUNIT = Format(name="junit", title="JUnit XML", kind=Kind.TESTS, recognises=_recognises, read=read)
