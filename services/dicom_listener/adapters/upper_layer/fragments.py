"""Read P-DATA-TF PDUs fragment by fragment (PS3.8 9.3.5 and annex E); values go where the caller wants them."""

from __future__ import annotations

import time
from collections.abc import Callable
from struct import Struct, unpack_from
from typing import NamedTuple

from services.dicom_listener.adapters.upper_layer.pdus import AbortError, AbortReason, ConnectionGoneError, Pdu
from services.dicom_listener.adapters.upper_layer.wire import SilenceError, Wire

MAX_PDU_BYTES = 131072
"""The longest P-DATA-TF we take, and the longest DCMTK sends (ASC_MAXIMUMPDUSIZE); fewer, larger PDUs cost less."""
MIN_BYTES_PER_PATIENCE = 65536
"""An object that grows by less than this in one network timeout is given up: a sender cannot hold a place for ever."""
_PDU = Struct(">BxI")
_VALUE = Struct(">IBB")
_COMMAND, _LAST = 1, 2  # message control header, PS3.8 table E.2-1
_KNOWN = frozenset(Pdu)


class ReleaseRequested(Exception):  # noqa: N818 - an event of the protocol, not an error
    """The peer asks for the end (A-RELEASE-RQ)."""


class Fragment(NamedTuple):
    """The head of a presentation data value; ``length`` bytes of it follow on the wire."""

    context_id: int
    is_command: bool
    is_last: bool
    length: int


class Fragments:
    """The stream of fragments of one association; used by one thread."""

    def __init__(self, wire: Wire, patience_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._wire, self._patience_s, self._clock = wire, patience_s, clock
        self._head = memoryview(bytearray(_PDU.size + _VALUE.size))
        self._left = 0
        """Bytes of the PDU in hand that were not announced by a fragment yet."""
        self._window_end = 0.0
        self._window_bytes = 0

    def begin_message(self) -> None:
        """Start the clock that a message must keep up with."""
        self._window_end = self._clock() + self._patience_s
        self._window_bytes = 0

    def next(self) -> Fragment:
        """Return the next fragment; the caller reads all of its bytes before it calls again.

        Raises:
            ReleaseRequested: If the peer asks for the end instead.
            AbortError: If something else comes, or nothing fits.
            ConnectionGoneError: If the peer is gone or has aborted.
            SilenceError: If nothing comes, or too little.
        """
        self._keep_up()
        if self._left:
            self._wire.fill(self._head[_PDU.size :])
        else:
            self._next_pdu()
        length, context_id, control = _VALUE.unpack_from(self._head, _PDU.size)
        if length < 2 or length + 4 > self._left:
            raise AbortError("a fragment does not fit into its PDU", AbortReason.INVALID_PARAMETER)
        self._left -= length + 4
        if 0 < self._left < _VALUE.size:
            raise AbortError("a PDU ends within a fragment", AbortReason.INVALID_PARAMETER)
        self._window_bytes += length
        return Fragment(context_id, bool(control & _COMMAND), bool(control & _LAST), length - 2)

    def _next_pdu(self) -> None:
        """Read the head of a PDU and of its first value, in one call where both are there."""
        have = self._wire.some(self._head)
        if have < _PDU.size:
            self._wire.fill(self._head[have : _PDU.size])
            have = _PDU.size
        kind, length = _PDU.unpack_from(self._head)
        if kind != Pdu.DATA:
            raise self._other(kind, self._head, have)
        if not _VALUE.size <= length <= MAX_PDU_BYTES:
            raise AbortError("a PDU is longer than agreed, or empty", AbortReason.INVALID_PARAMETER)
        self._wire.fill(self._head[have:])
        self._left = length

    @staticmethod
    def _other(kind: int, head: memoryview, have: int) -> Exception:
        if kind == Pdu.ABORT:
            return ConnectionGoneError()
        if kind == Pdu.RELEASE_RQ:
            valid = unpack_from(">I", head, 2)[0] == 4 and have <= _PDU.size + 4
            return ReleaseRequested() if valid else AbortError("a bad A-RELEASE-RQ", AbortReason.INVALID_PARAMETER)
        known = kind in _KNOWN
        reason = AbortReason.UNEXPECTED_PDU if known else AbortReason.UNRECOGNIZED_PDU
        return AbortError("an unexpected PDU" if known else "an unknown PDU", reason)

    def _keep_up(self) -> None:
        if self._clock() < self._window_end or not self._window_end:
            return
        if self._window_bytes < MIN_BYTES_PER_PATIENCE:
            raise SilenceError
        self.begin_message()

    def between_messages(self) -> None:
        """Stop that clock: only silence counts until the next message."""
        self._window_end = 0.0
