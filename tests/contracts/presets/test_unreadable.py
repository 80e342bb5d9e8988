"""A file that the tool cannot read is said and blocks at high: one odd byte must not hide what is in it.

Each preset gets its faulty sample in forms that its tool may pass over. What holds for all: either the fault is
still found, or the check fails, or there is a finding of at least high of that very file.
"""

import msgspec
import pytest

from app.model import Severity
from app.presets import PRESETS
from tests.contracts.presets.conftest import Files, Ran, Run, spec
from tests.contracts.presets.samples import SAMPLES

pytestmark = pytest.mark.sandbox


class Seeded(msgspec.Struct, frozen=True, kw_only=True):
    """A file with one fault, a comment around anything, and what else the tool needs."""

    path: str
    fault: str
    comment: str = "# %s\n"
    beside: Files = {}
    broken: bytes = b""
    cookie: bytes = b""


_RULES = {path: text for path, text in SAMPLES["ast-grep"].files.items() if not path.startswith("src/")}
_SEMGREP = {path: text for path, text in SAMPLES["semgrep"].files.items() if not path.startswith("src/")}
_PYTHON: dict[str, object] = {
    "path": "a.py",
    "broken": b"def f(:\n",
    "cookie": b"# -*- coding: latin-1 -*-\n",
}
_SCRIPT: dict[str, object] = {"path": "a.js", "fault": "debugger;\n", "comment": "// %s\n"}
_COPIED = "".join(f"function f{n}(a) {{ return a + {n} * Math.sqrt(a - {n}); }}\n" for n in range(20))
_WORKFLOW = SAMPLES["zizmor"].files[".github/workflows/ci.yml"]
_BUCKET = 'resource "aws_s3_bucket" "b" {\n  bucket = "x"\n  acl    = "public-read"\n}\n'

SEEDED: dict[str, Seeded] = {
    "ruff": Seeded(**_PYTHON, fault="print(undefined)\n", beside={"ruff.toml": "lint.select = ['F']\n"}),
    "ruff-format": Seeded(**_PYTHON, fault="x = {  'a':1 }\n"),
    "mypy": Seeded(**_PYTHON, fault="x: int = ''\n"),
    "pyright": Seeded(**_PYTHON, fault="x: int = ''\n"),
    "bandit": Seeded(**_PYTHON, fault="eval(a)\n"),
    "vulture": Seeded(**_PYTHON, fault="import os\n"),
    "ast-grep": Seeded(**{**_PYTHON, "broken": b""}, fault="eval(a)\n", beside=_RULES),
    "semgrep": Seeded(**{**_PYTHON, "broken": b""}, fault="eval(a)\n", beside=_SEMGREP),
    "biome": Seeded(**_SCRIPT, broken=b"function (((\n"),
    "oxlint": Seeded(**_SCRIPT, broken=b"function (((\n"),
    "eslint": Seeded(
        **_SCRIPT,
        broken=b"function (((\n",
        beside={"eslint.config.mjs": "export default [{rules: {'no-debugger': 'error'}}];\n"},
    ),
    "shellcheck": Seeded(path="a.sh", fault="cd $1\n", broken=b"if then fi (\n"),
    "hadolint": Seeded(path="Dockerfile", fault="FROM debian\n", broken=b"RUNN ((\n"),
    "yamllint": Seeded(path="a.yml", fault="a: 1\na: 2\n", broken=b"b: [1\n"),
    "zizmor": Seeded(path=".github/workflows/a.yml", fault=_WORKFLOW, broken=b"b: [1\n"),
    "checkov": Seeded(path="a.tf", fault=_BUCKET, broken=b"locals { \xc3\xa9 = 1 }\n"),
    "markdownlint": Seeded(path="a.md", fault="#Title\n", comment="<!-- %s -->\n\n"),
    "typos": Seeded(path="a.md", fault="teh recieve\n"),
    "codespell": Seeded(path="a.md", fault="teh recieve\n"),
    "detect-secrets": Seeded(**{**_PYTHON, "broken": b""}, fault="KEY = 'AKIAIOSFODNN7EXAMPLF'\n"),
    "lizard": Seeded(
        **{**_PYTHON, "broken": b""}, fault="def f(a):\n" + "    if a:\n        print(a)\n" * 20
    ),
    "jscpd": Seeded(path="a.js", fault=_COPIED, comment="// %s\n", beside={"b.js": _COPIED}),
}
FORMS = ("latin-1", "utf-16", "bom", "nul", "large", "broken")
BINARY = {"typos", "codespell"}
"""What holds a NUL is to a speller no text: a finding for each image of a repository would be none."""
SLOW = {
    "checkov": ("latin-1", "broken"),
    "pyright": ("latin-1", "utf-16"),
    "mypy": ("latin-1", "broken"),
    "semgrep": ("latin-1", "utf-16", "bom"),  # of large files it has a test of its own
    "ast-grep": ("latin-1", "utf-16", "bom", "nul"),  # of large files it has a test of its own
    # not UTF-8: neither tool says so, and neither kind of report has findings
    "jscpd": ("bom", "nul", "large"),
    "lizard": ("latin-1", "bom", "nul", "large"),
    "markdownlint": ("latin-1", "bom", "nul", "large"),
}


def test_every_preset_is_here():
    assert {*SEEDED, "pytest"} == {preset.name for preset in PRESETS}  # pytest runs what the change brings


def bent(seeded: Seeded, form: str) -> bytes:
    """The faulty file in one of the forms."""
    fault = seeded.fault.encode()
    match form:
        case "latin-1":
            return seeded.cookie + seeded.comment.encode().replace(b"%s", b"caf\xe9") + fault
        case "utf-16":
            return seeded.fault.encode("utf-16")
        case "bom":
            return b"\xef\xbb\xbf" + fault
        case "nul":
            return seeded.comment.encode().replace(b"%s", b"a\0b") + fault
        case "large":
            return fault + (seeded.comment % ("a long comment " * 6)).encode() * 12_000
        case _:
            return fault + seeded.broken


def blocks(ran: Ran, path: str) -> bool:
    """Whether the check fails, or a gate on high findings does not pass, because of that file."""
    if ran.exit not in {0, *ran.check.findings_exits}:
        return ran.exit not in ran.check.not_needed_exits
    if ran.file().problem:
        return True
    bad = [one for one in ran.evidence().findings if one.severity.rank >= Severity.HIGH.rank]
    return any(one.path == path or (not one.path and path in one.message) for one in bad)


def found(ran: Ran) -> set[tuple[str, int]]:
    """What was found: rules, and how many functions and clones."""
    report = ran.evidence()
    counted = {("functions", len(report.functions)), ("clones", len(report.clones))}
    return counted | {(one.rule, 0) for one in report.findings}


CASES = [
    (name, form)
    for name, seeded in SEEDED.items()
    for form in SLOW.get(name, FORMS)
    if (form != "broken" or seeded.broken) and not (name in BINARY and form in {"utf-16", "nul"})
]


@pytest.mark.parametrize(("name", "form"), CASES)
async def test_what_cannot_be_read_does_not_pass(name: str, form: str, run: Run):
    seeded = SEEDED[name]
    check = spec(name)
    ran = await run(check, {**seeded.beside, seeded.path: bent(seeded, form)}, changed=(seeded.path,))
    if not blocks(ran, seeded.path):
        assert ran.exit not in check.not_needed_exits, ran.log
        whole = await run(check, {**seeded.beside, seeded.path: seeded.fault}, changed=(seeded.path,))
        assert found(whole) <= found(ran), ran.log
