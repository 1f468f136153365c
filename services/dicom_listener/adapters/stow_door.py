"""STOW-RS (PS3.18 10.5) by Starlette: who may, what kind, is there room; then a thread that pulls the body."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Event
from typing import Protocol

import structlog
from anyio import CapacityLimiter, WouldBlock, to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.dicom_listener.formats.multipart import MAX_BOUNDARY, read_parts
from services.dicom_listener.formats.stow_answer import OFFERED, rendered, status_of
from services.dicom_listener.handlers.store_parts import DICOM, StoreParts, Taken
from services.dicom_listener.ports.inbox import Gatekeeper
from services.dicom_listener.ports.parts import BrokenBodyError
from shared.domain.errors import ForbiddenError, OncoRelayError, OutOfResourcesError, UnauthenticatedError, place
from shared.domain.refusals import ANSWERS, Cause
from shared.web.media_types import media_type, preferred
from shared.web.pulled_body import BodyCutError, BodyTooSlowError, Pace, PulledBody, StoppingError, drain
from shared.web.server import HttpServer

log = structlog.get_logger("oncorelay.dicom_listener")

RETRY_AFTER_S = "5"
_NOT_ACCEPTABLE = 406  # RFC 9110 15.5.7
_UID_CHARACTERS = frozenset("0123456789.")
_MAX_UID = 64


SCOPE = "images.write"
"""What a caller of this door must be allowed to do."""
_WHO: tuple[tuple[type[OncoRelayError], Cause], ...] = (
    (UnauthenticatedError, Cause.CALLER_UNKNOWN),
    (ForbiddenError, Cause.CALLER_FORBIDDEN),
    (OutOfResourcesError, Cause.OVERLOADED),
    (OncoRelayError, Cause.STORE_UNREACHABLE),
)
"""Why somebody is not let in; the most specific class first."""


class Named(Protocol):
    """Who calls."""

    @property
    def name(self) -> str:
        """Return the sender's name."""
        ...


class Doorkeeper(Protocol):
    """Who may store."""

    def admit(self, authorization: str, address: str) -> Named:
        """Return who calls, by the Authorization header and the address it comes from.

        Raises:
            OncoRelayError: See ``_WHO``.
        """
        ...


@dataclass(frozen=True, slots=True)
class StowLimits:
    """See ``config.Settings``."""

    max_parts: int
    max_requests: int
    pace: Pace


class _RefusedError(Exception):
    def __init__(self, status: int, cause: Cause) -> None:
        super().__init__(status, cause)
        self.status, self.cause = status, cause


@dataclass(slots=True)
class StowDoor:
    """The endpoint."""

    store: StoreParts
    gatekeeper: Gatekeeper
    doorkeeper: Doorkeeper
    numbers: Iterator[int]
    """Numbers of associations, shared with the C-STORE door."""
    limits: StowLimits
    _stopping: Event = field(default_factory=Event)
    _slots: CapacityLimiter | None = None

    def application(self) -> Starlette:
        """Return the ASGI application."""
        paths = ("/dicomweb/studies", "/dicomweb/studies/{study}")
        return Starlette(routes=[Route(path, self.post, methods=["POST"]) for path in paths])

    def stop(self) -> None:
        """Break off the bodies that are still coming in; what is committed stays, and is answered."""
        self._stopping.set()

    async def post(self, request: Request) -> Response:
        """POST /dicomweb/studies[/{study}]."""
        try:
            sender = await to_thread.run_sync(self._caller, request)
            kind = _answer_kind(request)
            boundary, study = _boundary(request), _study(request)
            self._let_in(sender)
            return await self._store_in_thread(request, sender, study, boundary, kind)
        except _RefusedError as refused:
            log.warning("stow_refused", status=refused.status, cause=refused.cause.value)
            if "expect" not in request.headers:  # who waits for "100 Continue" has sent nothing
                await drain(request.receive)
            return _refusal(refused)

    def _caller(self, request: Request) -> str:
        address = request.client.host if request.client else ""
        try:
            return self.doorkeeper.admit(request.headers.get("authorization", ""), address).name
        except OncoRelayError as error:
            raise _refused(next(cause for kind, cause in _WHO if isinstance(error, kind))) from None

    def _let_in(self, sender: str) -> None:
        cause = Cause.STOPPING if self._stopping.is_set() else self.gatekeeper.refusal(sender)
        if cause:
            raise _refused(cause)

    async def _store_in_thread(self, request: Request, sender: str, study: str, boundary: str, kind: str) -> Response:
        self._slots = self._slots or CapacityLimiter(self.limits.max_requests)
        borrower = object()
        try:
            self._slots.acquire_on_behalf_of_nowait(borrower)
        except WouldBlock:
            raise _refused(Cause.OVERLOADED) from None
        body = PulledBody(request.receive, self.limits.pace, self._stopping.is_set)
        try:
            taken = await to_thread.run_sync(self._store, sender, study, body, boundary, limiter=CapacityLimiter(1))
        finally:
            self._slots.release_on_behalf_of(borrower)
        return _answer(taken, kind, whole=body.ended)

    def _store(self, sender: str, study: str, body: PulledBody, boundary: str) -> Taken:
        number = next(self.numbers)
        try:
            parts = read_parts(_translated(body), boundary, self.limits.max_parts)
            taken = self.store(number, sender, study, parts)
            _exhaust(body)
        except Exception as error:  # noqa: BLE001 - its text may quote the object: type and place are logged
            log.error("stow_failed", sender=sender, error=type(error).__name__, place=place(error))  # noqa: TRY400
            return Taken(broken=Cause.INTERNAL)
        log.info("stow_taken", association=number, sender=sender, parts=len(taken.answers), whole=taken.whole)
        return taken


