"""The CI job that runs us: which head it is about, and how it proves who it is."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from app.model import Misconfigured, Outage

_SHA: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ROOT: Final = re.compile(r"/|[A-Za-z]:[\\/]")
_JOBS: Final = (
    ("GITHUB_JOB",),
    ("CI_JOB_NAME",),  # GitLab: with the shard's number, or the cell of its matrix
    ("CIRCLE_JOB", "CIRCLE_NODE_INDEX"),
    ("BUILDKITE_LABEL", "BUILDKITE_PARALLEL_JOB"),
    ("SYSTEM_JOBNAME", "SYSTEM_JOBPOSITIONINPHASE"),  # Azure
)
"""Variables that together name a job and its shard. Cells of a matrix of GitHub share one: they say --job."""
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_HEADS: Final = (
    ("pull_request", "head", "sha"),
    ("workflow_run", "head_sha"),
    ("merge_group", "head_sha"),
)
"""Where the events of GitHub Actions name the head: GITHUB_SHA is the test merge, or the default branch."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What an upload needs of a job. `root` is the folder of the checkout, `name` what tells the job from the
    others of its pipeline, the same when it is run again ('' = unknown).
    """

    head_sha: str
    token: str
    root: str = ""
    name: str = ""

    def __repr__(self) -> str:
        """Without the token: representations end in logs."""
        return f"Job({self.head_sha[:7]})"


def secure(url: str) -> str:
    """The service's address. Raises Misconfigured where a token would travel in clear."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Misconfigured(f"{url[:200]!r} is not an http(s) address", hint="write https://HOST")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise Misconfigured(
            "over plain http the token could be read on its way", hint="use the https address"
        )
    return url.rstrip("/")


def find_job(
    sha: str,
    url: str,
    token_env: str,
    environment: Mapping[str, str] = os.environ,
    *,
    name: str | None = None,
) -> Job:
    """The job that this environment describes. Raises Misconfigured for what it does not say."""
    head_sha = (sha or _head(environment)).lower()
    if not _SHA.fullmatch(head_sha):
        raise Misconfigured(
            f"{head_sha[:80]!r} is no full commit id" if head_sha else "the head's commit id cannot be found",
            hint="give --sha, the tip of the change's own branch (not of its test merge)",
        )
    root = environment.get("GITHUB_WORKSPACE") or environment.get("CI_PROJECT_DIR") or _git("--show-toplevel")
    return Job(
        head_sha=head_sha,
        token=environment.get(token_env) or _identity_token(environment, url, token_env),
        root=root if _ROOT.match(root) else "",
        name=_job(environment) if name is None else name,
    )


def _job(environment: Mapping[str, str]) -> str:
    found = next((names for names in _JOBS if environment.get(names[0])), ())
    return " ".join(text for name in found if (text := environment.get(name, "")))[:200]


def _head(environment: Mapping[str, str]) -> str:
    """The head of the change: of GitHub's events, of a GitLab pipeline, of the checkout here."""
    if environment.get("GITHUB_ACTIONS"):
        event = _event(environment.get("GITHUB_EVENT_PATH", ""))
        return next(
            (found for path in _HEADS if (found := _at(event, path))), environment.get("GITHUB_SHA", "")
        )
    if environment.get("GITLAB_CI"):
        # set in pipelines for merged results only, where CI_COMMIT_SHA is the merge
        return environment.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or environment.get("CI_COMMIT_SHA", "")
    return _git("HEAD")


def _event(path: str) -> dict[str, Any]:
    try:
        event = json.loads(Path(path).read_text("utf-8")) if path else {}
    except (OSError, ValueError) as error:
        raise Misconfigured(f"the event of this job cannot be read: {error}", hint="give --sha") from None
    return event if isinstance(event, dict) else {}


def _at(value: Any, path: tuple[str, ...]) -> str:  # noqa: ANN401 - JSON
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def _git(what: str) -> str:
    try:
        ran = subprocess.run(["git", "rev-parse", what], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return "" if ran.returncode else ran.stdout.strip()


def _identity_token(environment: Mapping[str, str], url: str, token_env: str) -> str:
    """The identity token of a GitHub Actions job, meant for this service.

    https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-cloud-providers
    """
    address = environment.get("ACTIONS_ID_TOKEN_REQUEST_URL")
    secret = environment.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    if not address or not secret:
        hint = f"set {token_env} to a token of `portcullis tokens create`"
        if environment.get("GITHUB_ACTIONS"):
            hint = "give the job `permissions: {id-token: write}`; jobs of forks get none, see the README"
        elif environment.get("GITLAB_CI"):
            hint = f"give the job `id_tokens: {{{token_env}: {{aud: {url}}}}}`"
        raise Misconfigured("this job has nothing to prove who it is", hint=hint)
    separator = "&" if "?" in address else "?"
    try:
        answer = httpx.get(
            f"{address}{separator}audience={quote(url, safe='')}",
            headers={"Authorization": f"Bearer {secret}"},
            timeout=30,
        )
        answer.raise_for_status()
        return str(answer.json()["value"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        kind = type(error).__name__
        raise Outage(f"GitHub gives this job no identity token ({kind})", hint="run the job again") from None
