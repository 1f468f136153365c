"""Our own upper layer against raw sockets: legal but unusual, malformed, silent and slow peers."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from struct import pack

import pytest

from services.dicom_listener.adapters.upper_layer import fragments
from shared.domain.refusals import Cause
from shared.testing.ports import wait_until
from tests.doors import Standing, permissive, stand
from tests.raw_dicom import (
    ABORT,
    CONTEXTS,
    RELEASE_RQ,
    VERIFICATION,
    Peer,
    associate_rq,
    c_echo_rq,
    c_store_rq,
    data,
    element,
    item,
    pdu,
    small_object,
    value,
)

pytestmark = pytest.mark.integration

UID = "1.2.3.4.5"
COMMAND, LAST = 1, 2


@pytest.fixture
def standing(tmp_path: Path) -> Iterator[Standing]:
    found = stand("own", tmp_path, acse_timeout_s=1.0, network_timeout_s=1.0)
    yield found
    found.door.stop()


@pytest.fixture
def peer(standing: Standing) -> Iterator[Peer]:
    with Peer(standing.port) as connected:
        yield connected


def _contents(standing: Standing) -> list[bytes]:
    return [_content(stored.uri) for stored in standing.arrivals.objects()]


def _content(uri: str) -> bytes:
    path, _, place = uri.removeprefix("file://").partition("?")
    offset, length = (int(part.partition("=")[2]) for part in place.split("&"))
    content = Path(path).read_bytes()[offset : offset + length]
    return content[144 + int.from_bytes(content[140:144], "little") :]


# Legal, and seldom seen.


def test_command_and_data_in_one_pdu(standing: Standing, peer: Peer) -> None:
    peer.associate()
    peer.say(data(value(1, COMMAND | LAST, c_store_rq(UID)), value(1, LAST, small_object(UID))))

    assert peer.status() == 0
    assert _contents(standing) == [small_object(UID)]


def test_command_and_data_in_fragments_of_one_byte_and_of_none(standing: Standing, peer: Peer) -> None:
    command, content = c_store_rq(UID), small_object(UID)
    peer.associate()
    peer.say(*(data(value(1, COMMAND, command[at : at + 1])) for at in range(len(command))))
    peer.say(data(value(1, COMMAND | LAST, b"")))
    peer.say(data(*(value(1, 0, content[at : at + 1]) for at in range(len(content)))))
    peer.say(data(value(1, 0, b"")), data(value(1, LAST, b"")))

    assert peer.status() == 0
    assert _contents(standing) == [content]


def test_bytes_that_trickle_in_one_by_one(standing: Standing, peer: Peer) -> None:
    peer.associate()
    for byte in data(value(1, COMMAND | LAST, c_store_rq(UID)), value(1, LAST, small_object(UID))):
        peer.say(bytes([byte]))

    assert peer.status() == 0


def test_several_requests_without_waiting_for_answers_are_answered_in_order(standing: Standing, peer: Peer) -> None:
    peer.associate()
    for number in range(3):
        uid = f"{UID}.{number}"
        peer.say(data(value(1, COMMAND | LAST, c_store_rq(uid, number)), value(1, LAST, small_object(uid))))
    peer.say(data(value(3, COMMAND | LAST, c_echo_rq(9))))

    assert [peer.status() for _ in range(4)] == [0, 0, 0, 0]
    assert [stored.announced.sop_instance_uid[-1] for stored in standing.arrivals.objects()] == ["0", "1", "2"]


def test_padded_titles_and_items_nobody_knows(standing: Standing, peer: Peer) -> None:
    user = item(0x51, pack(">I", 0)) + item(0x7F, b"future") + item(0x58, bytes([1, 1]) + item(0, b""))
    peer.say(associate_rq(called=b"  ONCORELAY", calling=b" PACS\0", user=user, more=item(0x99, b"future")))

    assert peer.hear()[0] == 2


def test_an_abstract_syntax_nobody_knows_is_rejected_alone(standing: Standing, peer: Peer) -> None:
    peer.say(associate_rq(contexts={1: "1.2.3", 3: VERIFICATION}))
    kind, content = peer.hear()

    assert kind == 2
    assert pack(">BBBB", 1, 0, 3, 0) in content
    assert pack(">BBBB", 3, 0, 0, 0) in content


def test_a_release_is_answered_and_the_connection_closed(standing: Standing, peer: Peer) -> None:
    peer.associate()
    peer.say(RELEASE_RQ)

    assert peer.hear() == (6, bytes(4))
    assert peer.is_closed()
    assert standing.ended() == [True]


def test_a_cancel_has_no_answer_and_an_unknown_operation_has_one(standing: Standing, peer: Peer) -> None:
    peer.associate()
    peer.say(data(value(1, COMMAND | LAST, c_store_rq(UID, field=0x0FFF, data_set=0x0101))))
    peer.say(data(value(1, COMMAND | LAST, c_store_rq(UID, field=0x0020)), value(1, LAST, small_object(UID))))

    assert peer.status() == 0x0211


def test_an_object_announced_for_another_context_is_not_supported(standing: Standing, peer: Peer) -> None:
    peer.say(associate_rq(contexts={1: "1.2.840.10008.5.1.4.1.1.2"}))
    peer.hear()
    peer.say(data(value(1, COMMAND | LAST, c_store_rq(UID)), value(1, LAST, small_object(UID))))

    assert peer.status() == 0x0122


@pytest.mark.parametrize("uid", ["", "../../etc/passwd", "1.2.3\n4", "1" * 65])
def test_a_uid_that_is_none_is_refused_before_anything_is_written(uid: str, standing: Standing, peer: Peer) -> None:
    peer.associate()
    peer.say(data(value(1, COMMAND | LAST, c_store_rq(uid)), value(1, LAST, small_object("1.2"))))

    assert peer.status() == 0xC000
    assert standing.segments.names() == ()


# Malformed: every one ends in an A-ABORT of the right kind, and the door stands.

BEFORE = {
    "HTTP": (b"GET / HTTP/1.1\r\n\r\n", 0, 0),
    "data first": (data(value(1, LAST, b"x")), 0, 0),
    "a request of 4 GiB": (pdu(1, b"", 0xFFFFFFFF), 0, 0),
    "a request cut short": (pdu(1, bytes(10)), 2, 6),
    "an item beyond the end": (pdu(1, bytes(68) + pack(">BBH", 0x20, 0, 500) + bytes(4)), 2, 6),
    "no contexts": (associate_rq(contexts={}), 2, 6),
    "an even context id": (associate_rq(contexts={2: VERIFICATION}), 2, 6),
}


@pytest.mark.parametrize("name", BEFORE)
def test_nonsense_before_the_association_is_aborted(name: str, standing: Standing, peer: Peer) -> None:
    content, source, reason = BEFORE[name]
    peer.say(content)

    assert peer.hear() == (7, bytes([0, 0, source, reason]))
    assert peer.is_closed()
    assert standing.arrivals.calls == []


@pytest.mark.parametrize(
    ("request_pdu", "answer"),
    [(associate_rq(version=2), bytes([0, 1, 2, 2])), (associate_rq(application="1.2.3"), bytes([0, 1, 1, 2]))],
)
def test_another_protocol_is_rejected(request_pdu: bytes, answer: bytes, standing: Standing, peer: Peer) -> None:
    peer.say(request_pdu)

    assert peer.hear() == (3, answer)
    assert peer.is_closed()


STORE = value(1, COMMAND | LAST, c_store_rq(UID))
WITHIN = {
    "a PDU nobody knows": (pdu(0x42, bytes(4)), 1),
    "a second request": (associate_rq(), 2),
    "a PDU of 4 GiB": (pdu(4, b"", 0xFFFFFFFF) + bytes(6), 6),
    "a PDU longer than agreed": (pdu(4, b"", fragments.MAX_PDU_BYTES + 1) + bytes(6), 6),
    "an empty PDU": (pdu(4, b"") + bytes(6), 6),
    "a fragment longer than its PDU": (pdu(4, pack(">IBB", 100, 1, 3)), 6),
    "a fragment without its header": (pdu(4, pack(">IBB", 1, 1, 3)), 6),
    "a PDU that ends within a fragment's head": (pdu(4, value(1, COMMAND, b"") + b"abc"), 6),
    "a context nobody accepted": (data(value(99, COMMAND | LAST, c_store_rq(UID))), 6),
    "data without a command": (data(value(1, LAST, b"data")), 5),
    "a command within data": (data(STORE, value(1, COMMAND | LAST, c_store_rq(UID))), 5),
    "data on another context": (data(STORE, value(3, LAST, small_object(UID))), 5),
    "a response to nothing": (data(value(1, COMMAND | LAST, c_store_rq(UID, field=0x8001))), 5),
    "a command cut short": (data(value(1, COMMAND | LAST, c_store_rq(UID)[:-3])), 6),
    "a command of another group": (data(value(1, COMMAND | LAST, pack("<HHI", 8, 0, 0))), 6),
    "a command with nothing in it": (data(value(1, COMMAND | LAST, b"")), 6),
    "a command without end": (data(*[value(1, COMMAND, bytes(6000))] * 3), 6),
    "a message id of four bytes": (data(value(1, COMMAND | LAST, element(0x0110, bytes(4)))), 6),
    "a release within a message": (data(STORE) + RELEASE_RQ, 2),
}


@pytest.mark.parametrize("name", WITHIN)
def test_nonsense_within_an_association_is_aborted(name: str, standing: Standing, peer: Peer) -> None:
    content, reason = WITHIN[name]
    peer.associate()
    peer.say(content)

    assert peer.hear() == (7, bytes([0, 0, 2, reason]))
    assert peer.is_closed()
    assert standing.ended() == [False]
    assert standing.segments.names() == ()
    with Peer(standing.port) as next_peer:
        next_peer.associate()


def test_an_abort_of_the_peer_is_not_answered(standing: Standing, peer: Peer) -> None:
    peer.associate()
    peer.say(data(STORE, value(1, 0, small_object(UID))), ABORT)

    assert peer.is_closed()
    assert standing.ended() == [False]


# Silent and slow: a second is the time limit here.


def test_a_connection_that_says_nothing_is_closed_and_held_no_place(tmp_path: Path) -> None:
    rules = replace(permissive(), max_associations=1)
    standing = stand("own", tmp_path, rules=rules, acse_timeout_s=1.0)
    try:
        with Peer(standing.port) as silent, Peer(standing.port) as busy:
            busy.associate()
            assert silent.is_closed()
    finally:
        standing.door.stop()

    assert len(standing.arrivals.named("opened")) == 1


@pytest.mark.parametrize("said", [b"", data(STORE), data(STORE, value(1, 0, b"x")), pdu(4, b"", 1000)])
def test_an_association_that_falls_silent_is_aborted(said: bytes, standing: Standing, peer: Peer) -> None:
    peer.associate()
    peer.say(said)

    assert peer.hear() == (7, bytes([0, 0, 2, 0]))
    assert standing.ended() == [False]


def test_a_sender_that_drips_is_given_up(standing: Standing, peer: Peer) -> None:
    peer.associate()
    peer.say(data(STORE))
    answered = False
    for _ in range(100):
        try:
            peer.say(data(value(1, 0, b"x")))
        except OSError:
            answered = True
            break
        time.sleep(0.05)

    assert answered
    assert standing.ended() == [False]


def test_connections_that_say_nothing_are_bounded_and_do_not_keep_others_out_for_long(tmp_path: Path) -> None:
    standing = stand("own", tmp_path, max_waiting=3, acse_timeout_s=1.0)
    silent = [Peer(standing.port).__enter__() for _ in range(3)]
    try:
        with Peer(standing.port) as one_too_many:
            assert one_too_many.is_closed()
        for peer in silent:
            assert peer.is_closed()
        with Peer(standing.port) as later:
            later.associate()
    finally:
        for peer in silent:
            peer.socket.close()
        standing.door.stop()


def test_the_bytes_of_a_refused_object_are_read_so_that_the_answer_is_heard(standing: Standing, peer: Peer) -> None:
    peer.associate()
    standing.gate.cause = Cause.STORE_UNREACHABLE
    peer.say(data(STORE), *(data(value(1, 0, bytes(100_000))) for _ in range(20)), data(value(1, LAST, b"")))

    assert peer.status() == 0xA700


def test_two_hundred_cut_associations_and_two_hundred_probes_leave_no_thread_and_no_descriptor(
    standing: Standing,
) -> None:
    with Peer(standing.port) as peer:  # whatever is made once is made before counting
        peer.associate()
        peer.say(data(STORE, value(1, LAST, small_object(UID))))
        peer.status()
    standing.ended()
    before = _held()
    for number in range(200):
        with Peer(standing.port) as peer:
            peer.associate()
            peer.say(data(STORE, value(1, 0, small_object(UID))), ABORT if number % 2 else b"")
        with Peer(standing.port) as probe:
            probe.say(b"" if number % 2 else b"\0")
        with Peer(standing.port) as peer:
            peer.say(associate_rq(calling=b"NOBODY"))
            peer.hear()
    standing.ended(201)
    wait_until(lambda: all(map(int.__le__, _held(), before)), "threads and descriptors to be given back")

    assert len(standing.segments.names()) == 1


def _held() -> tuple[int, int]:
    """Return how many threads and descriptors this process has (Linux)."""
    threads, descriptors = len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    return threads, descriptors


def test_every_context_of_a_large_request_is_answered(standing: Standing, peer: Peer) -> None:
    contexts = {number: VERIFICATION if number > 100 else f"1.2.{number}" for number in range(1, 256, 2)}
    peer.say(associate_rq(contexts=contexts))
    kind, content = peer.hear()

    assert kind == 2
    assert content.count(b"\x21\x00") >= len(contexts) == 128
    assert len(CONTEXTS) == 2
