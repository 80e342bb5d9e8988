"""More of the hostile set, for pods: what lies in a cluster around them. Standard library only; run before
the text of `hostile`, whose `main` calls these too. Nothing counts as reached that does not answer: where a
network drops what is sent, the sender cannot tell.
"""

import random
import socket
import struct
from pathlib import Path

_SECONDS = 3.0
_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 - where it would lie


def _reached(address: str) -> str:
    host, _, port = address.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port or 443)), timeout=_SECONDS):
        return f"connected to {address}"


def cluster_api(world: dict[str, str]) -> str:
    """The cluster's own API."""
    return _reached(world["api"])


def cluster_metadata(_world: dict[str, str]) -> str:
    """The cloud's metadata service, which gives the node's credentials."""
    return _reached("169.254.169.254:80")


def cluster_names(_world: dict[str, str]) -> str:
    """The cluster's name server: a way out for data even where nothing else is."""
    lines = Path("/etc/resolv.conf").read_text().splitlines()
    servers = [line.split()[1] for line in lines if line.startswith("nameserver ")]
    name = b"".join(bytes([len(part)]) + part for part in (b"kubernetes", b"default", b"svc"))
    asked = struct.pack(">6H", random.randrange(1 << 16), 0x100, 1, 0, 0, 0) + name + b"\0\0\1\0\1"  # noqa: S311
    for server in servers:
        kind = socket.AF_INET6 if ":" in server else socket.AF_INET
        with socket.socket(kind, socket.SOCK_DGRAM) as sock:
            sock.settimeout(_SECONDS)
            sock.sendto(asked, (server, 53))
            return f"{server} answered {len(sock.recv(512))} bytes"
    raise OSError("there is no name server")


def service_token(_world: dict[str, str]) -> str:
    """A service account's token."""
    return f"read {len(Path(_TOKEN).read_bytes())} bytes"
