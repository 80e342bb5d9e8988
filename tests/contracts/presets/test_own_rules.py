"""Tools that bring no rules: a change decides neither where they come from nor what they pass over."""

import pytest

from tests.contracts.presets.conftest import Run, lay, spec
from tests.contracts.presets.samples import SAMPLES

pytestmark = pytest.mark.sandbox

_RULES = SAMPLES["ast-grep"].files


async def test_rules_of_ast_grep_lie_where_they_come_from_base(run: Run):
    elsewhere = {
        "sgconfig.yml": "ruleDirs: [lint]\n",
        "lint/no-eval.yml": _RULES["lint/rules/no-eval.yml"],
        "src/app.py": "eval(a)\n",
    }
    ran = await run(spec("ast-grep"), elsewhere)
    assert ran.exit == 70, ran.log
    assert "sgconfig.yml: ruleDirs names 'lint'. A change could bend rules that lie there" in ran.log
    ran = await run(spec("ast-grep"), {**_RULES, "sgconfig.yml": "ruleDirs: [../rules]\n"})
    assert ran.exit == 70, ran.log


@pytest.mark.parametrize("args", ["--rule lint/rules/no-eval.yml", "-c other.yml", "--config=other.yml"])
async def test_arguments_name_no_rules_of_ast_grep(args: str, run: Run):
    ran = await run(spec("ast-grep", args=args), _RULES)
    assert ran.exit == 70, ran.log
    assert "the rules are those that sgconfig.yml names" in ran.log


async def test_ast_grep_without_rules_does_not_pass(run: Run):
    ran = await run(spec("ast-grep"), {"src/app.py": "eval(a)\n"})
    assert (ran.exit, "No ast-grep project configuration is found" in ran.log) == (3, True), ran.log


async def test_ast_grep_with_warnings_alone_exits_0_and_tells_them(run: Run):
    ran = await run(spec("ast-grep", workdir="src"), {**_RULES, "src/app.py": "print(1)\n"})
    assert (ran.exit, ran.findings()) == (0, [("no-print", "src/app.py", 1, "medium")]), ran.log


async def test_what_ast_grep_passes_over_is_found(run: Run):
    hidden = "# -*- coding: latin-1 -*-\n# \xe9\neval(a)\n"
    large = "eval(a)\n" + "# a long comment\n" * 210_000
    ran = await run(
        spec("ast-grep"), {**_RULES, "src/hidden.py": hidden.encode("latin-1"), "large.py": large}
    )
    found = {(rule, path) for rule, path, *_ in ran.findings()}
    assert ran.exit == 1, ran.log
    assert {("portcullis/not-scanned", "src/hidden.py"), ("portcullis/not-scanned", "large.py")} <= found
    assert "src/hidden.py: ast-grep did not look into this file: it is not UTF-8" in ran.log


async def test_ast_grep_looks_into_hidden_folders(run: Run):
    files = {path: content for path, content in _RULES.items() if not path.startswith("src/")}
    ran = await run(spec("ast-grep"), {**files, ".hidden/app.py": _RULES["src/app.py"]})
    assert {path for _, path, *_ in ran.findings()} == {".hidden/app.py"}, ran.log


async def test_semgrep_looks_into_large_files(run: Run):
    files = SAMPLES["semgrep"].files
    padded = files["src/app.py"] + "# a long comment\n" * 80_000
    ran = await run(spec("semgrep"), {**files, "src/app.py": padded})
    assert (ran.exit, len(ran.findings())) == (1, len((await run(spec("semgrep"), files)).findings())), (
        ran.log
    )


async def test_a_change_brings_no_rules_of_semgrep(run: Run, tmp_path):
    """The folder of the base counts, even where the head puts a link in its place or has rules of its own."""
    base = SAMPLES["semgrep"].files
    head = {"src/app.py": base["src/app.py"], ".semgrep.yaml": base[".semgrep.yml"].replace("no-eval", "own")}
    ran = await run(spec("semgrep"), head, config_tree=lay(tmp_path / "base", base))
    assert {rule for rule, *_ in ran.findings()} == {"no-eval", "semgrep.no-print"}, ran.log


