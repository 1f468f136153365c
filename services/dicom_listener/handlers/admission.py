"""Who may associate now: titles, addresses, places and rates; the same rules for every DICOM door."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from threading import Lock

from services.dicom_listener.ports.inbox import Gatekeeper
from shared.domain.refusals import Cause
from shared.observability import metrics

_Network = IPv4Network | IPv6Network
REMEDIES: Mapping[Cause, str] = {
    Cause.CALLED_UNKNOWN: "the sender must call us by dicom_listener.ae_title",
    Cause.CALLER_UNKNOWN: "list the title in dicom_listener.calling_ae_titles if it may send",
    Cause.CALLER_FORBIDDEN: "list the address in dicom_listener.allowed_networks, and in networks of its peers table "
    "if it has them; where the table has certificate_name, the sender must show that certificate",
}
"""What an operator does about a rejection that should not have been."""


@dataclass(frozen=True, slots=True)
class Bond:
    """What an AE title must bring with it: anybody can claim a title."""

    certificate_name: str = ""
    """A name its TLS certificate holds; empty: none is asked for."""
    networks: tuple[_Network, ...] = ()
    """Networks it may come from, within those of the rules; empty: any of those."""


@dataclass(frozen=True, slots=True)
class AdmissionRules:
    """See ``config.Settings``."""

    ae_title: str
    calling_ae_titles: frozenset[str]
    networks: tuple[_Network, ...]
    max_associations: int
    max_per_sender: int
    per_minute: int
    """Associations of one sender in a minute, also its burst; 0: no limit."""
    bonds: Mapping[str, Bond] = field(default_factory=dict)
    """By AE title."""


class Admission:
    """Counts places; used by many threads."""

    def __init__(self, rules: AdmissionRules, gatekeeper: Gatekeeper, clock: Callable[[], float] = time.monotonic):
        self._rules, self._gatekeeper, self._clock = rules, gatekeeper, clock
        self._open: Counter[str] = Counter()
        self._allowances: dict[str, _Allowance] = {}
        self._lock = Lock()

    def enter(self, calling: str, called: str, address: str, names: frozenset[str] = frozenset()) -> Cause | None:
        """Take a place, or return why there is none; who got one calls ``leave``. ``names``: of its certificate."""
        cause = self._decide(calling, called, address, names)
        if cause:
            metrics.ASSOCIATIONS_REFUSED.add(cause=cause)
        return cause

    def _decide(self, calling: str, called: str, address: str, names: frozenset[str]) -> Cause | None:
        cause = self._stranger(calling, called, address, names) or self._gatekeeper.refusal(calling)
        if cause:
            return cause
        with self._lock:
            if not (self._has_place(calling) and self._within_rate(calling)):
                return Cause.OVERLOADED
            self._open[calling] += 1
        return None

    def leave(self, calling: str) -> None:
        """Give the place back."""
        with self._lock:
            self._open[calling] -= 1

    def _stranger(self, calling: str, called: str, address: str, names: frozenset[str]) -> Cause | None:
        if called != self._rules.ae_title:
            return Cause.CALLED_UNKNOWN
        if calling not in self._rules.calling_ae_titles:
            return Cause.CALLER_UNKNOWN
        bond = self._rules.bonds.get(calling, Bond())
        proven = not bond.certificate_name or bond.certificate_name in names
        near = not bond.networks or _within(address, bond.networks)
        return None if proven and near and self.is_listed(address) else Cause.CALLER_FORBIDDEN

    def is_listed(self, address: str) -> bool:
        """Tell whether the address lies in a listed network."""
        return _within(address, self._rules.networks)

    def _has_place(self, calling: str) -> bool:
        rules = self._rules
        return self._open.total() < rules.max_associations and self._open[calling] < rules.max_per_sender

    def _within_rate(self, calling: str) -> bool:
        """Only listed titles get here, so the table cannot grow without end."""
        if not self._rules.per_minute:
            return True
        allowance = self._allowances.setdefault(calling, _Allowance(self._rules.per_minute))
        return allowance.take(self._clock())


def _within(address: str, networks: Iterable[_Network]) -> bool:
    """Tell whether an address lies in one of the networks; IPv4 in IPv6 (RFC 4291 2.5.5.2) counts as IPv4."""
    peer = ip_address(address.partition("%")[0])
    peer = getattr(peer, "ipv4_mapped", None) or peer
    return any(peer in network for network in networks)


@dataclass(slots=True)
class _Allowance:
    """A bucket that fills evenly."""

    per_minute: int
    left: float = field(init=False)
    seen: float | None = None

    def __post_init__(self) -> None:
        self.left = float(self.per_minute)

    def take(self, now: float) -> bool:
        if self.seen is not None:
            self.left = min(float(self.per_minute), self.left + (now - self.seen) * self.per_minute / 60)
        self.seen = now
        if self.left < 1:
            return False
        self.left -= 1
        return True
