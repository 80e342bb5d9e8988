"""What may be uploaded, and by whom: pure."""

import hashlib
import re
from enum import StrEnum
from typing import Final

import msgspec

from app.model import AuthorFault, Sha, Uploader
from app.plan import UPLOAD_NAME

_NAME: Final = re.compile(UPLOAD_NAME)
_SHA: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_MAX_PATH: Final = 255
_MAX_ROOT: Final = 500
_MAX_JOB: Final = 200
_ROOT: Final = re.compile(r"/|[A-Za-z]:[\\/]")


class Why(StrEnum):
    """Why an upload is refused."""

    UNKNOWN = "unknown"  # nobody we know
    FORBIDDEN = "forbidden"  # somebody we know, who may not
    ABSENT = "absent"  # there is no such repository, or they may not know of it
    MALFORMED = "malformed"
    TAKEN = "taken"
    FULL = "full"


class UploadRefused(AuthorFault):
    """An upload that is not taken in; the message is for who uploads."""

    def __init__(self, why: Why, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.why = why


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """Who uploads, once proved, and to which repository."""

    repository_id: int
    repository: str
    uploader: Uploader


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent. `head_sha`, `name`, `root`, `job` and the files' names are as the sender wrote them."""

    head_sha: str
    name: str
    root: str = ""
    job: str = ""
    repository: str = ""
    files: tuple[tuple[str, bytes], ...]


def checked(sender: Sender, sent: Sent) -> Sha:
    """The head. Raises UploadRefused for what is malformed, or not the sender's to say."""
    if not _SHA.fullmatch(sent.head_sha):
        raise UploadRefused(
            Why.MALFORMED,
            "head_sha is not a full commit id in lower case",
            hint="give all 40 digits of the change's head",
        )
    if not _NAME.fullmatch(sent.name):
        raise UploadRefused(
            Why.MALFORMED,
            "name is not one of up to 100 letters, digits, dots, dashes and underscores",
            hint="give the name that stands in the gate file: external: {upload: NAME}",
        )
    _check_place(sent)
    paths = [path for path, _ in sent.files]
    if not paths:
        raise UploadRefused(
            Why.MALFORMED, "there is no file in it", hint="send each report as a part called 'files'"
        )
    for path in paths:
        if not is_upload_path(path):
            raise UploadRefused(
                Why.MALFORMED,
                f"{path[:100]!a} cannot be the name of a file here",
                hint="names are relative paths without '..', up to 255 characters",
            )
    if len(set(paths)) < len(paths):
        raise UploadRefused(
            Why.MALFORMED, "two files of this upload have one name", hint="give each a folder: --prefix"
        )
    if sent.repository and sent.repository.casefold() != sender.repository.casefold():
        raise UploadRefused(
            Why.ABSENT,
            "the token is not for this repository, or it is not judged here",
            hint="portcullis tokens create makes one for the repository that the pull request targets",
        )
    if sender.uploader.sha and sender.uploader.sha != sent.head_sha:
        raise UploadRefused(
            Why.FORBIDDEN,
            f"a job that runs for {sender.uploader.sha[:7]} cannot speak for {sent.head_sha[:7]}",
            hint="upload from a job of the pull request, of a push to its branch, or of workflow_run",
        )
    return Sha(sent.head_sha)


def _check_place(sent: Sent) -> None:
    if sent.root and not (_ROOT.match(sent.root) and len(sent.root) <= _MAX_ROOT and sent.root.isprintable()):
        raise UploadRefused(Why.MALFORMED, "root is not an absolute directory")
    if len(sent.job) > _MAX_JOB or not sent.job.isprintable():
        raise UploadRefused(Why.MALFORMED, f"job is not a name of up to {_MAX_JOB} characters")


def as_job(uploader: Uploader, job: str) -> Uploader:
    """The uploader as one job of its CI: files of one name by several jobs all count.

    The job is the uploader's own word, which may name its files as it likes anyway.
    """
    if not job:
        return uploader
    mark = hashlib.blake2b(job.encode(), digest_size=5).hexdigest()
    return msgspec.structs.replace(uploader, key=f"{uploader.key}#{mark}", says=f"{uploader.says}, job {job}")


def is_upload_path(path: str) -> bool:
    """Whether a file may be uploaded under this name: a relative path, written plainly."""
    parts = path.split("/")
    plain = path.isprintable() and "\\" not in path and len(path.encode()) <= _MAX_PATH
    return plain and bool(path) and not {"", ".", ".."} & set(parts)
