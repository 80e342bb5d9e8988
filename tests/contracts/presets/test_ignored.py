"""What comments in the source tell a tool to ignore is reported beside what it finds, as suppressed."""

import pytest

from tests.contracts.presets.conftest import Ran, Run, spec

pytestmark = pytest.mark.sandbox

Told = list[tuple[str, int, bool]]


def told(ran: Ran) -> Told:
    """(rule, line, whether suppressed), sorted."""
    return sorted((one.rule, one.line, one.suppressed) for one in ran.evidence().findings)


async def test_ruff_tells_what_noqa_ignores(run: Run):
    files = {
        "a.py": "import os\nimport sys  # noqa: F401\nimport re, io  # noqa\nx = undefined  # noqa: F401\n",
        "whole.py": "# ruff: noqa: F401\nimport json\n",
    }
    ran = await run(spec("ruff", args="--select=F"), files)
    assert ran.exit == 1, ran.log
    assert [one for one in told(ran) if not one[2]] == [("F401", 1, False), ("F821", 4, False)]
    assert [one for one in told(ran) if one[2]] == [("F401", line, True) for line in (2, 2, 3, 3)]
    assert not ran.evidence().dropped


async def test_ruff_with_nothing_but_ignored_findings_passes(run: Run):
    ran = await run(spec("ruff"), {"a.py": "import os  # noqa\n"})
    assert (ran.exit, told(ran)) == (0, [("F401", 1, True)]), ran.log


async def test_ruff_that_heeds_no_ignores_is_run_as_it_is(run: Run):
    ran = await run(spec("ruff", args="--ignore-noqa"), {"a.py": "import os  # noqa\n"})
    assert (ran.exit, told(ran)) == (1, [("F401", 1, False)]), ran.log


async def test_ruff_keeps_what_it_says_of_useless_ignores(run: Run):
    files = {"a.py": "x = 1  # noqa: F401\n"}
    ran = await run(spec("ruff", args="--extend-select=RUF100"), files)
    assert (ran.exit, told(ran)) == (1, [("RUF100", 1, False)]), ran.log


@pytest.mark.parametrize("comment", ["# nosec", "# nosec B307"])
async def test_bandit_tells_what_nosec_ignores(run: Run, comment: str):
    ran = await run(spec("bandit"), {"a.py": f"eval(a)\neval(b)  {comment}\n"})
    assert (ran.exit, told(ran)) == (1, [("B307", 1, False), ("B307", 2, True)]), ran.log


async def test_bandit_with_nothing_but_ignored_findings_passes(run: Run):
    ran = await run(spec("bandit"), {"a.py": "eval(a)  # nosec\n"})
    assert (ran.exit, told(ran)) == (0, [("B307", 1, True)]), ran.log


async def test_hadolint_tells_what_its_pragma_ignores(run: Run):
    image = "FROM debian:12\n# hadolint ignore=DL3003\nRUN cd /tmp && make\nRUN cd /opt && make\n"
    ran = await run(spec("hadolint"), {"Dockerfile": image})
    assert (ran.exit, told(ran)) == (1, [("DL3003", 3, True), ("DL3003", 4, False)]), ran.log


async def test_hadolint_with_nothing_but_ignored_findings_passes(run: Run):
    image = "FROM debian:12\n# hadolint ignore=DL3003\nRUN cd /tmp && make\n"
    ran = await run(spec("hadolint"), {"Dockerfile": image})
    assert (ran.exit, told(ran)) == (0, [("DL3003", 3, True)]), ran.log


