"""The dialects of JUnit XML."""

from collections import Counter

import pytest
from inline_snapshot import snapshot

from app import model
from app.reports import Limits, ReadContext
from tests.unit.reports.reading import fault, read, sample

SUREFIRE = """<?xml version="1.0" encoding="UTF-8"?>
<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" version="3.0" name="com.acme.CartTest" time="1,234.56" tests="4" errors="1" skipped="1" failures="1" flakes="1">
  <properties><property name="java.version" value="21"/></properties>
  <testcase name="adds" classname="com.acme.CartTest" time="0.01">
    <flakyFailure message="expected 1 but was 2" type="org.opentest4j.AssertionFailedError"><stackTrace>at CartTest:12</stackTrace><system-out>first try</system-out></flakyFailure>
  </testcase>
  <testcase name="removes" classname="com.acme.CartTest" time="1,000.5">
    <failure message="always" type="java.lang.AssertionError"><![CDATA[java.lang.AssertionError: always
\tat com.acme.CartTest.removes(CartTest.java:20)]]></failure>
    <rerunFailure message="again" type="java.lang.AssertionError"><stackTrace>x</stackTrace></rerunFailure>
  </testcase>
  <testcase name="connects" classname="com.acme.CartTest" time="0"><error message="refused" type="java.net.ConnectException">trace</error><rerunError/></testcase>
  <testcase name="later" classname="com.acme.CartTest" time="0.0"><skipped message="not yet"/></testcase>
</testsuite>"""

JEST = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="jest tests" tests="2" failures="1" errors="0" time="1.5">
  <testsuite name="cart" errors="0" failures="1" skipped="0" timestamp="2026-11-01T00:00:00" time="0.5" tests="2">
    <testcase classname="cart adds &gt; one" name="cart adds &gt; one" time="0.003"/>
    <testcase classname="cart removes" name="cart removes" time="0.004"><failure>Error: expect(received).toBe(expected)
    at Object.toBe (cart.test.js:9:20)</failure></testcase>
  </testsuite>
  <testsuite name="broken.test.js" errors="1" failures="0" skipped="0" tests="0" time="0"/>
</testsuites>"""

GO = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="1" skipped="1">
	<testsuite name="acme/cart" tests="3" failures="1" errors="0" skipped="1" id="0" hostname="h" time="0.160">
		<properties><property name="go.version" value="1.25"></property></properties>
		<testcase name="TestAdd" classname="acme/cart" time="0.060"></testcase>
		<testcase name="TestRemove/empty" classname="acme/cart" time="0.100"><failure message="Failed" type=""><![CDATA[    cart_test.go:11: no]]></failure></testcase>
		<testcase name="TestLater" classname="acme/cart" time="0"><skipped message="later"></skipped></testcase>
	</testsuite>
</testsuites>"""

GTEST = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="4" failures="1" disabled="1" errors="0" time="0.035" timestamp="2026-10-31T18:52:42" name="AllTests">
  <testsuite name="Math" tests="4" failures="1" disabled="1" skipped="1" errors="0" time="0.015">
    <testcase name="Add" file="math_test.cc" line="10" status="run" result="completed" time="0.007" classname="Math"/>
    <testcase name="Sub" file="math_test.cc" line="20" status="run" result="completed" time="0.001" classname="Math"><failure message="Value of: sub(1, 1)" type=""><![CDATA[...]]></failure></testcase>
    <testcase name="DISABLED_Mul" file="math_test.cc" line="30" status="notrun" result="suppressed" time="0" classname="Math"/>
    <testcase name="Div" file="math_test.cc" line="40" status="run" result="skipped" time="0" classname="Math"><skipped message="math_test.cc:41&#x0A;"/></testcase>
  </testsuite>
</testsuites>"""

CTEST = """<testsuite name="Linux" tests="2" failures="1" disabled="0" skipped="0" hostname="" time="0">
<testcase name="a" classname="a" time="0.2" status="run"><system-out>fine</system-out></testcase>
<testcase name="b" classname="b" time="0.2" status="fail"><failure message=""/><system-out>boom</system-out></testcase>
</testsuite>"""


def outcomes(text: str) -> list[tuple[str, str, bool]]:
    return [(test.name, test.outcome.value, test.flaky) for test in read(text).tests]


XUNIT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites>
  <testsuite name="Acme.Tests.dll" tests="4" skipped="1" failures="1" errors="0" time="1.5" timestamp="2026-11-01T00:00:00" hostname="build" id="0" package="Acme.Tests.dll">
    <properties />
    <testcase classname="Acme.CartTests" name="Adds" time="0.0100000" />
    <testcase classname="Acme.CartTests" name="Removes(x: 1)" time="0.0200000"><failure type="failure" message="Assert.Equal() Failure&#xA;Expected: 1&#xA;Actual:   2">   at Acme.CartTests.Removes(Int32 x) in /workspace/CartTests.cs:line 12</failure></testcase>
    <testcase classname="Acme.CartTests" name="Later" time="0.0010000"><skipped message="later" /></testcase>
    <testcase classname="Acme.CartTests" name="Odd" time="0.0010000" />
    <system-out>Junit Logger does not log standard output by default</system-out>
    <system-err>Test Framework Informational Messages:</system-err>
  </testsuite>
</testsuites>"""

