"""What every sender was told: the one record the system is held against."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Told:
    """Written by the senders; thread-safe."""

    acknowledged: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """Study Instance UID -> SOP Instance UID -> sha256 of the data set that Success was answered to."""
    refusals: Counter[str] = field(default_factory=Counter)
    """Answers other than Success, and broken connections, by kind."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _count: int = 0

    @property
    def count(self) -> int:
        """Return how many instances were acknowledged."""
        return self._count

    def success(self, study: str, instance: str, digest: bytes) -> None:
        """Note a Success."""
        with self._lock:
            known = self.acknowledged.setdefault(study, {})
            self._count += instance not in known
            known[instance] = digest

    def refused(self, kind: str) -> None:
        """Note that something was not taken."""
        with self._lock:
            self.refusals[kind] += 1

    def of(self, study: str) -> dict[str, bytes]:
        """Return what was acknowledged of a study."""
        return self.acknowledged.get(study, {})


@dataclass
class Turnstile:
    """Lets as many instances pass as the schedule of faults has come to: every fault strikes live traffic."""

    told: Told
    limit: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> bool:
        """Wait until one more may be sent; False: the run is over."""
        while self.told.count >= self.limit:
            if self.stopped.wait(0.01):
                return False
        return not self.stopped.is_set()
