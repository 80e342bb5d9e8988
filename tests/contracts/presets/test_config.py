"""`config: base | head`: whose configuration judges a change that brings an ignore of its own fault."""

import msgspec
import pytest

from app.engine.specs import attempt_spec, needs_base_tree
from app.model import Comparison, FileChange, FileStatus, Sha
from tests.contracts.presets.conftest import Run, lay, spec

pytestmark = pytest.mark.sandbox

BASE = {"src/app.py": "x = 1\n", "ruff.toml": "line-length = 100\n"}
HEAD = {
    "src/app.py": "x = undefined\n",
    "ruff.toml": "line-length = 100\nlint.ignore = ['F821']\n",
    "src/ruff.toml": "lint.ignore = ['F821']\n",
}
CHANGED = Comparison(
    base_sha=Sha("b" * 40),
    head_sha=Sha("a" * 40),
    tested_sha=Sha("a" * 40),
    base_tree=Sha("c" * 40),
    tested_tree=Sha("d" * 40),
    files=tuple(FileChange(path=path, status=FileStatus.MODIFIED) for path in HEAD),
)


@pytest.mark.parametrize(
    ("trusted", "config", "judged_by_base"),
    [
        (False, "", True),
        (False, "head", True),
        (True, "", False),
        (True, "head", False),
        (True, "base", True),
    ],
)
async def test_whose_configuration_judges(trusted, config, judged_by_base, run: Run, tmp_path):
    check = spec("ruff", **({"config": config} if config else {}))
    tested, base = lay(tmp_path / "tested", HEAD), lay(tmp_path / "base", BASE)
    assert needs_base_tree(check, trusted=trusted) is judged_by_base
    attempt = attempt_spec(
        check,
        attempt_id="a",
        comparison=CHANGED,
        changed=CHANGED.paths,
        base_ref="main",
        trusted=trusted,
        tested=tested,
        base=base,
        inputs={},
        commits={},
        cache=None,
    )
    given = {name: getattr(attempt, name) for name in ("config_tree", "changed", "facts", "trusted")}
    ran = await run(check, HEAD, **given)
    assert [rule for rule, *_ in ran.findings()] == (["F821"] if judged_by_base else [])
    assert ran.exit == (1 if judged_by_base else 0)


def test_a_check_of_another_configuration_is_another_check():
    assert spec("ruff", config="base").definition != spec("ruff").definition
    assert msgspec.structs.replace(spec("ruff", config="base"), config="head", definition="") == (
        msgspec.structs.replace(spec("ruff"), definition="")
    )
