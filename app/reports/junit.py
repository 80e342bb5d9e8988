"""JUnit XML in the dialects of pytest, surefire, jest, vitest, node, Go, googletest, CTest, .NET, PHPUnit.

Root `testsuites` or `testsuite`, suites nested at will. `failure` is a failed assertion, `error` a test
that could not run; surefire's `flakyFailure`/`flakyError` passed in the end, its `rerunFailure` did
not. googletest says skipped by attribute; node writes `skipped` beside the failure of a test that is still
to be done; CTest says skipped of a test it could not start. gotestsum writes each try of a test as a test:
they are joined. A suite that declares failures none of its tests carries (jest: a file that does not
compile) becomes one errored test, so that it is never lost.
"""

from app.model import AuthorFault, Kind, ReportContent, TestCase, TestOutcome
from app.reports.junit_case import BAD, DETAILS, FLAKY, Case, joined, seconds
from app.reports.paths import Paths
from app.reports.protocol import MAX_LINE, Dropped, Format, ReadContext, too_many
from app.reports.text import NAME_CHARS, both_ends, clean, line, quoted
from app.reports.xml import Attributes, EndHandler, StartHandler, XmlReader, root_element

_SUITES = frozenset({"testsuite", "testsuites"})
_OUTPUTS = frozenset({"system-out", "system-err"})
# What a test may say by attributes besides its name, class and time.
_SAYING = frozenset({"file", "status", "result"})
_TOGETHER = 1_000
_UNNAMED = "(unnamed test)"


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


class _Junit:
    """Handlers that turn elements into test cases."""

    def __init__(self, context: ReadContext) -> None:
        self.tests: list[TestCase] = []
        self.tool = ""
        self.dropped = Dropped()
        self.has_tries = False
        self._plain: list[Attributes] = []
        self.xml = XmlReader(*self._handlers())
        self._limit = context.limits.tests
        self._paths = Paths(context)
        self._suites = [_Suite({})]
        self._test: Attributes | None = None
        self._case: Case | None = None
        self._in_detail = False
        self._names: dict[str, str] = {}
        self._durations: dict[str, float] = {}

    def _handlers(self) -> tuple[StartHandler, EndHandler]:
        """Most of a report are tests that passed: these are gathered by as little as can be done."""
        plain, start_other, end_other = self._plain, self._start, self._end

        def start(name: str, attributes: Attributes) -> None:
            if name == "testcase":
                if self._test is not None:
                    # One inside another: neither may get lost.
                    self._close_test(self._test)
                self._test = attributes
            else:
                start_other(name, attributes)

        def end(name: str) -> None:
            if name != "testcase":
                end_other(name)
            elif self._test is not None:
                if self._case is None and len(plain) < _TOGETHER:
                    plain.append(self._test)
                    self._test = None
                else:
                    self._close_test(self._test)

        return start, end

    def _start(self, name: str, attributes: Attributes) -> None:
        if name in DETAILS:
            self._open_detail(name, attributes)
        elif name in _SUITES:
            self._put_plain()
            self._suites.append(_Suite(attributes))
            if attributes.get("name") == "pytest":
                self.tool = "pytest"
        elif name in _OUTPUTS and self._test is not None:
            self._case = case = self._case or Case(self._test)
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
            self._put_plain()
            self._case = Case(
                {"name": self._suites[-1].name} if self._test is None else self._test, stray=stray
            )
        case = self._case
        case.details.add(name)
        if name == "skipped" and attributes.get("type") == "todo":
            case.details.add("todo")
        self._in_detail = True
        if name in BAD:
            self._suites[-1].found += 1
        case.message = case.message or attributes.get("message") or attributes.get("type") or ""
        self.xml.collect()

    def _end(self, name: str) -> None:
        case = self._case
        if name in _SUITES:
            self._put_plain()
            self._close_suite(self._suites.pop())
        elif case is None:
            return
        elif name in DETAILS:
            self._close_detail(name, case)
        elif name in _OUTPUTS and not self._in_detail:
            text = self.xml.text()
            if not case.output and case.details:
                case.output = text

    def _close_detail(self, name: str, case: Case) -> None:
        self._in_detail = False
        text = self.xml.text()
        if name == "skipped":
            case.message = case.message or text
        else:
            case.output = case.output or text
            case.message = _telling(case.message, text)
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
        self._put_plain()
        if case is not None:
            self._close_case(case)
        else:
            self._plain.append(attributes)

    def _put_plain(self) -> None:
        """Make tests of those gathered in this suite, in their order."""
        if not self._plain:
            return
        found = self._plain.copy()
        self._plain.clear()
        suite, names, durations, add = self._suites[-1], self._names, self._durations, self.tests.append
        if len(self.tests) + len(found) > self._limit:
            raise too_many("tests", self._limit)
        for attributes in found:
            if suite.path or not _SAYING.isdisjoint(attributes):
                self._close_case(Case(attributes))
                continue
            classname, duration = attributes.get("classname", ""), attributes.get("time", "")
            add(
                TestCase(
                    name=line(attributes.get("name", "")) or _UNNAMED,
                    classname=names.get(classname)
                    or self._class(classname or attributes.get("class") or suite.name),
                    seconds=durations[duration] if duration in durations else self._duration(duration),
                )
            )

    def _duration(self, text: str) -> float:
        """Most tests are over in one of a few thousand durations: one number for all alike."""
        known = self._durations[text] = seconds(text)
        return known

    def _close_case(self, case: Case) -> None:
        self._case = None
        self._in_detail = False
        outcome = case.outcome()
        attributes = case.attributes
        suite = self._suites[-1]
        bad = outcome is TestOutcome.FAILED or outcome is TestOutcome.ERRORED
        flaky = not bad and not case.details.isdisjoint(FLAKY)
        if bad and case.details.isdisjoint(BAD):
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
        tests=tuple(joined(reader.tests) if reader.has_tries else reader.tests),
        dropped=reader.dropped.sentences(),
    )


JUNIT = Format(name="junit", title="JUnit XML", kind=Kind.TESTS, recognises=_recognises, read=read)


def _telling(message: str, text: str) -> str:
    """The message, or the line of the text that tells more: of a module that it cannot import, pytest's
    message says only that collecting failed.
    """
    if message == "collection failure":
        marked = [one[1:].strip() for one in text.splitlines() if one.startswith("E ")]
        return f"{message}: {marked[-1]}" if marked else message
    return message or text.strip().partition("\n")[0]
