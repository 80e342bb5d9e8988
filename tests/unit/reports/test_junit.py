"""The dialects of JUnit XML."""

import pytest
from inline_snapshot import snapshot

from app import model
from app.reports import Limits, ReadContext
from tests.unit.reports.reading import fault, read

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


def test_a_problem_outside_any_test_is_an_errored_test():
    text = '<testsuites><testsuite name="Setup" errors="1"><error message="no database">trace</error></testsuite></testsuites>'
    (test,) = read(text).tests
    assert (test.name, test.outcome.value, test.message, test.output) == (
        "Setup",
        "errored",
        "no database",
        "trace",
    )


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


def test_another_root_element():
    assert fault("<report/>", "junit") == "its root element is 'report', not 'testsuites' or 'testsuite'"
