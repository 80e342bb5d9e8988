"""Clones, complexity and packages: what the tools print is what is read."""

import json
from decimal import Decimal

import pytest
from inline_snapshot import snapshot

from app.model import Clone, Package
from app.reports import Limits, ReadContext
from tests.unit.reports.reading import SHOP, fault, raw, read, sample


def places(clone: Clone) -> list[tuple[str, int, int]]:
    return [(block.path, block.line, block.end_line) for block in clone.blocks]


@pytest.mark.parametrize(
    ("name", "format_", "lines"),
    [
        ("jscpd_4.json", "jscpd", (6, 19)),
        ("jscpd_4.xml", "cpd", (6, 18)),
        ("jscpd.json", "jscpd", (5, 16)),
        ("cpd.xml", "cpd", (6, 16)),
    ],
)
def test_the_one_clone_of_the_shop(name, format_, lines):
    read_ = sample(name)
    assert (read_.format, read_.kind) == (format_, "duplication")
    assert [places(clone) for clone in read_.clones] == [
        [("src/shop/orders.py", *lines), ("src/shop/refunds.py", *lines)]
    ]


def test_how_many_lines_were_searched():
    listed = sample("jscpd_4.json").sizes
    assert listed == snapshot(
        {
            "web/cart.js": 7,
            "src/shop/stock.py": 15,
            "src/shop/refunds.py": 24,
            "src/shop/prices.py": 28,
            "src/shop/orders.py": 26,
        }
    )
    assert sum(listed.values()) == raw("jscpd_4.json")["statistics"]["total"]["lines"]
    assert sample("jscpd.json").sizes == {"": 93}
    counted = sample("cpd.xml").sizes
    assert {path: counted.get(path) for path in listed} == listed | {"web/cart.js": None}
    assert sample("jscpd_4.xml").sizes == {}
    assert sample("cpd.xml", ReadContext()).sizes["src/shop/stock.py"] == 0


def jscpd(*names: str) -> str:
    places = [{"name": name, "start": 1, "end": 2} for name in names]
    duplicate = {"firstFile": places[0], "secondFile": places[-1]}
    statistics = {"detectionDate": "", "formats": {}, "total": {"lines": 4}}
    return json.dumps({"duplicates": [duplicate], "statistics": statistics})


def test_a_copy_of_what_is_not_ours_still_is_one():
    half = read(jscpd("src/shop/stock.py", "/usr/lib/a.py"), context=SHOP)
    assert [places(clone) for clone in half.clones] == [[("src/shop/stock.py", 1, 2)]]
    assert half.dropped == ("once: place of a clone outside the repository (first: '/usr/lib/a.py')",)
    assert read(jscpd("/usr/lib/a.py", "/usr/lib/b.py"), context=SHOP).clones == ()


def test_a_path_that_may_mean_several_files_is_refused():
    tree = ReadContext(tree_paths=lambda: {"a/x.py", "b/x.py"})
    assert fault(jscpd("x.py"), context=tree) == "jscpd: $.duplicates[0]: 'x.py' may mean several files"
    row = '1,2,3,0,4,"f@1-4@x.py","x.py","f","f()",1,4\n'
    assert fault(row, context=tree) == "line 1: 'x.py' may mean several files"


def test_searched_files_outside_are_noted():
    report = raw("jscpd_4.json")
    report["statistics"]["formats"]["python"]["sources"]["/usr/a.py"] = {"lines": 3}
    read_ = read(json.dumps(report), context=SHOP)
    assert read_.dropped == ("once: searched file outside the repository (first: '/usr/a.py')",)


def test_lines_that_no_file_has():
    text = jscpd("a.py").replace('"end": 2', '"end": 0')
    assert fault(text) == "jscpd: $.duplicates[0]: no file has lines 1 to 0"
    assert "'line' is '-1'" in fault(
        '<pmd-cpd><duplication lines="2"><file path="a" line="-1"/></duplication></pmd-cpd>'
    )


def test_cpd_without_anything_and_with_errors():
    empty = read('<pmd-cpd version="1.0.0"><error filename="a.py" msg="x">trace</error></pmd-cpd>')
    assert (empty.clones, empty.sizes) == ((), {})
    assert empty.dropped == ("once: file that CPD could not read (first: 'a.py')",)
    assert fault("<cpd/>", "cpd") == "its root element is 'cpd', not 'pmd-cpd'"


