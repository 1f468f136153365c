"""Ports for peers of tests."""

from __future__ import annotations

from shared.testing import ports


def test_no_port_is_given_twice_in_one_process() -> None:
    before = len(ports._given)
    given = [ports.free_port() for _ in range(2000)]

    assert len(set(given)) == 2000
    assert len(ports._given) == before + 2000
