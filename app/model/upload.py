"""Reports that somebody else's CI uploads for a head."""

from typing import Final

import msgspec

from app.model.change import Sha

TOKEN_KEY: Final = "token:"  # noqa: S105 - what tells a key of one, no secret
"""What the keys of repository tokens begin with; those of jobs begin with their forge."""


class Uploader(msgspec.Struct, frozen=True, kw_only=True):
    """Who uploads. `key` is the same in each of its runs: of one file of one name the newest counts.

    `says` names it for people. `run` is the CI run with its attempt where the identity proves one: what one
    run uploaded it does not replace. `sha` and `pull` are the only head, and the only pull request, for which
    it may speak ('' and 0: any of its repository). `ref` is what its job runs on (`refs/heads/main`),
    `on_default` when that was the repository's default branch; a repository token has neither.
    """

    key: str
    says: str
    run: str = ""
    sha: Sha = Sha("")
    pull: int = 0
    ref: str = ""
    on_default: bool = False

    @property
    def is_token(self) -> bool:
        """Whether it is a repository token, which only the repository's own CI holds."""
        return self.key.startswith(TOKEN_KEY)


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """One uploaded file, without its bytes. `path` is the name it was given, `digest` the SHA-256 of its
    bytes, `size` their number. `root` is the absolute directory of CI that stood for the repository's root.
    """

    id: int = 0
    name: str
    path: str
    head_sha: Sha
    uploader: Uploader
    digest: str
    size: int
    root: str = ""
    at: float = 0.0


class UploadReading(msgspec.Struct, frozen=True, kw_only=True):
    """What the uploaded reports of one check say once read. `digest` names exactly the files that were read.

    `problems` are sentences that make the check fail, `errors` those that are our own fault; `bad` counts in
    words what CI's tools found ("2 failed tests"), '' = nothing; `secrets` when secrets are among it.
    """

    digest: str
    evidence_id: int | None = None
    delivered: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    bad: str = ""
    secrets: bool = False
