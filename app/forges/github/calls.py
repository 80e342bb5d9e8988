"""Requests as GitHub takes them: beneath a repository's address, in its media type."""

from collections.abc import Mapping
from typing import Final

from app.forges.importance import Importance
from app.forges.rest import calls
from app.forges.rest.calls import segments
from app.model import Repository

_JSON: Final = "application/vnd.github+json"


class Call(calls.Call, frozen=True, kw_only=True):
    """One request; see the generic one."""

    accept: str = _JSON

    @classmethod
    def on(
        cls,
        repository: Repository,
        kind: str,
        path: str,
        *,
        method: str = "GET",
        params: Mapping[str, str | int] | None = None,
        body: Mapping[str, object] | None = None,
        content: bool = False,
        once: bool = False,
        fleeting: bool = False,
        etag: str = "",
        importance: Importance = Importance.VERDICT,
    ) -> "Call":
        """A request beneath `/repos/OWNER/NAME`, as the repository's installation."""
        return cls(
            kind=kind,
            who=repository.installation_id,
            method=method,
            path=f"/repos/{segments(repository.full_name)}{path}",
            params=params or {},
            body=body,
            content=content,
            once=once,
            fleeting=fleeting,
            etag=etag,
            importance=importance,
        )
