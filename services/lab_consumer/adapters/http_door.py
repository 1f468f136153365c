"""The FHIR door: Starlette routes around the intake; success is answered after the commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.lab_consumer.adapters.http_body import HttpRefusalError, Threshold, check_encoding, kind_of
from services.lab_consumer.adapters.ndjson_door import MEDIA_TYPES, NdjsonDoor
from services.lab_consumer.adapters.notification_door import NotificationDoor
from services.lab_consumer.adapters.operations import count
from services.lab_consumer.formats.outcome import answered, capability_statement, failure, response_bundle
from services.lab_consumer.handlers.intake import Answered, Intake
from shared.domain.errors import OncoRelayError, OutOfResourcesError, TemporaryError
from shared.domain.refusals import ANSWERS, Cause
from shared.fhir.reading.refusal import IssueCode
from shared.fhir.reading.shape import is_id, is_resource_type
from shared.observability import metrics, tracing

log = structlog.get_logger("oncorelay.lab_consumer")

_STRANGERS = (
    Cause.CALLER_UNKNOWN,
    Cause.CALLER_FORBIDDEN,
    Cause.OVERLOADED,
    Cause.STORE_UNREACHABLE,
    Cause.OUT_OF_SPACE,
)
_OF_STARLETTE = {404: Cause.CALLED_UNKNOWN}
"""What the router itself refuses; anything else (405) is asked of a door that does not do it."""
_BODY_UNREAD = (
    Cause.CALLER_UNKNOWN, Cause.CALLER_FORBIDDEN, Cause.TOO_SLOW, Cause.TOO_LARGE, Cause.NOT_SUPPORTED,
    Cause.ENCODING_NOT_SUPPORTED, Cause.OVERLOADED, Cause.STORE_UNREACHABLE, Cause.OUT_OF_SPACE,
)  # fmt: skip
RETRY_AFTER_S = "5"


class FhirResponse(JSONResponse):
    """FHIR JSON."""

    media_type = "application/fhir+json"


@dataclass(frozen=True, slots=True)
class Door:
    """The endpoints."""

    intake: Intake
    threshold: Threshold
    healthy: Callable[[], bool]
    version: str
    started: str
    """FHIR dateTime of the CapabilityStatement."""
    ndjson: NdjsonDoor
    notifications: NotificationDoor

    async def bundle(self, request: Request) -> Response:
        """POST /fhir."""
        if kind_of(request) in MEDIA_TYPES:
            await self.threshold.let_in(request)
            check_encoding(request)
            return await self.ndjson.post(request)
        body = await self._body(request)
        return _response(await _taken(self.intake.bundle, body))

    async def create(self, request: Request) -> Response:
        """POST /fhir/{type}."""
        body = await self._body(request)
        kind = _type(request)
        if kind == "Bundle":
            return _response(await _taken(self.intake.bundle, body))
        return _response(await _taken(self.intake.resource, body, kind))

    async def update(self, request: Request) -> Response:
        """PUT /fhir/{type}/{id}."""
        body = await self._body(request)
        kind, found = _type(request), request.path_params["id"]
        if not is_id(found):
            raise HttpRefusalError(Cause.CALLED_UNKNOWN, "not a FHIR id")
        return _response(await _taken(self.intake.resource, body, kind, found))

    async def _body(self, request: Request) -> bytes:
        try:
            return await self.threshold.body(request)
        except HttpRefusalError as error:
            if error.cause not in _STRANGERS:  # strangers cannot fill the table of refusals
                await run_in_threadpool(self.intake.refused, _code(error.cause), error.reason)
            raise

    async def metadata(self, _: Request) -> Response:
        """GET /fhir/metadata."""
        return FhirResponse(capability_statement(self.version, self.started))

    async def health(self, _: Request) -> Response:
        """GET /health."""
        fine = await run_in_threadpool(self.healthy)
        return JSONResponse({"status": "ok" if fine else "database unavailable"}, status_code=200 if fine else 503)


def make_app(door: Door) -> Starlette:
    """Return the ASGI application."""
    routes = [
        Route("/health", door.health, methods=["GET"]),
        Route("/fhir/metadata", door.metadata, methods=["GET"]),
        Route("/notifications", door.notifications.post, methods=["POST"]),
        Route("/notifications/{type}/{id}", door.notifications.put, methods=["PUT"]),
        Route("/fhir", door.bundle, methods=["POST"]),
        Route("/fhir/", door.bundle, methods=["POST"]),
        Route("/fhir/{type}", door.create, methods=["POST"]),
        Route("/fhir/{type}/{id}", door.update, methods=["PUT"]),
    ]
    handlers: dict[Any, Any] = {
        HttpRefusalError: _on_refusal,
        HTTPException: _on_http,
        OncoRelayError: _on_error,
        Exception: _on_bug,
    }
    return Starlette(routes=routes, exception_handlers=handlers)


async def _taken(take: Callable[..., Answered], *arguments: Any) -> Answered:
    """Take a body in on a thread, as the first span of its trace; what a caller says about traces is not believed."""
    with tracing.span("fhir.request"):
        return await run_in_threadpool(take, *arguments)


def _type(request: Request) -> str:
    kind = str(request.path_params["type"])
    if not is_resource_type(kind):
        raise HttpRefusalError(Cause.CALLED_UNKNOWN, "not a resource type of FHIR R4")
    return kind


def _response(result: Answered) -> Response:
    count(result.answers)
    if result.is_bundle:
        return FhirResponse(response_bundle(result.answers, atomic=result.atomic))
    answer = result.answers[0]
    location = {"location": f"/fhir/{answer.source}"} if answer.status == 201 and "/" in answer.source else {}
    return FhirResponse(answered(answer), status_code=answer.status, headers=location)


def overloaded() -> Response:
    """Return the answer to one request too many."""
    return _refusal(Cause.OVERLOADED, "too many requests at once; try again later")


def _code(cause: Cause) -> IssueCode:
    return IssueCode(ANSWERS[cause].fhir)


async def _on_refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, HttpRefusalError)  # noqa: S101 - Starlette hands over what was registered
    return _failure(error.cause, error.reason)


async def _on_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    cause = _OF_STARLETTE.get(error.status_code, Cause.NOT_SUPPORTED)
    return FhirResponse(failure(_code(cause), error.detail), status_code=error.status_code)


async def _on_error(_: Request, error: Exception) -> Response:
    log.warning("intake_unavailable", error=type(error).__name__)
    if isinstance(error, TemporaryError):
        full = isinstance(error, OutOfResourcesError)
        return _failure(Cause.OUT_OF_SPACE if full else Cause.STORE_UNREACHABLE, str(error))
    return _failure(Cause.INTERNAL, "internal error; see the service's log")


async def _on_bug(_: Request, error: Exception) -> Response:
    # The type only: an exception's text may quote what it choked on.
    log.error("intake_failed", error=type(error).__name__)
    return _failure(Cause.INTERNAL, "internal error; see the service's log")


def _failure(cause: Cause, text: str) -> Response:
    metrics.FHIR_REFUSED.add(code=_code(cause))
    return _refusal(cause, text)


def _refusal(cause: Cause, text: str) -> Response:
    status = ANSWERS[cause].http
    headers = {"retry-after": RETRY_AFTER_S} if ANSWERS[cause].transient else {}
    headers |= {"www-authenticate": "Bearer"} if cause is Cause.CALLER_UNKNOWN else {}
    headers |= {"connection": "close"} if cause in _BODY_UNREAD else {}
    return FhirResponse(failure(_code(cause), text), status_code=status, headers=headers)