@pytest.mark.parametrize(
    "args", ["--config p/python", "--config=auto", "-c rules/a.yml", "-frules/a.yml", "-c .semgrep/../rules"]
)
async def test_arguments_name_no_rules_of_semgrep_elsewhere(args: str, run: Run):
    ran = await run(spec("semgrep", args=args), SAMPLES["semgrep"].files)
    assert ran.exit == 70, ran.log
    assert "rules are read only from .semgrep.yml and .semgrep/" in ran.log


async def test_semgrep_without_rules_does_not_pass(run: Run):
    ran = await run(spec("semgrep"), {"src/app.py": "eval(a)\n"})
    assert (ran.exit, "there are no rules: put them into" in ran.log) == (70, True), ran.log


async def test_arguments_choose_among_rules_of_semgrep(run: Run):
    ran = await run(spec("semgrep", args="--config .semgrep/"), SAMPLES["semgrep"].files)
    assert (ran.exit, ran.findings()) == (1, [("semgrep.no-print", "src/app.py", 2, "medium")]), ran.log


async def test_semgrep_leaves_alone_what_it_cannot_or_must_not_rewrite(run: Run):
    """A cache that is read-only, and what the check writes itself."""
    check = spec("semgrep")
    places = "out/a.txt cache/a.txt"
    script = f"""\
mkdir cache
for place in {places}; do printf '\\357\\273\\277x' > $place; done
chmod 0555 cache
status=0
( {check.script.rstrip()}
) || status=$?
chmod 0755 cache
for place in {places}; do printf '\\357\\273\\277x' | cmp - $place || exit 99; done
exit $status
"""
    files = {**SAMPLES["semgrep"].files, "src/app.py": b"\xef\xbb\xbfeval(a)\n"}
    ran = await run(check, files, script=script)
    assert (ran.exit, len(ran.findings())) == (1, 1), ran.log
    assert "its folder is read-only" in ran.log
    assert "out/a.txt" not in ran.log


async def test_semgrep_tells_what_nosemgrep_ignores(run: Run):
    files = {**SAMPLES["semgrep"].files, "src/app.py": "x = 1\nprint(1)  # nosemgrep\n"}
    ran = await run(spec("semgrep"), files)
    assert ran.exit == 0, ran.log
    assert [(one.rule, one.line, one.suppressed) for one in ran.evidence().findings] == [
        ("semgrep.no-print", 2, True)
    ]


async def test_codespell_only_looks(run: Run):
    files = {"a.md": "Teh text.\n", "setup.cfg": "[codespell]\nwrite-changes =\nsummary =\ncontext = 2\n"}
    ran = await run(spec("codespell"), files)
    assert (ran.exit, ran.findings()) == (65, [("codespell", "a.md", 1, "low")]), ran.log


async def test_codespell_of_a_files_name(run: Run):
    ran = await run(spec("codespell", args="--check-filenames"), {"docs/recieve.md": "ok\n"})
    assert (ran.exit, ran.findings()) == (65, [("codespell", "docs/recieve.md", 1, "low")]), ran.log


@pytest.mark.parametrize("key", ["ignore-words = docs/words.txt", "exclude-file = docs/words.txt"])
async def test_a_change_excuses_no_words_of_codespell(key: str, run: Run, tmp_path):
    base = {"a.md": "teh\n", "docs/words.txt": "other\n", "setup.cfg": f"[codespell]\n{key}\nskip = docs\n"}
    head = {**base, "docs/words.txt": "teh\n"}
    assert (await run(spec("codespell"), head)).exit == 0
    ran = await run(spec("codespell"), head, config_tree=lay(tmp_path / "base", base))
    assert (ran.exit, ran.findings()) == (65, [("codespell", "a.md", 1, "low")]), ran.log


async def test_codespell_of_a_place_that_is_not_there(run: Run):
    ran = await run(spec("codespell", args="nowhere"), {"a.md": "teh\n"})
    assert (ran.exit, "nowhere is not there" in ran.log) == (1, True), ran.log
