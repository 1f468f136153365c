"""JSON documents of authorization servers: bounded, without redirects, and only over https (http on this machine)."""

from __future__ import annotations

import json
import ssl
from typing import Any
from urllib.parse import urlsplit

import httpx

from shared.domain.errors import InvalidInputError, UnavailableError
from shared.security.loopback import is_loopback

MAX_DOCUMENT_BYTES = 256 * 1024
TIMEOUT_S = 5.0
"""Longest wait for each step of a request, in seconds."""


def fetch(
    url: str, who: str, *, form: dict[str, str] | None = None, authority_file: str = ""
) -> tuple[int, dict[str, Any]]:
    """Return status and document of a GET, or of a POST of a form; a document that is no object is an empty one.

    ``who``: what errors call the server. ``authority_file``: PEM with the authority of its certificate.

    Raises:
        UnavailableError: If it cannot be reached, or what comes is too long or no JSON.
    """
    trust = ssl.create_default_context(cafile=authority_file or None)
    try:
        with (
            httpx.Client(verify=trust, timeout=TIMEOUT_S, follow_redirects=False, trust_env=False) as http,
            http.stream("POST" if form else "GET", url, headers={"Accept": "application/json"}, data=form) as answer,
        ):
            document = json.loads(_bounded(answer, who) or b"{}")
    except (httpx.HTTPError, OSError, ValueError, RecursionError) as error:
        raise UnavailableError(f"{who} cannot be read ({type(error).__name__})") from error
    return answer.status_code, document if isinstance(document, dict) else {}


def require_trustworthy(url: str, element: str) -> None:
    """Check that nobody on the way can read or change what is said there.

    Raises:
        InvalidInputError: If it is neither https nor on this machine.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and is_loopback(parts.hostname or ""):
        return
    raise InvalidInputError(element, "must be an https URL (http only on this machine)")


def _bounded(answer: httpx.Response, who: str) -> bytes:
    body = bytearray()
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > MAX_DOCUMENT_BYTES:
            raise UnavailableError(f"{who}'s document is too long")
    return bytes(body)