def test_lizard():
    read_ = sample("lizard.csv")
    assert (read_.kind, read_.tool) == ("complexity", "lizard")
    assert [
        (one.path, one.name, one.line, one.end_line, one.complexity) for one in read_.functions
    ] == snapshot(
        [
            ("src/shop/refunds.py", "refund_of", 4, 16, 5),
            ("src/shop/refunds.py", "accept", 22, 24, 2),
            ("src/shop/prices.py", "total", 7, 16, 4),
            ("src/shop/prices.py", "receipt", 19, 23, 1),
            ("src/shop/prices.py", "ignored", 26, 28, 1),
            ("src/shop/orders.py", "total_of", 4, 16, 5),
            ("src/shop/orders.py", "kind_of", 19, 26, 7),
            ("src/shop/stock.py", "left", 4, 7, 2),
            ("src/shop/stock.py", "grow", 13, 15, 1),
            ("web/cart.js", "(anonymous)", 6, 6, 1),
            ("web/cart.js", "total", 1, 7, 2),
        ]
    )
    assert [one.name for one in sample("lizard_verbose.csv").functions] == ["total_of", "kind_of"]


def test_lizard_without_a_function_and_with_broken_rows():
    assert read("", "lizard").functions == ()
    assert fault("1,2,3\n", "lizard") == "line 1: 3 fields where lizard writes 11"
    row = '1,{},3,0,4,"f@1-4@a.py","a.py","f","f()",1,4\n'
    assert (
        fault(row.format("x"), "lizard")
        == "line 1: the complexity is 'x', which is no count from 0 to 1000000"
    )
    assert "field larger than field limit" in fault('"' + "x" * 200_000 + '"', "lizard")
    outside = read(row.format(2).replace('"a.py"', '"/usr/a.py"'), "lizard")
    assert (outside.functions, outside.dropped) == (
        (),
        ("once: function outside the repository (first: '/usr/a.py')",),
    )


def licences(packages: tuple[Package, ...]) -> dict[str, str]:
    return {package.name: package.licence for package in packages}


def test_cyclonedx_of_a_python_environment():
    read_ = sample("cyclonedx.json")
    assert (read_.kind, read_.tool, read_.tool_version) == ("licences", "cyclonedx-py", "7.5.0")
    assert licences(read_.packages) == snapshot(
        {
            "boolean.py": "BSD-2-Clause",
            "certifi": "MPL-2.0",
            "click": "BSD-3-Clause",
            "docutils": "LicenseRef-OSI-Approved-BSD-License AND LicenseRef-OSI-Approved-GNU-General-Public-License-GPL AND LicenseRef-Public-Domain",
            "license-expression": "Apache-2.0",
            "text-unidecode": "GPL-2.0-or-later",
            "tqdm": "MPL-2.0 AND MIT",
        }
    )
    assert read_.packages[0] == snapshot(
        Package(
            name="boolean.py", version="5.0", purl="pkg:pypi/boolean.py@5.0", licence="BSD-2-Clause", path=""
        )
    )
    assert sample("cyclonedx_14.json").packages == read_.packages


def test_npm_writes_the_same_packages_in_both_formats():
    cyclonedx, spdx = sample("cyclonedx_npm.json"), sample("spdx.json")
    assert (spdx.tool, spdx.tool_version) == ("npm/cli", "11.19.1")
    assert (cyclonedx.tool, cyclonedx.tool_version) == ("cli", "11.19.1")
    assert {one.purl for one in cyclonedx.packages} == {one.purl for one in spdx.packages}
    assert licences(spdx.packages) == snapshot(
        {
            "core-util-is": "MIT",
            "immediate": "MIT",
            "inherits": "ISC",
            "isarray": "MIT",
            "jszip": "(MIT OR GPL-3.0-or-later)",
            "left-pad": "WTFPL",
            "lie": "MIT",
            "pako": "(MIT AND Zlib)",
            "process-nextick-args": "MIT",
            "readable-stream": "MIT",
            "safe-buffer": "MIT",
            "setimmediate": "MIT",
            "spdx-exceptions": "CC-BY-3.0",
            "spdx-expression-parse": "MIT",
            "spdx-license-ids": "CC0-1.0",
            "string_decoder": "MIT",
            "util-deprecate": "MIT",
        }
    )
    assert licences(cyclonedx.packages) == licences(spdx.packages)


def test_the_project_itself_is_no_package_of_its_own():
    for name in ("cyclonedx_npm.json", "spdx.json", "spdx3.json"):
        assert "shop" not in licences(sample(name).packages)


def test_spdx_3():
    read_ = sample("spdx3.json")
    assert (read_.tool, read_.kind) == ("Pitloom", "licences")
    assert [(one.name, one.version, one.purl, one.licence) for one in read_.packages] == snapshot(
        [
            ("click", "8.5.1", "pkg:pypi/click@8.5.1", "BSD-3-Clause"),
            ("certifi", "2026.10.18", "pkg:pypi/certifi@2026.10.18", "MPL-2.0"),
        ]
    )


