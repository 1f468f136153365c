"""HTTP towards one configured server: bounded answers and waits, no redirects, no proxies, no URL out of an answer."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from services.results.deliver.adapters.answers import retry_after_s, transport_error
from shared.domain.errors import PermanentError, UnavailableError

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
    token_file: Path | None = None
    client: httpx.Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        client = httpx.Client(timeout=self.timeout_s, follow_redirects=False, trust_env=False)
        object.__setattr__(self, "client", client)

    def call(self, method: str, path: str, headers: dict[str, str], content: bytes | None = None) -> Answer:
        """Return the answer to one request below the base.

        Raises:
            UnavailableError: If the server cannot be reached or does not answer in time.
            PermanentError: If its answer is larger than we read.
        """
        deadline = time.monotonic() + self.timeout_s * _WHOLE_ANSWER_TIMEOUTS
        url = f"{self.base.rstrip('/')}/{path}".rstrip("/")
        try:
            with self.client.stream(method, url, headers=headers | self._authorization(), content=content) as response:
                return Answer(response.status_code, response.headers, _bounded(response, self.base, deadline))
        except (httpx.TransportError, httpx.DecodingError, httpx.InvalidURL) as error:
            before = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
            raise transport_error(self.base, type(error).__name__, str(error), connected=not before) from error

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def _authorization(self) -> dict[str, str]:
        """Return the bearer token; the file is read each time, because tokens are renewed."""
        if self.token_file is None:
            return {}
        try:
            return {"Authorization": f"Bearer {self.token_file.read_text(encoding='ascii').strip()}"}
        except OSError as error:
            raise PermanentError(f"the token of {self.base} cannot be read: {error.strerror}") from error


def _bounded(response: httpx.Response, base: str, deadline: float) -> bytes:
    chunks = []
    size = 0
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > LONGEST_ANSWER_BYTES:
            raise PermanentError(f"{base} answered with more than {LONGEST_ANSWER_BYTES} bytes")
        if time.monotonic() > deadline:
            raise UnavailableError(f"{base} answers too slowly")
        chunks.append(chunk)
    return b"".join(chunks)
