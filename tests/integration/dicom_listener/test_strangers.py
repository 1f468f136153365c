"""Whoever is not listed, and whoever takes too much, costs the others nothing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from shared.testing.ports import wait_until
from tests.doors import Standing, permissive, stand
from tests.raw_dicom import Peer, associate_rq

pytestmark = pytest.mark.integration


@contextmanager
def _standing(folder: Path, **changes: Any) -> Iterator[Standing]:
    rules = replace(permissive(), networks=(ip_network("127.0.0.1/32"),))
    found = stand("own", folder, rules=rules, **changes)
    try:
        yield found
    finally:
        found.door.stop()


def _stranger(standing: Standing, address: str = "127.0.0.2") -> socket.socket:
    made = socket.socket()
    made.settimeout(5)
    made.bind((address, 0))
    made.connect(("127.0.0.1", standing.port))
    return made


def _threads() -> int:
    return sum(thread.name == "association" for thread in threading.enumerate())


def test_an_unlisted_address_with_every_place_open_does_not_keep_a_listed_sender_out(tmp_path: Path) -> None:
    with _standing(tmp_path, max_waiting=16) as standing, ExitStack() as held:
        for _ in range(64):
            held.enter_context(_stranger(standing))
        wait_until(lambda: _threads() >= 8, "the strangers to be heard")

        with Peer(standing.port) as peer:
            peer.associate()
        assert _threads() <= 9


def test_an_unlisted_address_is_still_told_that_it_is_rejected(tmp_path: Path) -> None:
    with _standing(tmp_path) as standing, _stranger(standing) as stranger:
        stranger.sendall(associate_rq())

        assert stranger.recv(10)[0] == 3


def test_rejected_peers_that_do_not_go_hold_no_more_threads_than_are_allowed(tmp_path: Path) -> None:
    with _standing(tmp_path, max_waiting=12) as standing, ExitStack() as held:
        most = 0
        for _ in range(60):
            stranger = held.enter_context(socket.create_connection(("127.0.0.1", standing.port)))
            with suppress(ConnectionError):
                stranger.sendall(associate_rq(calling=b"STRANGER"))
            most = max(most, _threads())

        # The door may be slower than sixty connections: it is still at it, because nobody has gone.
        wait_until(lambda: most > 0 or _threads() > 0, "a thread for one of them", timeout_s=10)
        assert max(most, _threads()) <= 12


def test_one_address_gets_no_more_connections_than_its_share(tmp_path: Path) -> None:
    with _standing(tmp_path, max_per_address=2) as standing, Peer(standing.port) as one, Peer(standing.port) as two:
        one.associate()
        two.associate()
        with socket.create_connection(("127.0.0.1", standing.port), timeout=5) as third:
            assert third.recv(1) == b""


def test_a_thread_that_cannot_be_started_costs_its_connection_and_not_the_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def failing(thread: threading.Thread) -> None:
        if thread.name == "association":
            raise RuntimeError("can't start new thread")
        start(thread)

    with _standing(tmp_path) as standing:
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", failing)
            with socket.create_connection(("127.0.0.1", standing.port), timeout=5) as unlucky:
                assert unlucky.recv(1) == b""

        with Peer(standing.port) as peer:
            peer.associate()
        assert standing.door.check() == ""
    assert standing.door.check() != ""


def test_a_port_that_is_taken_is_told_with_its_setting(tmp_path: Path) -> None:
    with _standing(tmp_path / "one") as standing, pytest.raises(OSError, match=r"dicom_listener\.port"):
        stand("own", tmp_path / "two", port=standing.port)
