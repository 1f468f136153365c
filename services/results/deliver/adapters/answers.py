"""Permanent or temporary, the sink's trouble or the delivery's: what every protocol's answers mean, in one place.

* ``RefusedError``: this object will never be taken; it is not there. A dead letter, and a person is told.
* ``TemporaryError``: this object may be taken later. Costs a try.
* ``UnavailableError``, ``BusyError``: nothing can be delivered there now. Costs no try; counts for the sink's breaker.
* ``NotReachedError``: the same, and nothing left us.

Sources: DIMSE statuses PS3.4 table B.2-1 and PS3.7 annex C; association rejection PS3.8 table 9-21; failure reasons of
STOW-RS PS3.18 table I.2-2 and of storage commitment PS3.3 C.14.1.1; HTTP RFC 9110 and 6585; FHIR R4 ``issue-type``;
errno of open(2), write(2) and rename(2).
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from services.results.deliver.ports import BusyError, NotReachedError, RefusedError
from shared.domain.errors import OncoRelayError, PermanentError, TemporaryError, UnavailableError


@contextmanager
def once_sent() -> Iterator[None]:
    """Mark that the object is there, or may be: what fails from now on does not mean that nothing left."""
    try:
        yield
    except NotReachedError as error:
        raise UnavailableError(str(error)) from error
    except RefusedError as error:
        raise PermanentError(str(error)) from error


# DICOM -----------------------------------------------------------------------------------------------------------

_PERMANENT_DIMSE = {
    0x0105: "no such attribute",
    0x0106: "invalid attribute value",
    0x0115: "invalid argument value",
    0x0117: "invalid object instance",
    0x0118: "no such SOP class",
    0x0119: "the SOP class is not that of the stored instance",
    0x0120: "missing attribute",
    0x0121: "missing attribute value",
    0x0122: "the SOP class is not supported",
    0x0123: "no such action",
    0x0124: "not authorised",
    0x0211: "unrecognised operation",
    0x0212: "mistyped argument",
    0x0131: "the identifier does not match the SOP class",
}
_STORED_ALREADY = 0x0111  # duplicate SOP instance: the read-back decides whether it is ours
_OUT_OF_RESOURCES = range(0xA700, 0xA800)
_RESOURCE_LIMITATION = 0x0213
_NOT_THIS_CLASS = range(0xA900, 0xAA00)
_WARNINGS = {0x0001, 0x0107, 0x0116, *range(0xB000, 0xC000)}  # B000 coerced, B006 elements discarded, B007 mismatch
_CANNOT_UNDERSTAND = range(0xC000, 0xD000)

_TRANSIENT = 0x02
_REJECTIONS = {
    (1, 1): "it gives no reason",
    (1, 2): "it does not speak our application context",
    (1, 3): "our AE title is not known to it",
    (1, 7): "it has another AE title than we call",
    (2, 1): "its ACSE gives no reason",
    (2, 2): "it does not speak our protocol version",
}


def dimse_error(status: int, what: str) -> OncoRelayError | None:
    """Return the error a C-STORE status or failure reason stands for, or None where the object is there."""
    if status in (0x0000, _STORED_ALREADY) or status in _WARNINGS:
        return None
    said = f"{what} answered 0x{status:04X}"
    if status in _PERMANENT_DIMSE:
        return RefusedError(f"{said}: {_PERMANENT_DIMSE[status]}")
    if status in _NOT_THIS_CLASS:
        return RefusedError(f"{said}: the data set does not match its SOP class")
    if status in _CANNOT_UNDERSTAND:
        return RefusedError(f"{said}: it cannot understand the object")
    if status in _OUT_OF_RESOURCES or status == _RESOURCE_LIMITATION:
        return BusyError(f"{said}: out of resources")
    # 0x0110 processing failure, 0x0112 no such instance (yet), 0x0210 duplicate invocation, and what nobody knows.
    return TemporaryError(said)


def rejection(result: int, source: int, diagnostic: int, what: str) -> OncoRelayError:
    """Return the error a rejected association stands for."""
    if result == _TRANSIENT:
        return NotReachedError(f"{what} rejected the association for now (source {source}, reason {diagnostic})")
    why = _REJECTIONS.get((source, diagnostic), f"source {source}, reason {diagnostic}")
    return RefusedError(f"{what} rejected the association: {why}")


# HTTP: STOW-RS and FHIR --------------------------------------------------------------------------------------------

_BUSY_HTTP = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE,
              HTTPStatus.GATEWAY_TIMEOUT, HTTPStatus.INSUFFICIENT_STORAGE}  # fmt: skip
_TEMPORARY_HTTP = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.PRECONDITION_FAILED,  # somebody changed what we replace: it is read anew before the next try
    HTTPStatus.LOCKED,
    HTTPStatus.TOO_EARLY,
}
_PERMANENT_SERVER_HTTP = {HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.HTTP_VERSION_NOT_SUPPORTED}
# FHIR R4 issue-type: what the server says beats a status that says only "no" (400, 422) or "broken" (500).
_TEMPORARY_ISSUES = {"transient", "lock-error", "no-store", "exception", "timeout", "incomplete", "throttled",
                     "conflict", "too-costly"}  # fmt: skip
_PERMANENT_ISSUES = {"invalid", "structure", "required", "value", "invariant", "security", "login", "unknown",
                     "forbidden", "suppressed", "not-supported", "duplicate", "multiple-matches", "not-found",
                     "deleted", "too-long", "code-invalid", "extension", "business-rule"}  # fmt: skip
_VAGUE = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.INTERNAL_SERVER_ERROR}


def http_error(
    status: int, what: str, detail: str = "", *, issues: Collection[str] = (), after_s: float = 0.0
) -> OncoRelayError | None:
    """Return the error an HTTP status (and FHIR issue codes, and Retry-After) stands for, or None for 2xx."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    said = f"{what} answered HTTP {status}" + (f": {detail}" if detail else "")
    if status in _BUSY_HTTP:
        return BusyError(said, after_s)
    if status in _VAGUE and issues:
        # One permanent issue is enough: the others going away would not help.
        if any(code in _PERMANENT_ISSUES for code in issues):
            return RefusedError(said)
        if all(code in _TEMPORARY_ISSUES for code in issues):
            return TemporaryError(said)
    if status in _TEMPORARY_HTTP:
        return TemporaryError(said)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and status not in _PERMANENT_SERVER_HTTP:
        return TemporaryError(said)
    return RefusedError(said)