def spdx(**package: object) -> dict[str, object]:
    return {
        "spdxVersion": "SPDX-2.3",
        "SPDXID": "SPDXRef-DOCUMENT",
        "packages": [{"name": "a", "SPDXID": "SPDXRef-a", **package}],
    }


@pytest.mark.parametrize(
    ("package", "licence"),
    [
        ({}, ""),
        ({"licenseConcluded": "NOASSERTION", "licenseDeclared": "MIT"}, "MIT"),
        ({"licenseConcluded": "BSD-3-Clause", "licenseDeclared": "MIT"}, "BSD-3-Clause"),
        ({"licenseConcluded": "NONE", "licenseDeclared": "NOASSERTION"}, ""),
    ],
)
def test_spdx_concluded_before_declared(package, licence):
    assert [one.licence for one in read(json.dumps(spdx(**package))).packages] == [licence]


@pytest.mark.parametrize(
    ("relationships", "left"),
    [
        ([("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-a")], 0),
        ([("SPDXRef-a", "DESCRIBED_BY", "SPDXRef-DOCUMENT")], 0),
        ([("SPDXRef-b", "DESCRIBES", "SPDXRef-a")], 1),
        ([("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-a"), ("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-b")], 1),
    ],
)
def test_only_the_one_package_that_spdx_describes_is_the_project(relationships, left):
    """A document that describes all of its packages hides none."""
    keys = ("spdxElementId", "relationshipType", "relatedSpdxElement")
    listed = [dict(zip(keys, one, strict=True)) for one in relationships]
    assert len(read(json.dumps(spdx() | {"relationships": listed})).packages) == left


def test_spdx_of_another_version():
    assert fault(json.dumps({"spdxVersion": "SPDX-9"})) == "$.spdxVersion: is 'SPDX-9'"
    assert (read(json.dumps(spdx() | {"creationInfo": {"creators": ["Tool: x"]}})).tool) == "x"


def element(kind: str, name: str, **more: object) -> dict[str, object]:
    return {"type": kind, "spdxId": f"urn:{name}", "name": name, **more}


def tie(to: list[str], kind: str = "hasDeclaredLicense") -> dict[str, object]:
    return {"type": "Relationship", "from": "urn:a", "to": to, "relationshipType": kind}


@pytest.mark.parametrize(
    ("ties", "licence"),
    [
        ([], ""),
        ([tie(["urn:MIT"])], "MIT"),
        ([tie(["urn:Artistic License"])], "LicenseRef-Artistic-License"),
        ([tie(["https://spdx.org/licenses/Apache-2.0"])], "Apache-2.0"),
        ([tie(["urn:MIT", "https://spdx.org/licenses/ISC"])], "MIT AND ISC"),
        ([tie(["urn:MIT"]), tie(["https://spdx.org/licenses/ISC"], "hasConcludedLicense")], "ISC"),
        ([tie(["https://spdx.org/rdf/3.0.1/terms/expandedlicensing_NoAssertionLicense"])], ""),
        ([tie(["urn:x/some-set"])], "LicenseRef-some-set"),
        ([tie(["urn:MIT"], "dependsOn")], ""),
    ],
)
def test_licences_of_spdx_3(ties, licence):
    graph = [
        element(
            "software_Package",
            "a",
            externalIdentifier=[{"externalIdentifierType": "packageUrl", "identifier": "pkg:pypi/a"}],
        ),
        element("simplelicensing_LicenseExpression", "MIT", simplelicensing_licenseExpression="MIT"),
        element("simplelicensing_SimpleLicensingText", "Artistic License"),
        *ties,
    ]
    (package,) = read(json.dumps({"@context": "x", "@graph": graph})).packages
    assert (package.licence, package.purl) == (licence, "pkg:pypi/a")


def test_an_element_of_spdx_3_that_is_none():
    broken = {
        "@context": "x",
        "@graph": [element("software_Package", "a"), {"type": "Relationship", "to": 3}],
    }
    assert fault(json.dumps(broken)).startswith("$.@graph[1]: ")


def component(*licences: object, **more: object) -> str:
    listed = {"name": "a", "type": "library", "licenses": licences, **more}
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [listed]})


