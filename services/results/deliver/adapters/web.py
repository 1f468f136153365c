"""HTTP towards one configured server: bounded answers and waits, no redirects, no proxies, no URL out of an answer."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx

from services.results.deliver.adapters.answers import retry_after_s, transport_error
from services.results.deliver.ports import NotReachedError
from shared.domain.errors import PermanentError, UnavailableError
from shared.security.backend_services import Credentials, NoCredentials

LONGEST_ANSWER_BYTES = 16 * 1024 * 1024
_WHOLE_ANSWER_TIMEOUTS = 2
"""An answer that trickles in is cut off after this many timeouts; each single wait is bounded by one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: httpx.Headers
    content: bytes

    @property
    def after_s(self) -> float:
        """Return how long the server asks us to wait, in seconds; 0 where it does not say."""
        return retry_after_s(self.headers.get("Retry-After", ""))

    def json(self) -> Any:
        """Return the parsed JSON; None where there is none."""
        try:
            return httpx.Response(self.status, content=self.content).json() if self.content else None
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class WebServer:
    """One server below a base URL."""

    base: str
    timeout_s: float
    credentials: Credentials = field(default_factory=NoCredentials)
    client: httpx.Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        client = httpx.Client(timeout=self.timeout_s, follow_redirects=False, trust_env=False)
        object.__setattr__(self, "client", client)

    def call(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        content: bytes | None = None,
        *,
        largest: int = LONGEST_ANSWER_BYTES,
    ) -> Answer:
        """Return the answer to one request below the base, of at most ``largest`` bytes.

        A token that the server refuses is asked for anew, once.

        Raises:
            UnavailableError: If the server cannot be reached or does not answer in time.
            ForbiddenError: If the authorization server refuses us.
            PermanentError: If its answer is larger than we read.
        """
        used = self._credentials()
        answer = self._asked(method, path, headers | used, content, largest)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self.credentials.refused()
            renewed = self._credentials()
            if renewed != used:
                return self._asked(method, path, headers | renewed, content, largest)
        return answer

    def _asked(self, method: str, path: str, headers: dict[str, str], content: bytes | None, largest: int) -> Answer:
        deadline = time.monotonic() + self.timeout_s * _WHOLE_ANSWER_TIMEOUTS
        url = f"{self.base.rstrip('/')}/{path}".rstrip("/")
        try:
            with self.client.stream(method, url, headers=headers, content=content) as response:
                return Answer(response.status_code, response.headers, _bounded(response, self.base, deadline, largest))
        except (httpx.TransportError, httpx.DecodingError, httpx.InvalidURL) as error:
            before = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
            raise transport_error(self.base, type(error).__name__, str(error), connected=not before) from error

    def _credentials(self) -> dict[str, str]:
        """Return the header fields that say who we are.

        Raises:
            NotReachedError: If there are none just now; nothing has left us.
        """
        try:
            return self.credentials.headers()
        except UnavailableError as error:
            raise NotReachedError(f"{self.base}: {error}") from error

    def close(self) -> None:
        """Close the connections."""
        self.client.close()


def _bounded(response: httpx.Response, base: str, deadline: float, largest: int) -> bytes:
    chunks = []
    size = 0
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > largest:
            raise PermanentError(f"{base} answered with more than {largest} bytes")
        if time.monotonic() > deadline:
            raise UnavailableError(f"{base} answers too slowly")
        chunks.append(chunk)
    return b"".join(chunks)
