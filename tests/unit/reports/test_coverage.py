"""Cobertura and LCOV."""

import pytest
from inline_snapshot import snapshot

from app.reports import Limits, ReadContext
from tests.unit.reports.reading import fault, read


def cobertura(classes: str, sources: str = "") -> str:
    return f'<coverage line-rate="1"><sources>{sources}</sources><packages><package><classes>{classes}</classes></package></packages></coverage>'


def one(filename: str, lines: str = '<line number="1" hits="2"/>') -> str:
    return f'<class filename="{filename}"><methods/><lines>{lines}</lines></class>'


def paths(text: str, tree: set[str] | None = None, workdir: str = "") -> list[str]:
    tree_paths = (lambda: tree) if tree is not None else None
    return [
        file.path for file in read(text, context=ReadContext(tree_paths=tree_paths, workdir=workdir)).coverage
    ]


def test_the_external_doctype_of_istanbul_is_passed_over():
    doctype = '<?xml version="1.0" ?>\n<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">\n'
    assert paths(doctype + cobertura(one("a.py"))) == ["a.py"]


def test_inner_classes_and_methods_are_merged():
    inner = (
        '<line number="1" hits="0"/><line number="2" hits="0" branch="true" condition-coverage="50% (1/2)"/>'
    )
    text = cobertura(
        '<class filename="A.java"><methods><method><lines><line number="1" hits="3"/></lines></method></methods>'
        f'<lines><line number="1" hits="3"/><line number="2" hits="1" condition-coverage="100% (2/2)"/></lines></class>{one("A.java", inner)}'
    )
    (file,) = read(text).coverage
    assert (file.lines, file.branches) == ({1: 3, 2: 1}, {2: (2, 2)})


@pytest.mark.parametrize(
    ("sources", "filename", "tree", "workdir", "expected"),
    [
        ("<source>/workspace/src</source>", "a.py", {"src/a.py", "a.py"}, "", ["src/a.py"]),
        ("<source>/workspace/src</source>", "a.py", None, "", ["src/a.py"]),
        ("<source>.</source>", "a.py", {"lib/a.py", "a.py"}, "lib", ["lib/a.py"]),
        (
            "<source>/workspace/one</source><source>/workspace/two</source>",
            "a.py",
            {"two/a.py"},
            "",
            ["two/a.py"],
        ),
        # Two sources hold a file of that name: neither is guessed.
        (
            "<source>/workspace/one</source><source>/workspace/two</source>",
            "a.py",
            {"one/a.py", "two/a.py"},
            "",
            [],
        ),
        # The source is of another machine: the only file that ends so.
        ("<source>/home/ci/build</source>", "pkg/a.py", {"src/pkg/a.py", "b.py"}, "", ["src/pkg/a.py"]),
        ("<source>/home/ci/build</source>", "a.py", {"x/a.py", "y/a.py"}, "", []),
        ("", "/workspace/src/a.py", {"src/a.py"}, "", ["src/a.py"]),
        ("", "/usr/lib/python3/a.py", {"a.py"}, "", []),
        ("", "../../etc/passwd", {"a.py"}, "", []),
        ("<source>/workspace/src</source>", "../a.py", {"a.py"}, "", ["a.py"]),
        ("<source>/workspace/src</source>", "../../a.py", {"b.py"}, "", []),
        ("", "src\\a.cs", {"src/a.cs"}, "", ["src/a.cs"]),
        ("", "C:\\build\\a.cs", {"a.cs"}, "", []),
    ],
)
def test_where_files_are(sources, filename, tree, workdir, expected):
    text = cobertura(one(filename), sources)
    assert paths(text, tree, workdir) == expected
    tree_paths = (lambda: tree) if tree is not None else None
    dropped = read(text, context=ReadContext(tree_paths=tree_paths, workdir=workdir)).dropped
    assert bool(dropped) is not bool(expected)


@pytest.mark.parametrize(
    ("source", "filename", "expected"),
    [
        ("", "D:\\a\\shop\\src\\a.cs", ["src/a.cs"]),
        ("", "d:/A/Shop/src/a.cs", ["src/a.cs"]),
        ("D:\\a\\shop\\src", "a.cs", ["src/a.cs"]),
        ("D:\\a\\shop\\src", "sub\\a.cs", ["src/sub/a.cs"]),
        ("", "D:\\a\\shop\\..\\other\\a.cs", []),
        ("", "D:\\a\\shopping\\a.cs", []),
        ("", "E:\\a\\shop\\a.cs", []),
        ("", "/a/shop/a.cs", []),
    ],
)
def test_absolute_paths_of_windows_count_from_its_roots(source, filename, expected):
    sources = f"<source>{source}</source>" if source else ""
    context = ReadContext(roots=("/workspace", "D:\\a\\shop"))
    found = read(cobertura(one(filename), sources), context=context)
    assert [file.path for file in found.coverage] == expected
    assert bool(found.dropped) is not bool(expected)
    if source:
        assert found.roots == ("src",)