NUNIT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites tests="5" failures="1" disabled="1" errors="0" time="0.5">
  <testsuite name="Acme.Tests.dll" tests="5" failures="1" errors="0" skipped="1" time="0.5">
    <testsuite name="Acme.Tests.dll.Acme.CartTests" tests="5" failures="1" errors="0" skipped="1" time="0.4">
      <testcase name="Adds" assertions="1" time="0.1" status="Passed" classname="Acme.CartTests" />
      <testcase name="Removes(1,2)" assertions="1" time="0.1" status="Failed" classname="Acme.CartTests"><failure message="  Expected: 1&#xA;  But was:  2">at Acme.CartTests.Removes() in /workspace/CartTests.cs:line 12</failure></testcase>
      <testcase name="Breaks" assertions="0" time="0.1" status="Failed:Error" classname="Acme.CartTests"><error message="no database">at Acme</error></testcase>
      <testcase name="Later" assertions="0" time="0" status="Skipped" classname="Acme.CartTests"><skipped message="later"/></testcase>
      <testcase name="Maybe" assertions="0" time="0" status="Inconclusive" classname="Acme.CartTests" />
    </testsuite>
  </testsuite>
</testsuites>"""

PHPUNIT = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="/workspace/phpunit.xml" tests="4" assertions="3" errors="1" failures="1" skipped="1" time="0.05">
    <testsuite name="unit" tests="4" assertions="3" errors="1" failures="1" skipped="1" time="0.05">
      <testsuite name="Acme\\CartTest" file="/workspace/tests/CartTest.php" tests="4" assertions="3" errors="1" failures="1" skipped="1" time="0.05">
        <testcase name="testAdds" file="/workspace/tests/CartTest.php" line="9" class="Acme\\CartTest" classname="Acme.CartTest" assertions="1" time="0.01"/>
        <testcase name="testSkipped" file="/workspace/tests/CartTest.php" line="14" class="Acme\\CartTest" classname="Acme.CartTest" assertions="0" time="0"><skipped/></testcase>
        <testsuite name="Acme\\CartTest::testOdd" tests="2" assertions="2" errors="1" failures="1" skipped="0" time="0.01">
          <testcase name="testOdd with data set #0" file="/workspace/tests/CartTest.php" line="20" class="Acme\\CartTest" classname="Acme.CartTest" assertions="1" time="0.01"><failure type="PHPUnit\\Framework\\ExpectationFailedException">Acme\\CartTest::testOdd with data set #0 (2)
Failed asserting that false is true.</failure></testcase>
          <testcase name="testOdd with data set #1" file="/workspace/tests/CartTest.php" line="20" class="Acme\\CartTest" classname="Acme.CartTest" assertions="1" time="0.01"><error type="Error">Error: no database</error></testcase>
        </testsuite>
      </testsuite>
    </testsuite>
  </testsuite>
</testsuites>"""


def test_surefire_with_reruns():
    assert outcomes(SUREFIRE) == [
        ("adds", "passed", True),
        ("removes", "failed", False),
        ("connects", "errored", False),
        ("later", "skipped", False),
    ]
    tests = read(SUREFIRE).tests
    assert tests[0].output.startswith("at CartTest:12")
    assert tests[1].seconds == 1000.5
    assert tests[1].message == "always"
    assert "CartTest.java:20" in tests[1].output
    assert tests[3].message == "not yet"


def test_jest_and_its_file_that_does_not_compile():
    assert outcomes(JEST) == [
        ("cart adds > one", "passed", False),
        ("cart removes", "failed", False),
        ("broken.test.js", "errored", False),
    ]
    assert read(JEST).tests[1].message == "Error: expect(received).toBe(expected)"


def test_go():
    assert outcomes(GO) == [
        ("TestAdd", "passed", False),
        ("TestRemove/empty", "failed", False),
        ("TestLater", "skipped", False),
    ]
    assert read(GO).tests[1].output == "cart_test.go:11: no"


