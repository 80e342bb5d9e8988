"""A preset as data: what one word after `use:` stands for."""

import msgspec

from app.model.evidence import Severity
from app.model.plan import Kind, ReportSpec


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """A ready-made check: pinned tool, command, reports, exit codes, severities, configuration.

    `script` is run by bash in the check's workdir, `${args}` standing for the user's `args`. `tool` is
    the toolbox program it needs ('' if it comes from the project's own environment, then the result is
    shown as self-reported). `severities` map rule globs to severities, the longest match wins.
    `config_files` are the configuration files the tool reads. `changed_only`: looks at changed files
    only. `missing_exits`: exits that mean "tool not there"; `missing_hint` says how to get it.
    """

    name: str
    summary: str
    tool: str = ""
    version: str = ""
    script: str
    default_args: str = ""
    reports: tuple[ReportSpec, ...] = ()
    produces: tuple[Kind, ...] = ()
    findings_exits: tuple[int, ...] = ()
    not_needed_exits: tuple[int, ...] = ()
    severities: dict[str, Severity] = {}
    config_files: tuple[str, ...] = ()
    timeout: float = 600.0
    missing_hint: str = ""
