"""Who lies in which network."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from shared.site.networks import THIS_MACHINE, within


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.1", False),
        ("", False),
        ("fe80::1%lo", False),
    ],
)  # fmt: skip
def test_this_machine_is_every_way_of_writing_it(address: str, inside: bool) -> None:
    assert within(address, THIS_MACHINE) is inside


def test_a_network_holds_its_addresses_and_no_others() -> None:
    networks = (ip_network("10.1.0.0/16"),)

    assert within("10.1.255.255", networks)
    assert not within("10.2.0.0", networks)
