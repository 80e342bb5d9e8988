"""What the pods of checks may reach, as NetworkPolicies: nothing, or what is public."""

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any, Final

from app.executors.egress_child import Rules
from app.executors.kubernetes.manifest import NETWORK, OWNER

_PRIVATE: Final = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
    *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
)
"""IPv4 that is not public (RFC 6890), and where clouds answer their machines."""
_DNS: Final = {
    "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}],
    "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
}


def refused(rules: Rules) -> str:
    """Why checks get no network in a cluster under these rules; '' where they may."""
    if rules.hosts:
        return (
            "a cluster's network policies know no host names, and the operator allows single hosts only "
            "(PORTCULLIS_EGRESS_HOSTS)"
        )
    return ""


def policies(rules: Rules) -> tuple[dict[str, Any], ...]:
    """One for checks without network, one for those with. The names are the same for every worker."""
    ports = [{"port": port, "protocol": "TCP"} for port in rules.ports]
    denied = [ipaddress.ip_network(net) for net in (*_PRIVATE, *rules.denied)]
    public = {"cidr": "0.0.0.0/0", "except": [str(net) for net in _outermost(denied)]}
    exits = [{"to": [{"ipBlock": public}], "ports": ports}]
    for allowed in rules.allowed:
        network = ipaddress.ip_network(allowed)
        beneath = [net for net in map(ipaddress.ip_network, rules.denied) if _within(net, network)]
        if any(_within(network, net) for net in map(ipaddress.ip_network, rules.denied)):
            continue
        block = {"cidr": str(network), **({"except": [str(net) for net in beneath]} if beneath else {})}
        exits.append({"to": [{"ipBlock": block}], "ports": ports})
    return _policy("none", []), _policy("public", [_DNS, *exits])


def _policy(network: str, egress: list[dict[str, Any]]) -> dict[str, Any]:
    selector = {
        "matchLabels": {NETWORK: network},
        "matchExpressions": [{"key": OWNER, "operator": "Exists"}],
    }
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": f"checks-{network}",
            "labels": {"app.kubernetes.io/part-of": "portcullis-checks"},
        },
        "spec": {
            "podSelector": selector,
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [],
            "egress": egress,
        },
    }


_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _within(inner: _Network, outer: _Network) -> bool:
    return (
        isinstance(inner, ipaddress.IPv4Network)
        and isinstance(outer, ipaddress.IPv4Network)
        and inner.subnet_of(outer)
    ) or (
        isinstance(inner, ipaddress.IPv6Network)
        and isinstance(outer, ipaddress.IPv6Network)
        and inner.subnet_of(outer)
    )


def _outermost(networks: Iterable[_Network]) -> Iterator[ipaddress.IPv4Network]:
    """The IPv4 networks among them, those within others left out: IPv6 is not let out at all."""
    return ipaddress.collapse_addresses(net for net in networks if isinstance(net, ipaddress.IPv4Network))
