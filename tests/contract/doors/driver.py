"""What the suite needs of a door, whatever it speaks. A new door joins by implementing this."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from shared.domain.refusals import ANSWERS, Cause


@dataclass(frozen=True)
class Heard:
    """What a sender heard."""

    success: bool
    answer: str
    """In the door's own words: ``status A700``, ``reject 2/3/1``, ``503 retry``, ``422 value``, ``AE 207``."""


class DoorDriver(Protocol):
    """One door in a process of its own."""

    troubles: frozenset[Cause]
    """Causes that need the process to be started with other settings."""
    provoked: Mapping[Cause, Callable[[], Heard]]
    """How each cause that this door can meet is provoked from outside."""

    def start(self, trouble: Cause | None = None) -> None:
        """Start the process, in this trouble."""
        ...

    def send_good(self) -> Heard:
        """Send something new that is right."""
        ...

    def holds_all(self) -> bool:
        """Tell whether everything that was answered with success is there, by another way than the sender's."""
        ...

    def expected(self, cause: Cause) -> Heard:
        """Return what the table says that a sender hears."""
        ...

    def kill(self) -> None:
        """End the process at once (SIGKILL)."""
        ...


def http_refusal(cause: Cause) -> str:
    """Return what an HTTP door answers for a request it refuses as a whole."""
    row = ANSWERS[cause]
    return f"{row.http}{' retry' if row.transient else ''}"
