"""Ready-made checks, as data: one tool per file, registered here by one line.

What a preset's script may rely on (the contract of this door):

- It is run by `bash -eo pipefail` in the check's `workdir`, which may be any folder of the repository;
  `${args}` is replaced by the user's arguments before bash sees it.
- `$PORTCULLIS_OUT` is the absolute path of the fresh `out/` at the repository's root. Scripts write
  there; `reports` name the same files from the root (`out/…`).
- `$PORTCULLIS_TOOLBOX` is the absolute path of the `bin` directory of the read-only toolbox; its groups
  `web` and `infra` have theirs in `$PORTCULLIS_TOOLBOX_WEB` and `…_INFRA`. Their packages are pinned
  beneath deploy/toolbox. A tool that needs nothing of the project is always called by that path, so that
  a change cannot bring its own. `tool` names it; where it is not there the check does not start, and its
  error says how to get it.
- `config_files` are all files that make the tool see less: its configuration, and the ignore files of
  git and ripgrep where it reads them. They are names or globs that match in any folder.
- A tool that must see the project's own packages (pytest, mypy) is taken from the project's Python if
  that has it, else from the toolbox. Then `tool` is '' and the result is shown as self-reported. Of an
  untrusted head the project's installed packages (`installed`) are held like configuration, and Python runs
  isolated (`-I`): without it the tree comes first on its path. Only pytest runs what a change brings.

To add one: a file with `PRESET`, a line in `PRESETS`, its packages beneath deploy/toolbox (`lock` pins them),
and a real run on a small sample in the tests.
"""

from app.model import Preset
from app.presets import (
    ast_grep,
    bandit,
    biome,
    checkov,
    codespell,
    detect_secrets,
    eslint,
    hadolint,
    jscpd,
    lizard,
    markdownlint,
    mypy,
    oxlint,
    pyright,
    pytest,
    ruff,
    ruff_format,
    semgrep,
    shellcheck,
    typos,
    vulture,
    yamllint,
    zizmor,
)

PRESETS: tuple[Preset, ...] = (
    ruff.PRESET,
    ruff_format.PRESET,
    mypy.PRESET,
    pyright.PRESET,
    pytest.PRESET,
    bandit.PRESET,
    vulture.PRESET,
    biome.PRESET,
    oxlint.PRESET,
    eslint.PRESET,
    shellcheck.PRESET,
    hadolint.PRESET,
    yamllint.PRESET,
    zizmor.PRESET,
    checkov.PRESET,
    detect_secrets.PRESET,
    jscpd.PRESET,
    lizard.PRESET,
    markdownlint.PRESET,
    typos.PRESET,
    codespell.PRESET,
    ast_grep.PRESET,
    semgrep.PRESET,
)
"""All presets, in the order in which they are listed to people."""

__all__ = ["PRESETS"]
