"""The gate of an HTTP door with a limit on guessing: who fails too often from one address has to wait."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import structlog

from shared.domain.errors import ForbiddenError, OutOfResourcesError, UnauthenticatedError
from shared.security.oidc import oidc_gate
from shared.security.token_settings import OidcSettings
from shared.security.tokens import AnyGate, Caller, Gate, read_keys

log = structlog.get_logger("oncorelay.security")

MAX_ADDRESSES = 10_000


@dataclass
class FailureLimit:
    """A bucket of allowed failures per address, refilled with time; thread-safe, bounded in memory."""

    clock: Callable[[], float] = time.monotonic
    burst: int = 20
    """Failures in a row before an address has to wait."""
    refill_s: float = 3.0
    """One more failure is allowed after this time, in seconds."""
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def blocked(self, address: str) -> bool:
        """Tell whether this address has to wait."""
        with self._lock:
            return self._left(_counted(address)) < 1

    def failed(self, address: str) -> None:
        """Count a failure."""
        address = _counted(address)
        with self._lock:
            left = self._left(address) - 1
            self._buckets[address] = (max(left, 0.0), self.clock())
            self._buckets.move_to_end(address)
            while len(self._buckets) > MAX_ADDRESSES:
                self._buckets.popitem(last=False)

    def _left(self, address: str) -> float:
        left, then = self._buckets.get(address, (float(self.burst), self.clock()))
        return min(float(self.burst), left + (self.clock() - then) / self.refill_s)


def _counted(address: str) -> str:
    """Return what failures are counted by: an IPv4 address; of IPv6 the /64, which is one customer's (RFC 6177)."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """Lets in who proves to be somebody with the scope of the door; slows down who guesses."""

    gate: Gate
    scope: str
    """What a caller must be allowed to do here."""
    failures: FailureLimit = field(default_factory=FailureLimit)

    def admit(self, authorization: str, address: str) -> Caller:
        """Return who calls.

        Raises:
            OutOfResourcesError: If this address failed too often; it may come back in a while.
            UnauthenticatedError: If the token proves nobody.
            ForbiddenError: If the caller has not the scope.
            UnavailableError: If tokens cannot be checked right now.
        """
        if self.failures.blocked(address):
            raise OutOfResourcesError("too many failed attempts from this address: try again later")
        try:
            caller = self.gate.caller(authorization)
            caller.require(self.scope)
        except ForbiddenError as error:
            self.failures.failed(address)
            log.warning("caller_refused", address=address, known=not isinstance(error, UnauthenticatedError))
            raise
        return caller


def open_door(key_file: Path | None, oidc: OidcSettings | None, scope: str) -> Doorkeeper:
    """Return who guards a door: keys from a file, tokens of a provider, or both.

    Raises:
        ForbiddenError: If there is neither, or the key file is missing or a key too short.
        InvalidInputError: If the provider is not behind https.
    """
    gates: list[Gate] = [read_keys(key_file)] if key_file is not None else []
    if oidc is not None:
        gates.append(oidc_gate(oidc))
    if not gates:
        raise ForbiddenError("a door without a gate is not opened: name a key file or an oidc table")
    wanted = oidc.scope if oidc is not None and oidc.scope else scope
    return Doorkeeper(gates[0] if len(gates) == 1 else AnyGate(gates), wanted)