IGNORED: list[tuple[str, dict[str, str], Told]] = [
    (
        "shellcheck",
        {"a.sh": "#!/bin/sh\necho $2\n# shellcheck disable=SC2086\necho $1\n"},
        [("SC2086", 2, False), ("SC2086", 4, True)],
    ),
    (
        "mypy",
        {
            "a.py": "a: int = ''  # type: ignore\nb: int = ''\n",
            "b.py": "# mypy: ignore-errors\nc: int = ''\n",
        },
        [("assignment", 1, True), ("assignment", 2, False), ("assignment", 2, True)],
    ),
    (
        "codespell",
        {"a.txt": "an exemple\nan exemple  # codespell:ignore exemple\n"},
        [("codespell", 1, False), ("codespell", 2, True)],
    ),
    (
        "yamllint",
        {"a.yml": "---\na: [1,2]\nb: [1,2]  # yamllint disable-line rule:commas\n"},
        [("commas", 2, False), ("commas", 3, True)],
    ),
    (
        "ast-grep",
        {
            "sgconfig.yml": "ruleDirs: [rules]\n",
            "rules/eval.yml": "id: no-eval\nlanguage: python\nseverity: error\nmessage: no\n"
            "rule: {pattern: eval($A)}\n",
            "a.py": "eval(a)\n# ast-grep-ignore: no-eval\neval(b)\n",
        },
        [("no-eval", 1, False), ("no-eval", 3, True)],
    ),
    (
        "pyright",
        {"a.py": "a: int = ''\nb: int = ''  # pyright: ignore\nc: int = ''  # type: ignore\n"},
        [("reportAssignmentType", 1, False), *[("reportAssignmentType", line, True) for line in (2, 3)]],
    ),
    (
        "markdownlint",
        {"a.md": "# One\n\nhttp://one.test\n\nhttp://two.test <!-- markdownlint-disable-line MD034 -->\n"},
        [("MD034", 3, False), ("MD034", 5, True)],
    ),
]


@pytest.mark.parametrize(("use", "files", "found"), IGNORED, ids=[use for use, _, _ in IGNORED])
async def test_what_comments_hide_is_found_by_a_look_without_them(
    run: Run, use: str, files: dict[str, str], found: Told
):
    """And the comments are there again when the check ends, in a file that cannot be written, too."""
    check = spec(use)
    name = next(reversed(files))
    script = f"chmod 0444 {name}\ncp {name} /tmp/before\n( {check.script.rstrip()}\n) || ended=$?\n"
    script += f"cmp {name} /tmp/before || exit 99\nexit ${{ended:-0}}\n"
    ran = await run(check, files, script=script)
    assert told(ran) == found, ran.log
    assert ran.exit in check.findings_exits, ran.log


SPOKEN: dict[str, dict[str, str]] = {
    "mypy": {"a.py": 'print("from x import y  # type: ignore")\n'},
    "vulture": {"a.py": 'print("import os  # noqa")\n'},
    "ast-grep": {
        "sgconfig.yml": "ruleDirs: [rules]\n",
        "rules/foo.yml": "id: no-foo\nlanguage: python\nseverity: warning\n"
        'message: "or write # ast-grep-ignore: no-foo"\nrule: {pattern: foo($A)}\n',
        "a.py": 'foo("# ast-grep-ignore: no-bar")\n',
    },
}


@pytest.mark.parametrize("use", SPOKEN)
async def test_a_string_that_speaks_of_such_a_comment_hides_nothing(run: Run, use: str):
    ran = await run(spec(use), SPOKEN[use])
    assert ran.exit == 0, ran.log
    assert told(ran) == ([("no-foo", 1, False)] if use == "ast-grep" else []), ran.log


HIDDEN = {
    "shellcheck": {"a.sh": "#!/bin/sh\n# shellcheck disable=SC2086\necho $1\n"},
    "mypy": {"a.py": "a: int = ''  # type: ignore\n"},
    "codespell": {"a.txt": "an exemple  # codespell:ignore\n"},
    "yamllint": {"a.yml": "---\nb: [1,2]  # yamllint disable-line\n"},
    "vulture": {"a.py": "import os  # noqa: V104\n"},
}


@pytest.mark.parametrize("use", HIDDEN)
async def test_nothing_but_what_comments_hide_passes(run: Run, use: str):
    ran = await run(spec(use), HIDDEN[use])
    assert ran.exit == 0, ran.log
    assert [suppressed for _, _, suppressed in told(ran)] == [True], ran.log
