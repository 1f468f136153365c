"""Access tokens of an OpenID provider (JWT, RFC 9068 and RFC 8725): issuer, audience, times, algorithm, scope."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import jwt

from shared.domain.errors import UnauthenticatedError
from shared.security.issuer_keys import IssuerKeys
from shared.security.token_settings import OidcSettings
from shared.security.tokens import Caller, bearer

ALGORITHMS = {
    "RS256": "RSA", "RS384": "RSA", "PS256": "RSA",
    "ES256": "EC", "ES384": "EC",
}  # fmt: skip
"""Signatures we take, and the kind of key each needs (RFC 7518 3.1). No ``none``, no shared secrets."""

MAX_TOKEN_CHARACTERS = 8192
MIN_RSA_BITS = 2048
MAX_REMEMBERED = 100_000
_TYPES = {"at+jwt", "application/at+jwt", "jwt"}
_REQUIRED = ["exp", "iss", "aud", "sub"]


@dataclass
class OidcGate:
    """A gate for tokens of one provider."""

    settings: OidcSettings
    keys: IssuerKeys
    now: Callable[[], float] = time.time
    """Seconds since 1970."""
    _used: OrderedDict[str, float] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def caller(self, authorization: str) -> Caller:
        """Check signature, issuer, audience and times; return the client with its scopes.

        Raises:
            UnauthenticatedError: If anything is not as it must be; says what, and nothing of the token.
            UnavailableError: If the provider cannot be reached.
        """
        claims = self._claims(bearer(authorization))
        if self.settings.single_use:
            self._use_once(claims)
        scopes = claims.get("scope", claims.get("scp", ""))
        listed = scopes if isinstance(scopes, list) else str(scopes).split()
        name = str(claims.get("client_id") or claims.get("azp") or claims["sub"])
        return Caller(name[:128], frozenset(str(scope) for scope in listed))

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            if len(token) > MAX_TOKEN_CHARACTERS:
                raise UnauthenticatedError("the token is too long")
            header = jwt.get_unverified_header(token)
            key = self._key(header)
            claims: dict[str, Any] = jwt.decode(
                token, key.key, algorithms=[header["alg"]], audience=self.settings.audience,
                issuer=self.settings.issuer, leeway=self.settings.leeway_s,
                options={"require": _REQUIRED, "verify_iat": True, "verify_nbf": True, "strict_aud": False},
            )  # fmt: skip
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise UnauthenticatedError(f"the token is not valid here ({type(error).__name__})") from None
        return claims

    def _key(self, header: dict[str, Any]) -> jwt.PyJWK:
        algorithm = str(header.get("alg"))
        if algorithm not in ALGORITHMS:
            raise UnauthenticatedError(f"tokens must be signed with one of {', '.join(ALGORITHMS)}")
        if str(header.get("typ", "jwt")).lower() not in _TYPES or "crit" in header:
            raise UnauthenticatedError("this is not an access token")
        key = self.keys.key(str(header.get("kid", "")))
        if key.key_type != ALGORITHMS[algorithm] or getattr(key.key, "key_size", 256) < _least_bits(algorithm):
            raise UnauthenticatedError("the signing key does not fit the signature's algorithm")
        return key

    def _use_once(self, claims: dict[str, Any]) -> None:
        token_id, now = str(claims.get("jti", "")), self.now()
        if not token_id:
            raise UnauthenticatedError("the token has no jti, and each may be used once only")
        with self._lock:
            while self._used and (next(iter(self._used.values())) < now or len(self._used) >= MAX_REMEMBERED):
                self._used.popitem(last=False)
            if token_id in self._used:
                raise UnauthenticatedError("the token was used before")
            self._used[token_id] = float(claims["exp"]) + self.settings.leeway_s


def _least_bits(algorithm: str) -> int:
    return MIN_RSA_BITS if ALGORITHMS[algorithm] == "RSA" else int(algorithm[2:])


def oidc_gate(settings: OidcSettings) -> OidcGate:
    """Return the gate of one provider; nothing is fetched before the first token comes.

    Raises:
        InvalidInputError: If the issuer is not an https URL.
    """
    return OidcGate(settings, IssuerKeys(settings.issuer, time.monotonic, str(settings.authority_file or "")))
