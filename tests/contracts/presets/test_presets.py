"""Each preset finds the faults seeded for it, and what is read of its report is what the tool counts itself."""

import re
from pathlib import Path

import pytest

from app.executors import AttemptSpec, Ended, LocalExecutor, LogChunk, Sandbox
from app.model import Misconfigured
from app.presets import PRESETS
from tests.contracts.presets.conftest import Run, lay, spec
from tests.contracts.presets.samples import SAMPLES

pytestmark = pytest.mark.sandbox

QUICK = [name for name, sample in SAMPLES.items() if not sample.printed]


def test_every_preset_has_a_sample():
    assert {*SAMPLES, "pytest", "detect-secrets", "jscpd", "lizard"} == {preset.name for preset in PRESETS}


@pytest.mark.parametrize("name", SAMPLES)
async def test_the_seeded_faults_are_found_and_counted_as_the_tool_does(name: str, run: Run):
    sample = SAMPLES[name]
    check = spec(name, **sample.keys)
    ran = await run(check, sample.files)
    assert ran.outcome.ended is Ended.EXITED, ran.outcome
    assert ran.exit == sample.exit, ran.log
    assert ran.exit in {0, *check.findings_exits}
    found = ran.findings()
    assert set(sample.expected) <= set(found), found
    assert not ran.evidence().dropped
    if sample.printed:
        own = sum(map(int, re.findall(sample.printed, ran.log)))
    else:
        counted = await run(check, sample.files, script=sample.count)
        assert counted.exit == 0, counted.log
        own = int(counted.log.split()[-1])
    assert len(found) == own, (found, ran.log)


@pytest.mark.parametrize("name", QUICK)
async def test_without_faults_it_passes(name: str, run: Run):
    check = spec(name, **SAMPLES[name].keys)
    ran = await run(check, SAMPLES[name].clean)
    assert ran.exit == 0, ran.log
    assert ran.findings() == []


@pytest.mark.parametrize("name", QUICK)
async def test_where_the_tool_cannot_run_the_check_does_not_pass(name: str, run: Run):
    check = spec(name, args=SAMPLES[name].wrong)
    ran = await run(check, SAMPLES[name].files)
    assert ran.exit not in {0, *check.not_needed_exits}, ran.log
    assert ran.exit not in check.findings_exits or not ran.file().content, "then its report is missing"


@pytest.mark.parametrize("name", [name for name, sample in SAMPLES.items() if sample.nothing is not None])
async def test_where_there_is_nothing_to_look_at(name: str, run: Run):
    check = spec(name)
    ran = await run(check, {"a.txt": "text\n"})
    assert ran.exit == SAMPLES[name].nothing, ran.log
    assert ran.exit in check.not_needed_exits or ran.findings() == []


@pytest.mark.parametrize("name", QUICK)
async def test_a_change_cannot_hide_its_faults_by_configuration(name: str, run: Run, tmp_path):
    """Only what `config_files` name is held back, so they must name what makes the tool see less."""
    sample = SAMPLES[name]
    check = spec(name, **sample.keys)
    files = {**sample.files, **sample.ignores}
    seen = await run(check, sample.files)
    hidden = await run(check, files)
    assert len(hidden.findings()) < len(seen.findings()), "the sample must hide something"
    held = await run(check, files, config_tree=lay(tmp_path / "base", sample.files))
    assert held.findings() == seen.findings()
    assert held.exit == seen.exit


@pytest.mark.parametrize(
    ("files", "keys"),
    [
        ({"pyproject.toml": '[tool.ruff]\nextend = "tools/shared.toml"\n'}, {}),
        ({}, {"args": "--config tools/shared.toml"}),
    ],
)
async def test_nor_by_a_file_that_its_configuration_names(files, keys, run: Run, tmp_path):
    check = spec("ruff", **keys)
    files = {"a.py": "import os\nprint(undefined)\n", **files, "tools/shared.toml": ""}
    base = lay(tmp_path / "base", files)
    seen = await run(check, files)
    blind = {**files, "tools/shared.toml": 'lint.ignore = ["F", "I"]\n'}
    assert {"F401", "F821"} <= {rule for rule, *_ in seen.findings()}
    assert (await run(check, blind)).findings() == []
    assert (await run(check, blind, config_tree=base)).findings() == seen.findings()


async def test_pytest_with_the_toolbox_alone(run: Run):
    files = {
        "src/pkg.py": "def add(a, b):\n    if a > 100:\n        return 0\n    return a + b\n",
        "tests/test_pkg.py": (
            "from pkg import add\n\ndef test_ok():\n    assert add(1, 2) == 3\n\ndef test_bad():\n    assert add(1, 2) == 4\n"
        ),
        "pyproject.toml": "[tool.pytest.ini_options]\npythonpath = ['src']\n",
    }
    ran = await run(spec("pytest", args="--cov=src --cov-branch"), files)
    assert ran.exit == 1, ran.log
    assert {one.name: one.outcome.value for one in ran.evidence(0).tests} == {
        "test_ok": "passed",
        "test_bad": "failed",
    }
    assert "1 failed, 1 passed" in ran.log
    (covered,) = ran.evidence(1).coverage
    assert (covered.path, covered.lines) == ("src/pkg.py", {1: 1, 2: 1, 3: 0, 4: 1})


async def test_a_tool_that_is_not_there_says_how_to_get_it(tmp_path: Path):
    bare = LocalExecutor(Sandbox(), tmp_path / "bare", toolbox=tmp_path / "nowhere")
    attempt = AttemptSpec(attempt_id="a", check=spec("biome"), tree=lay(tmp_path / "tree", {"a.js": ""}))

    async def listen(chunk: LogChunk) -> None:
        raise AssertionError(chunk)

    with pytest.raises(Misconfigured, match="biome is not in the toolbox: portcullis toolbox install web"):
        await bare.attempt(attempt, listen)