def test_roots_are_the_sources_that_are_folders_of_the_repository():
    names = [
        "/workspace/src",
        "/workspace/src/",
        "/workspace/",
        ".",
        "lib",
        "/usr/lib",
        "../up",
        "../..",
        "C:\\src",
        "/workspace/../x",
    ]
    sources = "".join(f"<source>{name}</source>" for name in names)
    context = ReadContext(workdir="api")
    assert read(cobertura(one("a.py"), sources), context=context).roots == ("src", "", "api", "api/lib", "up")
    assert read("SF:a.c\nDA:1,1\nend_of_record\n").roots == ()


@pytest.mark.parametrize(
    "line",
    [
        '<line number="x" hits="1"/>',
        '<line hits="1"/>',
        '<line number="1" hits="-1"/>',
        '<line number="1" hits="1e9999"/>',
        f'<line number="{"9" * 5000}" hits="1"/>',
        '<line number="99999999999" hits="1"/>',
        '<line number="1" hits="1" condition-coverage="50%"/>',
        '<line number="1" hits="1" condition-coverage="150% (3/2)"/>',
        '<line number="١" hits="1"/>',
    ],
)
def test_numbers_that_are_none(line):
    assert "line 1, column" in fault(cobertura(one("a.py", line)))


def test_line_zero_is_left_out_and_said():
    read_ = read(cobertura(one("a.py", '<line number="0" hits="1"/><line number="1" hits="1"/>')))
    assert (read_.coverage[0].lines, read_.dropped) == (
        {1: 1},
        snapshot(("once: line 0, which no file has",)),
    )


def test_more_lines_than_we_read():
    lines = "".join(f'<line number="{at}" hits="1"/>' for at in range(1, 12))
    context = ReadContext(limits=Limits(lines=10))
    assert fault(cobertura(one("a.py", lines)), context=context) == "it holds more than 10 covered lines"
    lcov = "SF:a\n" + "".join(f"DA:{at},1\n" for at in range(1, 12)) + "end_of_record\n"
    assert fault(lcov, context=context) == "it holds more than 10 covered lines"
    branches = "SF:a\n" + "".join(f"BRDA:1,0,{at},1\n" for at in range(12)) + "end_of_record\n"
    assert "10 branches" in fault(branches, context=context)


def test_another_root_element():
    assert fault("<report/>", "cobertura") == "its root element is 'report', not 'coverage'"


def test_lcov_joins_records_of_one_file():
    text = (
        "TN:unit\nSF:/workspace/src/a.c\nFN:1,main\nDA:1,0\nDA:2,5,checksum\nBRDA:2,0,0,-\nBRDA:2,0,1,3\nend_of_record\n"
        "TN:other\nSF:/workspace/src/a.c\nDA:1,4\nDA:3,0\nBRDA:2,0,0,1\nBRDA:2,e1,0,0\nend_of_record\n"
    )
    (file,) = read(text).coverage
    assert (file.path, file.lines, file.branches) == ("src/a.c", {1: 4, 2: 5, 3: 0}, {2: (2, 3)})


def test_lcov_with_windows_line_ends_and_comments():
    (file,) = read("# made by x\r\nTN:\r\nSF:a.c\r\nDA:1,1\r\nend_of_record\r\n").coverage
    assert file.lines == {1: 1}


def test_negative_hits_are_read_as_none_and_said():
    read_ = read("SF:a.c\nDA:1,-5\nend_of_record\n")
    assert (read_.coverage[0].lines, read_.dropped) == (
        {1: 0},
        snapshot(("once: negative number of hits, read as 0 (first: '-5')",)),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SF:a.c\nDA:1,1\n", "line 2: it ends before 'end_of_record'"),
        ("SF:a.c\nSF:b.c\n", "line 2: a file begins before 'end_of_record' of the one before"),
        ("TN:\nDA:1,1\nSF:", "line 2: 'DA:1,1' before any 'SF:'"),
        (
            "SF:a.c\nDA:1\nend_of_record",
            "line 2: the number of hits is '', which is no count from 0 to 9007199254740992",
        ),
        (
            "SF:a.c\nDA:one,1\nend_of_record",
            "line 2: the line number is 'one', which is no count from 0 to 10000000",
        ),
        ("SF:a.c\nBRDA:1,2,3\nend_of_record", "line 2: '1,2,3' is not like 'BRDA:12,0,1,3'"),
        ("SF:a.c\nend_of_record\nend_of_record", "line 3: 'end_of_record' without 'SF:'"),
        ("SF:a.c\nhello\nend_of_record", "line 2: 'hello' is no LCOV record"),
        ("", "line 0: it ends before 'end_of_record'"),
    ],
)
def test_broken_tracefiles(text, message):
    assert fault(text, "lcov") == message


def test_a_path_that_is_not_utf8_is_left_out():
    read_ = read(b"SF:\xff\xfe.c\nDA:1,1\nend_of_record\n")
    assert (read_.coverage, len(read_.dropped)) == ((), 1)
