"""The FHIR door: Starlette routes around the intake; success is answered after the commit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.lab_consumer.adapters.http_body import HttpRefusalError, Threshold
from services.lab_consumer.adapters.operations import count
from services.lab_consumer.formats.outcome import answered, capability_statement, failure, response_bundle
from services.lab_consumer.handlers.intake import Answered, Intake
from shared.domain.errors import OncoRelayError, TemporaryError
from shared.fhir.reading.refusal import IssueCode
from shared.fhir.reading.shape import is_id, is_resource_type
from shared.observability import metrics, tracing

log = structlog.get_logger("oncorelay.lab_consumer")

_CODES = {
    401: IssueCode.LOGIN,
    403: IssueCode.FORBIDDEN,
    404: IssueCode.NOT_FOUND,
    405: IssueCode.NOT_SUPPORTED,
    408: IssueCode.TRANSIENT,
    413: IssueCode.TOO_LONG,
    415: IssueCode.NOT_SUPPORTED,
    503: IssueCode.TRANSIENT,
}
_STRANGERS = (401, 403, 503)
RETRY_AFTER_S = "5"
Endpoint = Callable[[Request], Awaitable[Response]]


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

    async def bundle(self, request: Request) -> Response:
        """POST /fhir."""
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
            raise HttpRefusalError(404, "not a FHIR id")
        return _response(await _taken(self.intake.resource, body, kind, found))

    async def _body(self, request: Request) -> bytes:
        try:
            return await self.threshold.body(request)
        except HttpRefusalError as error:
            if error.status not in _STRANGERS:  # strangers cannot fill the table of refusals
                await run_in_threadpool(self.intake.refused, _code(error), error.reason)
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
        raise HttpRefusalError(404, "not a resource type of FHIR R4")
    return kind


def _response(result: Answered) -> Response:
    count(result.answers)
    if result.is_bundle:
        return FhirResponse(response_bundle(result.answers, atomic=result.atomic))
    answer = result.answers[0]
    location = {"location": f"/fhir/{answer.source}"} if answer.status == 201 and "/" in answer.source else {}
    return FhirResponse(answered(answer), status_code=answer.status, headers=location)


def _code(error: HttpRefusalError) -> IssueCode:
    return _CODES.get(error.status, IssueCode.STRUCTURE)


async def _on_refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, HttpRefusalError)  # noqa: S101 - Starlette hands over what was registered
    return _failure(error.status, _code(error), error.reason)


async def _on_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    return _failure(error.status_code, _CODES.get(error.status_code, IssueCode.NOT_SUPPORTED), error.detail)


async def _on_error(_: Request, error: Exception) -> Response:
    log.warning("intake_unavailable", error=type(error).__name__)
    if isinstance(error, TemporaryError):
        return _failure(503, IssueCode.TRANSIENT, str(error))
    return _failure(500, IssueCode.EXCEPTION, "internal error; see the service's log")


async def _on_bug(_: Request, error: Exception) -> Response:
    # The type only: an exception's text may quote what it choked on.
    log.error("intake_failed", error=type(error).__name__)
    return _failure(500, IssueCode.EXCEPTION, "internal error; see the service's log")


def _failure(status: int, code: IssueCode, text: str) -> Response:
    metrics.FHIR_REFUSED.add(code=code)
    headers = {"retry-after": RETRY_AFTER_S} if status == 503 else {}
    headers |= {"www-authenticate": "Bearer"} if status == 401 else {}
    headers |= {"connection": "close"} if status in (401, 403, 408, 413, 415) else {}
    return FhirResponse(failure(code, text), status_code=status, headers=headers)
