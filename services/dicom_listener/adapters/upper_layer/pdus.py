"""PDUs we send, and what goes wrong with those we read (PS3.8 section 9.3)."""

from __future__ import annotations

from enum import IntEnum
from struct import pack

from shared.domain.refusals import AssociationRejection


class Pdu(IntEnum):
    """PDU types (PS3.8 9.3.1)."""

    ASSOCIATE_RQ = 1
    ASSOCIATE_AC = 2
    ASSOCIATE_RJ = 3
    DATA = 4
    RELEASE_RQ = 5
    RELEASE_RP = 6
    ABORT = 7


class AbortSource(IntEnum):
    """PS3.8 table 9-26."""

    SERVICE_USER = 0
    SERVICE_PROVIDER = 2


class AbortReason(IntEnum):
    """PS3.8 table 9-26; means something only where the provider aborts."""

    NOT_SPECIFIED = 0
    UNRECOGNIZED_PDU = 1
    UNEXPECTED_PDU = 2
    UNEXPECTED_PARAMETER = 5
    INVALID_PARAMETER = 6


class ConnectionGoneError(Exception):
    """The peer closed the connection, or sent A-ABORT: nobody is there to be answered."""


class AbortError(Exception):
    """We abort: the peer broke the protocol, says nothing, or sends too much."""

    def __init__(self, why: str, reason: AbortReason, source: AbortSource = AbortSource.SERVICE_PROVIDER) -> None:
        super().__init__(why, reason, source)
        self.why, self.reason, self.source = why, reason, source


RELEASE_RP = pack(">BBII", Pdu.RELEASE_RP, 0, 4, 0)
"""A-RELEASE-RP."""


def abort(source: AbortSource, reason: AbortReason) -> bytes:
    """Return an A-ABORT."""
    return pack(">BBIBBBB", Pdu.ABORT, 0, 4, 0, 0, source, reason)


def rejection(answer: AssociationRejection) -> bytes:
    """Return an A-ASSOCIATE-RJ."""
    return pack(">BBIBBBB", Pdu.ASSOCIATE_RJ, 0, 4, 0, answer.result, answer.source, answer.reason)


def command_pdu(context_id: int, command: bytes) -> bytes:
    """Return a P-DATA-TF with one whole command (message control header 3: command, last fragment; PS3.8 E.2)."""
    return pack(">BBIIBB", Pdu.DATA, 0, len(command) + 6, len(command) + 2, context_id, 3) + command
