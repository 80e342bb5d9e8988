"""The tips that a change names: brought, and compared with what the change says of them."""

from app.engine.services import Services
from app.executors import Fetched
from app.model import Change, ChangeKind, Outage, Repository, Run, Sha


class Stale(Exception):
    """The head is not the change's head any more."""


async def fetch(
    services: Services, repository: Repository, *, base_ref: str, head_refspec: str, head_sha: Sha
) -> Fetched:
    """Bring the tips of a target and a head, by the forge's credential. Raises Outage."""

    async def credential() -> str:
        return await services.forges[repository.forge].git_credential(repository)

    return await services.workspaces.fetch(
        repository, base_ref=base_ref, head_refspec=head_refspec, head_sha=head_sha, credential=credential
    )


async def fetch_change(services: Services, repository: Repository, change: Change) -> Fetched:
    """Bring the tips that a change names, as they are now. Raises Outage."""
    return await fetch(
        services,
        repository,
        base_ref=change.base_ref,
        head_refspec=head_refspec(change, services.forges[repository.forge].capabilities.head_ref),
        head_sha=change.head_sha,
    )


async def fetch_as_named(services: Services, repository: Repository, change: Change) -> Fetched:
    """Bring the tips that a change names. Raises Stale where its head or target moved on, Outage."""
    fetched = await fetch_change(services, repository, change)
    if fetched.base_sha is None:
        raise Stale(f"the target branch {change.base_ref} does not exist")
    if fetched.head_sha != change.head_sha:
        raise Stale(f"the head is {fetched.head_sha or 'gone'}, not {change.head_sha}")
    return fetched


async def bring(services: Services, repository: Repository, base_ref: str, *shas: Sha) -> None:
    """Have commits in this process's own mirror: another one may have fetched them, or the mirror was made
    anew. Raises Outage, AuthorFault.
    """
    for sha in dict.fromkeys(shas):
        if not await services.workspaces.has_commit(repository, sha):
            await fetch(services, repository, base_ref=base_ref, head_refspec=sha, head_sha=sha)


async def bring_tested(services: Services, repository: Repository, run: Run, base_ref: str) -> None:
    """Have the commit that a run tests in this process's own mirror: another one may have prepared it. The
    same merge has the same id everywhere. Raises Outage where its parts cannot be had (any more).
    """
    spaces = services.workspaces
    if await spaces.has_commit(repository, run.tested_sha):
        return
    await bring(services, repository, base_ref, run.base_sha, run.head_sha)
    merged = await spaces.merge(repository, run.base_sha, run.head_sha)
    if merged.tested_sha != run.tested_sha:
        raise Outage(f"the merge of {run.head_sha} into {run.base_sha} is not {run.tested_sha} here")


def head_refspec(change: Change, of_pulls: str) -> str:
    """The ref that holds a change's head in its target repository; of pull requests the forge says which."""
    if change.kind is ChangeKind.PULL_REQUEST:
        return of_pulls.format(number=change.number)
    ref = change.head_ref
    return ref if ref.startswith("refs/") else f"refs/heads/{ref}"


def base_of(change: Change, fetched: Fetched) -> Sha:
    """What the change is compared with: the target's tip, a group's base, a push's `before`."""
    if change.kind is ChangeKind.MERGE_GROUP and change.base_tip:
        return change.base_tip
    if change.kind is ChangeKind.PUSH and change.before:
        return change.before
    if fetched.base_sha is None:
        raise Outage("the target branch could not be read")
    return fetched.base_sha
