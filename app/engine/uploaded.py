"""Where a check stands that waits for uploaded reports: pure decisions over what was uploaded."""

import hashlib
from collections import Counter
from functools import lru_cache
from typing import Final

import msgspec

from app.language import Globs
from app.model import Change, ChangeKind, CheckSpec, External, ReportSpec, Upload

NAMED: Final = 3
"""As many files or uploaders as a sentence names."""


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """What was uploaded for one check on one head.

    `files` are the uploads that count with the report they were declared as, `missing` the paths of required
    reports of which a shard or all are still to come. `digest` names exactly these files ('' while some are
    missing).
    """

    files: tuple[tuple[ReportSpec, Upload], ...]
    missing: tuple[str, ...]
    digest: str = ""


def gather(spec: CheckSpec, uploads: tuple[Upload, ...], change: Change) -> Gathered:
    """The uploads that count for a check of this change: of its name, by who may speak for the change, each
    as the first declared report whose path it matches.
    """
    external = spec.external or External()
    name = external.upload
    ours = [upload for upload in uploads if upload.name == name and _may_speak(upload, change)]
    files = tuple((report, upload) for upload in ours if (report := declared(spec, upload.path)) is not None)
    there = Counter(report.path for report, _ in files)
    missing = tuple(
        one.path for one in spec.reports if not one.optional and there[one.path] < external.shards
    )
    digest = hashlib.sha256()
    for report, upload in files:
        parts = (report.path, upload.path, upload.uploader.key, upload.digest, upload.root)
        digest.update(msgspec.json.encode(parts))
    return Gathered(files=files, missing=missing, digest="" if missing else digest.hexdigest())


def _may_speak(upload: Upload, change: Change) -> bool:
    """Whether an uploader's word counts for a change. What others are compared with is told by a job of the
    base or the default branch: a change's own job knows the commit before it is base's.
    """
    by = upload.uploader
    if change.kind is ChangeKind.BASE:
        return by.is_token or by.on_default or by.ref == f"refs/heads/{change.base_ref}"
    return by.pull in {0, change.number}


def declared(spec: CheckSpec, path: str) -> ReportSpec | None:
    """The report that an uploaded file of this name is declared as; None if as none."""
    return next((report for report in spec.reports if _pattern(report.path).matches(path)), None)


@lru_cache(maxsize=1024)
def _pattern(path: str) -> Globs:
    return Globs((f"/{path.removeprefix('./').lstrip('/')}",))


def waits_for(spec: CheckSpec, found: Gathered, head_sha: str) -> str:
    """What is still to come, for people."""
    external = spec.external or External()
    head = f"waits for upload {external.upload} for head {head_sha[:7]}"
    if external.shards > 1:
        return f"{head}: {_listed(_shards(external, found))} uploaded"
    here = f" ({len(found.files)} here)" if found.files else ""
    return f"{head}: {_listed(found.missing)}{here}"


def came_not(spec: CheckSpec, found: Gathered, *, within: float) -> str:
    """That it is not waited for any longer, for people; `within` are the seconds it was."""
    external = spec.external or External()
    waited = f" within {within / 60:g} min" if within else ""
    if external.shards > 1:
        return f"upload {external.upload}: only {_listed(_shards(external, found))} uploaded{waited}"
    return f"upload {external.upload}: {_listed(found.missing)} not uploaded{waited}"


def _shards(external: External, found: Gathered) -> tuple[str, ...]:
    """How far the reports are that are not complete."""
    there = Counter(report.path for report, _ in found.files)
    return tuple(f"{there[path]} of {external.shards} shards of {path}" for path in found.missing)


def uploaders(found: Gathered) -> str:
    """Who uploaded what counts, for people."""
    names = tuple(dict.fromkeys(upload.uploader.says for _, upload in found.files))
    return f"uploaded by {_listed(names)}" if names else ""


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
