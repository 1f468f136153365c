"""Permanent or temporary: what each protocol's answers mean for a retry, in one place.

Sources: DIMSE statuses PS3.4 table B.2-1 and PS3.7 annex C; association rejection PS3.8 table 9-21; failure reasons of
storage commitment PS3.3 C.14.1.1; HTTP RFC 9110 and 6585.
"""

from __future__ import annotations

from http import HTTPStatus

from shared.domain.errors import OncoRelayError, PermanentError, TemporaryError, UnavailableError

_PERMANENT_DIMSE = {
    0x0106: "invalid attribute value",
    0x0117: "invalid object instance",
    0x0119: "the SOP class is not that of the stored instance",
    0x0122: "the SOP class is not supported",
    0x0124: "not authorised",
    0x0211: "unrecognised operation",
    0x0212: "mistyped argument",
}
_STORED_ALREADY = 0x0111  # duplicate SOP instance: the read-back decides whether it is ours
_OUT_OF_RESOURCES = range(0xA700, 0xA800)
_NOT_THIS_CLASS = range(0xA900, 0xAA00)
_WARNINGS = range(0xB000, 0xC000)
_CANNOT_UNDERSTAND = range(0xC000, 0xD000)

_TRANSIENT = 0x02
_REJECTIONS = {
    (1, 3): "our AE title is not known to it",
    (1, 7): "it has another AE title than we call",
    (1, 2): "it does not speak our application context",
}

_TEMPORARY_HTTP = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.PRECONDITION_FAILED,  # somebody changed what we replace: it is read anew before the next try
    HTTPStatus.LOCKED,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}


def dimse_error(status: int, what: str) -> OncoRelayError | None:
    """Return the error a C-STORE status or failure reason stands for, or None where the object is there."""
    if status in (0x0000, _STORED_ALREADY) or status in _WARNINGS:
        return None
    said = f"{what} answered 0x{status:04X}"
    if status in _PERMANENT_DIMSE:
        return PermanentError(f"{said}: {_PERMANENT_DIMSE[status]}")
    if status in _NOT_THIS_CLASS:
        return PermanentError(f"{said}: the data set does not match its SOP class")
    if status in _CANNOT_UNDERSTAND:
        return PermanentError(f"{said}: it cannot understand the object")
    if status in _OUT_OF_RESOURCES:
        return TemporaryError(f"{said}: out of resources")
    return TemporaryError(said)


def rejection(result: int, source: int, diagnostic: int, what: str) -> OncoRelayError:
    """Return the error a rejected association stands for."""
    if result == _TRANSIENT:
        return UnavailableError(f"{what} rejected the association for now (source {source}, reason {diagnostic})")
    why = _REJECTIONS.get((source, diagnostic), f"source {source}, reason {diagnostic}")
    return PermanentError(f"{what} rejected the association: {why}")


def http_error(status: int, what: str, detail: str = "") -> OncoRelayError | None:
    """Return the error an HTTP status stands for, or None for 2xx."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    said = f"{what} answered HTTP {status}" + (f": {detail}" if detail else "")
    if status in _TEMPORARY_HTTP or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TemporaryError(said)
    return PermanentError(said)
