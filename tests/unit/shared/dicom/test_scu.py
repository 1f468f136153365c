"""The requestor's side of an association: fast answers are not lost, and a rejection is known by its PDU."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pynetdicom import AE
from pynetdicom.pdu import A_ASSOCIATE_RJ

from shared.dicom.scu import CalledNode, keep_rejection
from shared.testing.ports import free_port

VERIFICATION = "1.2.840.10008.1.1"


@pytest.fixture
def peer() -> Iterator[int]:
    entity, port = AE(ae_title="PACS"), free_port()
    entity.add_supported_context(VERIFICATION)
    entity.require_called_aet = True
    server = entity.start_server(("127.0.0.1", port), block=False)
    yield port
    assert server
    server.shutdown()


class _LateToPause(threading.Event):
    """The reactor's checkpoint on a busy machine: who waited at it goes on a little later."""

    def wait(self, timeout: float | None = None) -> bool:
        passed = super().wait(timeout)
        time.sleep(0.05)
        return passed


def test_an_answer_faster_than_the_reactor_pauses_is_not_lost(peer: int) -> None:
    association = CalledNode("127.0.0.1", peer, "PACS", "US", 3.0).ask([VERIFICATION]).association
    slow = _LateToPause()
    slow.set()
    association._reactor_checkpoint = slow
    send = association.dimse.send_msg

    def send_and_be_held_up(*arguments: Any) -> None:
        send(*arguments)
        time.sleep(0.1)

    association.dimse.send_msg = send_and_be_held_up  # type: ignore[assignment, method-assign]

    statuses = [association.send_c_echo().get("Status") for _ in range(4)]
    association.release()

    assert statuses == [0] * 4


def test_no_message_waits_for_an_acknowledgement_that_is_put_off(peer: int) -> None:
    association = CalledNode("127.0.0.1", peer, "PACS", "US", 3.0).ask([VERIFICATION]).association
    assert [association.send_c_echo().get("Status") for _ in range(4)] == [0] * 4

    wire = association.dul.socket
    assert wire
    assert wire.socket
    options = [wire.socket.getsockopt(socket.IPPROTO_TCP, o) for o in (socket.TCP_NODELAY, socket.TCP_QUICKACK)]
    association.release()

    assert all(options)


def test_a_rejection_is_told_by_its_pdu(peer: int) -> None:
    asked = CalledNode("127.0.0.1", peer, "NOBODY", "US", 3.0).ask([VERIFICATION])

    assert not asked.established
    assert [pdu.reason_diagnostic for pdu in asked.rejections] == [7]  # PS3.8 table 9-21: called AE title


def test_a_rejection_is_known_by_its_pdu_alone() -> None:
    class Event:
        pdu = A_ASSOCIATE_RJ()

    kept: list[Any] = []
    keep_rejection(Event(), kept)  # type: ignore[arg-type]

    assert kept == [Event.pdu]
