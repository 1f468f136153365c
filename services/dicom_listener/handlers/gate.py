"""Whether a door may let anybody in: asked before a byte of an object is read, so that nobody sends in vain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event

import structlog

from shared.domain.refusals import Cause

log = structlog.get_logger("oncorelay.dicom_listener")


@dataclass(slots=True)
class LedgerPulse:
    """How long the ledger has not answered; ``__call__`` asks it once and runs on one thread."""

    healthy: Callable[[], bool]
    ticks: Callable[[], float]
    _answered_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._answered_at = self.ticks()

    def __call__(self) -> None:
        """Ask."""
        if self.healthy():
            self._answered_at = self.ticks()

    def silent_s(self) -> float:
        """Return the seconds since it last answered, or since we began to ask."""
        return self.ticks() - self._answered_at


@dataclass(frozen=True, slots=True)
class Watermarks:
    """Beyond these nobody is let in."""

    min_free_bytes: int
    max_backlog: int
    """Objects that wait to be judged."""
    ledger_grace_s: float
    """The ledger may be silent for so long: what arrives meanwhile waits in the outbox."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Implements ``ports.inbox.Gatekeeper``: thread-safe, and open again as soon as the trouble is over."""

    marks: Watermarks
    free_bytes: Callable[[], int]
    """Raises OSError where the disk does not say."""
    backlog: Callable[[], int]
    ledger: LedgerPulse
    journal_well: Callable[[], bool]
    stopping: Event = field(default_factory=Event)
    _shut: set[str] = field(default_factory=set)
    """What was beyond its mark: it counts as well again at a distance from it, or doors would flap."""

    def refusal(self, sender: str) -> Cause | None:  # noqa: ARG002 - the trouble is ours, whoever sends
        """Return why nobody may come in now, or None."""
        if self.stopping.is_set():
            return Cause.STOPPING
        if self.disk():
            return Cause.OUT_OF_SPACE
        if self.ledger_check() or self.journal():
            return Cause.STORE_UNREACHABLE
        return Cause.OVERLOADED if self.waiting() else None

    def checks(self) -> Mapping[str, Callable[[], str]]:
        """Return the health checks: empty text, or what is wrong and what helps."""
        return {"disk": self.disk, "ledger": self.ledger_check, "journal": self.journal, "backlog": self.waiting}

    def disk(self) -> str:
        """Check the free space."""
        try:
            free = self.free_bytes()
        except OSError as error:
            return f"the disk of the blob store does not answer ({type(error).__name__}); check the mount"
        least = self.marks.min_free_bytes
        if not self._beyond("disk", free < least, free >= least * 1.1):
            return ""
        wanted = self.marks.min_free_bytes >> 20
        return (
            f"{free >> 20} MiB of disk are free and {wanted} and a tenth are asked for (min_free_mb; none: too few "
            "inodes); doors refuse until then"
        )

    def _beyond(self, what: str, over: bool, well: bool) -> bool:  # noqa: FBT001 - two sides of one mark
        if over:
            self._shut.add(what)
        elif well:
            self._shut.discard(what)
        return what in self._shut

    def ledger_check(self) -> str:
        """Check how long the ledger has been silent."""
        silent_s = self.ledger.silent_s()
        if silent_s <= self.marks.ledger_grace_s:
            return ""
        return f"results has not answered for {silent_s:.0f} s; doors refuse until it does: is it running?"

    def journal(self) -> str:
        """Check the journal."""
        return "" if self.journal_well() else "the journal could not be synced yet and is tried again; check the disk"

    def waiting(self) -> str:
        """Check how much waits to be judged."""
        count = self.backlog()
        most = self.marks.max_backlog
        if not self._beyond("backlog", count > most, count <= most * 0.9):
            return ""
        return (
            f"{count} objects wait to be judged and {self.marks.max_backlog} may (max_backlog); doors refuse until then"
        )
