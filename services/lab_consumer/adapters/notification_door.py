"""POST /notifications and PUT /notifications/Type/id: a Subscription's rest-hook."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.lab_consumer.adapters.http_body import HttpRefusalError, Threshold
from services.lab_consumer.adapters.operations import count
from services.lab_consumer.formats.outcome import answered
from services.lab_consumer.handlers.answers import Answer
from services.lab_consumer.handlers.notify import Notify
from shared.domain.refusals import Cause
from shared.fhir.reading.shape import is_id, is_resource_type
from shared.observability import tracing
from shared.web.pulled_body import drain


@dataclass(frozen=True, slots=True)
class NotificationDoor:
    """The endpoints; ``notify`` None: there is no FHIR server to ask."""

    notify: Notify | None
    threshold: Threshold

    async def post(self, request: Request) -> Response:
        """Take a notification: an empty body, a resource, or a Bundle of the backport."""
        await self.threshold.let_in(request)
        body = await self.threshold.read(request)
        with tracing.span("fhir.notification"):
            return _response(await run_in_threadpool(self._asked().body, body))

    async def put(self, request: Request) -> Response:
        """Take a notification whose URL names the resource; its body is not used."""
        await self.threshold.let_in(request)
        kind, found = str(request.path_params["type"]), str(request.path_params["id"])
        if not is_resource_type(kind) or not is_id(found):
            raise HttpRefusalError(Cause.CALLED_UNKNOWN, "not Type/id")
        await drain(request.receive, self.threshold.max_bytes)
        with tracing.span("fhir.notification"):
            return _response(await run_in_threadpool(self._asked().named, (kind, found)))

    def _asked(self) -> Notify:
        if self.notify is None:
            raise HttpRefusalError(
                Cause.CALLED_UNKNOWN,
                "no FHIR server to ask is configured here ([lab_consumer.fhir_server] in site.toml)",
            )
        return self.notify


def _response(answer: Answer) -> Response:
    count([answer])
    return JSONResponse(answered(answer), status_code=answer.status, media_type="application/fhir+json")
