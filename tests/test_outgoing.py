"""Every request that the service sends goes where the operator said, and nowhere that an answer points to.

Who opens a connection stands in the table below, with what binds it; the rest of this file tries each.
Checks with network leave by the egress proxy only, which refuses by resolved address:
tests/contracts/executors/test_network.py.
"""

import ast
from asyncio import to_thread
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.cli.upload import send
from app.executors import GitWorkspaces
from app.executors.git import Transport
from app.forges import AppCredentials, GitHubForge, IdentityTokens, Issuer
from app.model import Misconfigured, Outage, Repository, Sha
from app.practice import listening
from app.settings import load
from app.wiring import clone_hosts
from app.wiring.configured import workspaces
from tests.support.faces import app_key
from tests.support.prerequisites import REPOSITORY

OUTGOING = {
    "app/forges/rest/client.py": "PORTCULLIS_GITHUB_API_URL; redirects and pages on that server only",
    "app/forges/oidc.py": "PORTCULLIS_GITHUB_OIDC_ISSUER, …_GITLAB_OIDC_ISSUERS; keys at the issuer's origin only",
    "app/executors/egress_child.py": "the exit of checks with network: refuses by resolved address",
    "app/executors/kubernetes/cluster.py": "PORTCULLIS_KUBERNETES_CONFIG, or the API of the cluster we run in",
    "app/cli/upload.py": "a CI job's own client: the address that the job names",
    "app/cli/ci.py": "the same: the CI's own address of identity tokens",
    "app/cli/examine_network.py": "doctor: the configured forge and our own address",
    "app/cli/demo.py": "the demo, to itself",
    "app/cli/demo_forges.py": "the demo, to itself",
    "app/practice/hooks.py": "the practice forge, in demo and tests",
}
LISTENING = {  # sockets of their own, between processes or to listen; no address from outside
    "app/executors/egress.py", "app/executors/hostile.py", "app/executors/hostile_cluster.py",
    "app/executors/ingest_child.py",
    "app/executors/probe_world.py", "app/executors/report_reader.py", "app/practice/serve.py",
    "app/web/program.py", "app/wiring/building.py",
}  # fmt: skip
NETWORK = {
    "aiohttp", "ftplib", "http.client", "httpx", "imaplib", "poplib", "proxy", "requests", "smtplib",
    "socket", "socketserver", "ssl", "telnetlib", "urllib.request", "urllib3", "websockets", "xmlrpc.client",
}  # fmt: skip
CONNECTING = {"open_connection", "create_connection", "open_unix_connection"}


def network_modules() -> set[str]:
    """Our files that may open a connection by themselves. (git fetches too: see below.)"""
    found = set()
    for path in (REPOSITORY / "app").rglob("*.py"):
        names: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Attribute) and node.attr in CONNECTING:
                names.add("socket")
        if any(name == one or name.startswith(f"{one}.") for name in names for one in NETWORK):
            found.add(str(path.relative_to(REPOSITORY)))
    return found


def test_whoever_opens_a_connection_is_known():
    assert network_modules() == OUTGOING.keys() | LISTENING


@asynccontextmanager
async def pointing_elsewhere() -> AsyncIterator[tuple[str, list[str]]]:
    """A server that answers everything with "go to the other one", and what the other one was asked."""
    asked: list[str] = []

    async def other(request: Request) -> Response:
        asked.append(f"{request.method} {request.url.path} {request.headers.get('authorization', '')}")
        return Response(b"{}")

    everything = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    async with listening(Starlette(routes=[Route("/{path:path}", other, methods=everything)])) as target:
        away, pointed = target.replace("127.0.0.1", "localhost"), 0

        async def point(request: Request) -> Response:
            nonlocal pointed
            pointed += 1
            return RedirectResponse(f"{away}{request.url.path}?{request.url.query}", 307)

        async with listening(Starlette(routes=[Route("/{path:path}", point, methods=everything)])) as url:
            yield url, asked
        assert pointed


async def test_the_forges_api_is_not_left():
    key = app_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    async with pointing_elsewhere() as (url, asked):
        forge = GitHubForge(lambda: AppCredentials(app_id=7, private_key=key), api_url=url)
        with pytest.raises(Misconfigured, match="points to another server"):
            await forge.read_file(repository(""), "a.py", "main")
        await forge.close()
        assert asked == []


async def test_an_issuers_keys_are_not_fetched_elsewhere():
    async with pointing_elsewhere() as (url, asked):
        tokens = IdentityTokens(
            (Issuer(url=url, kind="github", forge="github"),), audience="us", now=lambda: 0.0
        )
        with pytest.raises(Outage):
            await tokens._keys[url].key("one")
        await tokens.close()
        assert asked == []


async def test_git_is_not_led_elsewhere(tmp_path):
    async with pointing_elsewhere() as (url, asked):
        spaces = GitWorkspaces(tmp_path, allow_http=True, hosts=frozenset({"127.0.0.1"}))
        with pytest.raises(Outage):
            await spaces.fetch(
                repository(f"{url}/acme/shop.git"),
                base_ref="main",
                head_refspec="refs/heads/main",
                head_sha=Sha("a" * 40),
                credential=credential,
            )
        spaces.close()
        assert asked == []


async def test_an_upload_is_not_led_elsewhere(tmp_path):
    (tmp_path / "junit.xml").write_text("<testsuite/>")
    async with pointing_elsewhere() as (url, asked):
        files = {"junit.xml": tmp_path / "junit.xml"}
        answer = await to_thread(send, url, "pct_" + "A" * 43, {"name": "ci"}, files)
        assert answer.is_redirect
        assert asked == []


async def credential() -> str:
    return "a token for git"


def repository(clone_url: str) -> Repository:
    return Repository(
        forge="github",
        forge_id=7,
        full_name="acme/shop",
        installation_id=3,
        default_branch="main",
        private=False,
        clone_url=clone_url,
    )


@pytest.mark.parametrize(
    ("api", "hosts"),
    [
        ("https://api.github.com", {"api.github.com", "github.com"}),
        ("https://api.acme.ghe.com", {"api.acme.ghe.com", "acme.ghe.com"}),
        ("https://git.acme.example/api/v3", {"git.acme.example"}),
        ("http://127.0.0.1:8080/api/v3", {"127.0.0.1"}),
    ],
)
def test_repositories_are_fetched_from_the_forge_only(api, hosts):
    assert clone_hosts(api) == hosts


@pytest.mark.parametrize(
    "address",
    [
        "https://169.254.169.254/latest/meta-data",
        "https://evil.example/acme/shop.git",
        "https://github.com.evil.example/acme/shop.git",
        "https://github.com@evil.example/acme/shop.git",
        "https://localhost/acme/shop.git",
        "http://github.com/acme/shop.git",
        "ext::sh -c evil",
        "ssh://github.com/acme/shop.git",
        "git://github.com/acme/shop.git",
        "file:///etc",
        "/etc",
    ],
)
def test_a_clone_address_of_another_host_is_refused(tmp_path, address):
    spaces = workspaces(load({"PORTCULLIS_DATA_DIR": str(tmp_path)}), clone_hosts("https://api.github.com"))
    with pytest.raises(Misconfigured, match="clone address"):
        spaces.transport.protocol(address)
    spaces.close()


def test_a_clone_address_of_the_forge_is_taken():
    assert (
        Transport(hosts=clone_hosts("https://api.github.com")).protocol("https://github.com/a/b.git")
        == "https"
    )
