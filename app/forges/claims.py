"""What the claims of a CI job's identity token say: whose job it is, and for which heads it may speak.

GitHub: https://docs.github.com/en/actions/reference/security/oidc; GitLab:
https://docs.gitlab.com/ci/secrets/id_token_authentication. Only claims that the forge writes are read.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from app.model import AuthorFault, Sha, Uploader

_SHA: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PULL: Final = re.compile(r"refs/pull/([1-9][0-9]{0,9})/(?:merge|head)")
_MERGE_REQUEST: Final = re.compile(r"refs/merge-requests/([1-9][0-9]{0,9})/(?:merge|train)")
_VOUCHING: Final = frozenset({"workflow_run", "pull_request_target"})
"""Events whose workflow is not the change's: on the default branch it vouches for the head it names. They are
how the reports of a fork's change are uploaded, whose own jobs get no token of the repository.
"""


_LONGEST: Final = 1_000


class Untrusted(AuthorFault):
    """A token that proves nothing to us; the message says why, never what it holds."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Whose job holds a token: the forge, its id of the repository, and for which heads it may speak: for any
    where it `vouches`, if its ref is the repository's default branch (which no claim names).
    """

    forge: str
    forge_id: int
    repository: str
    uploader: Uploader
    vouches: bool = False


class Claims:
    """The claims of a verified token, read as texts and numbers of sane size."""

    def __init__(self, payload: Mapping[str, object]) -> None:
        self._payload = payload

    def text(self, name: str) -> str:
        """A text claim; '' if there is none."""
        value = self._payload.get(name, "")
        value = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(value, str) or len(value) > _LONGEST or not value.isprintable():
            raise Untrusted(f"the token's claim {name} cannot be read")
        return value

    def number(self, name: str) -> int:
        """A positive number, however it is written. Raises Untrusted where there is none."""
        text = self.text(name)
        if not re.fullmatch(r"[1-9][0-9]{0,17}", text):
            raise Untrusted(f"the token has no usable claim {name}")
        return int(text)

    def sha(self, name: str) -> Sha:
        """A commit. Raises Untrusted where there is none."""
        text = self.text(name)
        if not _SHA.fullmatch(text):
            raise Untrusted(f"the token has no usable claim {name}")
        return Sha(text)


def github(claims: Claims) -> Identity:
    """A GitHub Actions job.

    `sha` is the pushed commit, and of `pull_request` events the test merge, whose pull request is named by
    `ref` alone: such a job speaks for any head, and what it uploads counts for that pull request only.
    """
    repository = claims.text("repository")
    event, ref = claims.text("event_name"), claims.text("ref")
    # owner/name/.github/workflows/ci.yml@refs/heads/main
    named = claims.text("workflow_ref") or claims.text("job_workflow_ref")  # older GitHub Enterprise
    workflow = named.removeprefix(f"{repository}/").removeprefix(".github/workflows/")
    run = claims.text("run_id")
    pull = _PULL.fullmatch(ref)
    return Identity(
        forge="github",
        forge_id=claims.number("repository_id"),
        repository=repository,
        uploader=Uploader(
            key=f"github:{workflow}"[:500],
            says=f"{repository} workflow {workflow} run {run}",
            run=f"{run}.{claims.text('run_attempt')}" if run else "",
            sha=Sha("") if pull else claims.sha("sha"),
            pull=int(pull[1]) if pull else 0,
            ref=ref,
        ),
        vouches=event in _VOUCHING and not pull,
    )


def gitlab(claims: Claims) -> Identity:
    """A GitLab CI job.

    `sha` is the commit that the pipeline runs for; in pipelines for merged results and merge trains it is the
    merge, whose merge request is named by `ref_path` alone. A pipeline for a fork's merge request has the
    fork's `project_id`, wherever it runs.
    """
    project = claims.text("project_path")
    ref = claims.text("ref_path")
    merged = _MERGE_REQUEST.fullmatch(ref)
    return Identity(
        forge="gitlab",
        forge_id=claims.number("project_id"),
        repository=project,
        uploader=Uploader(
            key=f"gitlab:{ref}"[:500],
            says=f"{project} pipeline {claims.text('pipeline_id')} on {ref or claims.text('ref')}",
            sha=Sha("") if merged else claims.sha("sha"),
            pull=int(merged[1]) if merged else 0,
            ref=ref,
        ),
    )


READERS: Final[Mapping[str, Callable[[Claims], Identity]]] = {"github": github, "gitlab": gitlab}
"""How the claims of each forge's tokens are read."""
