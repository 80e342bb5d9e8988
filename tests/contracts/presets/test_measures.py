"""Copied code and complexity, as the tools measure them."""

import re

import pytest

from tests.contracts.presets.conftest import Run, lay, spec

pytestmark = pytest.mark.sandbox

_BODY = "\n".join(f"  const v{n} = a.map((x) => x * {n} + a.length);" for n in range(14))
COPIED = {name: f"export function {name[4]}(a) {{\n{_BODY}\n}}\n" for name in ("src/a.js", "src/b.js")}


async def test_copied_code(run: Run):
    ran = await run(spec("jscpd"), COPIED)
    assert ran.exit == 0, ran.log
    report = ran.evidence()
    (clone,) = report.clones
    assert {(one.path, one.line, one.end_line) for one in clone.blocks} == {
        ("src/a.js", 1, 16),
        ("src/b.js", 1, 16),
    }
    files, lines, clones = re.findall(r"Total: +│ (\d+) +│ (\d+) +│ \d+ +│ (\d+)", ran.log)[0]
    assert (int(files), int(clones)) == (2, 1)
    assert sum(report.sizes.values()) == int(lines)


async def test_copied_code_where_there_is_none(run: Run):
    ran = await run(spec("jscpd"), {"a.js": "export const x = 1;\n"})
    assert (ran.exit, ran.evidence().clones) == (0, ())
    none = await run(spec("jscpd"), {"a.bin": "x"})
    assert (none.exit, none.evidence().clones) == (0, ())
    assert (await run(spec("jscpd", args="--nope"), COPIED)).exit == 2


async def test_a_change_cannot_hide_its_copies(run: Run, tmp_path):
    files = {**COPIED, ".jscpd.json": '{"ignore": ["**/b.js"]}\n'}
    assert (await run(spec("jscpd"), files)).evidence().clones == ()
    held = await run(spec("jscpd"), files, config_tree=lay(tmp_path / "base", COPIED))
    assert len(held.evidence().clones) == 1


async def test_complexity(run: Run):
    nested = "def f(x):\n" + "".join(f"    if x == {n} or x:\n        return {n}\n" for n in range(9))
    files = {
        "src/app.py": f"def g():\n    return 1\n\n\n{nested}",
        "src/b.c": "int h(int a) { return a ? 1 : 2; }\n",
    }
    ran = await run(spec("lizard"), files)
    assert ran.exit == 0, ran.log
    read = {(one.path, one.name, one.line, one.end_line, one.complexity) for one in ran.evidence().functions}
    assert read == {("src/app.py", "g", 1, 2, 1), ("src/app.py", "f", 5, 23, 19), ("src/b.c", "h", 1, 1, 2)}
    own = await run(ran.check, files, script='"$PORTCULLIS_TOOLBOX/lizard" . || true')
    told = re.findall(r"^ +\d+ +(\d+) +\d+ +\d+ +\d+ (\w+)@(\d+)-(\d+)@\./(\S+)", own.log, re.MULTILINE)
    assert {(path, name, int(a), int(z), int(ccn)) for ccn, name, a, z, path in told} == read
    simple = await run(spec("lizard"), {"a.py": "x = 1\n"})
    assert (simple.exit, simple.evidence().functions) == (0, ())
    assert (await run(spec("lizard", args="--nope"), files)).exit == 2
