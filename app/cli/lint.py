"""`portcullis lint`."""

import sys
from pathlib import Path

import click

from app.catalogue import catalogue
from app.cli import output
from app.cli.gatefile import find_gate_file, read_gate_file, shown_path, today
from app.cli.output import Exit, counted, format_option
from app.model import Diagnostic, DiagnosticSeverity
from app.plan import as_json, format_diagnostic, parse
from app.publish import clean


def show(diagnostics: tuple[Diagnostic, ...]) -> None:
    """Print diagnostics for people. The file's text may hold anything: terminal codes are taken out."""
    colors = {DiagnosticSeverity.ERROR: "red", DiagnosticSeverity.WARNING: "yellow"}
    for diagnostic in diagnostics:
        first, *rest = clean.block(format_diagnostic(diagnostic)).splitlines()
        word, bracket, tail = first.partition("[")
        output.data(
            "\n".join([click.style(word, fg=colors[diagnostic.severity], bold=True) + bracket + tail, *rest])
        )
        output.data("")


def summary(path: str, diagnostics: tuple[Diagnostic, ...]) -> str:
    """How many of what."""
    errors = sum(item.severity is DiagnosticSeverity.ERROR for item in diagnostics)
    warnings = len(diagnostics) - errors
    if not diagnostics:
        return f"{path}: no mistakes"
    parts = [counted(errors, "error")] if errors else []
    parts += [counted(warnings, "warning")] if warnings else []
    return f"{path}: {' and '.join(parts)}"


@click.command("lint")
@click.argument("file", required=False)
@format_option
def command(*, file: str | None, output_format: output.Format) -> None:
    """Find every mistake in a gate file.

    FILE is the gate file, `-` for standard input; without it, .portcullis.yml here or in a folder above. All
    mistakes are told at once, each with its line, column and a way out.

    Exit status: 0 if the file is valid (warnings may remain), 1 if it is not, 2 if it cannot be read.
    """
    if file == "-":
        path, content = "<stdin>", sys.stdin.buffer.read()
    else:
        found = find_gate_file(Path.cwd()) if file is None else Path(file)
        path, content = shown_path(found), read_gate_file(found)
    parsed = parse(content, path, catalogue(), today=today())
    if output_format == "json":
        output.json([as_json(diagnostic) for diagnostic in parsed.diagnostics])
    else:
        show(parsed.diagnostics)
        output.note(summary(path, parsed.diagnostics))
    if parsed.gatefile is None:
        output.ends_with(Exit.BLOCKED)
