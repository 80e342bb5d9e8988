"""A preset as data: what one word after `use:` stands for."""

import msgspec

from app.model.check import Kind, ReportSpec
from app.model.evidence import Severity


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """A ready-made check: pinned tool, command, reports, exit codes, severities, configuration.

    `script` is run by bash in the check's workdir, `${args}` standing for the user's `args`. `tool` is
    the toolbox program it needs ('' if it comes from the project's own environment, then the result is
    shown as self-reported). `severities` map rule globs to severities, the longest match wins.
    `config_files` are the configuration files the tool reads, `config_options` those of its options whose
    value is one more (`--config`). `missing_hint` says how to get a tool that is not there.
    `tools` are the pinned toolbox packages (`ruff==0.17.5`) that it uses or falls back to; they are part
    of a check's definition. `args_reports` are reports written only when a word of the user's arguments
    is the key or begins with `key=` (pytest's `--cov`). `toolbox` is the group of the toolbox that has
    them. `looks_at` names languages or kinds of files, for people. `commits`: it also
    looks at what each commit of the change adds.
    """

    name: str
    summary: str
    tool: str = ""
    version: str = ""
    script: str
    default_args: str = ""
    tools: tuple[str, ...] = ()
    args_reports: dict[str, tuple[ReportSpec, ...]] = {}
    reports: tuple[ReportSpec, ...] = ()
    produces: tuple[Kind, ...] = ()
    findings_exits: tuple[int, ...] = ()
    not_needed_exits: tuple[int, ...] = ()
    severities: dict[str, Severity] = {}
    config_files: tuple[str, ...] = ()
    timeout: float = 600.0
    missing_hint: str = ""
    toolbox: str = "basic"
    looks_at: str = ""
    commits: bool = False
    config_options: tuple[str, ...] = ()
