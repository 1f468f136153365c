"""Upper-layer conversations that break the rules of PS3.8: lengths, order, contexts, fragments, noise."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
from collections.abc import Callable

from tests.bench.hostility.attack import Answer, Attack, Doors, Ending
from tests.bench.hostility.bytes_mutants import ANY
from tests.bench.load import dimse
from tests.bench.load.dimse import Context, pdu
from tests.bench.load.store_scu import CONTEXTS, MR_IMAGE

REQUEST = dimse.associate_request("ONCORELAY", "MODALITY", CONTEXTS)
_COMMAND = dimse.store_command(MR_IMAGE, "1.2.3.4.5", 1)

Talk = tuple[bytes, ...]
"""Sent one after the other; between the first two the answer to the association is awaited."""


def make(chance: random.Random, number: int) -> Attack:
    """Return the conversation of a number."""
    kind = _KINDS[number % len(_KINDS)]
    talk = kind(chance)
    return Attack("pdu", kind.__name__.strip("_"), lambda doors: converse(doors, talk))


def converse(doors: Doors, talk: Talk) -> Answer:
    """Send everything, half-close, and read to the end."""
    try:
        with socket.create_connection(("127.0.0.1", doors.dicom_port), timeout=doors.patience_s) as wire:
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            heard = b""
            for index, part in enumerate(talk):
                with contextlib.suppress(ConnectionError):
                    wire.sendall(part)
                if index == 0 and part == REQUEST and len(talk) > 1:
                    heard += wire.recv(65536)
            with contextlib.suppress(OSError):
                wire.shutdown(socket.SHUT_WR)
            while more := wire.recv(65536):
                heard += more
            return _judged(heard)
    except TimeoutError:
        return Answer(Ending.SILENT)
    except ConnectionError:
        return Answer(Ending.CLOSED, "reset")


def _judged(heard: bytes) -> Answer:
    """Name the last PDU that came."""
    kinds, at = [], 0
    while at + 6 <= len(heard):
        kind, _, length = struct.unpack_from(">BBI", heard, at)
        kinds.append(kind)
        at += 6 + length
    words = [kind for kind in kinds if kind in (dimse.ASSOCIATE_RJ, dimse.ABORT, dimse.P_DATA, dimse.RELEASE_RP)]
    return Answer(Ending.REFUSED, f"pdu {words[-1]}") if words else Answer(Ending.CLOSED)


def _noise(chance: random.Random) -> Talk:
    return (chance.randbytes(chance.choice((1, 5, 6, 74, 5000))),)


def _http_at_the_wrong_door(chance: random.Random) -> Talk:
    return (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",)


def _mutated_request(chance: random.Random) -> Talk:
    return (chance.choice(ANY)(chance, REQUEST),)


def _request_with_wrong_length(chance: random.Random) -> Talk:
    return (pdu(1, REQUEST[6:], chance.choice((0, 1, 67, 2**32 - 1, len(REQUEST) * 2, len(REQUEST) - 20))),)


def _item_with_wrong_length(chance: random.Random) -> Talk:
    content = bytearray(REQUEST)
    struct.pack_into(">H", content, 6 + 68 + 2, chance.choice((0, 1, 0xFFFF, 0x7FFF, 20)))
    return (bytes(content),)


def _strange_contexts(chance: random.Random) -> Talk:
    numbers = chance.choice(((0,), (2, 4), (1, 1, 1), (255, 253), tuple(range(1, 256, 2)), ()))
    abstract = chance.choice((MR_IMAGE, "", "../..", "9" * 300))
    rows = tuple(Context(number, abstract, chance.choice(((), ("1.2.3",), ("",)))) for number in numbers)
    return (dimse.associate_request("ONCORELAY", "MODALITY", rows),)


def _strange_titles(chance: random.Random) -> Talk:
    titles = ("", "\0" * 16, "ONCORELAY\0JUNK", "../../x", "\x1b[2J", "NOBODY")
    return (dimse.associate_request(chance.choice(titles), chance.choice(titles), CONTEXTS),)


def _data_before_association(chance: random.Random) -> Talk:
    return (b"".join(dimse.p_data(1, _COMMAND, command=True)),)


def _second_association(chance: random.Random) -> Talk:
    return (REQUEST, REQUEST)


def _unknown_pdu(chance: random.Random) -> Talk:
    return (REQUEST, pdu(chance.choice((0, 8, 9, 200, 255)), chance.randbytes(20)))


def _fragment_longer_than_its_pdu(chance: random.Random) -> Talk:
    inner = struct.pack(">IBB", chance.choice((0, 1, 2**32 - 1, 5000)), 1, 3) + _COMMAND
    return (REQUEST, pdu(dimse.P_DATA, inner))


def _pdu_beyond_the_limit(chance: random.Random) -> Talk:
    return (REQUEST, pdu(dimse.P_DATA, b"", chance.choice((2**32 - 1, 2**31, 10**9))) + bytes(100_000))


def _empty_fragments(chance: random.Random) -> Talk:
    empty = pdu(dimse.P_DATA, struct.pack(">IBB", 2, 1, 1))
    return (REQUEST, empty * chance.choice((1, 100, 5000)))


def _unknown_context(chance: random.Random) -> Talk:
    return (REQUEST, b"".join(dimse.p_data(chance.choice((0, 2, 99, 255)), _COMMAND, command=True)))


def _data_without_command(chance: random.Random) -> Talk:
    return (REQUEST, b"".join(dimse.p_data(1, chance.randbytes(500), command=False)))


def _command_twice(chance: random.Random) -> Talk:
    return (REQUEST, b"".join(dimse.p_data(1, _COMMAND, command=True)) * 2)


def _mutated_command(chance: random.Random) -> Talk:
    broken = chance.choice(ANY)(chance, _COMMAND)
    return (REQUEST, b"".join([*dimse.p_data(1, broken, command=True), *dimse.p_data(1, bytes(64), command=False)]))


def _endless_command(chance: random.Random) -> Talk:
    part = pdu(dimse.P_DATA, struct.pack(">IBB", 10_002, 1, dimse.COMMAND) + bytes(10_000))
    return (REQUEST, part * chance.choice((10, 400)))


def _unknown_command(chance: random.Random) -> Talk:
    odd = struct.pack("<HHIH", 0, 0x0100, 2, chance.choice((0x0000, 0x0020, 0x0FFF, 0xFFFF, 0x8001, 0x0150)))
    return (REQUEST, b"".join(dimse.p_data(1, dimse.command_set(odd), command=True)))


def _release_in_mid_object(chance: random.Random) -> Talk:
    start = pdu(dimse.P_DATA, struct.pack(">IBB", 102, 1, 0) + bytes(100))
    return (REQUEST, b"".join(dimse.p_data(1, _COMMAND, command=True)) + start + dimse.RELEASE)


def _abort_in_mid_object(chance: random.Random) -> Talk:
    start = pdu(dimse.P_DATA, struct.pack(">IBB", 102, 1, 0) + bytes(100))
    return (REQUEST, b"".join(dimse.p_data(1, _COMMAND, command=True)) + start + dimse.ABORTED)


def _cut_in_mid_pdu(chance: random.Random) -> Talk:
    whole = b"".join([*dimse.p_data(1, _COMMAND, command=True), *dimse.p_data(1, bytes(5000), command=False)])
    return (REQUEST, whole[: chance.randrange(1, len(whole))])


def _mutated_data(chance: random.Random) -> Talk:
    whole = b"".join([*dimse.p_data(1, _COMMAND, command=True), *dimse.p_data(1, bytes(500), command=False)])
    return (REQUEST, chance.choice(ANY)(chance, whole))


_KINDS: tuple[Callable[[random.Random], Talk], ...] = (
    _noise, _http_at_the_wrong_door, _mutated_request, _request_with_wrong_length, _item_with_wrong_length,
    _strange_contexts, _strange_titles, _data_before_association, _second_association, _unknown_pdu,
    _fragment_longer_than_its_pdu, _pdu_beyond_the_limit, _empty_fragments, _unknown_context, _data_without_command,
    _command_twice, _mutated_command, _endless_command, _unknown_command, _release_in_mid_object,
    _abort_in_mid_object, _cut_in_mid_pdu, _mutated_data,
)  # fmt: skip
