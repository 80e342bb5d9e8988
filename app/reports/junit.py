"""JUnit XML in the dialects of pytest, surefire, jest, vitest, node, Go, googletest, CTest, .NET, PHPUnit.

Root `testsuites` or `testsuite`, suites nested at will. `failure` is a failed assertion, `error` a test
that could not run; surefire's `flakyFailure`/`flakyError` passed in the end, its `rerunFailure` did
not. googletest says skipped by attribute; node writes `skipped` beside the failure of a test that is still
to be done; CTest says skipped of a test it could not start. gotestsum writes each try of a test as a test:
they are joined. A suite that declares failures none of its tests carries (jest: a file that does not
compile) becomes one errored test, so that it is never lost.
"""

from app.model import AuthorFault, Kind, ReportContent, TestCase, TestOutcome
from app.reports.junit_case import BAD, DETAILS, FLAKY, Case, joined
from app.reports.junit_plain import TOGETHER, UNNAMED, Gathered, Words
from app.reports.paths import Paths
from app.reports.protocol import MAX_LINE, Dropped, Format, ReadContext, too_many
from app.reports.text import both_ends, clean, line, quoted
from app.reports.xml import Attributes, Pairs, XmlReader, attributes_of, root_element

_SUITES = frozenset({"testsuite", "testsuites"})
_OUTPUTS = frozenset({"system-out", "system-err"})


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
        self._limit = context.limits.tests
        self._paths = Paths(context)
        self._words = Words()
        self._suites = [_Suite({})]
        self._plain = Gathered()
        # What is made already, and how many of the plain ones stand before it.
        self._made: list[tuple[int, TestCase]] = []
        # What is heard while no test is open, and while one that says something is.
        self._outside = self._plain.handlers(self._start_other)
        self._inside = (self._start, self._end)
        self._test: Pairs | None = None
        self._case: Case | None = None
        self._in_detail = False
        self._xml = XmlReader(*self._outside, pairs=True)

    def read(self, content: bytes) -> None:
        """Read the whole document. Raises AuthorFault."""
        self._xml.run(content)
        self._settle()

    def _start_other(self, name: str, pairs: Pairs) -> None:
        self._settle()
        self._start(name, pairs)
        if self._test is not None or self._case is not None:
            self._xml.hear(*self._inside)

    def _settle(self) -> None:
        self._test, ends = self._plain.settle()
        for name in ends:
            self._end(name)

    def _start(self, name: str, pairs: Pairs) -> None:
        if name == "testcase":
            if self._test is not None:
                # One inside another: neither may get lost.
                self._close_test(self._test)
                self._xml.hear(*self._inside)
            self._test = pairs
        else:
            self._open(name, attributes_of(pairs))

    def _open(self, name: str, attributes: Attributes) -> None:
        if name in DETAILS:
            self._open_detail(name, attributes)
        elif name in _SUITES:
            self._put()
            self._suites.append(_Suite(attributes))
            if attributes.get("name") == "pytest":
                self.tool = "pytest"
        elif name in _OUTPUTS and self._test is not None:
            self._case = case = self._case or Case(attributes_of(self._test))
            if self._in_detail:
                # surefire puts the output of a try inside its flakyFailure; the stack trace came first.
                case.output = case.output or self._xml.text()
            else:
                self._xml.collect()
        elif name == "property" and attributes.get("name") == "go.version":
            self.has_tries = True

    def _open_detail(self, name: str, attributes: Attributes) -> None:
        if self._case is None:
            # Outside any test it is a problem of the suite itself: googletest and PHPUnit write such.
            stray = self._test is None
            named = {"name": self._suites[-1].name}
            self._case = Case(named if self._test is None else attributes_of(self._test), stray=stray)
        case = self._case
        case.details.add(name)
        if name == "skipped" and attributes.get("type") == "todo":
            case.details.add("todo")
        self._in_detail = True
        if name in BAD:
            self._suites[-1].found += 1
        case.message = case.message or attributes.get("message") or attributes.get("type") or ""
        self._xml.collect()

    def _end(self, name: str) -> None:
        case = self._case
        if name == "testcase" and self._test is not None:
            self._close_test(self._test)
        elif name in _SUITES:
            self._put()
            self._close_suite(self._suites.pop())
        elif case is None:
            return
        elif name in DETAILS:
            self._close_detail(name, case)
        elif name in _OUTPUTS and not self._in_detail:
            text = self._xml.text()
            if not case.output and case.details:
                case.output = text

    def _close_detail(self, name: str, case: Case) -> None:
        self._in_detail = False
        text = self._xml.text()
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
            self._made.append((0, TestCase(name=name, outcome=TestOutcome.ERRORED, message=text)))
            self._put()
        self._suites[-1].found += suite.found

    def _close_test(self, pairs: Pairs) -> None:
        self._test = None
        self._close_case(self._case or Case(attributes_of(pairs)))

    def _close_case(self, case: Case) -> None:
        self._case = None
        self._in_detail = False
        self._made.append((len(self._plain.tests), self._of_case(case)))
        if self._test is None:
            self._xml.hear(*self._outside)
        if len(self._made) + len(self._plain.tests) >= TOGETHER:
            self._put()

    def _put(self) -> None:
        """Make tests of those gathered in this suite, in their order."""
        plain, suite = self._plain.tests, self._suites[-1]
        made = None if suite.path or not plain else self._words.made(plain, suite.name)
        if made is None:
            made = [self._of_case(Case(attributes_of(pairs))) for pairs in plain]
        for place, test in reversed(self._made):
            made.insert(place, test)
        self._plain.clear()
        self._made.clear()
        if len(self.tests) + len(made) > self._limit:
            raise too_many("tests", self._limit)
        self.tests += made

    def _of_case(self, case: Case) -> TestCase:
        outcome = case.outcome()
        attributes = case.attributes
        suite = self._suites[-1]
        bad = outcome is TestOutcome.FAILED or outcome is TestOutcome.ERRORED
        flaky = not bad and not case.details.isdisjoint(FLAKY)
        if bad and case.details.isdisjoint(BAD):
            suite.found += 1
        raw_path = attributes.get("file") or suite.path
        path, at = self._where(raw_path, attributes) if raw_path else ("", 0)
        return TestCase(
            name=line(attributes.get("name", "")) or UNNAMED,
            classname=self._words.classes[
                attributes.get("classname") or attributes.get("class") or suite.name
            ],
            outcome=outcome,
            seconds=self._words.durations[attributes.get("time", "")],
            message=clean(case.message),
            output=both_ends(case.output) if bad or flaky else "",
            path=path,
            line=at,
            flaky=flaky,
        )

    def _where(self, raw: str, attributes: Attributes) -> tuple[str, int]:
        place = self._paths.place(raw)
        if not place.path:
            self.dropped.add(f"file of a test {place.why.value}", raw)
            return "", 0
        number = _count(attributes, "line")
        # pytest's xunit1 counts lines from 0; every other writer from 1.
        number += 1 if self.tool == "pytest" and "line" in attributes else 0
        return place.path, number if 0 < number <= MAX_LINE else 0


def _recognises(head: bytes) -> bool:
    return root_element(head)[0] in _SUITES


def read(content: bytes, context: ReadContext) -> ReportContent:
    """The test cases of a JUnit XML file. Raises AuthorFault."""
    name, _ = root_element(content)
    if name and name not in _SUITES:
        raise AuthorFault(f"its root element is {quoted(name)}, not 'testsuites' or 'testsuite'")
    reader = _Junit(context)
    reader.read(content)
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
