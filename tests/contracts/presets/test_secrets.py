"""Secrets are looked for in every commit of a change: by git, sandbox, tool and reader."""

from pathlib import Path

import pytest

from app.engine.specs import attempt_spec, commits_of
from app.executors import GitWorkspaces
from app.model import Sha
from tests.contracts.presets.conftest import Ran, Run, spec
from tests.support.git import Origin, bring, checked_out

pytestmark = pytest.mark.sandbox

KEY = "AKIAIOSFODNN7EXAMPLE"
TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
CHECK = spec("detect-secrets")


def found(ran: Ran) -> set[tuple[str, str, int, bool]]:
    """(rule, path, line, suppressed)."""
    return {(one.rule, one.path, one.line, one.suppressed) for one in ran.evidence().findings}


@pytest.fixture
def judge(run: Run, tmp_path: Path):
    """Run the preset on base..head as the engine does."""

    async def once(origin: Origin, base: Sha, *, args: str = "") -> Ran:
        spaces = GitWorkspaces(tmp_path / "spaces", allow_local=True)
        head = origin.head()
        repository = origin.repository
        await bring(spaces, origin)
        comparison = await spaces.compare(repository, base, head, head)
        check = spec("detect-secrets", args=args) if args else CHECK
        tree = await checked_out(spaces, repository, head)
        attempt = attempt_spec(
            check,
            attempt_id="a",
            comparison=comparison,
            changed=comparison.paths,
            base_ref="main",
            trusted=True,
            tested=tree,
            base=None,
            inputs={},
            commits=await commits_of(spaces, repository, check, comparison),
            cache=None,
        )
        files = {str(path.relative_to(tree)): path.read_text() for path in tree.rglob("*") if path.is_file()}
        given = {name: getattr(attempt, name) for name in ("changed", "facts", "commits")}
        return await run(check, files, **given)

    return once


async def test_what_a_later_commit_removes_is_found(judge, tmp_path: Path):
    origin = Origin(tmp_path / "origin")
    origin.write("old.py", f"key = '{KEY}'\n")
    base = origin.commit("base")
    origin.write("src/app.py", "x = 1\n")
    origin.write("old.py", f"key = '{KEY}'\ny = 2\n")
    origin.commit("harmless")
    origin.write("src/app.py", f"x = 1\n# {TOKEN}\n")
    leak = origin.commit("leak")
    origin.write("src/app.py", "x = 1\n")
    origin.commit("take it back")

    ran = await judge(origin, base)
    assert ran.exit == 3, ran.log
    assert found(ran) == {
        ("AWS Access Key", "old.py", 1, False),
        ("GitHub Token", "src/app.py", 0, False),
    }
    (gone,) = (one for one in ran.evidence().findings if not one.line)
    assert gone.message == f"GitHub Token (in commit {leak[:10]})"
    assert gone.secret
    assert TOKEN not in ran.log
    assert TOKEN.encode() not in ran.file().content, "of a secret only its hash is kept"


async def test_what_stands_in_the_final_tree_is_named_once_by_its_line(judge, tmp_path: Path):
    origin = Origin(tmp_path / "origin")
    origin.write("a.py", "x = 1\n")
    base = origin.commit("base")
    origin.write("a.py", f"# {TOKEN}\nx = 1\n")
    origin.commit("leak")
    origin.write("a.py", f"y = 2\n# {TOKEN}\nx = 1\n")
    origin.git("mv", "a.py", "b.py")
    origin.commit("move")
    ran = await judge(origin, base)
    assert found(ran) == {("GitHub Token", "b.py", 2, False)}
    assert "1 token" not in ran.log


async def test_what_somebody_excused_is_suppressed(judge, tmp_path: Path):
    origin = Origin(tmp_path / "origin")
    origin.write("a.py", "x = 1\n")
    base = origin.commit("base")
    origin.write("a.py", f"# {TOKEN}  # pragma: allowlist secret\n")
    origin.commit("excused")
    ran = await judge(origin, base)
    assert (ran.exit, found(ran)) == (0, {("GitHub Token", "a.py", 1, True)})


async def test_what_somebody_excused_in_a_commit_only_is_suppressed_and_told(judge, tmp_path: Path):
    origin = Origin(tmp_path / "origin")
    origin.write("a.py", "x = 1\n")
    base = origin.commit("base")
    origin.write("a.py", f"# {TOKEN}  # pragma: allowlist secret\n")
    origin.commit("excused")
    origin.write("a.py", "x = 2\n")
    origin.commit("gone")
    ran = await judge(origin, base)
    assert (ran.exit, found(ran)) == (0, {("GitHub Token", "a.py", 0, True)})


async def test_without_a_secret_and_on_the_base_itself(judge, tmp_path: Path):
    origin = Origin(tmp_path / "origin")
    origin.write("a.py", f"# {TOKEN}\n")
    base = origin.commit("base")
    whole = await judge(origin, base)
    assert (whole.exit, found(whole)) == (3, {("GitHub Token", "a.py", 1, False)})
    origin.write("b.py", "x = 1\n")
    origin.commit("harmless")
    clean = await judge(origin, base)
    assert (clean.exit, clean.evidence().findings) == (0, ())


async def test_options_are_refused(judge, tmp_path: Path):
    origin = Origin(tmp_path / "origin")
    origin.write("a.py", "x = 1\n")
    base = origin.commit("base")
    ran = await judge(origin, base, args="--no-such-option")
    assert ran.exit == 1
    assert "only paths" in ran.log
