"""Networks (CIDR) in settings: who may speak to a door that asks for no key."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Any

from pydantic import BeforeValidator

Network = IPv4Network | IPv6Network

THIS_MACHINE: tuple[Network, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))


def split(value: Any) -> Any:
    """Let the environment give a list as ``PACS,MODALITY``."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def within(address: str, networks: tuple[Network, ...]) -> bool:
    """Tell whether an address lies in one of the networks; IPv4 written as IPv6 counts as what it is."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return any((mapped or found) in network for network in networks)


def _networks(value: Any) -> Any:
    """Read networks; where an address stands for its network, say which network that is."""
    found = split(value)
    return tuple(map(_network, found)) if isinstance(found, (list, tuple)) else found


def _network(text: Any) -> Any:
    try:
        return ip_network(text)
    except ValueError:
        try:
            meant = ip_network(text, strict=False)
        except ValueError:
            raise ValueError(f"{text} is no network; write for example 10.0.0.0/8") from None
        raise ValueError(f"{text} has host bits set; did you mean {meant}") from None


Networks = Annotated[tuple[Network, ...], BeforeValidator(_networks)]
