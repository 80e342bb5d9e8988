"""Fetching refs from a repository's server, and what its refusals mean."""

import re
from collections.abc import Callable

from app.executors.git import Git, GitFailed, Transport, credential_environment, environment, resolve
from app.model import AuthorFault, Outage, Repository

_MISSING_REF = re.compile(rb"couldn't find remote ref (\S+)|not our ref ([0-9a-f]+)")
_TOO_BIG = re.compile(rb"File size limit|exceeds maximum|pack exceeds|File too large|died of signal 25")


class Remote:
    """A repository's server, as the `git` of its mirror sees it. A fetch may take `seconds` and bring a pack
    of `pack_bytes`; `mark_broken` is told of damage to the mirror itself.
    """

    def __init__(
        self,
        git: Git,
        repository: Repository,
        transport: Transport,
        *,
        seconds: float,
        pack_bytes: int,
        mark_broken: Callable[[str], None],
    ) -> None:
        self._git = git
        self._repository = repository
        self._transport = transport
        self._seconds = seconds
        self._pack_bytes = pack_bytes
        self._mark_broken = mark_broken

    async def fetch(self, wanted: dict[str, str], token: str) -> set[str]:
        """Fetch these refs (theirs → ours); gives those the server does not have.

        Raises AuthorFault for what is too large or malformed, Outage for all else.
        """
        url = self._repository.clone_url
        protocol = self._transport.protocol(url)
        env = environment(self._git.home, protocol, **credential_environment(url, token))
        # What these refs were before is all the server need hear of: it knows none of our own merges, and
        # would be asked about each in turn.
        known = await resolve(self._git, *(f"{ref}^{{commit}}" for ref in wanted.values()))
        tips = [f"--negotiation-tip={sha}" for sha in known if sha is not None]
        missing: set[str] = set()
        while asked := [name for name in wanted if name not in missing]:
            refspecs = [f"+{name}:{wanted[name]}" for name in asked]
            try:
                await self._git(
                    "fetch",
                    "--quiet",
                    "--no-tags",
                    "--no-write-fetch-head",
                    "--no-auto-gc",
                    "--no-recurse-submodules",
                    *tips,
                    "--end-of-options",
                    url,
                    *refspecs,
                    env=env,
                    seconds=self._seconds,
                    file_bytes=self._pack_bytes,
                    token=token,
                )
            except GitFailed as failed:
                gone = self._missing(failed, asked)
                if gone is None:
                    raise self._outage(failed) from failed
                missing.add(gone)
            else:
                break
        return missing

    @staticmethod
    def _missing(failed: GitFailed, asked: list[str]) -> str | None:
        match = _MISSING_REF.search(failed.error)
        if match is None:
            return None
        name = (match.group(1) or match.group(2)).decode("utf-8", "replace")
        return name if name in asked else None

    def _outage(self, failed: GitFailed) -> Exception:
        name = self._repository.full_name
        if _TOO_BIG.search(failed.error) or failed.code in {-25, 153}:
            return AuthorFault(f"too large to judge: {name} brings more than {self._pack_bytes >> 20} MiB")
        if b"fsck error" in failed.error or b"fsckObjects" in failed.error:
            return AuthorFault(f"git refuses objects of {name}: {failed.text}")
        if failed.broken:
            self._mark_broken(failed.text)
        return Outage(f"cannot fetch {name}: {failed.text}")