def test_googletest():
    assert outcomes(GTEST) == [
        ("Add", "passed", False),
        ("Sub", "failed", False),
        ("DISABLED_Mul", "skipped", False),
        ("Div", "skipped", False),
    ]
    assert (read(GTEST).tests[1].path, read(GTEST).tests[1].line) == ("math_test.cc", 20)


def test_ctest():
    assert outcomes(CTEST) == [("a", "passed", False), ("b", "failed", False)]
    assert read(CTEST).tests[1].output == "boom"


def test_xunit_by_the_logger_of_dotnet():
    assert outcomes(XUNIT) == [
        ("Adds", "passed", False),
        ("Removes(x: 1)", "failed", False),
        ("Later", "skipped", False),
        ("Odd", "passed", False),
    ]
    assert read(XUNIT).tests[1].message.startswith("Assert.Equal() Failure\nExpected: 1")


def test_nunit_in_nested_suites():
    assert outcomes(NUNIT) == [
        ("Adds", "passed", False),
        ("Removes(1,2)", "failed", False),
        ("Breaks", "errored", False),
        ("Later", "skipped", False),
        ("Maybe", "skipped", False),
    ]


def test_phpunit_in_nested_suites():
    assert outcomes(PHPUNIT) == [
        ("testAdds", "passed", False),
        ("testSkipped", "skipped", False),
        ("testOdd with data set #0", "failed", False),
        ("testOdd with data set #1", "errored", False),
    ]
    assert {(test.path, test.line) for test in read(PHPUNIT).tests} == {
        ("tests/CartTest.php", 9),
        ("tests/CartTest.php", 14),
        ("tests/CartTest.php", 20),
    }


# What each tool's own last lines say, where its report can tell it.
TOTALS = {
    # Both files: Tests run: 8, Failures: 2, Errors: 2, Skipped: 1, Flakes: 1.
    "surefire_cart.xml": {"passed": 3, "failed": 2, "errored": 1, "skipped": 1, "flaky": 1},
    "surefire_setup.xml": {"errored": 1},
    # 2 failed, 1 skipped, 2 passed, and 1 to be done, which it writes like a passed one.
    "jest.xml": {"passed": 3, "failed": 2, "skipped": 1},
    # 1 failed and 1 file that failed, 2 passed, 1 skipped, 1 to be done.
    "vitest.xml": {"passed": 2, "failed": 2, "skipped": 2},
    # pass 2, fail 3 with the test around a failed one, which is a suite here, skipped 1, to be done 1.
    "node.xml": {"passed": 2, "failed": 2, "skipped": 2},
    # 6 tests, 1 skipped, 4 failures with the package that does not compile.
    "gotestsum.xml": {"passed": 2, "failed": 4, "skipped": 1},
    # 3 runs: of 4 tests 1 failed in all, 2 passed when run again.
    "gotestsum_rerun.xml": {"passed": 3, "failed": 1, "flaky": 2},
    "go_junit_report.xml": {"passed": 2, "failed": 3, "errored": 1, "skipped": 1},
    # 2 failed, 2 skipped, 1 disabled.
    "googletest.xml": {"passed": 2, "failed": 2, "skipped": 3},
    # 3 tests failed out of 5, one of them not found; 1 skipped and 1 disabled did not run.
    "ctest.xml": {"passed": 1, "failed": 2, "errored": 1, "skipped": 2},
}


@pytest.mark.parametrize("name", TOTALS)
def test_totals_are_those_of_the_tool(name):
    tests = sample(name).tests
    counts = Counter(test.outcome.value for test in tests)
    counts["flaky"] = sum(test.flaky for test in tests)
    assert +counts == TOTALS[name]


def test_tries_of_a_test_of_go_are_one_test():
    tests = {test.name: test for test in sample("gotestsum_rerun.xml").tests}
    assert (tests["TestFlaky/inner"].flaky, tests["TestAlways"].flaky) == (True, False)
    assert "first try" in tests["TestFlaky/inner"].output
    twice = '<testsuite><testcase name="a"><failure/></testcase><testcase name="a"/></testsuite>'
    assert outcomes(twice) == [("a", "failed", False), ("a", "passed", False)]


def test_a_problem_outside_any_test_is_an_errored_test():
    text = '<testsuites><testsuite name="Setup" errors="1"><error message="no database">trace</error></testsuite></testsuites>'
    (test,) = read(text).tests
    assert (test.name, test.outcome.value, test.message, test.output) == (
        "Setup",
        "errored",
        "no database",
        "trace",
    )


def test_a_module_that_cannot_be_imported_says_why():
    text = "ImportError while importing test module\nE   ModuleNotFoundError: No module named 'pretend'"
    xml = f'<testsuite name="pytest"><testcase name="tests.a"><error message="collection failure">{text}</error></testcase></testsuite>'
    [test] = read(xml).tests
    assert test.message == "collection failure: ModuleNotFoundError: No module named 'pretend'"


