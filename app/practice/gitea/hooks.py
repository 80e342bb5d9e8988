"""Webhooks as Gitea keeps them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

_PULLS = "pull_request"
_PARTS = ("assign", "label", "milestone", "comment", "review", "review_request", "sync")
_EVENTS = frozenset({"create", "push", "delete", "fork", "repository", "wiki", "release", "status"})


@dataclass(kw_only=True)
class GiteaHook:
    """A webhook; `events` as Gitea tells them, which differs from how it is asked."""

    id: int
    url: str
    secret: str = field(default="", repr=False)
    active: bool = True
    content_type: str = "json"
    events: set[str] = field(default_factory=set)


def heard(asked: Iterable[str]) -> set[str]:
    """What a hook hears that was asked for so: `pull_request` means all of it, `pull_request_only` the
    openings and ends; what is not known is left out (routers/api/v1/utils/hook.go).
    """
    asked = set(asked)
    found = asked & _EVENTS
    found |= {"issue_comment"} & asked
    if asked & {_PULLS, f"{_PULLS}_only"}:
        found.add(_PULLS)
    parts = {f"{_PULLS}_{part}" for part in _PARTS}
    return found | (parts if _PULLS in asked else parts & asked)
