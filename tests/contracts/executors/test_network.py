"""Checks with network, in real namespaces: the proxy is the only exit, and it leads nowhere private."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.executors import Ended, Rules
from tests.contracts.executors.conftest import ON_THIS_MACHINE, Local, Make, Run, python

pytestmark = pytest.mark.sandbox
ONE_KIND = pytest.mark.parametrize("make_executor", ["sandbox"], indirect=True)
"""What the proxy itself decides, which is one for all executors."""

MIRROR = "127.0.0.77"
"""Where the one server is that the operator allows, though it is private."""


class _Mirror(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://169.254.169.254/latest/meta-data/")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"a package")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def mirror() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer((MIRROR, 0), _Mirror)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def shared_executor(make_executor: Make, mirror: ThreadingHTTPServer) -> Local:
    rules = Rules(ports=(80, 443, mirror.server_port), allowed=(f"{MIRROR}/32",), own=("gate.example",))
    return make_executor(egress=rules)


def fetch(*addresses: str) -> tuple[str, ...]:
    """Ask for each as any program would, by the proxy of the environment."""
    return python(f"""
import urllib.request
for address in {addresses!r}:
    try:
        print(address, urllib.request.urlopen(address, timeout=20).read())
    except OSError as error:
        print(address, "failed:", error)
""")


FULL = {"network": "full", "trusted": True, "script": ""}


@ON_THIS_MACHINE
async def test_what_is_allowed_is_reached_by_the_proxy_and_told_in_the_log(
    run: Run, mirror: ThreadingHTTPServer
):
    address = f"http://{MIRROR}:{mirror.server_port}/"
    outcome, log = await run(argv=fetch(address), **FULL)
    assert (outcome.ended, outcome.exit_code) == (Ended.EXITED, 0)
    assert f"{address} b'a package'" in log
    assert f"network: allowed {MIRROR}:{mirror.server_port} ({MIRROR})" in log


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://169.254.169.254/latest/", "169.254.169.254 is not a public address"),
        ("http://10.0.0.1/", "10.0.0.1 is not a public address"),
        ("http://192.168.1.1/", "192.168.1.1 is not a public address"),
        ("http://100.64.0.1/", "100.64.0.1 is not a public address"),
        ("http://127.0.0.1/", "127.0.0.1 is not a public address"),
        ("http://0.0.0.0/", "0.0.0.0 is not a public address"),
        ("http://localhost/", "is not a public address"),
        ("http://2130706433/", "127.0.0.1 is not a public address"),
        ("http://0x7f.1/", "127.0.0.1 is not a public address"),
        ("http://017700000001/", "127.0.0.1 is not a public address"),
        ("http://[::1]/", "::1 is not a public address"),
        ("http://[::ffff:10.0.0.1]/", "10.0.0.1 is not a public address"),
        ("http://[fe80::1]/", "fe80::1 is not a public address"),
        ("http://[fd00:ec2::254]/", "fd00:ec2::254 is not a public address"),
        ("http://[64:ff9b::a9fe:a9fe]/", "64:ff9b::a9fe:a9fe is not a public address"),
        ("http://[2002:a00:1::]/", "2002:a00:1:: is not a public address"),
        ("http://[::127.0.0.1]/", "is not a public address"),
        ("http://gate.example/", "it is this service's own address"),
        (f"http://{MIRROR}:22/", "port 22 is not one of 80, 443"),
        ("https://169.254.169.254/", "169.254.169.254 is not a public address"),
    ],
)
@ONE_KIND
async def test_nothing_private_is_reached(run: Run, address: str, why: str):
    _, log = await run(argv=fetch(address), **FULL)
    assert "failed:" in log
    assert "network: refused" in log
    assert why in log
    assert "network: allowed" not in log


@ON_THIS_MACHINE
async def test_a_redirect_is_judged_like_any_other_request(run: Run, mirror: ThreadingHTTPServer):
    _, log = await run(argv=fetch(f"http://{MIRROR}:{mirror.server_port}/away"), **FULL)
    assert "failed: HTTP Error 502" in log
    assert "network: refused 169.254.169.254:80" in log


@ON_THIS_MACHINE
async def test_a_second_request_on_one_connection_goes_nowhere_else(run: Run, mirror: ThreadingHTTPServer):
    port = mirror.server_port
    _, log = await run(
        argv=python(f"""
