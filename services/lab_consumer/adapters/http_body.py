"""Bounded reading of a request: who may, what kind, how much, how long."""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request

_JSON = frozenset({"application/fhir+json", "application/json"})


class HttpRefusalError(Exception):
    """The request ends before anybody looked at its content."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Gate:
    """What a request must bring."""

    token: bytes
    max_bytes: int
    timeout_s: float

    async def body(self, request: Request) -> bytes:
        """Return the body.

        Raises:
            HttpRefusalError: If the token, the content type, the size or the pace is wrong.
        """
        self._authorise(request)
        _check_kind(request)
        if int(request.headers.get("content-length") or 0) > self.max_bytes:
            raise self._too_large()
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._read(request)
        except TimeoutError:
            raise HttpRefusalError(408, f"the body did not arrive within {self.timeout_s:g} s") from None
        except ClientDisconnect:
            raise HttpRefusalError(400, "the body ended early") from None

    def _authorise(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), self.token):
            raise HttpRefusalError(401, "a bearer token is needed")

    async def _read(self, request: Request) -> bytes:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self.max_bytes:
                raise self._too_large()
        return bytes(body)

    def _too_large(self) -> HttpRefusalError:
        return HttpRefusalError(413, f"the body is larger than {self.max_bytes} bytes")


def _check_kind(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _JSON:
        raise HttpRefusalError(415, "application/fhir+json is needed")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HttpRefusalError(415, "compressed bodies are not taken")
