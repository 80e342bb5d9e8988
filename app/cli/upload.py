"""`portcullis upload`: the client of `POST /api/v1/reports`, for a job of any CI."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

import click
import httpx
import msgspec

from app.cli import output
from app.cli.ci import Job, find_job, secure
from app.cli.output import format_option
from app.engine import is_upload_path
from app.model import AuthorFault, Misconfigured, Outage

ATTEMPTS: Final = 6
LONGEST_WAIT: Final = 60.0
TIMEOUT: Final = 120.0
_GLOB: Final = frozenset("*?[")


class Problem(msgspec.Struct):
    """What the service says where it did not take all as it should be."""

    detail: str = ""
    hint: str = ""
    stored: bool = False


def named(files: Sequence[str], prefix: str, folder: Path) -> dict[str, Path]:
    """The files by the names they are uploaded under: their paths from `folder`, beneath `prefix`.

    A glob that the shell left alone is expanded here. Raises Misconfigured for what is not there.
    """
    found: dict[str, Path] = {}
    for text in files:
        path = folder / text
        glob = _GLOB & set(text) and not path.exists() and not Path(text).is_absolute()
        matched = sorted(each for each in folder.glob(text) if each.is_file()) if glob else [path]
        if not matched or not all(each.is_file() for each in matched):
            raise Misconfigured(f"there is no file {text}", hint="did the step that writes it run?")
        for each in matched:
            found[_name(each, prefix, folder)] = each
    return found


def _name(path: Path, prefix: str, folder: Path) -> str:
    try:
        relative = path.resolve().relative_to(folder.resolve())
    except ValueError:
        raise Misconfigured(
            f"{path} lies outside the current folder", hint="its name is its path from where you call"
        ) from None
    name = str(PurePosixPath(prefix) / relative.as_posix())
    if not is_upload_path(name):
        raise Misconfigured(
            f"{name!r} cannot be the name of an upload", hint="see --prefix; no '..', no '\\'"
        )
    return name


def send(
    url: str,
    token: str,
    fields: Mapping[str, str],
    files: Mapping[str, Path],
    *,
    pause: Callable[[float], None] = time.sleep,
) -> httpx.Response:
    """Post, again while the service cannot be reached or is busy. Raises Outage when it stays so."""
    parts = [("files", (name, path.read_bytes())) for name, path in files.items()]
    reason = ""
    with httpx.Client(timeout=TIMEOUT, headers={"Authorization": f"Bearer {token}"}) as client:
        for attempt in range(ATTEMPTS):
            if attempt:
                output.note(f"{reason}; trying again")
            try:
                answer = client.post(f"{url}/api/v1/reports", data=dict(fields), files=parts)
            except httpx.HTTPError as error:
                reason, told = f"{url} cannot be reached: {str(error) or type(error).__name__}", ""
            else:
                if answer.status_code != 429 and answer.status_code < 500:  # noqa: PLR2004 - HTTP's own
                    return answer
                reason, told = f"{url} answers {answer.status_code}", answer.headers.get("retry-after", "")
            if attempt + 1 < ATTEMPTS:
                pause(_wait(attempt, told))
    raise Outage(
        f"{reason}, {ATTEMPTS} times", hint="run this job again later; nothing was lost but its upload"
    )


def _wait(attempt: int, told: str) -> float:
    """Seconds until the next try: as told, else doubling, with some chance in it."""
    own = 2.0**attempt * random.uniform(0.5, 1.0)  # noqa: S311 - spreads clients, hides nothing
    return min(LONGEST_WAIT, max(own, float(told) if told.isdecimal() else 0.0))


def _fields(name: str, job: Job) -> dict[str, str]:
    fields = {"head_sha": job.head_sha, "name": name, "root": job.root, "job": job.name}
    return {key: value for key, value in fields.items() if value}


@click.command("upload", short_help="Upload report files from CI, for a check that waits for them.")
@click.argument("files", nargs=-1, required=True)
@click.option("--name", required=True, help="As the gate file says: external: {upload: NAME}.")
@click.option("--sha", help="Full id of the commit the reports are about; found in CI if left out.")
@click.option("--url", envvar="PORTCULLIS_URL", help="The service's public address, or $PORTCULLIS_URL.")
@click.option(
    "--token-env",
    default="PORTCULLIS_TOKEN",
    show_default=True,
    help="Variable that holds a repository token or an identity token.",
)
@click.option("--prefix", default="", help="Folder put before the files' names, to tell shards apart.")
@click.option(
    "--job", "job_name", help="Whose files these are: shards of one file name by several jobs all count."
)
@format_option
def command(
    *,
    files: tuple[str, ...],
    name: str,
    sha: str | None,
    url: str | None,
    token_env: str,
    prefix: str,
    job_name: str | None,
    output_format: output.Format,
) -> None:
    """Upload report files from CI, for a check that waits for them.

    FILES are named by their paths from the current folder, as the check's `reports` must match them. In
    GitHub Actions (with `permissions: {id-token: write}`) and in GitLab CI (with `id_tokens`) no secret is
    needed.

    Exit status: 0 uploaded, 1 uploaded but a file cannot be read, 2 not uploaded.
    """
    if not url:
        raise Misconfigured("where to upload is not said", hint="set PORTCULLIS_URL, or give --url")
    url = secure(url)
    found = named(files, prefix, Path.cwd())
    job = find_job(sha or "", url, token_env, name=job_name)
    with output.working(f"uploading {output.counted(len(found), 'file')} for {job.head_sha[:7]}"):
        answer = send(url, job.token, _fields(name, job), found)
    _tell(answer, output_format)


def _tell(answer: httpx.Response, output_format: output.Format) -> None:
    """What became of it."""
    if answer.is_success:
        taken: dict[str, Any] = answer.json()
        if output_format == "json":
            output.json(taken)
        else:
            rows = [(file["path"], f"{file['size']} bytes", file["outcome"]) for file in taken["files"]]
            output.data(output.table(rows))
            output.note(f"uploaded to {taken['repository']} as {taken['name']} by {taken['uploader']}")
        replaced = [file["path"] for file in taken["files"] if file["outcome"] == "replaced"]
        if replaced:
            output.hint(
                f"{', '.join(replaced)} replaced earlier ones; jobs that share the work use --job or --prefix"
            )
        for note in taken["notes"]:
            output.hint(note)
        return
    try:
        problem = msgspec.json.decode(answer.content, type=Problem)
    except msgspec.DecodeError:
        problem = Problem()
    if problem.stored:
        raise AuthorFault(problem.detail, hint=problem.hint)
    if not problem.detail:
        raise Misconfigured(
            f"the service answers {answer.status_code}", hint="is --url the address of a Portcullis?"
        )
    raise Misconfigured(problem.detail, hint=problem.hint)
