"""`portcullis plan`."""

import asyncio
import tempfile
import time
from pathlib import Path

import click
import msgspec

from app.catalogue import catalogue
from app.cli import lint, output
from app.cli.gatefile import find_gate_file, read_gate_file, shown_path, today
from app.cli.local import LocalChange, local_change
from app.cli.output import Exit, counted, format_option
from app.engine import borrowed, preview
from app.executors import GitWorkspaces
from app.model import (
    AuthorFault,
    CheckResult,
    CheckSpec,
    Comparison,
    Conclusion,
    Condition,
    Conditional,
    GateItem,
    Group,
    Plan,
    Status,
)
from app.plan import as_json, compile_plan, parse
from app.policy import gate_of
from app.publish import clean


class PlannedChange(msgspec.Struct, frozen=True, kw_only=True):
    """A plan, the difference it was made for, and where each check would begin."""

    plan: Plan
    comparison: Comparison
    checks: tuple[CheckResult, ...]


async def _nobody() -> str:
    return ""


async def compare(local: LocalChange, workspaces: GitWorkspaces) -> tuple[Comparison, tuple[str, ...]]:
    """The difference a run would judge, and the paths of its tree. Raises AuthorFault for a conflict."""
    with borrowed(local.repository, local.base_sha, local.head_sha) as repository:
        await workspaces.fetch(
            repository,
            base_ref="base",
            head_refspec="refs/heads/head",
            head_sha=local.head_sha,
            credential=_nobody,
        )
        merged = await workspaces.merge(repository, local.base_sha, local.head_sha)
        if merged.conflicts:
            raise AuthorFault(f"conflicts with {local.base_name} in {', '.join(merged.conflicts)}")
        tested = merged.tested_sha
        comparison = await workspaces.compare(repository, local.base_sha, local.head_sha, tested)
        entries = await workspaces.entries(repository, tested)
    return comparison, tuple(entry.path for entry in entries)


async def planned(gate: Path, base: str | None, head: str | None) -> PlannedChange:
    """The plan of a gate file for a local change. Raises AuthorFault for a broken file or a conflict."""
    path = shown_path(gate)
    parsed = parse(read_gate_file(gate), path, catalogue(), today=today())
    if parsed.gatefile is None:
        lint.show(parsed.diagnostics)
        raise AuthorFault(lint.summary(path, parsed.diagnostics), hint=f"portcullis lint {path}")
    local = await local_change(Path.cwd(), base=base, head=head)
    with tempfile.TemporaryDirectory(prefix="portcullis-plan-") as folder:
        workspaces = GitWorkspaces(Path(folder), allow_local=True)
        comparison, paths = await compare(local, workspaces)
    plan = compile_plan(parsed.gatefile, comparison=comparison, tree_paths=paths, policy_sha=local.base_sha)
    checks = preview(plan, local.change, comparison, time.time())
    return PlannedChange(plan=plan, comparison=comparison, checks=checks)


def _does(spec: CheckSpec) -> str:
    if spec.external is not None and spec.external.upload:
        return f"waits for upload {spec.external.upload}"
    if spec.external is not None and spec.external.workflow:
        begins = "starts and awaits" if spec.external.trigger else "waits for"
        return f"{begins} workflow {spec.external.workflow}"
    if spec.external is not None:
        return f"waits for {spec.external.context} by {spec.external.app or spec.external.creator}"
    does = f"preset {spec.preset}" if spec.preset else spec.script.strip() or " ".join(spec.argv)
    return clean.line(does, 60) + _with(spec)


def _with(spec: CheckSpec) -> str:
    """What else it has: `  (setup, cache, network, reuse)`."""
    has = {"setup": spec.setup, "cache": spec.cache, "network": spec.network == "full", "reuse": spec.reuse}
    named = ", ".join(name for name, value in has.items() if value)
    return f"  ({named})" if named else ""


def _begins(result: CheckResult) -> str:
    if result.status is Status.QUEUED:
        return click.style("runs", fg="green")
    if result.conclusion is Conclusion.NOT_NEEDED:
        return click.style("not needed", dim=True)
    return click.style(str(result.conclusion or result.status), fg="yellow")


def _items(items: tuple[GateItem, ...], indent: str) -> list[str]:
    lines: list[str] = []
    for item in items:
        advisory = "  (advisory)" if item.advisory else ""
        match item:
            case Condition(expression=expression):
                lines.append(f"{indent}{clean.line(expression.text)}{advisory}")
            case Group(mode=mode, items=members):
                lines += [f"{indent}{mode} of{advisory}", *_items(members, indent + "  ")]
            case Conditional(when=when, require=members):
                lines += [f"{indent}when {clean.line(when.text)}{advisory}", *_items(members, indent + "  ")]
    return lines


def show(found: PlannedChange) -> None:
    """Print a plan for people."""
    plan, files = found.plan, found.comparison.files
    added, removed = sum(file.added for file in files), sum(file.removed for file in files)
    output.data(f"{plan.path} for {counted(len(files), 'changed file')} (+{added} −{removed})\n")  # noqa: RUF001 - a minus sign
    results = {result.key: result for result in found.checks}
    rows = []
    for spec in plan.checks:
        result = results[spec.key]
        reason = clean.line(result.reason) or ("" if spec.required else "advisory")
        rows.append((f"  {clean.line(spec.key, 40)}", _begins(result), _does(spec), reason))
    output.data(click.style(counted(len(rows), "check"), bold=True))
    if rows:
        output.data(output.table(rows))
    conditions = _items(gate_of(plan), "  ")
    output.data("\n" + click.style("Gate" if plan.gate_declared else "Gate (built in)", bold=True))
    output.data("\n".join(conditions))
    for note in plan.notes:
        output.note(clean.line(note))


@click.command("plan")
@click.option(
    "--base", metavar="REF", help="Compare with this.  [default: the remote's default branch, or main]"
)
@click.option("--head", metavar="REF", help="Plan for this commit.  [default: the working tree as it is]")
@click.option(
    "--gate",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Plan by this gate file.  [default: .portcullis.yml here or in a folder above]",
)
@format_option
def command(*, base: str | None, head: str | None, gate: Path | None, output_format: output.Format) -> None:
    """Show which checks a change would run, and why.

    Nothing is run. Conditions on people (labels, approvals) are not applicable here; a check held by such an
    `after` begins as it would where they are met.

    Exit status: 0 if there is a plan, 1 if the change cannot be planned, 2 if git or a file is missing.
    """
    found = asyncio.run(planned(gate or find_gate_file(Path.cwd()), base, head))
    if output_format == "json":
        output.json(
            {
                "plan": found.plan,
                "checks": found.checks,
                "files": [file.path for file in found.comparison.files],
                "warnings": [as_json(warning) for warning in found.plan.warnings],
            }
        )
    else:
        show(found)
    if found.plan.blocked:
        output.error(found.plan.blocked)
        output.ends_with(Exit.BLOCKED)
