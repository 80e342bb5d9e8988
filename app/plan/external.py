"""External checks: somebody else's check run, commit status, workflow, or reports that they upload."""

from typing import Final

import msgspec

from app.model import CheckSpec, External
from app.plan.declared import Declared
from app.plan.reporting import Formats, Reports, check_path
from app.plan.shapes import Reading
from app.plan.yaml import MapNode

WORKFLOWS: Final = ".github/workflows/"
ACTIONS: Final = "github-actions"
GITLAB_CI: Final = "gitlab-ci"
_KEYS: Final = frozenset({"external", "when", "after", "needs", "required", "timeout"})
_UPLOAD_KEYS: Final = _KEYS | {"reports", "workdir"}
_WORDS: Final = frozenset({"context", "app", "creator", "accept", "workflow", "trigger", "pipeline"})
_KINDS: Final = ("upload", "workflow", "pipeline", "context")
_GOES_WITH: Final = {
    "upload": (
        frozenset({"upload"}),
        "an upload is named by 'upload' alone; who may upload is the operator's to say",
    ),
    "workflow": (frozenset({"workflow", "trigger", "app", "accept"}), "a workflow is known by its file"),
    "pipeline": (frozenset({"pipeline", "trigger", "accept"}), "a pipeline is known by its configuration"),
    "context": (
        frozenset({"context", "app", "creator", "accept"}),
        "only a workflow or a pipeline can be started",
    ),
}
"""What may stand beside each kind of external check, and why nothing else."""


def is_upload(node: MapNode) -> bool:
    """Whether a check waits for uploaded reports, as it is written."""
    external = node.get("external")
    return isinstance(external, MapNode) and "upload" in external.entries


def pinned(external: External | None) -> External | None:
    """A workflow by its file's whole path, a pipeline by its configuration, and who runs it."""
    if external is not None and external.pipeline:
        return msgspec.structs.replace(external, app=GITLAB_CI)
    if external is None or not external.workflow:
        return external
    file = external.workflow.removeprefix(WORKFLOWS)
    return msgspec.structs.replace(external, workflow=WORKFLOWS + file, app=external.app or ACTIONS)


def check_external(node: MapNode, where: str, external: External | None, reading: Reading) -> None:
    """Complain about keys that do not apply to this external check, and words that do not go together."""
    allowed = _UPLOAD_KEYS if is_upload(node) else _KEYS
    for name, (at, _) in node.entries.items():
        if name not in allowed:
            reading.complain("G025", f"'{name}' does not apply to external checks", at, f"{where}.{name}")
    said = node.get("external")
    if external is not None and isinstance(said, MapNode):
        _check_words(said, f"{where}.external", external, reading)


def _check_words(node: MapNode, where: str, external: External, reading: Reading) -> None:
    written = node.entries.keys()
    kind = next((name for name in _KINDS if name in written), None)
    if kind is None:
        if written <= _WORDS:
            hint = "name a workflow, a pipeline, a check run or a status, or an {upload: NAME} that CI sends"
            message = "'workflow', 'pipeline', 'context' or 'upload' is missing"
            reading.complain("G010", message, node, where, hint)
        return
    fits, why = _GOES_WITH[kind]
    for name in sorted((written & (_WORDS | {"upload"})) - fits):
        message = f"'{name}' does not go with '{kind}'"
        reading.complain("G021", message, node.entries[name][0], f"{where}.{name}", why)
    if "shards" in written and kind != "upload":
        hint = "jobs share the work of an upload: external: {upload: NAME, shards: 3}"
        key = node.entries["shards"][0]
        reading.complain("G021", "'shards' goes with 'upload' only", key, f"{where}.shards", hint)
    if kind != "context":
        return
    if ("app" in written) == ("creator" in written) and written <= _WORDS:
        hint = "name who posts it, or anybody could"
        reading.complain("G021", "exactly one of 'app' and 'creator' is needed", node, where, hint)
    if external.context == "portcullis":
        at = node.entries["context"][1]
        reading.complain("G014", "'portcullis' is our own verdict: it cannot wait for itself", at, where)


def uploaded(
    template: CheckSpec, declared: Declared, node: MapNode, where: str, reading: Reading, formats: Formats
) -> CheckSpec:
    """All that a check which waits for uploaded reports has beyond another external one."""
    listed = node.get("reports")
    hint = "list the files that CI uploads: reports: [junit.xml, coverage.xml]"
    if listed is None:
        at = node.entries["external"][0]
        reading.complain("G010", "'reports' is missing: an upload is known by its files", at, where, hint)
        return template
    check_path(node.get("workdir"), f"{where}.workdir", reading)
    reports = Reports(reading, formats, None, uploaded=True).read(listed, f"{where}.reports")
    if reports and all(one.optional for one in reports):
        message = "every report is optional: there is nothing to wait for"
        reading.complain("G014", message, listed, f"{where}.reports", hint)
    workdir = declared.workdir or ""
    return msgspec.structs.replace(
        template,
        reports=reports,
        workdir="" if workdir == "." else workdir.strip("/"),
        self_reported=True,
    )
