"""Where checks with network may go."""

import ipaddress
import socket

import pytest

from app.executors.egress_child import Refused, Rules, is_own, is_public, judge_address, judge_name, resolve

ALL = Rules()


@pytest.mark.parametrize("address", ["151.101.0.223", "1.1.1.1", "2606:4700:4700::1111", "2a04:4e42::223"])
def test_public_addresses(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.9.9.9", "169.254.169.254", "172.16.0.1"),  # noqa: S104 - refused
        *("192.0.0.1", "192.0.2.1", "192.168.0.1", "198.18.0.1", "203.0.113.1", "224.0.0.1", "239.1.1.1"),
        *("240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::127.0.0.1", "::a00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "2001::1"),
        *("2001:db8::1", "2002:a00:1::", "2002:c058:6301::", "fc00::1", "fd00:ec2::254", "fe80::1"),
        *("fec0::1", "ff02::1", "4000::1"),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    with pytest.raises(Refused, match="is not a public address"):
        judge_address(address, ALL)


def test_what_a_cloud_answers_its_machines_at_is_not_public() -> None:
    with pytest.raises(Refused, match=r"^168\.63\.129\.16 is not a public address"):
        judge_address("168.63.129.16", ALL)
    with pytest.raises(Refused, match=r"^168\.63\.129\.16"):
        judge_address("::ffff:168.63.129.16", ALL)


@pytest.mark.parametrize("address", ["192.0.0.8", "192.0.0.192", "192.88.99.1", "3fff::1", "3fff:fff::1"])
def test_special_blocks_are_not_public_whatever_pythons_table_says(address: str) -> None:
    with pytest.raises(Refused, match="is not a public address"):
        judge_address(address, ALL)


def test_another_name_of_our_own_address_is_refused_too() -> None:
    names = {
        "gate.example": ["192.0.2.1", "2001:db8::1"],
        "evil.example": ["192.0.2.1"],
        "mapped.example": ["::ffff:192.0.2.1"],
        "six.example": ["2001:db8::1"],
        "other.example": ["192.0.2.2"],
    }

    def name_server(host: str, port: int, **_: object) -> list[object]:
        if host not in names:
            raise socket.gaierror
        return [(0, socket.SOCK_STREAM, 6, "", (one, port)) for one in names[host]]

    reachable = ("192.0.2.0/24", "2001:db8::/32")  # what the operator allows changes nothing here
    rules = Rules(own=("gate.example", "gone.example", ""), allowed=reachable)
    for host in ("evil.example", "mapped.example", "six.example"):
        with pytest.raises(Refused, match="is this service's own address"):
            resolve(host, 443, rules, name_server)
    assert resolve("other.example", 443, rules, name_server) == "192.0.2.2"


def test_a_mapped_address_is_what_it_maps() -> None:
    with pytest.raises(Refused, match=r"^10\.0\.0\.1 is not a public address"):
        judge_address("::ffff:10.0.0.1", ALL)
    with pytest.raises(Refused, match=r"^169\.254\.169\.254"):
        judge_address("::ffff:a9fe:a9fe", ALL)
    judge_address("::ffff:10.0.0.1", Rules(allowed=("10.0.0.0/24",)))


def test_a_link_local_address_with_a_zone() -> None:
    with pytest.raises(Refused, match="is not a public address"):
        judge_address("fe80::1%eth0", ALL)


def test_what_the_operator_says_of_networks() -> None:
    judge_address("10.1.2.3", Rules(allowed=("10.1.2.3/32",)))
    with pytest.raises(Refused, match="not a public address"):
        judge_address("10.1.2.4", Rules(allowed=("10.1.2.3/32",)))
    with pytest.raises(Refused, match="the operator denies"):
        judge_address("151.101.0.223", Rules(denied=("151.101.0.0/16",)))
    with pytest.raises(Refused, match="the operator denies"):
        judge_address("10.1.2.3", Rules(allowed=("10.0.0.0/8",), denied=("10.1.0.0/16",)))


def test_this_machines_addresses_are_its_own() -> None:
    assert is_own(ipaddress.ip_address("127.0.0.1"))
    assert is_own(ipaddress.ip_address("::1"))


def test_names_and_ports() -> None:
    some = Rules(hosts=("index.example", "*.files.example"), own=("gate.example.org",))
    for host in ("index.example", "Index.Example.", "a.files.example"):
        judge_name(host, 443, some)
    for host in ("evil.org", "index.example.evil.org", "xindex.example", "files.example"):
        with pytest.raises(Refused, match="does not allow this host"):
            judge_name(host, 443, some)
    with pytest.raises(Refused, match="port 22 is not one of 80, 443"):
        judge_name("index.example", 22, some)
    for host in ("gate.example.org", "GATE.example.org."):
        with pytest.raises(Refused, match="own address"):
            judge_name(host, 443, Rules(own=("gate.example.org",)))


def test_what_is_connected_to_is_the_address_that_was_judged() -> None:
    allowed = Rules(ports=(80,), allowed=("127.0.0.0/8",))
    assert resolve("127.0.0.1", 80, allowed) == "127.0.0.1"
    assert ipaddress.ip_address(resolve("localhost", 80, Rules(allowed=("127.0.0.0/8", "::1/128"))))
    assert resolve("2130706433", 80, allowed) == "127.0.0.1"
    assert resolve("[::ffff:127.0.0.1]", 80, allowed) == "::ffff:127.0.0.1"


def test_a_name_that_changes_its_meaning() -> None:
    answers = iter((["192.0.2.1"], ["127.0.0.1"], ["127.0.0.1", "192.0.2.1"]))

    def name_server(_host: str, port: int, **_: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in next(answers)]

    rules = Rules(allowed=("192.0.2.1/32",))
    assert (
        resolve("turns.example", 80, rules, name_server) == "192.0.2.1"
    )  # asked once: this is what is connected to
    with pytest.raises(Refused, match=r"127\.0\.0\.1 is not a public address"):
        resolve("turns.example", 80, rules, name_server)
    assert resolve("turns.example", 80, rules, name_server) == "192.0.2.1"


@pytest.mark.parametrize("host", ["", "no such name.invalid", "a" * 300 + ".invalid", "xn--\udcff", "[", "]"])
def test_what_is_no_name_is_refused(host: str) -> None:
    with pytest.raises(Refused):
        resolve(host, 80, Rules())
