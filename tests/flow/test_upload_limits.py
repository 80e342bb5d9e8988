"""What uploads may take: bytes, room on the disk, and time."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import httpx

from app.model import Sha, Upload, Uploader
from app.store import Unit, commits, runs, uploads
from tests.support.aftermath import ended_well
from tests.support.ci import CI_GATE, JUNIT, give_token, opened, upload
from tests.support.service import Stage, stage


async def pretend(scene: Stage, head_sha: str, path: str, size: int) -> None:
    """A stored file that says it is so large."""

    def keep(unit: Unit) -> None:
        one = Upload(
            name="ci",
            path=path,
            head_sha=Sha(head_sha),
            uploader=Uploader(key="token:large", says="token large"),
            digest=path,
            size=size,
        )
        uploads.keep_upload(unit, 1, one, uploads.compress(b"x"))
        for run_id in commits.live_runs_on(unit.connection, 1, Sha(head_sha)):
            runs.wake_run(unit, run_id, 0.0)

    await scene.program.database.run(keep)


async def test_what_is_too_large_together_is_not_read(tmp_path, migrated_url):
    async with stage(tmp_path, database_url=migrated_url) as scene:
        repo, pull = await opened(scene)
        await pretend(scene, pull.head_sha, "junit.xml", 200 << 20)
        await pretend(scene, pull.head_sha, "coverage.xml", 100 << 20)
        await scene.settled()
        run = await ended_well(scene, repo, pull, "failure")
        assert "its 2 files have 300 MiB together, at most 256 MiB are read" in str(run.text)


async def test_a_head_takes_so_many_bytes_and_no_more(tmp_path, migrated_url):
    async with stage(tmp_path, database_url=migrated_url) as scene:
        repo, pull = await opened(scene)
        token = await give_token(scene, repo, "large")
        await pretend(scene, pull.head_sha, "junit.xml", (1 << 30) - 10)
        answer = await upload(scene, token, pull.head_sha, {"more.xml": JUNIT})
        assert answer.status_code == 409
        assert "more than 1024 MiB would be uploaded for this head" in answer.json()["detail"]
        answer = await upload(scene, token, pull.head_sha, {"junit.xml": JUNIT})
        assert answer.status_code == 201, "it replaces the large one"


async def test_who_lets_uploads_trickle_in_shuts_nobody_else_out(tmp_path):
    async with stage(tmp_path) as scene:
        repo, pull = await opened(scene)
        other = await scene.repository({".portcullis.yml": CI_GATE, "a.py": "x\n"}, name="acme/other")
        await scene.forge.push("alice", other, "topic", {"b.py": "1\n"}, base="main")
        await scene.forge.open_pull_request("alice", other, "topic")
        await scene.settled()
        token, quick, theirs = [
            await give_token(scene, *of) for of in ((repo, "slow"), (repo, "quick"), (other, "ci"))
        ]
        go_on = asyncio.Event()

        async def trickle() -> AsyncIterator[bytes]:
            yield JUNIT[:10].encode()
            await go_on.wait()
            yield JUNIT[10:].encode()

        async def slow(number: int) -> int:
            named = {"head_sha": pull.head_sha, "name": "ci", "file": f"{number}.xml"}
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"}
            async with httpx.AsyncClient(timeout=60) as client:
                address = f"{scene.url}/api/v1/reports"
                answer = await client.post(address, params=named, headers=headers, content=trickle())
            return answer.status_code

        waiting = []
        for number in range(50):  # until eight of them are being received; a quick one may be in the way
            waiting.append(asyncio.ensure_future(slow(number)))
            answer = await upload(scene, quick, pull.head_sha, {"junit.xml": JUNIT})
            if answer.status_code == 503:
                break
        assert answer.status_code == 503
        assert (await upload(scene, theirs, "a" * 40, {"junit.xml": JUNIT})).status_code == 201
        go_on.set()
        assert (await asyncio.gather(*waiting, return_exceptions=True)).count(201) == 8
        assert (await upload(scene, quick, pull.head_sha, {"junit.xml": JUNIT})).status_code == 201


async def test_a_raw_body_is_one_file_and_no_larger(tmp_path):
    """However it is declared: it is read no further than a file may go."""
    async with stage(tmp_path) as scene:
        repo, pull = await opened(scene)

        async def body() -> AsyncIterator[bytes]:
            for _ in range(90):
                yield bytes(1_000_000)

        headers = {"Authorization": f"Bearer {await give_token(scene, repo)}"}
        named = {"head_sha": pull.head_sha, "name": "ci", "file": "junit.xml"}
        async with httpx.AsyncClient(timeout=60) as client:
            answer = await client.post(
                f"{scene.url}/api/v1/reports", params=named, headers=headers, content=body()
            )
        assert (answer.status_code, answer.json()["detail"]) == (413, "the upload is larger than 80 MB")


async def test_a_repository_may_not_fill_the_disk(tmp_path, migrated_url):
    environment = {"PORTCULLIS_MAX_UPLOAD_BYTES": "1MiB"}
    async with stage(tmp_path, database_url=migrated_url, environment=environment) as scene:
        repo, _ = await opened(scene)
        token = await give_token(scene, repo)
        noise = secrets.token_hex(700_000)  # half of it is left once it is compressed
        assert (await upload(scene, token, "a" * 40, {"a.txt": noise})).status_code == 422
        answer = await upload(scene, token, "b" * 40, {"a.txt": noise})
        assert (answer.status_code, "take all the room" in answer.json()["detail"]) == (409, True)
        assert (await upload(scene, token, "b" * 40, {"junit.xml": JUNIT})).status_code == 201
