"""POST /fhir with NDJSON: read as it comes by a thread of its own, answered after the last commit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response

from services.lab_consumer.adapters.http_body import HttpRefusalError
from services.lab_consumer.adapters.operations import count_lines
from services.lab_consumer.formats import tally as written
from services.lab_consumer.handlers.lines import BrokenStreamError, IntakeLines, Tally
from shared.domain.refusals import ANSWERS, Cause
from shared.observability import tracing
from shared.web.pulled_body import BodyCutError, BodyTooSlowError, Pace, PulledBody, StoppingError

MEDIA_TYPES = frozenset({written.NDJSON, "application/ndjson", "application/x-ndjson"})
MOST_AT_ONCE = 4
"""Bodies read at the same time: each holds a thread, and writers take turns anyhow."""


@dataclass(slots=True)
class NdjsonDoor:
    """Takes bodies of any number of lines, up to ``max_bytes``."""

    take: IntakeLines
    pace: Pace
    max_bytes: int
    _places: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(MOST_AT_ONCE))
    _stopping: threading.Event = field(default_factory=threading.Event)

    async def post(self, request: Request) -> Response:
        """Take the body of a request that was let in.

        Raises:
            HttpRefusalError: If too many are on their way in already.
        """
        if not self._places.acquire(blocking=False):
            raise HttpRefusalError(Cause.OVERLOADED, f"{MOST_AT_ONCE} NDJSON bodies are being read; try again later")
        try:
            body = PulledBody(request.receive, self.pace, self._stopping.is_set)
            with tracing.span("fhir.request"):
                tally = await to_thread.run_sync(self._taken, body, limiter=CapacityLimiter(1))
        finally:
            self._places.release()
        return _answer(tally)

    def stop(self) -> None:
        """Break off what is on its way in; what is committed stays, and is answered."""
        self._stopping.set()

    def _taken(self, body: PulledBody) -> Tally:
        tally = self.take(self._bounded(body))
        count_lines(tally)
        return tally

    def _bounded(self, body: PulledBody) -> Iterator[bytes]:
        size = 0
        try:
            for piece in body:
                size += len(piece)
                if size > self.max_bytes:
                    raise BrokenStreamError(Cause.TOO_LARGE, f"the body is larger than {self.max_bytes} bytes")
                yield piece
        except BodyCutError:
            raise BrokenStreamError(Cause.UNREADABLE, "the body was cut") from None
        except BodyTooSlowError:
            raise BrokenStreamError(Cause.TOO_SLOW, "the body came too slowly") from None
        except StoppingError:
            raise BrokenStreamError(Cause.STOPPING, "the service stops") from None


def _answer(tally: Tally) -> Response:
    status, headers = 200, {}
    if tally.broken:
        status, headers = ANSWERS[tally.broken.cause].http, {"connection": "close"}
        headers |= {"retry-after": "5"} if ANSWERS[tally.broken.cause].transient else {}
    return Response(written.lines(tally), status_code=status, headers=headers, media_type=written.NDJSON)
