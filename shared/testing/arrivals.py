"""What doors tell, kept in order, and a gate that a test opens and shuts."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from shared.domain.refusals import Cause


@dataclass(slots=True)
class RecordedArrivals:
    """An ``Arrivals`` of the listener that remembers every call as a tuple: its name, then its arguments."""

    calls: list[tuple[Any, ...]] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def opened(self, association: int, sender: str) -> None:
        """Remember."""
        self._keep("opened", association, sender)

    def stored(self, stored: Any) -> None:
        """Remember."""
        self._keep("stored", stored.announced.association, stored)

    def refused(self, association: int, cause: Cause) -> None:
        """Remember."""
        self._keep("refused", association, cause)

    def ended(self, association: int, *, released: bool) -> None:
        """Remember."""
        self._keep("ended", association, released)

    def objects(self) -> list[Any]:
        """Return what was stored, in order."""
        return [call[2] for call in self.named("stored")]

    def named(self, name: str) -> list[tuple[Any, ...]]:
        """Return the calls of one name, in order."""
        with self._lock:
            return [call for call in self.calls if call[0] == name]

    def _keep(self, *call: Any) -> None:
        with self._lock:
            self.calls.append(call)


@dataclass(slots=True)
class Gate:
    """A ``Gatekeeper`` that lets everybody in until a test says why not."""

    cause: Cause | None = None

    def refusal(self, sender: str) -> Cause | None:  # noqa: ARG002 - the same for all
        """Return the cause."""
        return self.cause
