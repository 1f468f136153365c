"""Whether the FHIR door may take anything: asked before a body is read, so that nobody sends in vain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from shared.domain.refusals import Cause

_ENOUGH = 1.1
"""A full disk counts as well again at a distance from its mark, or the door would flap."""


@dataclass(slots=True)
class Gate:
    """Thread-safe; ``ask_results`` runs on one thread."""

    free_bytes: Callable[[], int]
    """Raises OSError where the disk does not say."""
    min_free_bytes: int
    database_well: Callable[[], bool]
    results_well: Callable[[], bool]
    ledger_grace_s: float
    """Results may be silent for so long; what arrives meanwhile waits in the outbox."""
    ticks: Callable[[], float]
    _answered_at: float = field(init=False)
    _full: bool = False

    def __post_init__(self) -> None:
        self._answered_at = self.ticks()

    def ask_results(self) -> None:
        """Ask results whether it is there."""
        if self.results_well():
            self._answered_at = self.ticks()

    def refusal(self) -> Cause | None:
        """Return why nothing may come in now, or None."""
        if self._no_space():
            return Cause.OUT_OF_SPACE
        silent = self.ticks() - self._answered_at > self.ledger_grace_s
        return Cause.STORE_UNREACHABLE if silent or not self.database_well() else None

    def _no_space(self) -> bool:
        try:
            free = self.free_bytes()
        except OSError:
            return True
        self._full = free < self.min_free_bytes * (_ENOUGH if self._full else 1)
        return self._full
