"""`portcullis presets`."""

import click

from app.catalogue import catalogue
from app.cli import output
from app.cli.output import format_option
from app.executors import BASIC
from app.model import Misconfigured, Preset, ReportSpec, Severity


def _severities(preset: Preset) -> list[tuple[str, str]]:
    """One line per severity, worst first."""
    by_severity: dict[Severity, list[str]] = {}
    for rule, severity in preset.severities.items():
        by_severity.setdefault(severity, []).append(rule)
    worst_first = sorted(by_severity, key=lambda severity: -severity.rank)
    return [(severity.value, " ".join(by_severity[severity])) for severity in worst_first]


def _facts(preset: Preset) -> list[tuple[str, str]]:
    own = f"the project's own, else {preset.name} {preset.version} of the toolbox"
    looks = preset.looks_at + ("; what each commit of the change adds" if preset.commits else "")
    facts = [
        ("looks at", looks),
        ("tool", f"{preset.tool} {preset.version}" if preset.tool else own),
        ("trust", "" if preset.tool else "self-reported: the project's own environment has a say"),
        ("needs", f"portcullis {_install(preset)}"),
        ("produces", ", ".join(preset.produces)),
        ("reports", ", ".join(_report(report) for report in preset.reports)),
        *((f"with {word}", ", ".join(map(_report, more))) for word, more in preset.args_reports.items()),
        ("configured by", ", ".join(preset.config_files)),
        ("findings", _exits(preset.findings_exits)),
        ("not needed", _exits(preset.not_needed_exits)),
        ("timeout", f"{preset.timeout / 60:g}m"),
        *_severities(preset),
        ("if missing", preset.missing_hint),
    ]
    return [(name, text) for name, text in facts if text]


def _report(report: ReportSpec) -> str:
    return f"{report.path} ({report.format})"


def _exits(codes: tuple[int, ...]) -> str:
    return f"exit {', '.join(map(str, codes))}" if codes else ""


def _install(preset: Preset) -> str:
    return "toolbox install" + ("" if preset.toolbox == BASIC else f" {preset.toolbox}")


def _listing(presets: list[Preset]) -> str:
    """One line each, under what they look at. A star: self-reported; a group: beyond the basic toolbox."""
    places = [preset.looks_at for preset in presets]
    sorted_ = sorted(presets, key=lambda preset: places.index(preset.looks_at))
    rows = [
        (
            "  " + click.style(preset.name, bold=True) + ("" if preset.tool else " *"),
            preset.version,
            ", ".join(preset.produces),
            preset.summary + ("" if preset.toolbox == BASIC else f" (toolbox: {preset.toolbox})"),
        )
        for preset in sorted_
    ]
    lines: list[str] = []
    for before, preset, line in zip([None, *sorted_], sorted_, output.table(rows).split("\n"), strict=False):
        if before is None or before.looks_at != preset.looks_at:
            lines.append(preset.looks_at)
        lines.append(line)
    return "\n".join(lines)


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
        output.data(_listing(chosen))
        output.hint(
            "portcullis presets NAME tells all about one; * is self-reported, by the project's own tools"
        )
    else:
        output.data(f"{click.style(name, bold=True)}: {chosen[0].summary}\n")
        output.data(output.table(_facts(chosen[0])))
        output.data(f"\n{chosen[0].script}")
