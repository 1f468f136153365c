"""Bounded reading of a request: who may, what kind, how much, how long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from shared.domain.errors import ForbiddenError, OncoRelayError, OutOfResourcesError, UnauthenticatedError
from shared.domain.refusals import Cause
from shared.security.doorkeeper import Doorkeeper

_CAUSES: tuple[tuple[type[OncoRelayError], Cause], ...] = (
    (UnauthenticatedError, Cause.CALLER_UNKNOWN),
    (ForbiddenError, Cause.CALLER_FORBIDDEN),
    (OutOfResourcesError, Cause.OVERLOADED),
    (OncoRelayError, Cause.STORE_UNREACHABLE),
)
"""Why somebody is not let in; the most specific class first."""
_JSON = frozenset({"application/fhir+json", "application/json"})


class HttpRefusalError(Exception):
    """The request ends before anybody looked at its content."""

    def __init__(self, cause: Cause, reason: str) -> None:
        super().__init__(cause, reason)
        self.cause = cause
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Threshold:
    """What a request must bring."""

    doorkeeper: Doorkeeper
    max_bytes: int
    timeout_s: float
    trouble: Callable[[], Cause | None]
    """Why nothing can be taken now, whoever sends."""

    async def body(self, request: Request) -> bytes:
        """Return the body.

        Raises:
            HttpRefusalError: If the token, the content type, the size or the pace is wrong, or there is no room.
        """
        await self.let_in(request)
        _check_kind(request)
        return await self.read(request)

    async def read(self, request: Request) -> bytes:
        """Return the body of a request that was let in.

        Raises:
            HttpRefusalError: If its size or pace is wrong, or it is compressed.
        """
        check_encoding(request)
        if int(request.headers.get("content-length") or 0) > self.max_bytes:
            raise self._too_large()
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._read(request)
        except TimeoutError:
            raise HttpRefusalError(Cause.TOO_SLOW, f"the body did not arrive within {self.timeout_s:g} s") from None
        except ClientDisconnect:
            raise HttpRefusalError(Cause.UNREADABLE, "the body ended early") from None

    async def let_in(self, request: Request) -> None:
        """Look at who sends, and whether there is room; nothing of the body is read.

        Raises:
            HttpRefusalError: If the token is wrong, or there is no room.
        """
        await run_in_threadpool(self._admit, request)
        cause = await run_in_threadpool(self.trouble)
        if cause:
            raise HttpRefusalError(cause, f"nothing can be taken now ({cause.value}); try again later")

    def _admit(self, request: Request) -> None:
        address = request.client.host if request.client else ""
        try:
            self.doorkeeper.admit(request.headers.get("authorization", ""), address)
        except OncoRelayError as error:
            cause = next(cause for kind, cause in _CAUSES if isinstance(error, kind))
            raise HttpRefusalError(cause, str(error)) from None

    async def _read(self, request: Request) -> bytes:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self.max_bytes:
                raise self._too_large()
        return bytes(body)

    def _too_large(self) -> HttpRefusalError:
        return HttpRefusalError(Cause.TOO_LARGE, f"the body is larger than {self.max_bytes} bytes")


def kind_of(request: Request) -> str:
    """Return the media type of the body, in lower case and without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _check_kind(request: Request) -> None:
    if kind_of(request) not in _JSON:
        raise HttpRefusalError(Cause.NOT_SUPPORTED, "application/fhir+json is needed (to POST /fhir also fhir+ndjson)")


def check_encoding(request: Request) -> None:
    """Refuse a compressed body: what it becomes is not bounded by what comes.

    Raises:
        HttpRefusalError: If the body is compressed.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HttpRefusalError(Cause.ENCODING_NOT_SUPPORTED, "compressed bodies are not taken")
