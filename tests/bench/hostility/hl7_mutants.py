"""HL7 v2 messages that break MLLP and ER7."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable

from tests.bench.hostility.attack import Answer, Attack, Doors, Ending
from tests.bench.hostility.bytes_mutants import ANY

START, END = b"\x0b", b"\x1c\r"
"""MLLP block (HL7 v2.5.1 appendix C.4.3)."""
GOOD = (
    b"MSH|^~\\&|LAB|HOSPITAL|ONCORELAY|HOSPITAL|20260110101500||ORU^R01^ORU_R01|1|P|2.5.1\r"
    b"PID|1||SIM-1^^^HOSPITAL^MR||SIMULATED^PATIENT||19700517|F\r"
    b"OBR|1||SIM-1^LAB|85337-4^Estrogen receptor^LN|||20260110\r"
    b"OBX|1|CWE|85337-4^Estrogen receptor^LN||LA6576-8^Positive^LN||||||F\r"
)

Kind = Callable[[random.Random], bytes]


def message(chance: random.Random, number: int) -> tuple[str, bytes]:
    """Return kind and bytes of the message of a number."""
    kind = _KINDS[number % len(_KINDS)]
    return kind.__name__.strip("_"), kind(chance)


def make(chance: random.Random, number: int) -> Attack:
    """Return the message of a number as an attack on the MLLP door."""
    kind, content = message(chance, number)
    return Attack("mllp", kind, lambda doors: _talk(doors, content))


def _talk(doors: Doors, content: bytes) -> Answer:
    """Send and wait: for a block that begins an answer is owed, and for one that does not end, too."""
    heard = b""
    try:
        with socket.create_connection(("127.0.0.1", doors.mllp_port), timeout=doors.patience_s) as wire:
            wire.sendall(content)
            if not content.startswith(START):
                wire.shutdown(socket.SHUT_WR)
            while not heard.endswith(END) and (received := wire.recv(65536)):
                heard += received
    except TimeoutError:
        return Answer(Ending.SILENT)
    except ConnectionError:
        return Answer(Ending.CLOSED, "reset")
    code = heard.partition(b"\rMSA|")[2][:2].decode("latin-1")
    if not code:
        return Answer(Ending.CLOSED)
    return Answer(Ending.TAKEN if code == "AA" else Ending.REFUSED, code)


def _no_terminator(chance: random.Random) -> bytes:
    return START + GOOD + chance.choice((b"", b"\x1c", b"\r", b"\x1c\n"))


def _no_start(chance: random.Random) -> bytes:
    return GOOD + END


def _many_segments(chance: random.Random) -> bytes:
    return START + GOOD + b"OBX|2|NM|1^x^L||1\r" * 100_000 + END


def _wrong_delimiters(chance: random.Random) -> bytes:
    marks = chance.choice((b"||||", b"^~\\", b"    ", b"\0\0\0\0", b"|^~\\&&&", b"ABCD", b""))
    return START + GOOD.replace(b"^~\\&", marks, 1) + END


def _broken(chance: random.Random) -> bytes:
    return START + chance.choice(ANY)(chance, GOOD) + END


def _huge_field(chance: random.Random) -> bytes:
    return START + GOOD + b"NTE|1||" + b"A" * 10_000_000 + b"\r" + END


def _endless_escapes(chance: random.Random) -> bytes:
    return START + GOOD.replace(b"SIMULATED", chance.choice((b"\\X" * 5000, b"\\" * 9999, b"\\H\\" * 3000)), 1) + END


def _wrong_line_ends(chance: random.Random) -> bytes:
    return START + GOOD.replace(b"\r", chance.choice((b"\n", b"\r\n", b"", b"\0"))) + END


def _blocks_in_blocks(chance: random.Random) -> bytes:
    return START * chance.choice((2, 1000)) + GOOD + END * 2


_KINDS: tuple[Kind, ...] = (
    _no_terminator, _no_start, _many_segments, _wrong_delimiters, _broken, _huge_field, _endless_escapes,
    _wrong_line_ends, _blocks_in_blocks,
)  # fmt: skip