@pytest.mark.parametrize(
    ("choices", "licence"),
    [
        ([], ""),
        ([{"expression": "MIT OR ISC"}], "MIT OR ISC"),
        ([{"license": {"id": "MIT"}}, {"license": {"id": "ISC"}}], "MIT AND ISC"),
        ([{"expression": "MIT OR ISC"}, {"license": {"id": "Zlib"}}], "(MIT OR ISC) AND Zlib"),
        ([{"license": {"name": "Apache License, Version 2.0"}}], "LicenseRef-Apache-License-Version-2.0"),
        ([{"license": {"name": "MIT"}}], "MIT"),
        (
            [{"license": {"id": "MIT"}}, {"license": {"name": "License :: OSI Approved :: MIT License"}}],
            "MIT",
        ),
        ([{"license": {"name": "License :: Public Domain"}}], "LicenseRef-Public-Domain"),
        ([{"license": {"name": "???"}}], "LicenseRef-unnamed"),
        ([{"license": {"id": "NOASSERTION"}}], ""),
    ],
)
def test_licences_of_a_component(choices, licence):
    assert [one.licence for one in read(component(*choices)).packages] == [licence]


def test_components_within_components():
    inner = [{"name": "b", "group": "org", "type": "library"}, {"name": "c.txt", "type": "file"}]
    read_ = read(component(components=inner))
    assert [one.name for one in read_.packages] == ["a", "org/b"]
    assert (read_.tool, read_.dropped) == ("", ())


def test_what_cyclonedx_says_besides_is_noted():
    bom = json.loads(component()) | {"vulnerabilities": [{}, {}]}
    assert read(json.dumps(bom)).dropped == (
        "2 times: vulnerability: advisories are not judged from this format",
    )
    assert fault(json.dumps({"bomFormat": "Pedal", "specVersion": "1"})) == "$.bomFormat: is 'Pedal'"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("jscpd_4.json", "searched files"),
        ("jscpd.json", "places of clones"),
        ("lizard.csv", "functions"),
        ("spdx.json", "packages"),
    ],
)
def test_over_the_limit(name, what):
    with pytest.raises(Exception, match=f"it holds more than 1 {what}"):
        sample(name, ReadContext(limits=Limits(findings=1)))


def test_more_different_licences_than_there_are():
    listed = [{"name": "a", "licenses": [{"expression": f"LicenseRef-{n}"}]} for n in range(2_001)]
    bom = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": listed}
    assert fault(json.dumps(bom)) == "it holds more than 2,000 different licences"


# numbers that reports tell by name


def measured(text: str, name: str) -> dict[str, str]:
    return {one.metric: str(one.value) for one in read(text, name).measures}


def test_what_prometheus_writes():
    told = {one.metric: one.value for one in sample("metrics.txt").measures}
    assert told['response_seconds{code="200",route="/pay"}'] == Decimal("0.234")
    assert told["memory_usage_bytes"] == 2_621_440
    assert told['batch_rows_bucket{le="+Inf"}'] == 1
    assert len(told) == 10


def test_lines_of_metrics():
    text = """plain 1\n# a remark\n\n  spaced\t-2.5e3 \r\nstamped 3 1795295169.5\nshown 4 # {id="a b"} 0.5
labelled{a="}\\"{",b=""} .5\nbig 1e99\nnone NaN\nlast +Inf\n# EOF\nnothing is read here\n"""
    assert measured(text, "metrics") == {
        "plain": "1",
        "spaced": "-2.5E+3",
        "stamped": "3",
        "shown": "4",
        'labelled{a="}\\"{",b=""}': "0.5",
        "big": "1E+99",
    }
    assert read(text, "metrics").dropped == ("2 times: a measure that is no number (first: 'none')",)
    assert measured("", "metrics") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a 1\nb\n", "line 2: 'b' is no sample of a metric"),
        ("a{x=1 2", "line 1: 'a{x=1 2' is no sample of a metric"),
        ("a 1\na 1\n", "line 2: 'a' is measured twice"),
    ],
)
def test_what_is_no_metrics_report(text, message):
    assert fault(text, "metrics") == message


def test_what_sonarqube_answers():
    told = sample("sonar_measures.json")
    assert told.tool == "sonarqube"
    assert {one.metric: str(one.value) for one in told.measures} == {
        "complexity": "12",
        "new_violations": "25",
        "new_coverage": "82.35294117647058",
        "ncloc": "114",
    }
    answer = raw("sonar_measures.json")
    answer["component"]["measures"] += [{"metric": "alert_status", "value": "OK"}, {"metric": "new_lines"}]
    dropped = read(json.dumps(answer)).dropped
    assert dropped == ("2 times: a measure that is no number (first: 'alert_status')",)


def test_measures_are_limited():
    limited = ReadContext(limits=Limits(findings=1))
    assert fault("a 1\nb 2\n", "metrics", limited) == "it holds more than 1 measures"
