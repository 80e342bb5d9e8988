"""`portcullis presets`."""

import click

from app.catalogue import catalogue
from app.cli import output
from app.cli.output import format_option
from app.model import Misconfigured, Preset, Severity


def _severities(preset: Preset) -> list[tuple[str, str]]:
    """One line per severity, worst first."""
    by_severity: dict[Severity, list[str]] = {}
    for rule, severity in preset.severities.items():
        by_severity.setdefault(severity, []).append(rule)
    worst_first = sorted(by_severity, key=lambda severity: -severity.rank)
    return [(severity.value, " ".join(by_severity[severity])) for severity in worst_first]


def _facts(preset: Preset) -> list[tuple[str, str]]:
    exits = ", ".join(map(str, preset.findings_exits))
    own = f"the project's own, else {preset.name} {preset.version} of the toolbox"
    facts = [
        ("tool", f"{preset.tool} {preset.version}" if preset.tool else own),
        ("produces", ", ".join(preset.produces)),
        ("reports", ", ".join(report.path for report in preset.reports)),
        ("configured by", ", ".join(preset.config_files)),
        ("findings", f"exit {exits}" if exits else ""),
        ("timeout", f"{preset.timeout / 60:g}m"),
        *_severities(preset),
        ("if missing", preset.missing_hint),
    ]
    return [(name, text) for name, text in facts if text]


@click.command("presets", short_help="List the ready-made checks, or tell all about one.")
@click.argument("name", required=False)
@format_option
def command(*, name: str | None, output_format: output.Format) -> None:
    """List the ready-made checks, or tell all about the one called NAME.

    A preset states a tool's version, command, reports, exit codes and the severity of its rules, so that a
    check is one word: `lint: {use: ruff}`.
    """
    presets = catalogue().presets
    if name is not None and name not in presets:
        raise Misconfigured(f"there is no preset {name!r}", hint=f"there are: {', '.join(presets)}")
    chosen = list(presets.values()) if name is None else [presets[name]]
    if output_format == "json":
        output.json(chosen if name is None else chosen[0])
    elif name is None:
        rows = [
            (click.style(preset.name, bold=True), preset.version, ", ".join(preset.produces), preset.summary)
            for preset in chosen
        ]
        output.data(output.table(rows))
        output.hint("portcullis presets NAME tells all about one")
    else:
        output.data(f"{click.style(name, bold=True)}: {chosen[0].summary}\n")
        output.data(output.table(_facts(chosen[0])))
        output.data(f"\n{chosen[0].script}")
