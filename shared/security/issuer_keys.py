"""The public keys of one OpenID provider: found by its discovery document and nowhere else, cached, rotated.

Sources: OpenID Connect Discovery 1.0 section 4; RFC 7517 (JWK Set).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import Any

import httpx
import jwt

from shared.domain.errors import InvalidInputError, UnauthenticatedError, UnavailableError
from shared.security.documents import fetch, require_trustworthy

MAX_KEYS = 100
FRESH_S = 600.0
"""Keys are fetched again after this time, in seconds."""
STALE_S = 24 * 3600.0
"""Keys of a provider that cannot be reached are trusted for this time, in seconds; then nobody gets in."""
PAUSE_S = 10.0
"""An unknown key makes us ask the provider again, but never more often than this, in seconds."""
_LONGEST_FETCH_S = 5.0
"""A caller with a key nobody knows yet waits so long for the provider, in seconds."""


@dataclass
class IssuerKeys:
    """Signing keys by key id; thread-safe."""

    issuer: str
    clock: Callable[[], float]
    """Monotonic, in seconds."""
    authority_file: str = ""
    """PEM file with the authority of the provider's certificate; empty: the system's."""
    _keys: dict[str, jwt.PyJWK] = field(default_factory=dict)
    _fetched: float = float("-inf")
    _asked: float = float("-inf")
    _fetching: Thread | None = None
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        require_trustworthy(self.issuer, "issuer")

    def key(self, key_id: str) -> jwt.PyJWK:
        """Return the key of this id, fetching the provider's keys where ours are old or do not have it.

        One fetch at a time, by a thread of its own; who asks for a known key never waits for it.

        Raises:
            UnauthenticatedError: If the provider has no such key.
            UnavailableError: If the provider cannot be asked and what we know is too old.
        """
        now = self.clock()
        found, known_for = self._known(key_id)
        if found is not None and now - known_for <= STALE_S:
            if now - known_for > FRESH_S:
                self._begin(now)  # this caller does not wait: the key is one we trust
            return found
        fetching = self._begin(now)
        if fetching is not None:
            fetching.join(_LONGEST_FETCH_S)
        found, known_for = self._known(key_id)
        if self.clock() - known_for > STALE_S:
            raise UnavailableError("the OpenID provider cannot be reached, so no token can be checked")
        if found is None:
            raise UnauthenticatedError("the token is signed with a key its issuer does not publish")
        return found

    def _known(self, key_id: str) -> tuple[jwt.PyJWK | None, float]:
        with self._lock:
            return self._keys.get(key_id), self._fetched

    def _begin(self, now: float) -> Thread | None:
        """Return the fetch that is under way, having begun it where that is due; None where it is not."""
        with self._lock:
            if self._fetching is not None and self._fetching.is_alive():
                return self._fetching
            if now - self._asked < PAUSE_S:
                return None
            self._asked = now
            self._fetching = Thread(target=self._refresh, args=(now,), name="issuer-keys", daemon=True)
            self._fetching.start()
            return self._fetching

    def _refresh(self, now: float) -> None:
        try:
            keys = self._fetch()
        except UnavailableError:
            return
        with self._lock:
            self._keys, self._fetched = keys, now

    def _fetch(self) -> dict[str, jwt.PyJWK]:
        document = self._get(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if document.get("issuer") != self.issuer:
            raise UnavailableError("the discovery document names another issuer")
        place = str(document.get("jwks_uri", ""))
        try:
            require_trustworthy(place, "jwks_uri")
        except InvalidInputError as error:
            raise UnavailableError("the provider's keys are not behind https") from error
        return _parsed(self._get(place))

    def _get(self, url: str) -> dict[str, Any]:
        status, document = fetch(url, "the OpenID provider", authority_file=self.authority_file)
        if status != httpx.codes.OK:
            raise UnavailableError(f"the OpenID provider answered {status}")
        return document


def _parsed(document: dict[str, Any]) -> dict[str, jwt.PyJWK]:
    """Return the signing keys we can use; symmetric ones, and keys for encryption, are none."""
    rows = document.get("keys")
    keys: dict[str, jwt.PyJWK] = {}
    for row in rows[:MAX_KEYS] if isinstance(rows, list) else ():
        if not isinstance(row, dict) or row.get("kty") not in ("RSA", "EC") or row.get("use", "sig") != "sig":
            continue
        try:
            keys[str(row.get("kid", ""))] = jwt.PyJWK(row)
        except jwt.PyJWTError:
            continue
    return keys
