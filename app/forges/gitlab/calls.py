"""Requests as GitLab takes them: beneath a project's address, by its id so that renames are followed."""

from collections.abc import Mapping

from app.forges.gitlab.views import INSTALLATION
from app.forges.importance import Importance
from app.forges.rest.calls import Call
from app.model import Repository

Params = Mapping[str, str | int]


def on(
    repository: Repository,
    kind: str,
    path: str,
    *,
    method: str = "GET",
    params: Params | None = None,
    body: Mapping[str, object] | None = None,
    content: bool = False,
    once: bool = False,
    fleeting: bool = False,
    etag: str = "",
    importance: Importance = Importance.VERDICT,
) -> Call:
    """A request beneath `/projects/ID`."""
    return Call(
        kind=kind,
        who=INSTALLATION,
        method=method,
        path=f"/projects/{repository.forge_id}{path}",
        params=params or {},
        body=body,
        content=content,
        once=once,
        fleeting=fleeting,
        etag=etag,
        importance=importance,
    )


def at(kind: str, path: str, *, params: Params | None = None) -> Call:
    """A read beside any project."""
    return Call(kind=kind, who=INSTALLATION, path=path, params=params or {})