@dataclass(frozen=True, slots=True)
class StowServer:
    """The door and the server it stands in; ``start`` and ``stop`` once each."""

    door: StowDoor
    server: HttpServer

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        return self.server.port

    def start(self) -> None:
        """Begin to listen."""
        self.server.start()

    def check(self) -> str:
        """Return "" while requests are answered, else what is wrong."""
        return self.server.check()

    def stop(self) -> None:
        """Break off what is on its way in, answer it, and close the port."""
        self.door.stop()
        self.server.stop()


def _translated(body: PulledBody) -> Iterator[bytes]:
    try:
        yield from body
    except BodyCutError:
        raise BrokenBodyError(Cause.UNREADABLE, "the body was cut") from None
    except BodyTooSlowError:
        raise BrokenBodyError(Cause.TOO_SLOW, "the body came too slowly") from None
    except StoppingError:
        raise BrokenBodyError(Cause.STOPPING, "the service stops") from None


def _exhaust(body: PulledBody) -> None:
    """Read what follows the closing boundary (RFC 2046: an epilogue, to be ignored), within reason."""
    pieces = iter(body)
    try:
        for _ in range(4):
            next(pieces, None)
    except (BodyCutError, BodyTooSlowError, StoppingError):
        return


def _answer_kind(request: Request) -> str:
    kind = preferred(request.headers.get("accept", ""), OFFERED)
    if kind is None:
        raise _RefusedError(_NOT_ACCEPTABLE, Cause.NOT_SUPPORTED)
    return kind


def _boundary(request: Request) -> str:
    """Return the boundary of a multipart body whose root type we take."""
    kind = media_type(request.headers.get("content-type", ""))
    root = kind.parameters.get("type", "").lower()
    if kind.name != "multipart/related" or root != DICOM:
        raise _refused(Cause.NOT_SUPPORTED)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise _refused(Cause.ENCODING_NOT_SUPPORTED)
    boundary = kind.parameters.get("boundary", "")
    if not (0 < len(boundary) <= MAX_BOUNDARY and boundary.isascii() and boundary.isprintable()):
        raise _refused(Cause.UNREADABLE)
    return boundary


def _study(request: Request) -> str:
    study = str(request.path_params.get("study", ""))
    if len(study) > _MAX_UID or not set(study) <= _UID_CHARACTERS:
        raise _refused(Cause.UNREADABLE)
    return study


def _refused(cause: Cause) -> _RefusedError:
    return _RefusedError(ANSWERS[cause].http, cause)


def _refusal(refused: _RefusedError) -> Response:
    """Answer without having read the body whole: the connection cannot be used again."""
    headers = _headers(refused.status) | {"connection": "close"}
    return Response(f"{refused.cause.value}\n", refused.status, headers, media_type="text/plain")


def overloaded() -> Response:
    """Return the answer to a request that found no place at all."""
    return _refusal(_refused(Cause.OVERLOADED))


def _answer(taken: Taken, kind: str, *, whole: bool) -> Response:
    status = status_of(taken)
    headers = _headers(status) | ({} if whole else {"connection": "close"})
    return Response(rendered(taken, kind), status, headers | {"content-type": kind})


def _headers(status: int) -> dict[str, str]:
    if status == ANSWERS[Cause.OVERLOADED].http:
        return {"retry-after": RETRY_AFTER_S}
    return {"www-authenticate": "Bearer"} if status == ANSWERS[Cause.CALLER_UNKNOWN].http else {}
