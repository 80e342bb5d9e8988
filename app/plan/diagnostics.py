"""Diagnostics as text (rustc's manners) and as JSON values."""

from app.model import Diagnostic


def format_diagnostic(diagnostic: Diagnostic) -> str:
    """One complaint with its line, caret, label and way out; no trailing line end.

    The form is that of the gate file's specification, section 10.
    """
    one = diagnostic
    where = f"{one.where}: " if one.where else ""
    gutter = " " * len(str(one.line))
    lines = [
        f"{one.severity.value}[{one.code}]: {where}{one.message}",
        f"{gutter}--> {one.path}:{one.line}:{one.column}",
        f"{gutter} |",
        f"{one.line} | {one.snippet}".rstrip(),
    ]
    if one.column <= len(one.snippet) + 1:
        width = max(1, min(one.length, len(one.snippet) - one.column + 1))
        lines.append(f"{gutter} | {' ' * (one.column - 1)}{'^' * width} {one.label}".rstrip())
    elif one.label:
        lines.append(f"{gutter} | {one.label}")
    if one.hint:
        lines.append(f"{gutter} = help: {one.hint}")
    return "\n".join(lines)


def as_json(diagnostic: Diagnostic) -> dict[str, str | int]:
    """The seven keys of `--format json`; `path` is the file, `hint` the suggestion before the help."""
    one = diagnostic
    return {
        "code": one.code,
        "severity": one.severity.value,
        "message": f"{one.where}: {one.message}" if one.where else one.message,
        "path": one.path,
        "line": one.line,
        "column": one.column,
        "hint": "; ".join(part for part in (one.label, one.hint) if part),
    }
