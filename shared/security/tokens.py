"""Bearer tokens on HTTP doors (RFC 6750): who calls, and what that caller may. A door without a gate does not open."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shared.domain.errors import ForbiddenError, OncoRelayError, UnauthenticatedError

MIN_KEY_CHARACTERS = 16
EVERYTHING = "*"
"""The scope of a key that may do all that its door offers."""
_HOW = "make one with:  umask 077; mkdir -p '{folder}'; openssl rand -hex 32 > '{path}'"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who proved to be there, and what for."""

    name: str
    """Name of the key, or the token's client (else subject): goes into logs and the ledger."""
    scopes: frozenset[str]

    def require(self, scope: str) -> None:
        """Go on only with this scope.

        Raises:
            ForbiddenError: If the caller does not have it.
        """
        if scope not in self.scopes and EVERYTHING not in self.scopes:
            raise ForbiddenError(f"{self.name} has not the scope {scope}")


class Gate(Protocol):
    """What an HTTP door asks before it looks at anything else."""

    def caller(self, authorization: str) -> Caller:
        """Return who calls, by the value of the Authorization header (empty where there is none).

        Raises:
            UnauthenticatedError: If it proves nobody.
            UnavailableError: If that cannot be told right now.
        """
        ...


def bearer(authorization: str) -> str:
    """Return the token of an Authorization header.

    Raises:
        UnauthenticatedError: If there is none.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise UnauthenticatedError("a bearer token is needed")
    return token.strip()


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a file; only its digest is kept in memory."""

    name: str
    digest: bytes
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class KeyGate:
    """Keys that somebody handed out: right for one machine, or one sender that cannot do better."""

    keys: tuple[Key, ...]

    def caller(self, authorization: str) -> Caller:
        """Compare with every key, in the same time whichever fits."""
        digest = _digest(bearer(authorization))
        fitting = [key for key in self.keys if hmac.compare_digest(key.digest, digest)]
        if not fitting:
            raise UnauthenticatedError("a bearer token is needed")
        return Caller(fitting[0].name, fitting[0].scopes)


@dataclass(frozen=True, slots=True)
class AnyGate:
    """Several ways to prove who one is; the first that knows the token counts."""

    gates: Sequence[Gate]

    def caller(self, authorization: str) -> Caller:
        """Ask one gate after the other.

        Raises:
            OncoRelayError: What the last gate said.
        """
        refused: OncoRelayError = UnauthenticatedError("a bearer token is needed")
        for gate in self.gates:
            try:
                return gate.caller(authorization)
            except OncoRelayError as error:
                refused = error
        raise refused


def first_key(path: Path) -> str:
    """Return the first key of a key file, for who calls with it; empty where there is none."""
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return next((line[min(1, len(line) - 1)] for line in lines if line and not line[0].startswith("#")), "")


def read_keys(path: Path) -> KeyGate:
    """Read a key file: one key a line as ``NAME KEY [SCOPE ...]`` (``#`` begins a comment), or one bare key.

    A key without scopes may do everything its door offers.

    Raises:
        ForbiddenError: If there is none, or a key is short enough to be guessed.
    """
    how = _HOW.format(folder=path.parent, path=path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ForbiddenError(f"this door needs a bearer token and {path} cannot be read: {how}") from None
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    keys = tuple(_key(line, path) for line in lines)
    if not keys or len({key.name for key in keys}) != len(keys):
        raise ForbiddenError(f"{path} must hold at least one key, each with a name of its own: {how}")
    return KeyGate(keys)


def _key(line: list[str], path: Path) -> Key:
    name, key, *scopes = line if len(line) > 1 else (path.stem, *line)
    if len(key) < MIN_KEY_CHARACTERS:
        how = _HOW.format(folder=path.parent, path=path)
        raise ForbiddenError(f"the bearer token in {path} is shorter than {MIN_KEY_CHARACTERS} bytes: {how}")
    return Key(name, _digest(key), frozenset(scopes or {EVERYTHING}))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
