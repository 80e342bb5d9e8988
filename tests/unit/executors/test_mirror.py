"""A repository's mirror: what is fetched and how, by whom, and what care keeps."""

import asyncio
import contextlib
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.executors import GitWorkspaces, WorkspaceLimits
from app.model import AuthorFault, Misconfigured, Outage
from tests.support.git import Origin, anonymous, bring
from tests.unit.executors.conftest import NOWHERE


async def test_fetch_gives_the_tips_as_they_are_now(origin: Origin, workspaces: GitWorkspaces):
    origin.write("a", "1\n")
    base = origin.commit()
    origin.branch("topic")
    old = origin.commit("first head")
    fetched = await workspaces.fetch(
        origin.repository,
        base_ref="main",
        head_refspec="refs/heads/topic",
        head_sha=old,
        credential=anonymous,
    )
    assert (fetched.base_sha, fetched.head_sha) == (base, old)

    origin.branch("topic", "main")
    pushed = origin.commit("forced over it")
    fetched = await workspaces.fetch(
        origin.repository,
        base_ref="main",
        head_refspec="refs/heads/topic",
        head_sha=old,
        credential=anonymous,
    )
    assert fetched.head_sha == pushed
    assert await workspaces.has_commit(origin.repository, old), "a run on it may still be under way"
    assert not await workspaces.has_commit(origin.repository, NOWHERE)


async def test_a_missing_ref_is_none_not_an_error(origin: Origin, workspaces: GitWorkspaces):
    base = origin.commit()
    for asked, expected in (("refs/heads/gone", (base, None)), ("refs/pull/7/head", (base, None))):
        fetched = await workspaces.fetch(
            origin.repository, base_ref="main", head_refspec=asked, head_sha=NOWHERE, credential=anonymous
        )
        assert (fetched.base_sha, fetched.head_sha) == expected
    fetched = await workspaces.fetch(
        origin.repository,
        base_ref="gone",
        head_refspec="refs/heads/main",
        head_sha=base,
        credential=anonymous,
    )
    assert (fetched.base_sha, fetched.head_sha) == (None, base)


async def test_a_head_may_be_named_by_its_sha(origin: Origin, workspaces: GitWorkspaces):
    origin.commit()
    origin.branch("topic")
    head = origin.commit("head")
    origin.git("config", "uploadpack.allowAnySHA1InWant", "true")
    for _ in range(2):  # the second time it is here already
        fetched = await workspaces.fetch(
            origin.repository, base_ref="main", head_refspec=head, head_sha=head, credential=anonymous
        )
        assert fetched.head_sha == head


async def test_branches_that_exclude_each_other_by_name(origin: Origin, workspaces: GitWorkspaces):
    origin.commit()
    origin.branch("a")
    origin.commit("on a")
    await bring(workspaces, origin, "a")
    origin.git("checkout", "--quiet", "main")
    origin.git("branch", "-D", "a")
    origin.branch("a/b")
    origin.commit("on a/b")
    await bring(workspaces, origin, "a/b")
    assert await workspaces.has_commit(origin.repository, origin.head("a/b"))


@pytest.mark.parametrize("name", ["--upload-pack=x", "a b", "a..b", "-x", "a\nb", "a:b", "+a", ""])
async def test_names_that_are_no_refs_are_refused(origin: Origin, workspaces: GitWorkspaces, name: str):
    origin.commit()
    with pytest.raises(AuthorFault):
        await workspaces.fetch(
            origin.repository,
            base_ref=name,
            head_refspec="refs/heads/main",
            head_sha=NOWHERE,
            credential=anonymous,
        )


@pytest.mark.parametrize(
    "url",
    [
        "/srv/repo",
        "file:///srv/repo",
        "http://example.org/r",
        "ext::sh -c id",
        "ssh://git@h/r",
        "https://u:p@h/r",
        "git://h/r",
    ],
)
async def test_other_addresses_are_refused_unless_allowed(tmp_path: Path, origin: Origin, url: str):
    strict = GitWorkspaces(tmp_path / "strict")
    repository = origin.repository.__class__(
        **{name: getattr(origin.repository, name) for name in origin.repository.__struct_fields__}
        | {"clone_url": url}
    )
    with pytest.raises(Misconfigured) as refused:
        await strict.fetch(
            repository, base_ref="main", head_refspec="main", head_sha=NOWHERE, credential=anonymous
        )
    assert "u:p" not in str(refused.value)


