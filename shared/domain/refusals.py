"""Why a door does not take something, and what each kind of door answers then: one table for all doors.

Sources: C-STORE status PS3.4 table B.2-1 and PS3.7 annex C; A-ASSOCIATE-RJ PS3.8 table 9-21; STOW-RS PS3.18 10.5.3 and
Failure Reason (0008,1197) PS3.18 table I.2-2; HTTP RFC 9110; FHIR R4 ``issue-type``; MSA-1 and HL7 table 0357 (v2.5.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why something was not taken. The value may be logged and counted."""

    OUT_OF_SPACE = "out_of_space"
    """The disk is below its watermark."""
    STORE_UNREACHABLE = "store_unreachable"
    """The ledger, or the door's own database, cannot be reached."""
    OVERLOADED = "overloaded"
    """Too many associations, connections or requests of this sender, or in all."""
    STOPPING = "stopping"
    """The service is on its way down."""
    INTERNAL = "internal"
    """A defect of ours; the log says where."""
    CALLER_UNKNOWN = "caller_unknown"
    """The sender is not on the list, or could not be authenticated."""
    CALLER_FORBIDDEN = "caller_forbidden"
    """The sender is known and may not do this."""
    CALLED_UNKNOWN = "called_unknown"
    """The sender wants somebody, or something, that is not here."""
    NOT_SUPPORTED = "not_supported"
    """A SOP class, media type or message type that is not taken."""
    ENCODING_NOT_SUPPORTED = "encoding_not_supported"
    """A transfer syntax or content coding that cannot be decoded here."""
    DOES_NOT_MATCH = "does_not_match"
    """What came is not what was announced."""
    UNREADABLE = "unreadable"
    """The bytes are not what their standard says."""
    INVALID_VALUE = "invalid_value"
    """Readable, and a value cannot be right."""
    TOO_LARGE = "too_large"
    """Beyond a stated limit."""
    TOO_SLOW = "too_slow"
    """The rest did not come in time."""
    CONFLICT = "conflict"
    """It contradicts what is recorded."""
    DUPLICATE = "duplicate"
    """It is there twice, and only once would be right."""
    NO_SUCH_OBJECT = "no_such_object"
    """Asked about something that is not here."""
    CLASS_CONFLICT = "class_conflict"
    """Asked about an instance that is here, under another SOP class."""


@dataclass(frozen=True, slots=True)
class AssociationRejection:
    """Result, source and reason of an A-ASSOCIATE-RJ (PS3.8 table 9-21)."""

    result: int
    """1 permanent, 2 transient."""
    source: int
    """1 service user, 2 ACSE of the provider, 3 presentation layer of the provider."""
    reason: int


@dataclass(frozen=True, slots=True)
class DoorAnswers:
    """What every kind of door answers for one cause."""

    c_store: int
    """Status (0000,0900); also the Failure Reason (0008,1197) of STOW-RS and storage commitment."""
    association: AssociationRejection
    http: int
    """Status of a request that is refused as a whole."""
    fhir: str
    """OperationOutcome.issue.code."""
    acknowledgment: str
    """MSA-1."""
    hl7_error: int
    """ERR-3, HL7 table 0357."""
    transient: bool = False
    """True: the same thing may be taken later, and HTTP says Retry-After."""


_CONGESTION = AssociationRejection(2, 3, 1)
_LOCAL_LIMIT = AssociationRejection(2, 3, 2)
_NO_REASON = AssociationRejection(1, 1, 1)
_TRANSIENT_NO_REASON = AssociationRejection(2, 1, 1)
_CALLING_UNKNOWN = AssociationRejection(1, 1, 3)
_CALLED_UNKNOWN = AssociationRejection(1, 1, 7)

ANSWERS: dict[Cause, DoorAnswers] = {
    Cause.OUT_OF_SPACE: DoorAnswers(0xA700, _CONGESTION, 503, "no-store", "AE", 207, transient=True),
    Cause.STORE_UNREACHABLE: DoorAnswers(0xA700, _CONGESTION, 503, "transient", "AE", 207, transient=True),
    Cause.OVERLOADED: DoorAnswers(0xA700, _LOCAL_LIMIT, 503, "throttled", "AE", 207, transient=True),
    Cause.STOPPING: DoorAnswers(0xA700, _CONGESTION, 503, "transient", "AE", 207, transient=True),
    Cause.INTERNAL: DoorAnswers(0x0110, _TRANSIENT_NO_REASON, 500, "exception", "AE", 207),
    Cause.CALLER_UNKNOWN: DoorAnswers(0x0124, _CALLING_UNKNOWN, 401, "login", "AR", 207),
    Cause.CALLER_FORBIDDEN: DoorAnswers(0x0124, _NO_REASON, 403, "forbidden", "AR", 207),
    Cause.CALLED_UNKNOWN: DoorAnswers(0x0112, _CALLED_UNKNOWN, 404, "not-found", "AR", 204),
    Cause.NOT_SUPPORTED: DoorAnswers(0x0122, _NO_REASON, 415, "not-supported", "AR", 200),
    Cause.ENCODING_NOT_SUPPORTED: DoorAnswers(0xC122, _NO_REASON, 415, "not-supported", "AR", 200),
    Cause.DOES_NOT_MATCH: DoorAnswers(0xA900, _NO_REASON, 409, "invalid", "AE", 102),
    Cause.UNREADABLE: DoorAnswers(0xC000, _NO_REASON, 400, "structure", "AR", 100),
    Cause.INVALID_VALUE: DoorAnswers(0xC000, _NO_REASON, 422, "value", "AE", 102),
    Cause.TOO_LARGE: DoorAnswers(0xC000, _NO_REASON, 413, "too-long", "AR", 207),
    Cause.TOO_SLOW: DoorAnswers(0x0110, _TRANSIENT_NO_REASON, 408, "timeout", "AE", 207),
    Cause.CONFLICT: DoorAnswers(0x0111, _NO_REASON, 412, "conflict", "AE", 205),
    Cause.DUPLICATE: DoorAnswers(0x0111, _NO_REASON, 409, "duplicate", "AE", 205),
    Cause.NO_SUCH_OBJECT: DoorAnswers(0x0112, _NO_REASON, 404, "not-found", "AE", 204),
    Cause.CLASS_CONFLICT: DoorAnswers(0x0119, _NO_REASON, 409, "conflict", "AE", 205),
}
"""The table: which cause gives which answer on which door."""

_NOT_AUTHORISED, _INVALID_ARGUMENT, _RESOURCE_LIMITATION, _PROCESSING_FAILURE = 0x0124, 0x0115, 0x0213, 0x0110
_N_ACTION: dict[Cause, int] = {
    Cause.CALLER_UNKNOWN: _NOT_AUTHORISED,
    Cause.CALLER_FORBIDDEN: _NOT_AUTHORISED,
    Cause.NO_SUCH_OBJECT: 0x0112,
    Cause.CALLED_UNKNOWN: 0x0112,
    Cause.NOT_SUPPORTED: 0x0123,
    Cause.UNREADABLE: _INVALID_ARGUMENT,
    Cause.INVALID_VALUE: _INVALID_ARGUMENT,
    Cause.CONFLICT: _INVALID_ARGUMENT,
}


def n_action_status(cause: Cause) -> int:
    """Return the status of an N-ACTION response: C-STORE has a list of its own (PS3.7 10.1.4.1.10)."""
    transient = ANSWERS[cause].transient or cause is Cause.TOO_LARGE
    return _N_ACTION.get(cause, _RESOURCE_LIMITATION if transient else _PROCESSING_FAILURE)
