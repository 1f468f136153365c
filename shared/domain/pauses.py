"""How long whatever hands things on waits after a failure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

_MOST_DOUBLINGS = 20


@dataclass(frozen=True, slots=True)
class Pauses:
    """Pauses that double from failure to failure, in seconds."""

    first_s: float
    longest_s: float

    def after(self, tries: int) -> timedelta:
        """Return the pause after ``tries`` failures."""
        return timedelta(seconds=min(self.longest_s, self.first_s * 2 ** min(tries, _MOST_DOUBLINGS)))
