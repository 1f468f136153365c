"""What serve needs from the ledger to take a study in."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from shared.domain.audit import Anchor
from shared.domain.study import Study


class Studies(Protocol):
    """Where complete studies become cases."""

    def submit(self, request_id: str, study: Study, predictors: tuple[str, ...], now: datetime) -> tuple[str, ...]:
        """Open, or look again at, one case per predictor; return their ids."""
        ...


class Chain(Protocol):
    """The audit chain."""

    def anchor(self, now: datetime) -> Anchor:
        """Return its head."""
        ...

    def hash_of(self, number: int) -> str:
        """Return the hash of a row; empty where there is none."""
        ...


class Anchors(Protocol):
    """A place outside the ledger where heads of the chain are kept."""

    def write(self, anchor: Anchor) -> None:
        """Keep one.

        Raises:
            UnavailableError: If it cannot be kept there now.
        """
        ...


class Notices(Protocol):
    """Where a person is told."""

    def notice(self, request_id: str, kind: str, text: str, case_id: str, now: datetime) -> str:
        """Record something a person must see; return its id."""
        ...
