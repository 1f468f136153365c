"""A service's own access token at a FHIR server: SMART Backend Services (SMART App Launch 2.2, "Backend Services").

client_credentials with a signed JWT in place of a password (RFC 7523 section 2.2): ``private_key_jwt``, RS384 or ES384.
Several services speak to FHIR servers, so it stands here, beside the check of the tokens that others bring us.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from shared.domain.errors import ForbiddenError, InvalidInputError, UnavailableError
from shared.security.documents import fetch, require_trustworthy
from shared.security.token_settings import BackendSettings

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_FRESH_S = 30.0
"""A token that ends within this time is not used any more, in seconds."""
_SHORTEST_S = 5.0
"""A token without, or with a shorter, stated life is used for so long, in seconds."""
_LONGEST_S = 3600.0
_MIN_RSA_BITS = 2048
_EC_BITS = 384
_NEEDS = {"RS384": f"an RSA key of {_MIN_RSA_BITS} bits or more", "ES384": "an elliptic-curve key on P-384"}
"""RFC 7518 3.3 and 3.4."""
_OTHERS = 0o077
_REFUSED = frozenset({400, 401, 403})
"""RFC 6749 5.2: what the token endpoint answers when it will not."""


class Credentials(Protocol):
    """What a request to a FHIR server carries to say who asks."""

    def headers(self) -> dict[str, str]:
        """Return the header fields.

        Raises:
            UnavailableError: If they cannot be had now.
            ForbiddenError: If they are refused to us.
        """
        ...

    def refused(self) -> None:
        """Hear that the server did not take them (401): the next ones are new."""
        ...


@dataclass(frozen=True, slots=True)
class NoCredentials:
    """A server on this machine, or behind a proxy that knows us."""

    def headers(self) -> dict[str, str]:
        """Return nothing."""
        return {}

    def refused(self) -> None:
        """Nothing can be renewed."""


@dataclass(frozen=True, slots=True)
class TokenFile:
    """A token that somebody else renews."""

    path: Path

    def headers(self) -> dict[str, str]:
        """Return it as it lies there now."""
        try:
            return {"Authorization": f"Bearer {self.path.read_text(encoding='ascii').strip()}"}
        except (OSError, ValueError) as error:
            raise UnavailableError(f"{self.path} cannot be read ({type(error).__name__})") from None

    def refused(self) -> None:
        """It is read each time anyhow."""


@dataclass
class BackendServices:
    """Tokens for one FHIR server, kept until they end; thread-safe."""

    settings: BackendSettings
    fhir_url: str
    clock: Callable[[], float] = time.monotonic
    """In seconds."""
    now: Callable[[], float] = time.time
    """Seconds since 1970."""
    _token: str = field(default="", repr=False)
    _ends: float = float("-inf")
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        """Look at URL and key at once, so that a service that cannot work does not start.

        Raises:
            InvalidInputError: If the key is missing, open to others, or not of the
                algorithm; or a URL is not https.
        """
        require_trustworthy(self.fhir_url, "url")
        if self.settings.token_url:
            require_trustworthy(self.settings.token_url, "token_url")
        _private_key(self.settings)

    def headers(self) -> dict[str, str]:
        """Return the bearer token, asking for one where there is none that holds.

        Raises:
            UnavailableError: If the authorization server cannot be asked.
            ForbiddenError: If it refuses us; names its error code.
        """
        with self._lock:
            if self.clock() >= self._ends:
                self._renew()
            return {"Authorization": f"Bearer {self._token}"}

    def refused(self) -> None:
        """Forget the token."""
        with self._lock:
            self._ends = float("-inf")

    def _renew(self) -> None:
        endpoint = self.settings.token_url or self._discovered()
        form = {
            "grant_type": "client_credentials",
            "scope": self.settings.scope,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._assertion(endpoint),
        }
        asked = self.clock()
        status, answer = fetch(endpoint, "the authorization server", form=form, authority_file=self._authority)
        if status in _REFUSED:
            raise ForbiddenError(f"the authorization server refuses us: {_code(answer)}")
        token, kind = answer.get("access_token"), str(answer.get("token_type", "")).lower()
        if status != 200 or not isinstance(token, str) or not token.isascii() or kind != "bearer":
            raise UnavailableError(f"the authorization server answered {status} without a bearer token")
        life = _life(answer.get("expires_in"))
        self._token, self._ends = token, asked + life - min(_FRESH_S, life / 2)

    def _discovered(self) -> str:
        url = f"{self.fhir_url.rstrip('/')}/.well-known/smart-configuration"
        status, document = fetch(url, "the FHIR server's SMART configuration", authority_file=self._authority)
        endpoint = str(document.get("token_endpoint", ""))
        try:
            require_trustworthy(endpoint, "token_endpoint")
        except InvalidInputError as error:
            raise UnavailableError(f"{url} answered {status} and names no token endpoint behind https") from error
        return endpoint

    def _assertion(self, endpoint: str) -> str:
        now = int(self.now())
        claims = {
            "iss": self.settings.client_id, "sub": self.settings.client_id, "aud": endpoint,
            "iat": now, "exp": now + self.settings.lifetime_s, "jti": str(uuid.uuid4()),
        }  # fmt: skip
        headers = {"kid": self.settings.key_id, "typ": "JWT"}
        return jwt.encode(claims, _private_key(self.settings), algorithm=self.settings.algorithm, headers=headers)

    @property
    def _authority(self) -> str:
        return str(self.settings.authority_file or "")


def _private_key(settings: BackendSettings) -> RSAPrivateKey | EllipticCurvePrivateKey:
    """Return the key, read anew each time: it can be replaced while the service runs.

    Raises:
        InvalidInputError: See ``BackendServices``.
    """
    path = settings.key_file
    try:
        if path.stat().st_mode & _OTHERS:
            raise InvalidInputError("key_file", f"{path} is open to others: chmod 600 it")
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise InvalidInputError("key_file", f"{path} cannot be read as a PEM key ({type(error).__name__})") from None
    if settings.algorithm == "RS384" and isinstance(key, RSAPrivateKey) and key.key_size >= _MIN_RSA_BITS:
        return key
    if settings.algorithm == "ES384" and isinstance(key, EllipticCurvePrivateKey) and key.key_size == _EC_BITS:
        return key
    raise InvalidInputError("key_file", f"{settings.algorithm} needs {_NEEDS[settings.algorithm]}")


def _code(answer: dict[str, Any]) -> str:
    """Return the error code of RFC 6749 5.2; anything else is not repeated."""
    code = answer.get("error")
    known = {"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
             "invalid_scope"}  # fmt: skip
    return code if code in known else "without a code we know"


def _life(stated: object) -> float:
    seconds = float(stated) if isinstance(stated, int | float) and not isinstance(stated, bool) else _SHORTEST_S
    return min(max(seconds, _SHORTEST_S), _LONGEST_S)