async def test_a_pack_over_the_limit_is_too_large(origin: Origin, tmp_path: Path):
    origin.write("noise", os.urandom(300_000))
    origin.commit()
    workspaces = GitWorkspaces(tmp_path / "w", allow_local=True, limits=WorkspaceLimits(pack_bytes=100_000))
    with pytest.raises(AuthorFault, match="too large to judge"):
        await bring(workspaces, origin)


async def test_a_damaged_mirror_is_made_anew(origin: Origin, workspaces: GitWorkspaces):
    origin.write("a", "content\n")
    sha = origin.commit()
    await bring(workspaces, origin)
    mirror = workspaces.mirror(origin.repository).path
    for file in mirror.glob("objects/??/*"):
        file.chmod(0o600)
        file.write_bytes(b"garbage")
    for file in mirror.glob("objects/pack/*.pack"):
        file.chmod(0o600)
        file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(Outage):
        await workspaces.read_file(origin.repository, sha, "a")
        await workspaces.entries(origin.repository, sha)
    with contextlib.suppress(Outage):  # who met the damage first says so: a reader or this fetch
        await bring(workspaces, origin)
    await bring(workspaces, origin)
    assert await workspaces.read_file(origin.repository, sha, "a") == b"content\n"
    assert len(await workspaces.entries(origin.repository, sha)) == 1


async def test_parallel_fetches_of_one_mirror(origin: Origin, workspaces: GitWorkspaces):
    origin.commit()
    for number in range(6):
        origin.branch(f"t{number}", "main")
        origin.write("f", str(number))
        origin.commit()
    await asyncio.gather(*(bring(workspaces, origin, f"t{number}") for number in range(6)))
    for number in range(6):
        assert await workspaces.has_commit(origin.repository, origin.head(f"t{number}"))


async def test_care_of_a_mirror_loses_nothing(origin: Origin, workspaces: GitWorkspaces):
    shas = []
    for number in range(5):
        origin.write("f", str(number))
        shas.append(origin.commit())
        await bring(workspaces, origin)
    await workspaces.maintain(origin.repository, ())
    assert not (workspaces.mirror(origin.repository).place / "broken").exists()
    for number, sha in enumerate(shas):
        assert await workspaces.read_file(origin.repository, sha, "f") == str(number).encode()


async def test_care_forgets_what_is_old_and_nobody_needs(origin: Origin, workspaces: GitWorkspaces):
    first, second, third = [origin.commit(text) for text in ("1", "2", "3")]
    repository = origin.repository
    for sha in (first, second, third):
        origin.git("update-ref", "refs/heads/main", sha)
        await bring(workspaces, origin)
    pins = workspaces.mirror(repository).path / "refs/portcullis/pin"
    for sha in (first, second):
        os.utime(pins / sha, (1, 1))
    await workspaces.maintain(repository, {second})
    assert {pin.name for pin in pins.iterdir()} == {second, third}
    assert await workspaces.has_commit(repository, third)


async def test_care_of_what_is_not_here_makes_nothing(origin: Origin, workspaces: GitWorkspaces):
    await workspaces.maintain(origin.repository, ())
    assert not (workspaces.root / "mirrors").exists()


class _Refusing(http.server.BaseHTTPRequestHandler):
    """Answers 401 to all and remembers how it was asked."""

    asked: list[str | None]

    def do_GET(self) -> None:
        self.asked.append(self.headers.get("Authorization"))
        self.send_response(401 if self.headers.get("Authorization") is None else 403)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[http.server.HTTPServer]:
    handler = type("Handler", (_Refusing,), {"asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


async def test_the_token_is_sent_as_a_header_and_shown_nowhere(
    tmp_path: Path, origin: Origin, server: http.server.HTTPServer
):
    workspaces = GitWorkspaces(tmp_path / "w", allow_http=True)
    fields = {name: getattr(origin.repository, name) for name in origin.repository.__struct_fields__}
    url = f"http://127.0.0.1:{server.server_port}/acme/shop.git"
    repository = origin.repository.__class__(**fields | {"clone_url": url})

    async def token() -> str:
        return "ghs_verysecret"

    with pytest.raises(Outage) as failed:
        await workspaces.fetch(
            repository, base_ref="main", head_refspec="refs/heads/main", head_sha=NOWHERE, credential=token
        )
    assert "ghs_verysecret" not in str(failed.value)
    asked = server.RequestHandlerClass.asked
    assert asked
    assert asked[0].startswith("Basic ")
    for file in (tmp_path / "w").rglob("*"):
        assert file.is_dir() or b"ghs_verysecret" not in file.read_bytes()