def test_declared_failures_without_a_test_are_told_once():
    nested = """<testsuites failures="2"><testsuite name="outer" failures="2"><testsuite name="inner" failures="2">
    <testcase name="fine"/></testsuite></testsuite></testsuites>"""
    assert outcomes(nested) == [("fine", "passed", False), ("inner", "errored", False)]


def test_a_status_without_an_element_counts():
    text = '<testsuite failures="1"><testcase name="a" status="failed"/><testcase name="b" status="passed"/></testsuite>'
    assert outcomes(text) == [("a", "failed", False), ("b", "passed", False)]


def test_missing_names_and_classes():
    (test,) = read('<testsuite name="acme.Cart"><testcase/></testsuite>').tests
    assert test == model.TestCase(
        name="(unnamed test)", classname="acme.Cart", outcome=model.TestOutcome.PASSED
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.5", 0.5),
        ("1,234.5", 1234.5),
        ("0,5", 0.5),
        ("1.5s", 1.5),
        ("nan", 0.0),
        ("inf", 0.0),
        ("-1", 0.0),
        ("x", 0.0),
        ("", 0.0),
        ("1e300", 0.0),
    ],
)
def test_durations(text, value):
    assert read(f'<testsuite><testcase name="a" time="{text}"/></testsuite>').tests[0].seconds == value


def test_output_keeps_both_ends():
    body = "first\n" + "x" * 300_000 + "\nlast"
    text = f'<testsuite><testcase name="a"><failure>{body}</failure></testcase></testsuite>'
    output = read(text).tests[0].output
    assert output.startswith("first")
    assert output.endswith("last")
    assert len(output) < 10_000


def test_output_of_passed_tests_is_not_kept():
    text = '<testsuite><testcase name="a"><system-out>secret words</system-out></testcase></testsuite>'
    assert read(text).tests[0].output == ""


def test_encodings():
    utf16 = '<?xml version="1.0" encoding="UTF-16"?><testsuite><testcase name="ä"/></testsuite>'.encode(
        "utf-16"
    )
    latin = '<?xml version="1.0" encoding="windows-1252"?><testsuite><testcase name="ä"/></testsuite>'.encode(
        "cp1252"
    )
    assert [read(raw).tests[0].name for raw in (utf16, latin)] == ["ä", "ä"]
    assert "no-such-code" in fault(b'<?xml version="1.0" encoding="no-such-code"?><testsuite/>')


def test_too_many_tests_are_a_fault_and_not_a_cut():
    text = "<testsuite>" + "<testcase name='a'/>" * 4 + "</testsuite>"
    assert fault(text, context=ReadContext(limits=Limits(tests=3))) == "it holds more than 3 tests"


def test_a_cut_file_is_told_where():
    assert fault(SUREFIRE[:600], "junit") == snapshot("line 7, column 3: unclosed token")


def test_a_test_inside_a_test_hides_nothing():
    text = '<testsuite><testcase name="a"><failure/><testcase name="b"/></testcase></testsuite>'
    assert outcomes(text) == [("a", "failed", False), ("b", "passed", False)]


def test_a_problem_with_a_test_within_stays_a_problem():
    text = (
        '<testsuite name="s"><error><testcase name="a"><failure/></testcase>broken</error>'
        '<testcase name="b"/></testsuite>'
    )
    assert outcomes(text) == [("s", "errored", False), ("a", "passed", False), ("b", "passed", False)]


@pytest.mark.parametrize(
    "other", ['time="2" classname="C"', 'classname="C" line="3"', 'classname="C" time="2"']
)
def test_tests_keep_their_order_however_many_there_are(other):
    tests = [f'<testcase name="t{n}" classname="C" time="1"/>' for n in range(2_500)]
    for n in (0, 999, 1_000, 1_999):
        tests[n] = f'<testcase name="t{n}" {other}/>'
    tests[1_500] = '<testcase name="t1500" classname="C"><failure>no</failure></testcase>'
    found = read(f"<testsuites><testsuite>{''.join(tests)}</testsuite></testsuites>").tests
    assert [test.name for test in found] == [f"t{n}" for n in range(2_500)]
    assert {test.classname for test in found} == {"C"}
    assert [n for n, test in enumerate(found) if test.outcome is not model.TestOutcome.PASSED] == [1_500]
    assert sum(test.seconds for test in found) == 2_495 + (0 if "line" in other else 8)


def test_another_root_element():
    assert fault("<report/>", "junit") == "its root element is 'report', not 'testsuites' or 'testsuite'"
