"""What one attempt is given, from its plan and its trees: the same for the service and the terminal."""

from pathlib import Path, PurePosixPath

from app.executors import AttemptSpec, CacheUse, TreeEntry, Workspaces
from app.model import CheckSpec, Comparison, Repository

_SUBMODULE = "160000"


def needs_base_tree(spec: CheckSpec, *, trusted: bool) -> bool:
    """Whether the base's tree is used too: its script, its configuration, or for `setup` to run on."""
    return spec.tree == "base" or base_configures(spec, trusted=trusted) or bool(spec.setup and not trusted)


def base_configures(spec: CheckSpec, *, trusted: bool) -> bool:
    """Whether the tool's configuration comes from base: always for an untrusted head, else where it is
    declared so.
    """
    return bool(spec.config_files) and (not trusted or spec.config == "base")


def attempt_spec(
    spec: CheckSpec,
    *,
    attempt_id: str,
    comparison: Comparison,
    changed: tuple[str, ...],
    base_ref: str,
    trusted: bool,
    tested: Path,
    base: Path | None,
    inputs: dict[str, Path],
    commits: dict[str, bytes],
    cache: CacheUse | None,
) -> AttemptSpec:
    """The attempt of a check on the tested tree (or on the base's, beside it); `changed` are the paths that
    it is told of.
    """
    on_base = spec.tree == "base" and base is not None
    return AttemptSpec(
        attempt_id=attempt_id,
        check=spec,
        tree=base if on_base and base is not None else tested,
        other_tree=tested if on_base else None,
        config_tree=base if base_configures(spec, trusted=trusted) else None,
        changed=changed,
        facts={
            "PORTCULLIS_HEAD_SHA": comparison.head_sha,
            "PORTCULLIS_BASE_SHA": comparison.base_sha,
            "PORTCULLIS_BASE_REF": base_ref,
            "PORTCULLIS_TRUSTED": "true" if trusted else "false",
        },
        inputs=inputs,
        trusted=trusted,
        commits=commits,
        cache=cache,
        setup_tree=base if spec.setup and not trusted else None,
    )


def files_of(entries: tuple[TreeEntry, ...]) -> tuple[str, ...]:
    """The paths of a tree's own files."""
    return tuple(entry.path for entry in entries if entry.mode != _SUBMODULE)


async def commits_of(
    spaces: Workspaces, repository: Repository, spec: CheckSpec, comparison: Comparison
) -> dict[str, bytes]:
    """What each commit of the change adds, for a check that looks at them. Raises AuthorFault if too many."""
    if not spec.commits:
        return {}
    return await spaces.added_by_commits(repository, comparison.base_sha, comparison.head_sha)


def kept_in(path: str, stored: str) -> Path:
    """The directory of an attempt's artifacts, from one of them: `stored` is where it lies there, `path`
    (`out/…`) where it lay in the attempt.
    """
    return Path(stored).parents[len(PurePosixPath(path).parts) - 2]