def retry_after_s(value: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> float:
    """Return the seconds that ``Retry-After`` asks for (RFC 9110 10.2.3: seconds or HTTP-date); 0 where it is none."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])  # far beyond any pause that is kept
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now()).total_seconds())


def transport_error(what: str, kind: str, text: str, *, connected: bool) -> OncoRelayError:
    """Return the error a broken HTTP connection stands for; ``connected``: the request may have left."""
    if "CERTIFICATE" in text or "SSL" in text:
        return NotReachedError(f"{what}: no TLS connection; is its certificate valid, and its CA trusted here?")
    said = f"{what} cannot be reached ({kind})"
    return UnavailableError(said) if connected else NotReachedError(said)


# Files ---------------------------------------------------------------------------------------------------------------

_FULL = {errno.ENOSPC, errno.EDQUOT}
_PERMANENT_FILES = {errno.ENAMETOOLONG, errno.EINVAL, errno.EISDIR, errno.EFBIG}


def file_error(error: OSError, what: str) -> OncoRelayError:
    """Return the error a file system's answer stands for; what a person can mend (EACCES, EROFS) is waited for."""
    said = f"{what} cannot be written: {error.strerror}"
    if error.errno in _FULL:
        return BusyError(said)
    return PermanentError(said) if error.errno in _PERMANENT_FILES else UnavailableError(said)
