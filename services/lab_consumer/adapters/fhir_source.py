"""The configured FHIR server over HTTP: bounded answers and waits, no redirects, no proxies, its own pages only."""

from __future__ import annotations

import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

import httpx

from services.lab_consumer.ports.pulling import BusyError, GoneError
from shared.domain.errors import ForbiddenError, OncoRelayError, PermanentError, UnavailableError
from shared.security.backend_services import Credentials
from shared.security.documents import require_trustworthy

_WHOLE_ANSWER_TIMEOUTS = 3
"""An answer that trickles in is cut off after so many timeouts; each single wait is bounded by one."""
_LONGEST_PAUSE_S = 3600.0
_HEADERS = {"Accept": "application/fhir+json", "Prefer": "handling=strict", "User-Agent": "OncoRelay"}
"""``handling=strict``: a search whose parameter the server does not know must fail, not return everything."""


@dataclass(frozen=True, slots=True)
class HttpFhirSource:
    """The port ``FhirSource``; thread-safe; the owner closes it."""

    url: str
    credentials: Credentials
    timeout_s: float
    max_bytes: int
    """Of one answer."""
    authority_file: str = ""
    client: httpx.Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Look at the URL at once.

        Raises:
            InvalidInputError: If it is not https.
        """
        require_trustworthy(self.url, "fhir_server.url")
        trust = ssl.create_default_context(cafile=self.authority_file or None)
        client = httpx.Client(verify=trust, timeout=self.timeout_s, follow_redirects=False, trust_env=False)
        object.__setattr__(self, "client", client)

    def read(self, resource_type: str, resource_id: str) -> bytes | None:
        """Return a resource; None where there is none of this id."""
        try:
            return self._asked("GET", f"{self._base}/{resource_type}/{resource_id}")
        except _MissingError:
            return None

    def changed(self, resource_type: str, since: str, page_size: int) -> bytes:
        """Return the first page of what changed after ``since``, oldest first."""
        query = httpx.QueryParams({"_lastUpdated": f"gt{since}", "_sort": "_lastUpdated", "_count": str(page_size)})
        return self._asked("GET", f"{self._base}/{resource_type}?{query}")

    def search(self, resource_type: str, parameters: Sequence[tuple[str, str]]) -> bytes:
        """Return the first page of a search by POST (R4 3.1.1.7): URLs end in logs of servers and proxies."""
        return self._asked("POST", f"{self._base}/{resource_type}/_search", dict(parameters))

    def page(self, link: str) -> bytes:
        """Return another page."""
        url = urljoin(f"{self._base}/", link)
        wanted, mine = urlsplit(url), urlsplit(self._base)
        if (wanted.scheme, wanted.netloc) != (mine.scheme, mine.netloc):
            raise PermanentError("the next page is said to lie on another server: it is not fetched")
        return self._asked("GET", url)

    def capability(self) -> bytes:
        """Return ``/metadata``."""
        return self._asked("GET", f"{self._base}/metadata")

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    @property
    def _base(self) -> str:
        return self.url.rstrip("/")

    def _asked(self, method: str, url: str, form: dict[str, str] | None = None) -> bytes:
        try:
            return self._once(method, url, form)
        except _UnknownError:
            self.credentials.refused()
        try:
            return self._once(method, url, form)
        except _UnknownError:
            raise ForbiddenError("the FHIR server does not take our credentials (401)") from None

    def _once(self, method: str, url: str, form: dict[str, str] | None) -> bytes:
        deadline = time.monotonic() + self.timeout_s * _WHOLE_ANSWER_TIMEOUTS
        headers = _HEADERS | self.credentials.headers()
        try:
            with self.client.stream(method, url, headers=headers, data=form) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise _refusal(answer)
                return self._bounded(answer, deadline)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UnavailableError(f"the FHIR server cannot be asked ({type(error).__name__})") from None

    def _bounded(self, answer: httpx.Response, deadline: float) -> bytes:
        body = bytearray()
        for chunk in answer.iter_bytes():
            body += chunk
            if len(body) > self.max_bytes:
                raise PermanentError(f"the FHIR server answered with more than {self.max_bytes} bytes")
            if time.monotonic() > deadline:
                raise UnavailableError("the FHIR server answers too slowly")
        return bytes(body)


class _MissingError(PermanentError):
    """404."""


class _UnknownError(PermanentError):
    """401."""


def _refusal(answer: httpx.Response) -> OncoRelayError:
    status = answer.status_code
    if status in (401, 404, 410):
        return {401: _UnknownError, 404: _MissingError, 410: GoneError}[status](f"the FHIR server answered {status}")
    if status in (429, 503):
        return BusyError(f"the FHIR server is busy ({status})", _after_s(answer.headers.get("Retry-After", "")))
    if status in (403,):
        return ForbiddenError("the FHIR server forbids it to us (403)")
    return (UnavailableError if status >= 500 or status == 408 else PermanentError)(
        f"the FHIR server answered {status}"
    )


def _after_s(text: str) -> float:
    """Return the pause of a Retry-After header (RFC 9110 10.2.3) in seconds; 0 where there is none."""
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_PAUSE_S)
    try:
        pause = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return 0.0
    return min(max(pause, 0.0), _LONGEST_PAUSE_S)
