"""The process between a check's network namespace and the world: proxy.py, and our rule of where it may go.

Started as a file of its own, without anything of the service's environment. It is handed the listening socket
that lives in the check's namespace; what it connects to, it connects to from ours. Names are resolved
here, each address is judged, and only an address that was judged is connected to, so that a second answer
of a name server changes nothing. One line per request goes to standard output.

Wire: the first argument is a `Rules` as JSON, the second the number of the listening descriptor.
"""

import contextlib
import ctypes
import encodings.idna
import fnmatch
import ipaddress
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any, NoReturn

import msgspec

_ = encodings.idna  # loaded now: nothing can be imported once the rights to do so are gone
READY = b"ready\n"
_CONNECTIONS = 64
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_STACK = 256 << 10
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_SPECIAL = ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "3fff::/20")
"""What is not public though it may look so, whatever this Python's own table says: where clouds answer their
machines (Azure; Oracle within 192.0.0.0/24), and the blocks of RFC 6890, 7526 and 9637.
"""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Where checks may go: `hosts` are globs of names (none = all), `ports` all ports. `allowed` networks may
    be reached although they are private; never `denied` ones, nor what the `own` names mean when asked.
    `user` is the uid that the process becomes (0 = stays what it is).
    """

    hosts: tuple[str, ...] = ()
    ports: tuple[int, ...] = (80, 443)
    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    user: int = 0


class Refused(Exception):
    """Why a request may not leave; the text is for people."""


def judge_name(host: str, port: int, rules: Rules) -> None:
    """Raises Refused for a host or port that no check may ask for."""
    name = host.casefold().rstrip(".")
    if port not in rules.ports:
        raise Refused(f"port {port} is not one of {', '.join(map(str, rules.ports))}")
    if any(name == own.casefold() for own in rules.own):
        raise Refused("it is this service's own address")
    if rules.hosts and not any(fnmatch.fnmatchcase(name, glob.casefold()) for glob in rules.hosts):
        raise Refused("the operator does not allow this host")


def judge_address(text: str, rules: Rules, ours: frozenset[Address] = frozenset()) -> None:
    """Raises Refused for an address that is not public, is this machine's own, or one of the service's."""
    address = _plain(text)
    if address in ours:
        raise Refused(f"{address} is this service's own address")
    if _among(address, rules.denied):
        raise Refused(f"the operator denies {address}")
    if _among(address, rules.allowed):
        return
    if not is_public(address) or _among(address, _SPECIAL):
        raise Refused(f"{address} is not a public address")
    if is_own(address):
        raise Refused(f"{address} is this machine's own address")


def _plain(text: str) -> Address:
    """An address without its zone; what only maps another one is that one."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _among(address: Address, networks: tuple[str, ...]) -> bool:
    return any(address in network for network in map(ipaddress.ip_network, networks))


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet. What only wraps another address is not: it would
    be unwrapped on its way (6to4, Teredo, NAT64, IPv4-compatible).
    """
    if isinstance(address, ipaddress.IPv6Address):
        wraps = address.sixtofour is not None or address.teredo is not None
        return address in _GLOBAL_UNICAST and address.is_global and not wraps
    return address.is_global and not address.is_multicast


def is_own(address: Address) -> bool:
    """Whether the kernel would deliver to this very machine: then it is the address that we send from."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004 - an IP version
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(address), 9))
        except OSError:
            return False  # no way there, so not to us
        return ipaddress.ip_address(probe.getsockname()[0].partition("%")[0]) == address


def own_addresses(rules: Rules, port: int, ask: Callable[..., Any]) -> frozenset[Address]:
    """What our own names mean now: a load balancer's address is not this machine's, yet it leads to us."""
    found: set[Address] = set()
    for name in filter(None, rules.own):
        with contextlib.suppress(OSError, UnicodeError):
            found |= {_plain(str(place[0])) for *_, place in ask(name, port, type=socket.SOCK_STREAM)}
    return frozenset(found)


def resolve(host: str, port: int, rules: Rules, ask: Callable[..., Any] = socket.getaddrinfo) -> str:
    """The address to connect to: names are asked for once. Raises Refused."""
    host = host.removeprefix("[").removesuffix("]")
    judge_name(host, port, rules)
    try:
        found = ask(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Refused(f"its name is not known: {error}") from error
    ours = own_addresses(rules, port, ask)
    why: Refused | None = None
    for *_, place in found:
        try:
            judge_address(str(place[0]), rules, ours)
        except Refused as refused:
            why = why or refused
            continue
        return str(place[0])
    raise why or Refused("it has no address")


def answer(host: str, port: int, rules: Rules) -> tuple[str, None]:
    """What proxy.py connects to: the one address that was judged. Raises Refused; both are told."""
    try:
        address = resolve(host, port, rules)
    except Refused as refused:
        say(f"network: refused {host}:{port}: {refused}")
        raise
    say(f"network: allowed {host}:{port} ({address})")
    return address, None


def say(line: str) -> None:
    """One line for the check's log; what comes from the check cannot make it two."""
    shown = "".join(char if char.isprintable() else "?" for char in line)[:400]
    with contextlib.suppress(OSError):
        os.write(1, shown.encode("utf-8", "replace") + b"\n")


def _confine(rules: Rules) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if rules.user and os.geteuid() == 0:
        os.setgroups([])
        os.setgid(rules.user)
        os.setuid(rules.user)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # after the uid: changing it forgets this


def serve(listener: socket.socket, rules: Rules) -> NoReturn:
    """Hand each connection to proxy.py, a bounded number at a time, until killed."""
    # Imported by this process only: whoever reads the rules needs no proxy.
    from proxy.common.flag import FlagParser  # noqa: PLC0415
    from proxy.core.work import start_threaded_work  # noqa: PLC0415
    from proxy.http.proxy import HttpProxyBasePlugin  # noqa: PLC0415

    class Judging(HttpProxyBasePlugin):
        def resolve_dns(self, host: str, port: int) -> tuple[str, None]:
            return answer(host, port, rules)

    given = ["--threaded", "--num-workers", "1", "--num-acceptors", "1", "--timeout", "300"]
    flags = FlagParser.initialize([*given, "--log-level", "CRITICAL"], plugins=[Judging])
    free = threading.Semaphore(_CONNECTIONS)

    def work(connection: socket.socket, address: tuple[str, int]) -> None:
        try:
            _, thread = start_threaded_work(flags, connection, address)
            thread.join()
        finally:
            connection.close()
            free.release()

    with contextlib.suppress(OSError):
        socket.getaddrinfo("localhost", 80)  # loads what resolving needs
    _confine(rules)
    threading.stack_size(_STACK)
    os.write(1, READY)
    while True:
        free.acquire()
        taken = listener.accept()
        try:
            threading.Thread(target=work, args=taken, daemon=True).start()
        except RuntimeError:  # the check has used up its processes: this one gets no answer
            taken[0].close()
            free.release()


def main(arguments: list[str]) -> None:
    """Serve until killed."""
    rules = msgspec.json.decode(arguments[0], type=Rules)
    listener = socket.socket(fileno=int(arguments[1]))
    listener.setblocking(True)  # noqa: FBT003 - the standard library's way
    serve(listener, rules)


if __name__ == "__main__":
    main(sys.argv[1:])