import socket
with socket.create_connection(("127.0.0.1", 3128)) as proxy:
    proxy.sendall(b"GET http://{MIRROR}:{port}/ HTTP/1.1\\r\\nHost: {MIRROR}:{port}\\r\\n\\r\\n")
    print(proxy.recv(4096))
    proxy.settimeout(5)
    try:
        proxy.sendall(b"GET http://169.254.169.254/ HTTP/1.1\\r\\nHost: 169.254.169.254\\r\\n\\r\\n")
        print("second", proxy.recv(4096))
    except OSError as error:
        print("second", error)
"""),
        **FULL,
    )
    assert "network: allowed 169" not in log
    assert "meta-data" not in log


@pytest.mark.parametrize(
    "request_line",
    [
        "CONNECT 10.0.0.1:443 HTTP/1.1",
        "CONNECT [::ffff:169.254.169.254]:80 HTTP/1.1",
        "CONNECT 127.0.0.1:80 HTTP/1.1",
        "CONNECT localhost:443 HTTP/1.1",
        "CONNECT gate.example:443 HTTP/1.1",
        "GET http://user@10.0.0.1/ HTTP/1.1",
        "GET http://gate.example./ HTTP/1.1",
    ],
)
@ONE_KIND
async def test_a_tunnel_leads_nowhere_private(run: Run, request_line: str):
    _, log = await run(
        argv=python(f"""
import socket
with socket.create_connection(("127.0.0.1", 3128)) as proxy:
    proxy.sendall(b"{request_line}\\r\\nHost: x\\r\\n\\r\\n")
    proxy.settimeout(20)
    print(proxy.recv(200))
"""),
        **FULL,
    )
    assert "HTTP/1.1 200" not in log
    assert "network: allowed" not in log
    assert "network: refused" in log or "HTTP/1.1 400" in log


@ON_THIS_MACHINE
async def test_there_is_no_other_way_out(run: Run, mirror: ThreadingHTTPServer):
    outcome, log = await run(
        argv=python(f"""
import socket
def tried(what, attempt):
    try:
        attempt()
        print("OPEN", what)
    except OSError as error:
        print("closed", what, error)
tried("tcp", lambda: socket.create_connection(("{MIRROR}", {mirror.server_port}), 3))
tried("tcp far", lambda: socket.create_connection(("192.0.2.1", 80), 3))
tried("tcp 6", lambda: socket.create_connection(("2001:db8::1", 80), 3))
tried("udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53)))
tried("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
tried("packet", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
tried("vsock", lambda: socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM))
tried("name", lambda: socket.getaddrinfo("example.org", 80))
print(sorted(name for _, name in socket.if_nameindex()))
"""),
        **FULL,
    )
    assert outcome.exit_code == 0
    assert "OPEN" not in log
    assert log.count("closed") == 8
    assert "['lo']" in log


@ON_THIS_MACHINE
async def test_many_connections_at_once_are_served_in_turn(run: Run, mirror: ThreadingHTTPServer):
    outcome, log = await run(
        argv=python(f"""
import socket, threading
held = [socket.create_connection(("127.0.0.1", 3128)) for _ in range(100)]
for one in held:
    one.close()
import urllib.request
print(urllib.request.urlopen("http://{MIRROR}:{mirror.server_port}/", timeout=20).read())
"""),
        **FULL,
    )
    assert outcome.exit_code == 0, log
    assert "b'a package'" in log


@ON_THIS_MACHINE
async def test_nothing_of_the_launcher_stays_open_in_the_check(run: Run):
    _, log = await run("ls -l /proc/self/fd | grep -c socket || true", network="full", trusted=True)
    assert log == "0\n"


@ON_THIS_MACHINE
async def test_an_untrusted_head_gets_no_network(run: Run):
    outcome, log = await run("echo began", network="full", trusted=False)
    assert (outcome.ended, outcome.detail, log) == (
        Ended.REFUSED,
        "an untrusted change gets no network",
        "",
    )


@ON_THIS_MACHINE
async def test_without_network_there_is_no_proxy(run: Run):
    _, log = await run("env | grep -ci proxy || true", trusted=True)
    assert log == "0\n"
